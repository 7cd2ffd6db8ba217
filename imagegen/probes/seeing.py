"""Pictures as arrays: ``(height, width, 3)``, uint8, sRGB in OpenCV's order (blue, green, red)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagegen import pictures

if TYPE_CHECKING:
    from collections.abc import Iterator

Pixels: TypeAlias = NDArray[np.uint8]
_NOISE = 3.0
"""Levels; less is what codecs do."""
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def pixels_of(data: bytes, media_type: str | None = None) -> Pixels:
    """A picture's pixels; what is transparent is white.

    Raises:
        ValueError: It cannot be decoded.
    """
    view = memoryview(data)
    return from_pil(pictures.decode(view, media_type or pictures.read_facts(view).media_type))


def from_pil(image: Image.Image) -> Pixels:
    if image.has_transparency_data:
        clear = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(clear, image.convert("RGBA"))
    return np.ascontiguousarray(np.asarray(image.convert("RGB"), dtype=np.uint8)[:, :, ::-1])


def scaled(image: Pixels, factor: float) -> Pixels:
    """The picture so many times as large."""
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=how), dtype=np.uint8)


def calm(image: Pixels) -> Pixels:
    """The picture without its noise, edges kept; as it is where it has none."""
    smooth = cv2.medianBlur(image, 3)
    noise = 1.5 * float(np.median(cv2.absdiff(image, smooth)))
    if noise > _NOISE:
        smooth = cv2.bilateralFilter(smooth, 9, 4 * noise + 10, 3)
    return np.asarray(smooth, dtype=np.uint8)


def turned(image: Pixels, degrees: float) -> Pixels:
    """The picture turned clockwise, whole, on a ground of the colour that its rim has the most."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    across, down = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    new_width, new_height = int(width * across + height * down), int(width * down + height * across)
    matrix[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    ground = tuple(float(each) for each in np.median(rim_of(image), axis=0))
    done = cv2.warpAffine(image, matrix, (new_width, new_height), flags=cv2.INTER_CUBIC, borderValue=ground)
    return np.asarray(done, dtype=np.uint8)


def rim_of(image: NDArray[Any], thick: int = 2) -> NDArray[Any]:
    """The pixels along the four sides, in one row."""
    sides = (image[:thick], image[-thick:], image[:, :thick], image[:, -thick:])
    return np.concatenate([each.reshape(-1, image.shape[2]) for each in sides])


def tiles(image: Pixels, side: int = 640, overlap: int = 160) -> Iterator[tuple[int, int, Pixels]]:
    """Overlapping squares that cover the picture: left, top and the pixels of each."""
    height, width = image.shape[:2]
    for top in _starts(height, side, overlap):
        for left in _starts(width, side, overlap):
            yield left, top, image[top : top + side, left : left + side]


def _starts(length: int, side: int, overlap: int) -> list[int]:
    if length <= side:
        return [0]
    count = math.ceil((length - overlap) / (side - overlap))
    return [round(at * (length - side) / (count - 1)) for at in range(count)]
