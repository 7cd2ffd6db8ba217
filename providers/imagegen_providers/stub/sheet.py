"""The sheet that compositions are painted on: gradients, ridges, discs and halos, quick and with soft edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image, ImageDraw

from imagegen_providers.stub import shapes
from imagegen_providers.stub.words import RGB, mixed

if TYPE_CHECKING:
    from random import Random

Point: TypeAlias = tuple[float, float]
"""In pixels."""

_FINE = 3
"""How much finer than the picture a mask is drawn."""


@dataclass(frozen=True, slots=True)
class Light:
    """The colours of an hour or a season."""

    words: str
    """Words of a prompt that ask for it."""
    sky: tuple[RGB, RGB, RGB]
    """From the top to the horizon."""
    far: RGB
    near: RGB
    glow: RGB
    """Sun, moon, windows."""
    stars: bool = False


class Sheet:
    """A picture being made, with its light and its chance."""

    def __init__(self, size: tuple[int, int], light: Light, chance: Random) -> None:
        self.light, self.chance = light, chance
        self.width, self.height = size
        self.short = min(size)
        self.horizon = self.height * chance.uniform(0.54, 0.62)
        self.image = gradient(light.sky, size)
        self.ink = mixed(min(light.near, light.far, key=sum), (16, 18, 30), 0.5)
        """For silhouettes."""

    def tone(self, nearness: float) -> RGB:
        """The colour of what is far (0) or near (1)."""
        return mixed(self.light.far, self.light.near, nearness)

    def ridge(self, profile: Callable[[float], float], base: float, height: float, colours: Sequence[RGB]) -> None:
        """Everything below a skyline, coloured from its top to the foot of the picture.

        ``profile`` gives its height, -1 to 1, along the picture, 0 to 1. Its slopes are mostly flat, so that a mask
        which is finer only downwards gives soft edges at a third of the cost.
        """
        top, foot = max(0, math.floor(base - 1.3 * height)), min(self.height, math.ceil(base + 1.3 * height) + 1)
        if top >= self.height or foot <= top:
            return
        ground = gradient(colours, (self.width, self.height - top))
        mask = Image.new("L", (self.width, (foot - top) * 4))
        steps = max(2, self.width // 4)
        skyline = [
            (self.width * at / steps, (base - height * profile(at / steps) - top) * 4) for at in range(steps + 1)
        ]
        ImageDraw.Draw(mask).polygon([(0, mask.height), *skyline, (self.width, mask.height)], fill=255)
        self.image.paste(ground.crop((0, foot - top, self.width, self.height - top)), (0, foot))
        self.image.paste(ground.crop((0, 0, self.width, foot - top)), (0, top), mask.reduce((1, 4)))

    def fill(self, outlines: Sequence[Sequence[Point]], *colours: RGB) -> None:
        """Polygons in one colour, or in several from top to bottom."""
        across = [x for outline in outlines for x, _ in outline]
        down = [y for outline in outlines for _, y in outline]
        left, top = max(0, math.floor(min(across))), max(0, math.floor(min(down)))
        width, height = min(self.width, math.ceil(max(across))) - left, min(self.height, math.ceil(max(down))) - top
        if width <= 0 or height <= 0:
            return
        mask = Image.new("L", (width * _FINE, height * _FINE))
        draw = ImageDraw.Draw(mask)
        for outline in outlines:
            draw.polygon([((x - left) * _FINE, (y - top) * _FINE) for x, y in outline], fill=255)
        paint = colours[0] if len(colours) == 1 else gradient(colours, (width, height))
        self.image.paste(paint, (left, top), mask.reduce(_FINE))

    def disc(self, x: float, y: float, radius: float, colour: RGB, *, strength: float = 1.0) -> None:
        """A disc; ``strength`` below 1 lets what is behind it shine through."""
        mask = shapes.mask_of("circle", 2 * radius)
        if strength < 1:
            mask = mask.point([round(strength * value) for value in range(256)])
        self.image.paste(colour, (round(x - mask.width / 2), round(y - mask.height / 2)), mask)

    def halo(self, x: float, y: float, radius: float, strength: float) -> None:
        """Light around a point, fading outwards."""
        fading = Image.radial_gradient("L").point(
            [round(255 * strength * max(0, 1 - v / 180) ** 2) for v in range(256)]
        )
        side = max(2, round(2 * radius))
        mask = fading.resize((side, side), Image.Resampling.BILINEAR)
        self.image.paste(self.light.glow, (round(x - radius), round(y - radius)), mask)


def gradient(colours: Sequence[RGB], size: tuple[int, int]) -> Image.Image:
    """Colours from top to bottom, blended."""
    width, height = size
    column = Image.new("RGB", (1, len(colours)))
    column.putdata(list(colours))
    return column.resize((1, height), Image.Resampling.BICUBIC).resize((width, height), Image.Resampling.NEAREST)
