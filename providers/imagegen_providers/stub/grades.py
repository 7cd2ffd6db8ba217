"""Another light or tone for a whole picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from imagegen_providers.stub.words import RGB


def graded(image: Image.Image, name: str) -> Image.Image:
    """The picture (``RGB``) in the grade of this name, of `instructions.GRADES`."""
    return _GRADES[name](image)


def duotone(image: Image.Image, dark: RGB, light: RGB) -> Image.Image:
    """The picture in the tones between two colours, over a part of its own."""
    toned = ImageOps.colorize(ImageOps.autocontrast(image.convert("L"), cutoff=1), dark, light)
    return Image.blend(image, toned, 0.7)


def toned_as(image: Image.Image, model: Image.Image) -> Image.Image:
    """The picture with brightness and contrast of each colour as in another."""
    from PIL import ImageStat

    own, other = ImageStat.Stat(image), ImageStat.Stat(model)
    table: list[int] = []
    for mean, spread, new_mean, new_spread in zip(own.mean, own.stddev, other.mean, other.stddev, strict=True):
        factor = min(3.0, new_spread / max(1.0, spread))
        table += [min(255, max(0, round((value - mean) * factor + new_mean))) for value in range(256)]
    return image.point(table)


def _night(image: Image.Image) -> Image.Image:
    dim = ImageChops.multiply(image, Image.new("RGB", image.size, (60, 74, 132)))
    return ImageChops.add(ImageEnhance.Color(dim).enhance(0.8), Image.new("RGB", image.size, (2, 5, 20)))


def _sunset(image: Image.Image) -> Image.Image:
    warm = ImageChops.multiply(image, Image.new("RGB", image.size, (255, 196, 150)))
    return ImageChops.screen(warm, Image.new("RGB", image.size, (46, 12, 22)))


def _sepia(image: Image.Image) -> Image.Image:
    return ImageOps.colorize(image.convert("L"), (38, 24, 12), (252, 238, 208), (166, 124, 82))


def _gamma(power: float) -> Callable[[Image.Image], Image.Image]:
    table = [round(255 * (value / 255) ** power) for value in range(256)]
    return lambda image: image.point(table * 3)


def _darker(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(_gamma(1.25)(image)).enhance(0.62)


def _brighter(image: Image.Image) -> Image.Image:
    return ImageChops.screen(_gamma(0.8)(image), Image.new("RGB", image.size, (40, 40, 40)))


def _multiplied(colour: RGB) -> Callable[[Image.Image], Image.Image]:
    return lambda image: ImageChops.multiply(image, Image.new("RGB", image.size, colour))


_GRADES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "night": _night,
    "sunset": _sunset,
    "sepia": _sepia,
    "black and white": lambda image: image.convert("L").convert("RGB"),
    "inverted": ImageChops.invert,
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(max(2.0, min(image.size) / 90))),
    "sharper": lambda image: image.filter(ImageFilter.UnsharpMask(max(1.0, min(image.size) / 300), 180, 2)),
    "darker": _darker,
    "brighter": _brighter,
    "warmer": _multiplied((255, 222, 178)),
    "colder": _multiplied((186, 218, 255)),
    "vivid": lambda image: ImageEnhance.Color(image).enhance(1.8),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.6),
    "foggy": lambda image: Image.blend(image, Image.new("RGB", image.size, (226, 230, 234)), 0.55),
}
