"""The shapes, as masks with soft edges and a flat inside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from PIL import Image, ImageDraw

Point: TypeAlias = tuple[float, float]


def mask_of(shape: str, diameter: float) -> Image.Image:
    """A shape as a mask (``L``) as wide and as high as its diameter."""
    side = max(1, round(diameter))
    fine = 4 if side < 400 else 2
    mask = Image.new("L", (side * fine, side * fine))
    draw = ImageDraw.Draw(mask)
    if shape in _ROUND:
        half = _ROUND[shape] * side * fine / 2
        middle = side * fine / 2
        draw.ellipse((0, middle - half, side * fine - 1, middle + half - 1), fill=255)
    else:
        draw.polygon([((x + 0.5) * side * fine, (y + 0.5) * side * fine) for x, y in _OUTLINES[shape]], fill=255)
    return mask.reduce(fine)


def panel_of(width: int, height: int, margin: int) -> Image.Image:
    """A rectangle with round corners, larger by a margin on every side, as a mask."""
    width, height = width + 2 * margin, height + 2 * margin
    mask = Image.new("L", (2 * width, 2 * height))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 2 * width - 1, 2 * height - 1), radius=1.4 * margin, fill=255)
    return mask.reduce(2)


def _regular(corners: int, inner: float = 1.0) -> list[Point]:
    """A polygon with a corner at the top; with ``inner`` below 1 every second corner is that much nearer."""
    radii = [0.5 if corner % 2 == 0 else 0.5 * inner for corner in range(corners)]
    angles = [math.tau * corner / corners for corner in range(corners)]
    return [(radius * math.sin(angle), -radius * math.cos(angle)) for radius, angle in zip(radii, angles, strict=True)]


def _heart() -> list[Point]:
    steps = [math.tau * step / 96 for step in range(96)]
    return [
        (
            math.sin(t) ** 3 / 2,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 33 - 0.08,
        )
        for t in steps
    ]


def _box(width: float, height: float) -> list[Point]:
    return [(-width / 2, -height / 2), (width / 2, -height / 2), (width / 2, height / 2), (-width / 2, height / 2)]


def _cross(arm: float) -> list[Point]:
    near, far = arm / 2, 0.48
    return [
        (-near, -far), (near, -far), (near, -near), (far, -near), (far, near), (near, near),
        (near, far), (-near, far), (-near, near), (-far, near), (-far, -near), (-near, -near),
    ]  # fmt: skip


_ROUND: Mapping[str, float] = {"circle": 1.0, "ellipse": 0.62}
"""Height to width."""
_OUTLINES: Mapping[str, Sequence[Point]] = {
    "square": _box(0.88, 0.88),
    "rectangle": _box(1.0, 0.58),
    "triangle": [(0.0, -0.44), (0.5, 0.44), (-0.5, 0.44)],
    "star": [(x, y + 0.04) for x, y in _regular(10, inner=0.42)],
    "hexagon": _regular(6),
    "diamond": [(0.0, -0.5), (0.36, 0.0), (0.0, 0.5), (-0.36, 0.0)],
    "heart": _heart(),
    "pentagon": [(x, y + 0.03) for x, y in _regular(5)],
    "cross": _cross(0.34),
}
