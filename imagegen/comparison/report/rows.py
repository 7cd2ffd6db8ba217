"""``results.csv``: a row for each cell, fit for a spreadsheet."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING

from imagegen.comparison.report.details import adapted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen.comparison.cells import Cell

_PLAIN = (
    "key", "case", "prompt", "operation", "model", "answered_by", "repeat", "outcome", "refused_pictures",
    "failed_pictures", "error_kind", "error", "billed", "cost_usd", "known_usd", "at_most_usd", "cost_source",
    "total_s", "latency_s", "wait_s", "queue_s", "render_s", "download_s", "first_partial_s", "submits", "retries",
    "started_at", "usable", "fingerprint",
)  # fmt: skip
"""Fields that are written as they are; empty where nothing is known."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may take for the start of a formula; the wide forms are the same to some."""


def write_rows(file: IO[str], cells: Iterable[Cell]) -> None:
    """Write one row a cell."""
    writer = csv.writer(file, lineterminator="\r\n")  # then a lone carriage return is quoted too
    writer.writerow([*_PLAIN, "pictures", "files", "seeds", "adaptations", "findings", "warnings", "tags"])
    for cell in cells:
        writer.writerow([*(_value(getattr(cell, name)) for name in _PLAIN), *map(_value, _lists(cell))])


def _lists(cell: Cell) -> list[object]:
    return [
        len(cell.pictures),
        "; ".join(picture.file for picture in cell.pictures),
        "; ".join(str(picture.seed) for picture in cell.pictures if picture.seed is not None),
        "; ".join(map(adapted, cell.adaptations)),
        "; ".join(f"{each.picture} {each.probe} {each.verdict}" for each in cell.findings),
        "; ".join(cell.warnings),
        "; ".join(cell.tags),
    ]


def _value(value: object) -> object:
    """Text that a spreadsheet could run gets a leading apostrophe; NUL, which no reader of CSV takes, a mark."""
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "\ufffd")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
