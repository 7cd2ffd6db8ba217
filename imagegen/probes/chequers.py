"""Chequered boards of eight by eight: found by their edges, believed only where light and dark alternate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imagegen.probes.seeing import Pixels, calm, scaled

_SIDE = 8
_LOOKED_AT_PX = 640
_LEAST_CELL = 14
_CONTRAST = 8.0
"""Lightness, 0 to 100, by which light squares differ from dark ones at least."""
_ALTERNATING = 62
"""Squares of 64 that have to be on the right side of the middle lightness."""


@dataclass(frozen=True, slots=True)
class Chequered:
    """A picture with a board, upright: where it begins, and how large its squares are."""

    image: Pixels
    left: float
    top: float
    wide: float
    high: float

    def cell(self, row: int, column: int, inset: float = 0.06) -> Pixels:
        """A square's pixels without a rim of so large a share."""
        top, bottom = self.top + (row + inset) * self.high, self.top + (row + 1 - inset) * self.high
        left, right = self.left + (column + inset) * self.wide, self.left + (column + 1 - inset) * self.wide
        return self.image[round(top) : round(bottom), round(left) : round(right)]


def chequered_of(image: Pixels) -> Chequered | None:
    """The board of a picture, the light square at the bottom right; None where there is not surely one."""
    small = scaled(image, _LOOKED_AT_PX / max(image.shape[:2])) if max(image.shape[:2]) > _LOOKED_AT_PX else image
    small = calm(small)
    light = np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_BGR2LAB), dtype=np.float32)[:, :, 0]
    for left, wide in _combs(_edges(light)):
        for top, high in _combs(_edges(light.T)):
            if abs(wide / high - 1) < 0.04 and _alternates(light, left, top, wide, high):
                return Chequered(small, left, top, wide, high)
    return None


def _edges(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much lightness changes from each column to the next, over all rows."""
    change = np.abs(np.diff(light, axis=1, append=light[:, -1:]))
    strength = np.minimum(change, 30).mean(axis=0)
    return np.asarray(np.maximum(strength, np.roll(strength, 1)), dtype=np.float32)


def _combs(edges: NDArray[np.float32], most: int = 12) -> list[tuple[float, float]]:
    """Starts and widths of eight cells whose seven inner edges are the strongest, the best first, unlike each other."""
    best: list[tuple[float, float, float]] = []
    level = float(edges.mean())
    for width in np.arange(_LEAST_CELL, len(edges) / _SIDE + 0.25, 0.25):
        starts = np.arange(0, max(1, len(edges) - _SIDE * width + 1))
        at = np.round(starts[:, None] + width * np.arange(1, _SIDE)[None, :] - 1).astype(int)
        strengths = edges[np.clip(at, 0, len(edges) - 1)]
        scores = strengths.mean(axis=1) + strengths.min(axis=1) - level
        for start in np.argsort(scores)[-3:]:
            best.append((float(scores[start]), float(starts[start]), float(width)))
    kept: list[tuple[float, float]] = []
    for _, start, width in sorted(best, reverse=True):
        if all(abs(start - other) > 1 or abs(width - other_width) > 0.6 for other, other_width in kept):
            kept.append((start, width))
        if len(kept) == most:
            break
    return kept


def _alternates(light: NDArray[np.float32], left: float, top: float, wide: float, high: float) -> bool:
    """Whether the corners of the cells, where no piece is, alternate, with a light one at the bottom right."""
    values = np.array(
        [
            [_corner_lightness(light, left + column * wide, top + row * high, wide, high) for column in range(_SIDE)]
            for row in range(_SIDE)
        ]
    )
    even = np.add.outer(np.arange(_SIDE), np.arange(_SIDE)) % 2 == 0
    pale, dark = float(np.median(values[even])), float(np.median(values[~even]))
    if pale - dark < _CONTRAST:
        return False
    middle = (pale + dark) / 2
    right = int((values[even] > middle).sum() + (values[~even] < middle).sum())
    return right >= _ALTERNATING


def _corner_lightness(light: NDArray[np.float32], left: float, top: float, wide: float, high: float) -> float:
    spots = []
    for down in (0.1, 0.9):
        for across in (0.1, 0.9):
            row, column = int(top + down * high), int(left + across * wide)
            spots.append(light[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].mean())
    return float(np.median(spots))
