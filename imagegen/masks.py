"""Masks: what a caller's mask means (white repaints, black stays), and how each provider wants to hear it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from imagegen.types.inputs import ImageInput

if TYPE_CHECKING:
    from PIL.Image import Image

_THRESHOLD = 128
_BINARY = [0] * _THRESHOLD + [255] * (256 - _THRESHOLD)
_INVERTED = [255 - value for value in _BINARY]


def repaint_area(mask: ImageInput) -> Image:
    """The mask as a PIL image of mode ``L``: 255 repaints, 0 stays.

    White repaints, black stays. A mask whose alpha varies is read as transparent repaints. Threshold 128.

    Raises:
        ValueError: Colour and alpha both vary, so that it could mean two things; or it is not a picture.
    """
    from PIL import ImageChops

    picture = mask.pil()
    colour = _two_tones(_grey(picture))
    if not picture.has_transparency_data:
        return colour
    opaque = _two_tones(picture.convert("RGBA").getchannel("A"))
    if len(_tones(opaque)) < 2:
        return colour
    if len(_tones(colour, opaque)) > 1:
        raise ValueError("in the mask both colour and transparency vary: give it one of them")
    return ImageChops.invert(opaque)


def _grey(picture: Image) -> Image:
    if picture.mode.startswith("I"):  # 16 bits, which a plain conversion would cut off at 255
        return picture.point(lambda value: value / 256).convert("L")
    return picture.convert("RGBA").convert("RGB").convert("L")  # by way of RGBA: a palette may have transparent colours


def _two_tones(channel: Image) -> Image:
    return channel.point([0] * _THRESHOLD + [255] * (256 - _THRESHOLD))


def _tones(channel: Image, where: Image | None = None) -> set[int]:
    """The values that are there; with ``where``, that can be seen."""
    return {value for value, count in enumerate(channel.histogram(where)) if count}


def white_repaints(mask: ImageInput) -> ImageInput:
    """A PNG of mode ``L``: white repaints, black stays."""
    return ImageInput(repaint_area(mask))


def black_repaints(mask: ImageInput) -> ImageInput:
    """A PNG of mode ``L``: black repaints, white stays."""
    return ImageInput(repaint_area(mask).point(_INVERTED))


def transparent_repaints(mask: ImageInput) -> ImageInput:
    """A PNG with alpha: transparent repaints, opaque black stays."""
    from PIL import Image, ImageChops

    area = repaint_area(mask)
    picture = Image.new("RGBA", area.size, (0, 0, 0, 255))
    picture.putalpha(ImageChops.invert(area))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return ImageInput(buffer.getvalue())


def as_repainting(mask: ImageInput, what: Literal["white", "black", "transparent"]) -> ImageInput:
    """The mask in a model's own polarity, as its catalogue says it."""
    return {"white": white_repaints, "black": black_repaints, "transparent": transparent_repaints}[what](mask)
