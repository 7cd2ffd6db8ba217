"""Flat things on a plain ground: where they are, what colour, what shape. A busy ground is none of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imagegen.probes.outlines import Shape, shape_of
from imagegen.probes.seeing import Box, Pixels, rim_of

_LOOKED_AT_PX = 768
_BUSY = 9.0
"""Spread of the rim around a plane, in CIE Lab; above it the ground is not plain."""
_SEEN = 13.0
"""How far from the ground something has to be, in CIE Lab, to be there."""
_SAME = 16.0
"""Pixels of one thing are at most so far apart in colour."""
_SMALLEST = 60
"""Pixels; less is a speck."""
_SPECK = 0.04
"""Share of the usual thing's area; less is a rim or a speck."""

_FULL = 0.85
"""Share of its outline's area that a solid thing fills; a ring is no disc."""


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A thing of one colour."""

    box: Box
    """In pixels of the picture."""
    area: float
    lab: NDArray[np.float32]
    shape: Shape | None
    """None: none of those we know, or two things that touch."""
    cut: bool
    """Whether it reaches the rim of the picture."""

    @property
    def middle(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def blobs_of(image: Pixels) -> list[Blob] | None:
    """Everything on the ground, from top to bottom; None where the ground is not plain."""
    scale = min(1.0, _LOOKED_AT_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    lab = _lab(np.asarray(cv2.medianBlur(small, 5), dtype=np.uint8))
    ground = _ground(lab)
    if ground is None:
        return None
    there = np.linalg.norm(lab - ground, axis=2) > _SEEN
    found = [_blob(mask, lab, scale) for mask in _areas(lab, there)]
    if not found:
        return []
    usual = float(np.median([blob.area for blob in found if blob.area >= max(each.area for each in found) / 20]))
    kept = [blob for blob in found if blob.area >= _SPECK * usual]
    return sorted(kept, key=lambda blob: (blob.middle[1], blob.middle[0]))


def _lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB), dtype=np.float32)


def _ground(lab: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The ground under every pixel: a plane through the rim, so that it may be shaded; None where the rim is busy."""
    height, width = lab.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    places = np.dstack([rows / height, columns / width, np.ones_like(rows)])
    rim, at = rim_of(lab, 3), rim_of(places, 3)
    kept = np.linalg.norm(rim - np.median(rim, axis=0), axis=1) < 3 * _BUSY
    if kept.mean() < 0.6:
        return None
    plane = np.linalg.lstsq(at[kept], rim[kept], rcond=None)[0]
    kept = np.linalg.norm(rim - at @ plane, axis=1) < _BUSY
    if kept.mean() < 0.7:
        return None
    plane = np.linalg.lstsq(at[kept], rim[kept], rcond=None)[0]
    if (np.linalg.norm(rim - at @ plane, axis=1) < _BUSY).mean() < 0.7:
        return None
    return np.asarray(places @ plane, dtype=np.float32)


def _areas(lab: NDArray[np.float32], there: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
    """Connected areas of one colour: each time around the colour that most of what is left has."""
    left = cv2.morphologyEx(there.astype(np.uint8), cv2.MORPH_OPEN, _disc(3))
    for _ in range(16):
        inner = cv2.erode(left, _disc(5)).astype(bool)
        if inner.sum() < _SMALLEST // 2:
            return
        colour = _most(lab[inner])
        same = (np.linalg.norm(lab - colour, axis=2) < _SAME) & left.astype(bool)
        mask = cv2.morphologyEx(same.astype(np.uint8), cv2.MORPH_OPEN, _disc(5))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        for label in range(1, count):
            if stats[label, cv2.CC_STAT_AREA] >= _SMALLEST:
                yield (labels == label).astype(np.uint8)
        left[cv2.dilate(mask, _disc(5)).astype(bool) | same] = 0


def _disc(side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)


def _most(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """The colour around which there are the most."""
    coarse = np.round(colours / 10).astype(int)
    kinds, which, counts = np.unique(coarse, axis=0, return_inverse=True, return_counts=True)
    del kinds
    return np.asarray(np.median(colours[which.reshape(-1) == counts.argmax()], axis=0), dtype=np.float32)


def _blob(mask: NDArray[np.uint8], lab: NDArray[np.float32], scale: float) -> Blob:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)  # not of the holes
    outline = max(contours, key=cv2.contourArea)
    left, top, width, height = cv2.boundingRect(outline)
    core = cv2.erode(mask, _disc(5)).astype(bool)
    colour = np.median(lab[core if core.any() else mask.astype(bool)], axis=0).astype(np.float32)
    box = (left / scale, top / scale, (left + width) / scale, (top + height) / scale)
    high, wide = mask.shape
    cut = left <= 1 or top <= 1 or left + width >= wide - 1 or top + height >= high - 1
    area = cv2.contourArea(outline)
    hollow = mask.sum() < _FULL * area
    shape = None if cut or hollow else shape_of(np.asarray(outline, dtype=np.int32))
    return Blob(box, area / scale**2, colour, shape, cut)


def outside(blobs: Sequence[Blob], boxes: Sequence[Box]) -> list[Blob]:
    """The blobs whose middle lies in none of the boxes."""
    return [
        blob
        for blob in blobs
        if not any(box[0] <= blob.middle[0] <= box[2] and box[1] <= blob.middle[1] <= box[3] for box in boxes)
    ]
