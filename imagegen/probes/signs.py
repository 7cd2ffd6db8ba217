"""What stands in a cell: nothing, an X, an O; a colour; a letter of a chess piece. None where it cannot be told."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imagegen import fonts
from imagegen.probes.colours import names_of
from imagegen.probes.seeing import Pixels, rim_of

if TYPE_CHECKING:
    from imagegen.probes.ocr import Reader

_EMPTY, _FULL = 0.012, 0.6
"""Shares of a cell with ink: below the first it is empty, above the second it is no sign."""
_INK, _LETTER, _DISC, _LEAST_PX = 12.0, 0.03, 0.85, 20
"""In a square of chess: Lab distance, shares of its middle and of a ring, pixels."""
_LETTERS = "KQRBNP"
_SIDE = 32
_LIKE, _APART = 0.80, 0.05
"""Correlation with a letter, and by how much the next letter has to be less like it."""


def lab_of(image: Pixels) -> NDArray[np.float32]:
    """CIE Lab of a picture, lightness 0 to 100."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB), dtype=np.float32)


def sign_of(ink: NDArray[np.bool_]) -> str | None:
    """``X``, ``O`` or nothing in a cell's ink; the cell without its rim."""
    share = float(ink.mean())
    if share < _EMPTY:
        return ""
    if share > _FULL or min(ink.shape) < 10:
        return None
    mask = np.asarray(
        cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), dtype=np.uint8
    )
    left, top, wide, high = cv2.boundingRect(mask)
    if wide < 0.25 * ink.shape[1] or high < 0.25 * ink.shape[0] or not 0.6 < wide / high < 1.67:
        return None
    return _ring_or_cross(mask[top : top + high, left : left + wide])


def _ring_or_cross(mask: NDArray[np.uint8]) -> str | None:
    high, wide = mask.shape
    middle = mask[round(0.42 * high) : round(0.58 * high) + 1, round(0.42 * wide) : round(0.58 * wide) + 1].mean()
    corners = np.mean([_corner(np.rot90(mask, turn)) for turn in range(4)])
    sides = np.mean([_side(np.rot90(mask, turn)) for turn in range(4)])
    hole = _hole_share(mask)
    if hole > 0.15 and middle < 0.2 and corners < 0.2 and sides > 0.6:
        return "O"
    if hole < 0.05 and middle > 0.5 and corners > 0.4 and sides < 0.4:
        return "X"
    return None


def _corner(mask: NDArray[np.uint8]) -> float:
    """Whether there is ink in the top left corner."""
    high, wide = mask.shape
    return float(mask[: max(1, round(0.13 * high)), : max(1, round(0.13 * wide))].any(axis=0).mean())


def _side(mask: NDArray[np.uint8]) -> float:
    """Whether there is ink in the middle of the upper side."""
    high, wide = mask.shape
    return float(mask[: max(1, round(0.22 * high)), round(0.42 * wide) : round(0.58 * wide) + 1].any(axis=0).mean())


def _hole_share(mask: NDArray[np.uint8]) -> float:
    """The share of a mask's box that its ink closes in."""
    outer = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    flooded = outer.copy()
    cv2.floodFill(flooded, None, (0, 0), 1)
    return float((flooded == 0).mean())


def empty_of(cells: Sequence[Pixels], image: Pixels) -> NDArray[np.float32]:
    """The colour of empty cells: white, where any cell is, else the picture's ground."""
    middles = [np.median(lab_of(cell).reshape(-1, 3), axis=0) for cell in cells if cell.size]
    palest = max(middles, key=lambda lab: float(lab[0]), default=np.zeros(3))
    ground = np.median(lab_of(rim_of(image)[None]), axis=1)[0]
    pale = float(palest[0]) > 90 and float(np.hypot(palest[1], palest[2])) < 8
    return np.asarray(palest if pale else ground, dtype=np.float32)


def colour_of(image: Pixels, ground: NDArray[np.float32]) -> str | None:
    """The name of a cell's colour, nothing for the ground's."""
    lab = lab_of(image).reshape(-1, 3)
    colour = np.median(lab, axis=0)
    spread = float(np.median(np.linalg.norm(lab - colour, axis=1)))
    if spread > 12:
        return None
    away = float(np.linalg.norm(colour - ground))
    if away < 12:
        return ""
    names = names_of(np.asarray(colour, dtype=np.float32))
    return names[0] if len(names) == 1 and away > 18 else None


def piece_of(cell: Pixels, reader: Reader | None) -> str | None:
    """A chess piece by its letter: upper case for white, lower for black. The cell is whole, without its lines."""
    lab = lab_of(cell)
    side = min(cell.shape[:2])
    square = _square_colour(lab)
    apart = np.linalg.norm(lab - square, axis=2)
    rows, columns = np.mgrid[0 : cell.shape[0], 0 : cell.shape[1]]
    away = np.hypot(rows - (cell.shape[0] - 1) / 2, columns - (cell.shape[1] - 1) / 2) / side
    inside = away < 0.36
    share = float((apart[inside] > _INK).mean())
    if share < _LETTER:
        return "" if share < _LETTER / 6 else None
    if side < _LEAST_PX:
        return None
    ring = (away > 0.28) & (away < 0.33)
    if float((apart[ring] > _INK).mean()) > _DISC or _has_rim(apart > _INK, away):
        return _letter_on(lab, np.median(lab[ring], axis=0), away < 0.34, reader, on_disc=True)
    return _letter_on(lab, square, away < 0.42, reader) if float((apart[ring] > _INK).mean()) < 0.5 else None


def _has_rim(ink: NDArray[np.bool_], away: NDArray[np.float64]) -> bool:
    """Whether a line runs around the middle, as around a white disc on a square that is nearly white."""
    rows, columns = np.nonzero(ink & (away > 0.31) & (away < 0.48))
    high, wide = ink.shape
    turns = np.arctan2(rows - (high - 1) / 2, columns - (wide - 1) / 2)
    return len(np.unique(np.floor(turns / np.pi * 18))) >= 34


def _square_colour(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    high, wide = lab.shape[0] // 8 + 1, lab.shape[1] // 8 + 1
    corners = [lab[:high, :wide], lab[:high, -wide:], lab[-high:, :wide], lab[-high:, -wide:]]
    return np.asarray(np.median(np.concatenate([each.reshape(-1, 3) for each in corners]), axis=0), dtype=np.float32)


def _letter_on(
    lab: NDArray[np.float32],
    ground: NDArray[np.float32],
    where: NDArray[np.bool_],
    reader: Reader | None,
    *,
    on_disc: bool = False,
) -> str | None:
    """The letter that stands on a disc, which has the piece's colour, or by itself in the piece's colour."""
    apart = np.linalg.norm(lab - ground, axis=2)
    ink = (apart > max(14.0, 0.4 * float(np.quantile(apart[where], 0.98)))) & where
    if not 0.01 < float(ink[where].mean()) < 0.7:
        return None
    lightness = (
        float(ground[0]) if on_disc else float(np.median(lab[ink & (apart > 0.7 * apart[ink].max())], axis=0)[0])
    )
    if 45 < lightness < 65:
        return None
    letter = letter_of(ink.astype(np.uint8), reader)
    return letter and (letter if lightness >= 65 else letter.lower())


def letter_of(ink: NDArray[np.uint8], reader: Reader | None) -> str | None:
    """Which of the letters of chess pieces a mask shows."""
    shown = _normal(ink)
    likeness = {
        letter: max(float((shown * known).sum()) for known in variants) for letter, variants in _known().items()
    }
    (best, most), (_, next_most) = sorted(likeness.items(), key=lambda each: -each[1])[:2]
    if most >= _LIKE and most - next_most >= _APART:
        return best
    text, sureness = _read_letter(ink, reader) if reader else ("", 0.0)
    return best if text == best and sureness > 0.5 else (text if text in tuple(_LETTERS) and sureness > 0.97 else None)


def _read_letter(ink: NDArray[np.uint8], reader: Reader) -> tuple[str, float]:
    left, top, wide, high = cv2.boundingRect(ink)
    cut = 255 * (1 - ink[top : top + high, left : left + wide])
    factor = 40 / max(1, high)
    large = cv2.resize(cut, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, 12, 12, 30, 30, cv2.BORDER_CONSTANT, value=255)
    return reader.read_line(np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), dtype=np.uint8))


def _normal(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A mask's box in a square of fixed size, its proportions kept, as a vector of length 1 around its mean."""
    left, top, wide, high = cv2.boundingRect(mask)
    cut = mask[top : top + high, left : left + wide].astype(np.float32)
    factor = (_SIDE - 2) / max(wide, high, 1)
    size = max(1, round(wide * factor)), max(1, round(high * factor))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    canvas = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    x, y = (_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = small
    canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), 1.0)) - canvas.mean()
    return np.asarray(canvas / max(1e-6, float(np.linalg.norm(canvas))), dtype=np.float32)


@functools.cache
def _known() -> Mapping[str, Sequence[NDArray[np.float32]]]:
    return {letter: [_normal(_written(letter, weight)) for weight in (400, 600, 800)] for letter in _LETTERS}


def _written(letter: str, weight: int) -> NDArray[np.uint8]:
    image = Image.new("L", (120, 120))
    (run,) = fonts.runs_of(letter)
    ImageDraw.Draw(image).text((60, 60), letter, fill=255, font=fonts.font(run, 64, weight), anchor="mm")
    return (np.asarray(image) > 127).astype(np.uint8)
