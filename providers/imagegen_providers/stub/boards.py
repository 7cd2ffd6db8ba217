"""Boards: squares in rows and columns, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

BoardKind: TypeAlias = Literal["tic-tac-toe", "chess", "draughts", "grid"]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What stands in one square."""

    row: int
    """From 0, the top."""
    column: int
    """From 0, the left."""
    sign: str = ""
    """``X`` or ``O``; a piece's letter, K Q R B N P; nothing for a plain disc and for a coloured cell."""
    colour: str | None = None
    """A colour's name; None: the painter's choice."""


@dataclass(frozen=True, slots=True)
class Board:
    """One board, all of it: a square without a mark is empty."""

    kind: BoardKind
    rows: int
    columns: int
    marks: tuple[Mark, ...] = ()
    """In rising order."""
    place: str | None = None
    colour: None = None
    """A board's own colours are the painter's choice."""

    def at(self, row: int, column: int) -> Mark | None:
        """The mark in a square, counted from the top left."""
        return next((mark for mark in self.marks if (mark.row, mark.column) == (row, column)), None)

    def on(self, square: str) -> Mark | None:
        """The mark on a square of chess or draughts, for example ``g1``; a1 is at the bottom left."""
        return self.at(*cell_of(square))

    def with_marks(self, marks: dict[tuple[int, int], Mark]) -> Board:
        """The same board with these marks, each in the square that it is listed under."""
        placed = (replace(mark, row=row, column=column) for (row, column), mark in marks.items())
        return replace(self, marks=tuple(sorted(placed, key=lambda mark: (mark.row, mark.column))))


def cell_of(square: str) -> tuple[int, int]:
    """Row and column of a square such as ``g1``."""
    return 8 - int(square[1]), ord(square[0].lower()) - ord("a")
