"""What is known of one tile, as label and text; and what it is filtered by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen.comparison.report import figures
from imagegen.comparison.report.figures import UNKNOWN
from imagegen.comparison.report.layout import address_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen.comparison.cells import Cell, CellFinding, CellPicture
    from imagegen.comparison.report.layout import Tile

MARKS = {"pass": "\u2713", "fail": "\u2717", "undecided": "?"}
"""Of a probe's verdict."""
_ENOUGH = 600
"""Characters of the values of a finding, and of a request's fields."""
_PARTS = {
    "wait_s": "our own waiting",
    "queue_s": "queue",
    "render_s": "render",
    "download_s": "download",
    "first_partial_s": "first partial after",
}


def facts_of(tile: Tile) -> Iterator[tuple[str, str]]:
    """Everything there is to say, nothing that is not known."""
    cell, picture = tile.cell, tile.picture
    yield "outcome", outcome_of(cell)
    if cell.error:
        yield "error", f"{cell.error_kind}: {cell.error}" if cell.error_kind else cell.error
    if missing := _missing(cell):
        yield "not all came", missing
    yield "cost", cost_of(cell)
    yield "time", _time_of(cell)
    if picture:
        yield from _picture(picture)
    for adaptation in cell.adaptations:
        yield "adapted", adapted(adaptation)
    for finding in tile.findings:
        yield f"probe {finding.probe}", _finding(finding)
    for warning in cell.warnings:
        yield "warning", warning
    yield from _origin(cell)


def outcome_of(cell: Cell) -> str:
    """``ok``, or what happened and whether it was paid."""
    if cell.outcome == "ok":
        return "ok"
    billed = {"no": "not billed", "yes": "billed", "unknown": "nobody knows whether it was billed"}[cell.billed]
    return f"{'outcome unknown' if cell.outcome == 'unknown' else cell.outcome}, {billed}"


def _missing(cell: Cell) -> str:
    refused = f"{cell.refused_pictures} refused" if cell.refused_pictures else ""
    failed = f"{cell.failed_pictures} failed" if cell.failed_pictures else ""
    return ", ".join(filter(None, (refused, failed)))


def cost_of(cell: Cell) -> str:
    """With its source; unknown with what is known of it."""
    if cell.cost_usd is not None:
        pictures = f" for {len(cell.pictures)} pictures" if len(cell.pictures) > 1 else ""
        return f"{figures.usd(cell.cost_usd)}{pictures}" + (f", source: {cell.cost_source}" if cell.cost_source else "")
    known = f", {figures.usd(cell.known_usd)} of it known" if cell.known_usd else ""
    at_most = f", at most {figures.usd(cell.at_most_usd)}" if cell.at_most_usd is not None else ""
    return UNKNOWN + known + at_most


def _time_of(cell: Cell) -> str:
    if cell.total_s is None:
        return UNKNOWN
    parts = ((label, getattr(cell, name)) for name, label in _PARTS.items())
    said = [f"{label} {figures.seconds(value)}" for label, value in parts if value is not None]
    return ", ".join([f"{figures.seconds(cell.total_s)} in all", *said])


def _picture(picture: CellPicture) -> Iterator[tuple[str, str]]:
    yield "picture", f"{picture.width} x {picture.height} px, {picture.media_type}, {picture.size_bytes:,} bytes"
    yield "seed", UNKNOWN if picture.seed is None else str(picture.seed)
    if picture.revised_prompt:
        yield "revised prompt", picture.revised_prompt
    yield "file", picture.file
    yield "sha256", picture.sha256


def adapted(adaptation: Mapping[str, Any]) -> str:
    """``size: asked 10x10, sent 16x16, got 16x16 (multiples of 16)``."""
    said = ", ".join(f"{name} {adaptation[name]}" for name in ("asked", "sent", "got") if name in adaptation)
    why = f" ({adaptation['why']})" if adaptation.get("why") else ""
    return f"{adaptation.get('field', 'request')}: {said}{why}"


def _finding(finding: CellFinding) -> str:
    score = f", score {finding.score:.2f}" if finding.score is not None else ""
    why = f": {finding.why}" if finding.why else ""
    values = f" {_json(finding.values)}" if finding.values else ""
    cost = f" Asking cost {figures.usd(finding.cost_usd)}." if finding.cost_usd is not None else ""
    return f"{MARKS[finding.verdict]} {finding.verdict}{score}{why}{values}{cost}"


def _origin(cell: Cell) -> Iterator[tuple[str, str]]:
    if cell.answered_by:
        yield "answered by", cell.answered_by
    if cell.submits != 1 or cell.retries:
        yield "submits", f"{cell.submits}, {cell.retries} of them retries"
    if cell.started_at:
        yield "started", cell.started_at
    if cell.request_ids:
        yield "request ids", ", ".join(cell.request_ids)
    if cell.fields:
        yield "asked", _json(cell.fields)
    yield "fingerprint", cell.fingerprint


def _json(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= _ENOUGH else said[:_ENOUGH] + "..."


def record_of(tile: Tile, case: int, model: int) -> dict[str, Any]:
    """What the page's script knows of a tile: its place, what it is filtered by, what the dialog shows."""
    return {
        "case": case,
        "model": model,
        "title": title_of(tile),
        "marks": [*marks_of(tile)],
        "source": address_of(tile.picture.file) if tile.picture else None,
        "link": bool(tile.picture and tile.picture.media_type != "image/svg+xml"),
        "facts": list(facts_of(tile)),
    }


def marks_of(tile: Tile) -> Iterator[str]:
    """What a filter may ask for: the outcome, adapted or not, and the verdict of each probe."""
    yield f"outcome {tile.cell.outcome}"
    if tile.cell.adaptations:
        yield "outcome adapted"
    for each in tile.findings:
        yield f"{each.probe}: {each.verdict}"


def title_of(tile: Tile) -> str:
    """``seven-circles by stub:painter, repeat 2, picture 1 of 4``."""
    cell = tile.cell
    several = f", picture {(tile.index or 0) + 1} of {len(cell.pictures)}" if len(cell.pictures) > 1 else ""
    return f"{cell.case} by {cell.model}, repeat {cell.repeat + 1}{several}"
