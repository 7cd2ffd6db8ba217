"""Whether a board shows what was asked for: tic-tac-toe, chess, coloured cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from imagegen.probes.asking import one
from imagegen.probes.boards import Cell, ExpectedGrid, Marks
from imagegen.probes.contract import READER, ErrorRates, Expectation, Finding, Probe, Subject, absent

if TYPE_CHECKING:
    from imagegen.probes.ocr import Reader
    from imagegen.probes.seeing import Pixels

_UNTELLABLE = 0.25
"""Share of cells that cannot be told, above which nothing is said of the others."""


class Grid(Probe):
    """Reads a flat board cell by cell."""

    name = "grid"
    needs = ("numpy", "cv2")
    error_rates: ClassVar[ErrorRates | None] = ErrorRates(
        0.0, 0.008, 0.02, "500 synthetic pictures: tic-tac-toe, chess, coloured cells"
    )

    def expects(self, expectation: Expectation) -> None:
        one(ExpectedGrid, expectation, self.name)

    def look(self, subject: Subject) -> Finding:
        from imagegen.probes.seeing import pixels_of

        wanted = one(ExpectedGrid, subject.expectation, self.name)
        marks = _marks_of(pixels_of(subject.picture, subject.media_type), wanted)
        if marks is None:
            return self.found("undecided", "no board was found that could be read")
        unclear = [cell for cell, mark in marks.items() if mark is None]
        wrong = [
            cell for cell, mark in marks.items() if mark is not None and not _same(mark, wanted.marks.get(cell, ""))
        ]
        score = 1 - (len(wrong) + len(unclear)) / len(marks)
        values = {"cells": len(marks), "wrong": len(wrong), "unclear": len(unclear), "seen": _written(marks)}
        if len(unclear) > _UNTELLABLE * len(marks):
            return self.found("undecided", f"{len(unclear)} cells cannot be told", values=values)
        if wrong:
            row, column = wrong[0]
            shown, asked = marks[wrong[0]] or "nothing", wanted.marks.get(wrong[0], "nothing")
            return self.found("fail", f"row {row + 1}, column {column + 1}: {shown}, not {asked}", score, values=values)
        if unclear:
            return self.found("undecided", f"{len(unclear)} cells cannot be told", score, values=values)
        return self.found("pass", f"all {len(marks)} cells", 1.0, values=values)


def _same(seen: str, wanted: str) -> bool:
    """Colours are compared without ``dark`` and ``light``."""
    return seen == wanted.rpartition(" ")[2]


def _written(marks: Marks) -> str:
    """The marks in one line, row by row; ``?`` for what cannot be told."""
    rows = sorted({row for row, _ in marks})
    columns = sorted({column for _, column in marks})
    separator = " " if any(len(mark or "") > 1 for mark in marks.values()) else ""
    shown = {cell: "?" if mark is None else mark or "." for cell, mark in marks.items()}
    return "/".join(separator.join(shown[row, column] for column in columns) for row in rows)


def _marks_of(image: Pixels, wanted: ExpectedGrid) -> Marks | None:
    if wanted.chess is not None:
        return _pieces(image)
    if wanted.tictactoe is not None:
        return _signs(image)
    return _colours(image, wanted.rows or 0, wanted.columns or 0)


def _signs(image: Pixels) -> Marks | None:
    from imagegen.probes.lines import grid_of, ink_of
    from imagegen.probes.signs import sign_of

    grid = grid_of(image, 3, 3)
    if grid is None:
        return None
    ink = ink_of(grid.image)
    marks: dict[Cell, str | None] = {}
    for row in range(3):
        for column in range(3):
            marks[row, column] = sign_of(grid.part(ink, row, column, 0.1))
    return marks


def _colours(image: Pixels, rows: int, columns: int) -> Marks | None:
    from imagegen.probes.lines import grid_of
    from imagegen.probes.signs import colour_of, empty_of

    grid = grid_of(image, rows, columns)
    if grid is None:
        return None
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    insides = {(row, column): grid.part(grid.image, row, column, 0.3) for row, column in cells}
    ground = empty_of(list(insides.values()), grid.image)
    return {cell: colour_of(inside, ground) for cell, inside in insides.items()}


def _pieces(image: Pixels) -> Marks | None:
    from imagegen.probes.chequers import chequered_of
    from imagegen.probes.signs import piece_of

    board = chequered_of(image)
    if board is None:
        return None
    reader = _reader()
    cells = [(row, column) for row in range(8) for column in range(8)]
    return {(row, column): piece_of(board.cell(row, column), reader) for row, column in cells}


def _reader() -> Reader | None:
    """For letters that are like none of our own fonts; the probe works without."""
    if absent(READER):
        return None
    from imagegen.probes.ocr import Rapid

    return Rapid()
