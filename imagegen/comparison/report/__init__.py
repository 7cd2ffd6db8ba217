"""The reports of a comparison: a page that opens from disk, a picture, tables for people and for programs."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from imagegen import files
from imagegen.comparison.report.thumbnails import make_thumbnail as make_thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from imagegen.comparison.cells import Cell
    from imagegen.comparison.numbers import Numbers
    from imagegen.comparison.report.layout import Sheet


def write_report(
    folder: Path, cells: Iterable[Cell], numbers: Numbers, title: str, facts: Mapping[str, str]
) -> list[Path]:
    """Write ``report.html``, ``report.md``, ``results.csv`` and ``grid.png``, each whole or not at all.

    Args:
        folder: The comparison's; the pictures that cells name are looked for in it.
        cells: What the report shows; all are in memory at once, their pictures never.
        numbers: Made from the same cells.
        title: What was compared.
        facts: Settings and versions, for the foot of the report.

    Returns:
        The files, the page first.
    """
    from imagegen.comparison.report.layout import laid_out
    from imagegen.comparison.report.markdown import lines
    from imagegen.comparison.report.page import page
    from imagegen.comparison.report.rows import write_rows

    kept = list(cells)
    sheet = laid_out(kept, numbers)
    with _whole(folder / "report.html") as file:
        file.writelines(page(folder, sheet, numbers, title, facts))
    with _whole(folder / "report.md") as file:
        file.writelines(f"{line}\n" for line in lines(numbers, title, facts))
    with _whole(folder / "results.csv") as file:
        write_rows(file, kept)
    _draw(folder, sheet, title)
    return [folder / name for name in ("report.html", "report.md", "results.csv", "grid.png")]


@contextmanager
def _whole(target: Path) -> Iterator[IO[str]]:
    """A text file that appears when it is finished. Half characters, which no file holds, become a mark."""
    temporary, handle = files.open_temporary(target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            yield file
        files.give_name(temporary, target, overwrite=True)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _draw(folder: Path, sheet: Sheet, title: str) -> None:
    from imagegen.comparison.report.contact import draw

    buffer = io.BytesIO()
    draw(folder, sheet, title).save(buffer, "PNG")
    files.write_atomic(folder / "grid.png", buffer.getbuffer())
