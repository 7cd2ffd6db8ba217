"""Pictures and masks for edits, of a shape that no turning or mirroring hides."""

from __future__ import annotations

import io
import random
from typing import Any

from PIL import Image, ImageChops, ImageDraw

SIZE = (1024, 640)


def half_and_half(size: tuple[int, int] = SIZE) -> Image.Image:
    """Blue above, yellow below."""
    picture = Image.new("RGB", size, (20, 40, 200))
    picture.paste((230, 210, 30), (0, size[1] // 2, *size))
    return picture


def png(picture: Image.Image | None = None, kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    (picture or half_and_half()).save(file, kind, **how)
    return file.getvalue()


def area(size: tuple[int, int] = SIZE) -> Image.Image:
    """An L-shaped corner at the top left, white on black: it has no symmetry that could hide a mistake."""
    mask = Image.new("L", size, 0)
    pen = ImageDraw.Draw(mask)
    pen.rectangle((0, 0, 700, 99), fill=255)
    pen.rectangle((0, 0, 79, 500), fill=255)
    return mask


def transparent_where(size: tuple[int, int] = SIZE) -> Image.Image:
    """The same corner, as the transparent part of a black picture."""
    mask = Image.new("RGBA", size, (0, 0, 0, 255))
    mask.putalpha(ImageChops.invert(area(size)))
    return mask


def noise(side: int) -> Image.Image:
    return Image.frombytes("RGB", (side, side), random.Random(side).randbytes(3 * side * side))
