"""Flat things found in a picture: its plain ground, its blobs of one colour, and where nothing is."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from PIL import Image, ImageChops, ImageFilter, ImageMath

from imagegen_providers.stub import shapes
from imagegen_providers.stub.texture import strongest
from imagegen_providers.stub.words import COLOURS, RGB, SHAPES, rgb

if TYPE_CHECKING:
    from collections.abc import Iterator

Box: TypeAlias = tuple[int, int, int, int]

_LOOKED_AT_PX = 256
"""Blobs are found in a copy whose long side has so many pixels, and looked at closely then."""
_NOISE = 14
"""How far the pixels of one flat colour may be apart, as after JPEG."""
_SMALLEST = 12
"""Pixels of a blob in the copy."""
_ALIKE = 0.74
"""How much of a blob and of a shape must agree for the blob to have that shape."""
_SHAPE_PX = 32


@dataclass(frozen=True, slots=True)
class Blob:
    """An area of one colour."""

    box: Box
    colour: str
    """The name of the nearest colour that has one."""
    rgb: RGB
    shape: str | None
    """None: none of those the stub knows."""

    @property
    def middle(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def diameter(self) -> int:
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


def pixel(image: Image.Image, column: int, row: int) -> RGB:
    """One pixel of an ``RGB`` picture: Pillow's own types allow for every other mode."""
    return cast("RGB", image.getpixel((column, row)))


def _colours(image: Image.Image) -> list[tuple[int, RGB]]:
    """How often each colour of an ``RGB`` picture is there."""
    return cast("list[tuple[int, RGB]]", image.getcolors(image.width * image.height) or [])


def _apart(one: RGB, other: RGB) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def ground_of(image: Image.Image, least: float = 0.85) -> RGB | None:
    """The colour (of ``RGB``) that the picture's rim has, or at least so much of it; None where it has many."""
    width, height = image.size
    rim: Counter[RGB] = Counter()
    for box in ((0, 0, width, 2), (0, height - 2, width, height), (0, 0, 2, height), (width - 2, 0, width, height)):
        for count, colour in _colours(image.crop(box)):
            rim[colour] += count
    most = rim.most_common(1)[0][0]
    alike = sum(count for colour, count in rim.items() if _apart(colour, most) <= _NOISE)
    return most if alike >= least * rim.total() else None


def coverage(image: Image.Image, colour: RGB) -> Image.Image:
    """How much of each pixel has this colour (``L``): all, none, or at a soft edge the share."""
    solid = Image.new("RGB", image.size, colour)
    apart = strongest(ImageChops.difference(image, solid)).point([max(0, value - _NOISE) for value in range(256)])
    around = apart.filter(ImageFilter.MaxFilter(5)).point([max(24, value) for value in range(256)])
    share = ImageMath.lambda_eval(lambda of: of["convert"](255 - 255 * of["a"] / of["b"], "L"), a=apart, b=around)
    assert isinstance(share, Image.Image)
    return share


def blobs_of(image: Image.Image, ground: RGB | None) -> list[Blob]:
    """All areas of one colour but the ground, the largest first."""
    scale = max(1.0, max(image.size) / _LOOKED_AT_PX)
    small = image.resize([max(1, round(side / scale)) for side in image.size], Image.Resampling.NEAREST)
    names = small.quantize(palette=_palette(), dither=Image.Dither.NONE)
    found = []
    for pixels in _areas(names, _not_ground(small, ground)):
        if len(pixels) >= _SMALLEST:
            found.append((len(pixels), _blob(pixels, small, names, scale)))
    return [blob for _, blob in sorted(found, key=lambda each: -each[0])]


def _not_ground(small: Image.Image, ground: RGB | None) -> bytes:
    if ground is None:
        return bytes([255]) * (small.width * small.height)
    return unlike(small, ground).tobytes()


def unlike(image: Image.Image, ground: RGB) -> Image.Image:
    """Where a picture has other colours than its ground (``L``, 255 or 0)."""
    apart = strongest(ImageChops.difference(image, Image.new("RGB", image.size, ground)))
    return apart.point([0 if value <= 2 * _NOISE else 255 for value in range(256)])


def _areas(names: Image.Image, wanted: bytes) -> Iterator[list[int]]:
    """Connected pixels of one name each, as their numbers from the top left."""
    width, index = names.width, names.tobytes()
    left = {at for at, value in enumerate(wanted) if value}
    while left:
        edge = [left.pop()]
        name, area = index[edge[0]], []
        while edge:
            at = edge.pop()
            area.append(at)
            column = at % width
            for near in (
                at - width, at + width, *((at - 1,) if column else ()), *((at + 1,) if column < width - 1 else ()),
            ):  # fmt: skip
                if near in left and index[near] == name:
                    left.remove(near)
                    edge.append(near)
        yield area


def _blob(pixels: Sequence[int], small: Image.Image, names: Image.Image, scale: float) -> Blob:
    columns, rows = [at % small.width for at in pixels], [at // small.width for at in pixels]
    left, top, right, bottom = min(columns), min(rows), max(columns) + 1, max(rows) + 1
    mask = Image.new("L", (right - left, bottom - top))
    marks = bytearray(mask.width * mask.height)
    for column, row in zip(columns, rows, strict=True):
        marks[(row - top) * mask.width + column - left] = 255
    mask.frombytes(bytes(marks))
    seen = Counter(pixel(small, column, row) for column, row in zip(columns, rows, strict=True))
    colour = seen.most_common(1)[0][0]
    name = _NAMES[names.tobytes()[pixels[0]]]
    box = (int(left * scale), int(top * scale), math.ceil(right * scale), math.ceil(bottom * scale))
    return Blob(box, name, colour, _shape_of(mask))


def _shape_of(mask: Image.Image) -> str | None:
    """The shape that a mask (``L``) without margins is the most like, if it is enough."""
    ratio, area = mask.width / mask.height, mask.resize((_SHAPE_PX, _SHAPE_PX), Image.Resampling.BOX)

    def likeness(shape: str) -> float:
        own_ratio, own_area = _outline(shape)
        apart = sum(ImageChops.difference(area, own_area).tobytes())
        both = sum(ImageChops.lighter(area, own_area).tobytes())
        return 1 - apart / max(1, both) - 0.6 * abs(math.log(ratio / own_ratio))

    best = max(SHAPES, key=likeness)
    return best if likeness(best) >= _ALIKE else None


@functools.cache
def _outline(shape: str) -> tuple[float, Image.Image]:
    """Width to height of a shape, and the shape filling a square."""
    mask = shapes.mask_of(shape, 128)
    mask = mask.crop(mask.getbbox())
    return mask.width / mask.height, mask.resize((_SHAPE_PX, _SHAPE_PX), Image.Resampling.BOX)


_NAMES = [*COLOURS, *(f"{shade} {name}" for shade in ("dark", "light") for name in COLOURS if name != "white")]


@functools.cache
def _palette() -> Image.Image:
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for name in _NAMES for value in rgb(name)])
    return palette


def recoloured(image: Image.Image, share: Image.Image, old: RGB, new: RGB) -> Image.Image:
    """The picture with one colour exchanged for another, where and as far as ``share`` (``L``) says."""
    more = Image.new("RGB", image.size, tuple(max(0, b - a) for a, b in zip(old, new, strict=True)))
    less = Image.new("RGB", image.size, tuple(max(0, a - b) for a, b in zip(old, new, strict=True)))
    shares = Image.merge("RGB", [share] * 3)
    brighter = ImageChops.add(image, ImageChops.multiply(more, shares))
    return ImageChops.subtract(brighter, ImageChops.multiply(less, shares))


def largest_free(blocked: Image.Image) -> Box | None:
    """The largest rectangle without anything blocked (``L``, above 0), in the picture's pixels."""
    side = 24
    coarse = blocked.resize((side, side), Image.Resampling.BOX).point([255 if value > 6 else 0 for value in range(256)])
    free, best, found = coarse.tobytes(), 0.0, None
    heights = [0] * side
    for row in range(side):
        heights = [0 if free[row * side + column] else heights[column] + 1 for column in range(side)]
        for left in range(side):
            height = side
            for right in range(left, side):
                height = min(height, heights[right])
                wide, high = blocked.width * (right - left + 1), blocked.height * height
                worth = wide * high * min(1.0, 2 * min(wide, high) / max(1, wide, high))
                if worth > best:
                    best, found = worth, (left, row + 1 - height, right + 1, row + 1)
    if found is None:
        return None
    left, top, right, bottom = found
    return (
        left * blocked.width // side, top * blocked.height // side,
        right * blocked.width // side, bottom * blocked.height // side,
    )  # fmt: skip


def without(image: Image.Image, hole: Image.Image) -> Image.Image:
    """The picture with a hole (``L``) filled from around it: flat where that is flat, else softly."""
    around = ImageChops.subtract(hole.filter(ImageFilter.MaxFilter(7)), hole)
    marked = image.copy()
    marked.putalpha(around.point([0] + [255] * 255))
    seen = cast("list[tuple[int, tuple[int, int, int, int]]]", marked.getcolors(image.width * image.height) or [])
    near = [(count, colour) for count, colour in seen if colour[3]]
    if near and max(near)[0] > 0.5 * sum(count for count, _ in near):
        return Image.composite(Image.new("RGB", image.size, max(near)[1][:3]), image, hole)
    return Image.composite(_spread(image, hole), image, hole)


def _spread(image: Image.Image, hole: Image.Image) -> Image.Image:
    """What is around a hole, blurred into it; from a small copy, since it is blurred anyway."""
    small = max(1, image.width // 8), max(1, image.height // 8)
    outside = ImageChops.invert(hole).resize(small, Image.Resampling.BOX)
    shown = Image.composite(image.resize(small, Image.Resampling.BOX), Image.new("RGB", small), outside)
    for reach in (2, 4, 8, 16, 32):
        blur = ImageFilter.GaussianBlur(reach)
        weight, light = outside.filter(blur), shown.filter(blur)
        filled = Image.merge("RGB", [_over(band, weight) for band in light.split()])
        known = outside.point([255 if value > 200 else 0 for value in range(256)])
        usable = weight.point([255 if value > 24 else 0 for value in range(256)])
        shown = Image.composite(shown, Image.composite(filled, shown, usable), known)
        outside = ImageChops.lighter(outside, usable)
    return shown.filter(ImageFilter.GaussianBlur(1)).resize(image.size, Image.Resampling.BICUBIC)


def _over(band: Image.Image, weight: Image.Image) -> Image.Image:
    some = weight.point([max(1, value) for value in range(256)])
    share = ImageMath.lambda_eval(
        lambda of: of["convert"](of["min"](255 * of["a"] / of["b"], 255), "L"), a=band, b=some
    )
    assert isinstance(share, Image.Image)
    return share
