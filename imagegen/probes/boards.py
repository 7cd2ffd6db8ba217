"""What a board is to show: written as a suite does, compared cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from imagegen.probes.asking import Expected
from imagegen.probes.things import ColourName

Cell: TypeAlias = tuple[int, int]
"""Row and column, from 0 at the top left."""
Marks: TypeAlias = Mapping[Cell, str | None]
"""What stands in each cell: a sign, nothing as an empty text, None for what cannot be told."""

_PIECES = "KQRBNPkqrbnp"


class ExpectedCell(Expected):
    """A cell of one colour."""

    row: int = Field(ge=1)
    column: int = Field(ge=1)
    colour: ColourName


class ExpectedGrid(Expected):
    """One board: tic-tac-toe, chess, or coloured cells in rows and columns."""

    tictactoe: str | None = None
    """Nine signs from the top left, ``XO..X....``."""
    chess: str | None = None
    """FEN; only where the pieces stand is looked at."""
    rows: int | None = Field(default=None, ge=2, le=20)
    columns: int | None = Field(default=None, ge=2, le=20)
    cells: list[ExpectedCell] | None = None
    """The cells that are coloured; every other is empty."""

    @field_validator("tictactoe")
    @classmethod
    def _is_tictactoe(cls, text: str | None) -> str | None:
        if text is not None and (len(text) != 9 or set(text.upper()) - set("XO.")):
            raise ValueError(f"nine of X, O and . are a board, {text!r} is not")
        return text and text.upper()

    @field_validator("chess")
    @classmethod
    def _is_fen(cls, text: str | None) -> str | None:
        if text is not None:
            chess_marks(text)
        return text

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        of_cells = (self.rows, self.columns, self.cells)
        given = [self.tictactoe is not None, self.chess is not None, any(each is not None for each in of_cells)]
        if sum(given) != 1 or (given[2] and None in of_cells):
            raise ValueError("give one of: tictactoe; chess; rows, columns and cells")
        for each in self.cells or ():
            if each.row > (self.rows or 0) or each.column > (self.columns or 0):
                raise ValueError(f"row {each.row}, column {each.column} is outside the grid")
        return self

    @property
    def marks(self) -> dict[Cell, str]:
        """What is to stand in each cell; cells not named are empty."""
        if self.tictactoe is not None:
            return {(at // 3, at % 3): sign for at, sign in enumerate(self.tictactoe) if sign != "."}
        if self.chess is not None:
            return chess_marks(self.chess)
        return {(each.row - 1, each.column - 1): each.colour for each in self.cells or ()}


def chess_marks(fen: str) -> dict[Cell, str]:
    """The pieces of a position in FEN, by cell.

    Raises:
        ValueError: It is not eight rows of eight.
    """
    rows = (fen.split() or [""])[0].split("/")
    marks: dict[Cell, str] = {}
    for row, text in enumerate(rows):
        column = 0
        for sign in text:
            if sign in _PIECES:
                marks[row, column] = sign
            elif sign not in "12345678":
                raise ValueError(f"no piece is written {sign!r} in FEN")
            column += int(sign) if sign.isdigit() else 1
        if column != 8:
            raise ValueError(f"row {8 - row} of the position has {column} squares")
    if len(rows) != 8:
        raise ValueError(f"a position has 8 rows, not {len(rows)}")
    return marks
