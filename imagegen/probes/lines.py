"""Grids drawn as lines: thin long strokes across and down, equally far apart, that cross."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from imagegen.probes.seeing import Pixels, calm, rim_of, scaled, turned

Part = TypeVar("Part", bound=NDArray[Any])
_LOOKED_AT_PX = 768
_INK = 14.0
"""How far from the ground a line's colour is, in CIE Lab."""
_STROKE = 45
"""Levels by which a thin stroke differs from what is beside it."""
_THIN = 0.08
"""Thickness to length."""
_EVEN = 0.12
"""Share by which distances of lines may differ."""
_MOST_STROKES = 40


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line along an axis: where it is across that axis, and from where to where it goes."""

    at: float
    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture set upright, and the edges of its cells: one more than rows, one more than columns."""

    image: Pixels
    down: tuple[float, ...]
    across: tuple[float, ...]

    def part(self, of: Part, row: int, column: int, inset: float) -> Part:
        """A cell of the picture, or of what was made from it, without a rim of so large a share."""
        top, bottom = self.down[row], self.down[row + 1]
        left, right = self.across[column], self.across[column + 1]
        high, wide = inset * (bottom - top), inset * (right - left)
        rows = slice(max(0, round(top + high)), max(0, round(bottom - high)))
        return cast("Part", of[rows, max(0, round(left + wide)) : max(0, round(right - wide))])


def ink_of(image: Pixels) -> NDArray[np.bool_]:
    """Where a picture is not of the colour that most of its rim has."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    ground = np.median(rim_of(np.asarray(lab), 3), axis=0)
    return np.asarray(np.linalg.norm(lab - ground, axis=2) > _INK)


def grid_of(image: Pixels, rows: int, columns: int) -> Grid | None:
    """The grid with so many rows and columns, with or without a frame around it; None where there is not just one."""
    small = scaled(image, _LOOKED_AT_PX / max(image.shape[:2])) if max(image.shape[:2]) > _LOOKED_AT_PX else image
    small = calm(small)
    tilt = _tilt(_thin(small))
    upright = turned(small, -tilt) if abs(tilt) > 0.3 else small
    ink = _thin(upright)
    flat, steep = _strokes(ink), _strokes(np.ascontiguousarray(ink.T))
    down, across = _edges(flat, rows, steep), _edges(steep, columns, flat)
    if down is None or across is None:
        return None
    if rows == columns and abs((down[-1] - down[0]) / (across[-1] - across[0]) - 1) > 0.2:
        return None
    return Grid(upright, down, across)


def _thin(image: Pixels) -> NDArray[np.uint8]:
    """Where a picture has thin strokes, whatever lies on their two sides: dark ones, or light ones on a dark ground."""
    kernel = np.ones((2 * round(0.02 * max(image.shape[:2])) + 5,) * 2, np.uint8)
    if float(np.median(rim_of(image))) < 110:
        strokes = cv2.morphologyEx(image.min(axis=2), cv2.MORPH_TOPHAT, kernel)
    else:
        strokes = cv2.morphologyEx(image.max(axis=2), cv2.MORPH_BLACKHAT, kernel)
    return np.asarray(strokes > _STROKE, dtype=np.uint8)


def _tilt(ink: NDArray[np.uint8]) -> float:
    """By how many degrees clockwise the long lines are off the axes, up to 12."""
    mask, least = ink * 255, 0.2 * min(ink.shape)
    found = cv2.HoughLinesP(cv2.Canny(mask, 50, 150), 1, math.pi / 720, 50, minLineLength=least, maxLineGap=4)
    if found is None:
        return 0.0
    angles = [math.degrees(math.atan2(y2 - y1, x2 - x1)) for x1, y1, x2, y2 in found.reshape(-1, 4).astype(float)]
    off = [(angle + 45) % 90 - 45 for angle in angles]
    small = [each for each in off if abs(each) <= 12]
    return float(np.median(small)) if small else 0.0


def _strokes(ink: NDArray[np.uint8]) -> list[Stroke]:
    """The long thin strokes across, from top to bottom."""
    least = max(24, round(0.12 * min(ink.shape)))
    whole = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    runs = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((1, least), np.uint8))
    _, _, stats, middles = cv2.connectedComponentsWithStats(runs)
    found = []
    for (left, _, wide, high, _), (_, y) in zip(stats[1:], middles[1:], strict=True):
        if high - 2 <= max(4.0, _THIN * wide):
            found.append(Stroke(float(y), float(left), float(left + wide)))
    return sorted(_joined(found), key=lambda stroke: stroke.at)[:_MOST_STROKES]


def _joined(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Pieces of one stroke put together."""
    done: list[Stroke] = []
    for stroke in sorted(strokes, key=lambda each: (round(each.at / 4), each.start)):
        last = done[-1] if done else None
        if last and abs(last.at - stroke.at) <= 4 and stroke.start - last.end < 0.1 * (last.length + stroke.length):
            done[-1] = Stroke((last.at + stroke.at) / 2, min(last.start, stroke.start), max(last.end, stroke.end))
        else:
            done.append(stroke)
    return done


def _edges(strokes: Sequence[Stroke], cells: int, crossing: Sequence[Stroke]) -> tuple[float, ...] | None:
    """Where the cells begin and end, from the longest strokes that are as long and as far apart as a grid's."""
    longest = max((stroke.length for stroke in strokes), default=0.0)
    alike = [stroke for stroke in strokes if stroke.length >= 0.8 * longest]
    if len(alike) == cells + 1 and _even(alike):
        return tuple(stroke.at for stroke in alike)
    if len(alike) == cells - 1 and cells > 2 and _even(alike):
        step = (alike[-1].at - alike[0].at) / (cells - 2)
        inner = [stroke.at for stroke in alike]
        reach = [inner[0] - step, *inner, inner[-1] + step]
        return tuple(reach) if _covers(reach, crossing) else None
    return None


def _even(strokes: Sequence[Stroke]) -> bool:
    steps = [after.at - before.at for before, after in itertools.pairwise(strokes)]
    return bool(steps) and max(steps) <= (1 + _EVEN) * min(steps) and min(steps) > 8


def _covers(edges: Sequence[float], crossing: Sequence[Stroke]) -> bool:
    """Whether the lines that cross go from the first edge to the last, more or less."""
    if not crossing:
        return False
    longest = max(crossing, key=lambda stroke: stroke.length)
    step = edges[1] - edges[0]
    return abs(longest.start - edges[0]) < 0.3 * step and abs(longest.end - edges[-1]) < 0.3 * step
