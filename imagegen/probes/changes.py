"""Two pictures of one size compared pixel by pixel, in an area: by how much, where, and what kind of change it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from imagegen.probes.seeing import Box, Pixels

Change: TypeAlias = Literal["identical", "re-encoded", "recoloured", "shifted", "local leak", "redrawn"]

_CHANGED = 8
"""Levels."""
_REDRAWN = 0.75
"""Structural similarity below which a picture is another one."""
_TONED = 0.5
"""Levels of mean difference from which on a change of tone is one."""
_LEAK, _LEAK_COLOUR = 16, 80
"""Levels by which a leak's lightness, or a channel, differs on the mean of some pixels around: codecs blur colours."""
_LIGHT = np.array([0.114, 0.587, 0.299], dtype=np.float32)
_LEAK_PX = 12
"""Pixels of a leak at least, in the picture as it is compared."""
_MOST_SHIFT = 0.12
"""Of the picture's side."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How two pictures differ in an area."""

    largest: int
    """Levels, 0 to 255."""
    mean: float
    share: float
    """Of pixels that differ by more than 8 levels."""
    ssim: float
    psnr: float
    shift: tuple[float, float]
    """Pixels to the right and down."""
    shift_gain: float
    """By how many times moving back makes the mean difference smaller; 1 where nothing was moved."""
    tone: float
    """Share of the mean difference that is one of tone: near 1 for other colours, near 0 for a codec's errors."""
    leaks: tuple[Box, ...]
    kind: Change


def compare(before: Pixels, after: Pixels, area: NDArray[np.bool_]) -> Difference:
    """The difference in the area (True), which is everything that was to stay as it was."""
    apart = np.abs(before.astype(np.int16) - after.astype(np.int16)).max(axis=2)
    inside = apart[area]
    mean_square = float(((before.astype(np.float32) - after.astype(np.float32))[area] ** 2).mean())
    moved, gain = _shift(before, after, area)
    leaks, leaked = _leaks(before, after, area)
    found = Difference(
        largest=int(inside.max()),
        mean=float(inside.mean()),
        share=float((inside > _CHANGED).mean()),
        ssim=float(ssim_of(before, after)[area].mean()),
        psnr=math.inf if mean_square == 0 else 10 * math.log10(255**2 / mean_square),
        shift=moved,
        shift_gain=gain,
        tone=_tone(before, after, area),
        leaks=leaks,
        kind="identical",
    )
    return replace(found, kind=_kind(found, leaked))


def _kind(found: Difference, leaked: float) -> Change:
    """The rules, the surest first. ``leaked``: the share of the area that the leaks cover."""
    if found.largest == 0:
        return "identical"
    if found.shift_gain > 1.6 and math.hypot(*found.shift) >= 0.7 and found.mean > 1:
        return "shifted"
    if found.share > 0.5 and found.ssim < _REDRAWN:
        return "redrawn"
    if found.leaks:
        return "local leak" if leaked < 0.25 else "redrawn"
    if found.mean > _TONED and found.tone > 0.65:
        return "recoloured"
    return "re-encoded" if found.ssim > 0.9 and found.mean < 8 else "redrawn"


def ssim_of(before: Pixels, after: Pixels) -> NDArray[np.float32]:
    """Structural similarity (Wang et al. 2004) of the grey pictures around every pixel, windows of 7."""
    one = cv2.cvtColor(before, cv2.COLOR_BGR2GRAY).astype(np.float64)
    two = cv2.cvtColor(after, cv2.COLOR_BGR2GRAY).astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.blur(values, (7, 7)), dtype=np.float64)

    mean_one, mean_two = mean(one), mean(two)
    spread_one, spread_two = mean(one * one) - mean_one**2, mean(two * two) - mean_two**2
    together = mean(one * two) - mean_one * mean_two
    small, large = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_one * mean_two + small) * (2 * together + large)
    bottom = (mean_one**2 + mean_two**2 + small) * (spread_one + spread_two + large)
    return np.asarray(top / bottom, dtype=np.float32)


def _shift(before: Pixels, after: Pixels, area: NDArray[np.bool_]) -> tuple[tuple[float, float], float]:
    """By how much the second picture is moved against the first, and how much better they agree moved back."""
    one, two = (cv2.cvtColor(each, cv2.COLOR_BGR2GRAY).astype(np.float32) for each in (before, after))
    fill = float(one[area].mean())
    hidden = [np.where(area, each, fill).astype(np.float32) for each in (one, two)]
    window = cv2.createHanningWindow((one.shape[1], one.shape[0]), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(hidden[0], hidden[1], window)
    if max(abs(right), abs(down)) > _MOST_SHIFT * min(one.shape) or math.hypot(right, down) < 0.3:
        return (0.0, 0.0), 1.0
    back = cv2.warpAffine(two, np.array([[1, 0, -right], [0, 1, -down]], dtype=np.float32), one.shape[::-1])
    kept = area.copy()
    edge = math.ceil(max(abs(right), abs(down))) + 1
    kept[:edge], kept[-edge:], kept[:, :edge], kept[:, -edge:] = False, False, False, False
    if not kept.any():
        return (0.0, 0.0), 1.0
    apart, left = float(np.abs(one - two)[kept].mean()), float(np.abs(one - back)[kept].mean())
    return (float(right), float(down)), apart / max(0.05, left)


def _tone(before: Pixels, after: Pixels, area: NDArray[np.bool_]) -> float:
    """The share of the mean difference that is left in squares of 9 pixels: codecs err around the right tone."""
    apart = after.astype(np.float32) - before.astype(np.float32)
    wide = cv2.blur(np.where(area[:, :, None], apart, 0).astype(np.float32), (9, 9))
    return float(np.abs(wide)[area].mean()) / max(1e-6, float(np.abs(apart)[area].mean()))


def _leaks(before: Pixels, after: Pixels, area: NDArray[np.bool_]) -> tuple[tuple[Box, ...], float]:
    """Boxes of what changed far more than the rest of the area did, and the share of the area that it is."""
    smooth = [cv2.blur(each.astype(np.float32), (5, 5)) for each in (before, after)]
    apart = smooth[1] - smooth[0] - np.median((smooth[1] - smooth[0])[area], axis=0)
    light, colour = np.abs(apart @ _LIGHT), np.abs(apart).max(axis=2)
    usual, usual_colour = (float(np.quantile(each[area], 0.75)) for each in (light, colour))
    if usual > _LEAK / 2:  # all of it changed: nothing stands out
        return (), 0.0
    strange = (light > max(_LEAK, 4 * usual)) | (colour > max(_LEAK_COLOUR, 4 * usual_colour))
    strange = (strange & area).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(strange, np.ones((5, 5), np.uint8)))
    boxes, covered = [], 0
    for left, top, wide, high, _ in stats[1:]:
        pixels = int(strange[top : top + high, left : left + wide].sum())
        if pixels >= _LEAK_PX:
            boxes.append((float(left), float(top), float(left + wide), float(top + high)))
            covered += pixels
    return tuple(boxes), covered / max(1, int(area.sum()))
