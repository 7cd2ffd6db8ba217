"""Boards as they are painted: crisp lines, flat colours, and marks that keep away from the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from imagegen_providers.stub import lettering, shapes
from imagegen_providers.stub.canvas import VISIBLE, most_unlike
from imagegen_providers.stub.scene import Lettering
from imagegen_providers.stub.words import RGB, rgb, unlikeness

if TYPE_CHECKING:
    from imagegen_providers.stub.boards import Board, Mark
    from imagegen_providers.stub.canvas import Canvas

_LIGHT, _DARK, _FRAME = (238, 217, 181), (176, 128, 88), (92, 60, 36)
_EMPTY = (255, 255, 255)
_SIGN, _DISC, _LETTER = 0.56, 0.76, 0.46
"""Shares of a square."""
_SIGN_COLOURS = {"X": "blue", "O": "red"}


class Layout:
    """Where a board's squares are: whole pixels, all of one size, around the middle of a box."""

    def __init__(self, board: Board, box: tuple[float, float, float, float], inner: tuple[float, float]) -> None:
        self.cell = max(1, int(min(inner[0] / board.columns, inner[1] / board.rows)))
        self.line = max(1, round(0.02 * self.cell * min(board.rows, board.columns) ** 0.5))
        self.left = round((box[0] + box[2] - self.cell * board.columns) / 2)
        self.top = round((box[1] + box[3] - self.cell * board.rows) / 2)
        self.right, self.bottom = self.left + self.cell * board.columns, self.top + self.cell * board.rows

    def square(self, row: int, column: int) -> tuple[int, int, int, int]:
        left, top = self.left + column * self.cell, self.top + row * self.cell
        return left, top, left + self.cell, top + self.cell

    def middle(self, mark: Mark) -> tuple[float, float]:
        return self.left + (mark.column + 0.5) * self.cell, self.top + (mark.row + 0.5) * self.cell

    def across(self, row: int) -> tuple[int, int, int, int]:
        """The line above a row, as long as the board is wide."""
        y = self.top + row * self.cell - self.line // 2
        return self.left - self.line // 2, y, self.right + self.line - self.line // 2, y + self.line

    def down(self, column: int) -> tuple[int, int, int, int]:
        """The line left of a column, as long as the board is high."""
        x = self.left + column * self.cell - self.line // 2
        return x, self.top - self.line // 2, x + self.line, self.bottom + self.line - self.line // 2


def draw(board: Board, layout: Layout, canvas: Canvas) -> None:
    """The board with all that stands on it."""
    match board.kind:
        case "tic-tac-toe":
            _draw_lines(layout, canvas, range(1, 3), range(1, 3))
            for mark in board.marks:
                _draw_sign(mark, layout, canvas)
        case "grid":
            _draw_cells(board, layout, canvas)
            _draw_lines(layout, canvas, range(board.rows + 1), range(board.columns + 1))
        case _:
            _draw_squares(board, layout, canvas)
            for mark in board.marks:
                _draw_piece(mark, layout, canvas)


def _draw_lines(layout: Layout, canvas: Canvas, rows: range, columns: range) -> None:
    colour = most_unlike(canvas.ground)
    for row in rows:
        canvas.fill(layout.across(row), colour)
    for column in columns:
        canvas.fill(layout.down(column), colour)


def _draw_sign(mark: Mark, layout: Layout, canvas: Canvas) -> None:
    colour = rgb(mark.colour or _SIGN_COLOURS[mark.sign])
    if not mark.colour and unlikeness(colour, canvas.ground) < VISIBLE:
        colour = most_unlike(canvas.ground)
    canvas.stamp(_sign_mask(mark.sign, round(_SIGN * layout.cell)), layout.middle(mark), colour)


def _sign_mask(sign: str, side: int) -> Image.Image:
    """An X or an O with strokes of a sixth of its width."""
    fine = 4 * max(2, side)
    mask, stroke = Image.new("L", (fine, fine)), fine // 6
    pen = ImageDraw.Draw(mask)
    if sign == "O":
        pen.ellipse((0, 0, fine - 1, fine - 1), outline=255, width=stroke)
    else:
        near, far = stroke // 2, fine - 1 - stroke // 2
        for ends in ((near, near, far, far), (near, far, far, near)):
            pen.line(ends, fill=255, width=stroke)
    return mask.reduce(4)


def _draw_cells(board: Board, layout: Layout, canvas: Canvas) -> None:
    canvas.fill((layout.left, layout.top, layout.right, layout.bottom), _EMPTY)
    for mark in board.marks:
        canvas.fill(layout.square(mark.row, mark.column), rgb(mark.colour or "gray"))


def _draw_squares(board: Board, layout: Layout, canvas: Canvas) -> None:
    rim = max(1, layout.cell // 12)
    canvas.fill((layout.left - rim, layout.top - rim, layout.right + rim, layout.bottom + rim), _FRAME)
    for row in range(board.rows):
        for column in range(board.columns):
            canvas.fill(layout.square(row, column), _DARK if (row + column) % 2 else _LIGHT)


def _draw_piece(mark: Mark, layout: Layout, canvas: Canvas) -> None:
    """A disc of the piece's colour with a rim, and the piece's letter on it."""
    colour, middle, side = rgb(mark.colour or "white"), layout.middle(mark), _DISC * layout.cell
    ink = most_unlike(colour)
    canvas.press(shapes.mask_of("circle", side), middle, _FRAME if ink == rgb("white") else ink)
    canvas.press(shapes.mask_of("circle", 0.9 * side), middle, colour)
    if mark.sign:
        canvas.press(_letter(mark.sign, _LETTER * layout.cell), middle, ink)


def _letter(sign: str, height: float) -> Image.Image:
    setting = lettering.setting_of(Lettering(sign), 2 * height, 2 * height, 1.4 * height)
    return lettering.written(setting)


def colours_shown(board: Board) -> list[RGB]:
    """The colours of its marks, which are to show on the picture's ground."""
    return [rgb(mark.colour) for mark in board.marks if mark.colour] if board.kind == "tic-tac-toe" else []
