"""Styles: how the same picture looks in watercolour, as a blueprint, in neon and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from imagegen_providers.stub import texture
from imagegen_providers.stub.words import RGB, Style

if TYPE_CHECKING:
    from random import Random

_PAPER = (252, 250, 244)
_INK = (38, 42, 58)
_GRAPHITE = (58, 60, 66)
_BLUEPRINT, _BLUEPRINT_LINES, _CHALK = (24, 62, 130), (46, 88, 160), (236, 243, 255)
_DARK = (13, 11, 28)

GROUNDS: Mapping[Style, RGB] = {"blueprint": _BLUEPRINT, "neon": _DARK, "line drawing": _PAPER}
"""What the ground becomes in styles that have one of their own."""


def styled(image: Image.Image, style: Style | None, chance: Random, ground: RGB | None = None) -> Image.Image:
    """The picture (``RGB``) in a style. ``ground`` is the plain ground of flat things; None for a composition.

    Flat things keep their places, and where the style has colours at all their colours.
    """
    return image if style is None else _STYLES[style](image, chance, ground)


def _watercolour(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """Edges that waver, pigment that gathers at them, and paper that shows through."""
    short = min(image.size)
    wavering = texture.wavering(image.reduce(2), 0.0035 * short, chance).resize(image.size, Image.Resampling.BICUBIC)
    pigment = Image.blend(wavering, Image.new("RGB", image.size, _PAPER), 0.14)
    rims = texture.edges(wavering, max(1, short // 400)).filter(ImageFilter.GaussianBlur(short / 400))
    pigment = ImageChops.multiply(pigment, rims.point([255 - value // 4 for value in range(256)]).convert("RGB"))
    cloudy = texture.clouds(image.size, 24, chance).point([236 + value // 14 for value in range(256)])
    washed = ImageChops.multiply(pigment, cloudy.convert("RGB"))
    if ground is not None:
        return washed
    return Image.composite(washed, Image.new("RGB", image.size, _PAPER), texture.ragged(image.size, chance))


def _pixel_art(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """Large square pixels; of flat things each takes the colour in its middle, so that no colour is new."""
    side = max(2, min(image.size) // 112)
    small = max(1, image.width // side), max(1, image.height // side)
    if ground is not None:
        return image.resize(small, Image.Resampling.NEAREST).resize(image.size, Image.Resampling.NEAREST)
    few = image.resize(small, Image.Resampling.BOX).quantize(20, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return few.convert("RGB").resize(image.size, Image.Resampling.NEAREST)


def _line_drawing(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """Lines on paper: of flat things in their own colours, of a composition in ink."""
    paper = Image.new("RGB", image.size, _PAPER)
    if ground is None:
        return Image.composite(Image.new("RGB", image.size, _INK), paper, _contours(image))
    return Image.composite(image, paper, _outlines(image, ground))


def _blueprint(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """White lines on blue paper with a grid."""
    paper = Image.new("RGB", image.size, _BLUEPRINT)
    step = max(4, min(image.size) // 32)
    for x in range(step, image.width, step):
        paper.paste(_BLUEPRINT_LINES, (x, 0, x + 1, image.height))
    for y in range(step, image.height, step):
        paper.paste(_BLUEPRINT_LINES, (0, y, image.width, y + 1))
    lines = _contours(image) if ground is None else _outlines(image, ground)
    return Image.composite(Image.new("RGB", image.size, _CHALK), paper, lines)


def _pencil(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """Hatched: in coloured pencil where there are flat colours, else in graphite."""
    strokes = texture.streaks(image.size, chance).point([min(255, 105 + value) for value in range(256)])
    paper = Image.new("RGB", image.size, _PAPER)
    if ground is not None:
        hatched = Image.composite(image, paper, ImageChops.multiply(strokes, _silhouette(image, ground)))
        return Image.composite(image, hatched, _outlines(image, ground))
    tones = ImageOps.autocontrast(image.convert("L"), cutoff=1).point(
        [int(215 * (1 - v / 255) ** 1.3) for v in range(256)]
    )
    drawn = ImageChops.lighter(
        ImageChops.multiply(tones, strokes), _contours(image).point([int(0.8 * v) for v in range(256)])
    )
    return Image.composite(Image.new("RGB", image.size, _GRAPHITE), paper, drawn)


def _oil(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """Short thick strokes that catch the light."""
    third = image.resize((max(1, image.width // 3), max(1, image.height // 3)), Image.Resampling.BOX)
    thick = texture.wavering(third, 0.005 * min(third.size), chance, fields=30)
    soft = thick.filter(ImageFilter.MedianFilter(5)).resize(image.size, Image.Resampling.BICUBIC)
    vivid = ImageEnhance.Color(soft).enhance(1.2)
    relief = texture.relief(image.size, chance)
    shaded = ImageChops.add(vivid, relief.point([max(0, value - 128) // 3 for value in range(256)]).convert("RGB"))
    return ImageChops.subtract(shaded, relief.point([max(0, 128 - v) // 3 for v in range(256)]).convert("RGB"))


def _flat(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """A few colours and nothing between them; flat things are so already."""
    if ground is not None:
        return image
    few = image.reduce(4).quantize(9, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return image.quantize(palette=few, dither=Image.Dither.NONE).convert("RGB")


def _neon(image: Image.Image, chance: Random, ground: RGB | None) -> Image.Image:
    """Glowing tubes in the dark."""
    dark = Image.new("RGB", image.size, _DARK)
    if ground is None:
        colours, lines = texture.rainbow(image.size, chance), _contours(image)
    else:
        colours = ImageChops.lighter(image, Image.new("RGB", image.size, (74, 74, 74)))
        lines = _outlines(image, ground)
    tubes = Image.composite(colours, dark, lines)
    quarter = tubes.reduce(4)
    glow = quarter.filter(ImageFilter.GaussianBlur(max(1.0, min(image.size) / 260)))
    glow = ImageEnhance.Brightness(glow).enhance(1.7).resize(image.size, Image.Resampling.BICUBIC)
    return ImageChops.lighter(ImageChops.screen(dark, glow), tubes)


def _contours(image: Image.Image) -> Image.Image:
    """The lines where a composition changes suddenly, as a mask."""
    found = texture.edges(image, max(1, round(min(image.size) / 450)))
    return found.point([min(255, 9 * max(0, value - 14)) for value in range(256)])


def _outlines(image: Image.Image, ground: RGB) -> Image.Image:
    """The lines along the inside of flat things, as a mask."""
    return ImageChops.multiply(texture.edges(image, max(1, round(min(image.size) / 160))), _silhouette(image, ground))


def _silhouette(image: Image.Image, ground: RGB) -> Image.Image:
    """Where there is anything but ground, as a mask."""
    apart = ImageChops.difference(image, Image.new("RGB", image.size, ground))
    return texture.strongest(apart).point([min(255, 6 * value) for value in range(256)])


_Draw: TypeAlias = Callable[[Image.Image, "Random", RGB | None], Image.Image]
_STYLES: Mapping[Style, _Draw] = {
    "watercolour": _watercolour,
    "pixel art": _pixel_art,
    "line drawing": _line_drawing,
    "blueprint": _blueprint,
    "pencil": _pencil,
    "oil": _oil,
    "flat": _flat,
    "neon": _neon,
}
