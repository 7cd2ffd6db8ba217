"""What styles are made of: noise of several kinds, edges, and a picture that wavers. All from the seed's chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from random import Random

_NEON = ((255, 60, 160), (120, 90, 255), (40, 220, 255), (80, 255, 170), (255, 210, 70), (255, 60, 160))


def noise(size: tuple[int, int], chance: Random) -> Image.Image:
    """Every pixel by itself (``L``)."""
    return Image.frombytes("L", size, chance.randbytes(size[0] * size[1]))


def clouds(size: tuple[int, int], fields: int, chance: Random) -> Image.Image:
    """Soft patches (``L``), so many along the picture."""
    return noise((fields, fields), chance).resize(size, Image.Resampling.BICUBIC)


def streaks(
    size: tuple[int, int], chance: Random, *, degrees: float = 35, long: float = 0.09, thick: float = 0.0035
) -> Image.Image:
    """Strokes side by side (``L``); their length and thickness are shares of the short side."""
    short = min(size)
    long, thick = max(2.0, long * short), max(1.0, thick * short)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    reach = int(size[0] + size[1])
    grain = noise((int(reach / long) + 4, int(2 * reach / thick) + 4), chance)
    turned = (cos / long, sin / long, 1.0, -sin / thick, cos / thick, size[0] * sin / thick + 2)
    return grain.transform(size, Image.Transform.AFFINE, turned, Image.Resampling.BILINEAR)


def relief(size: tuple[int, int], chance: Random) -> Image.Image:
    """Brush strokes in two directions lit from a side (``L``, 128 is even)."""
    half = max(4, size[0] // 2), max(4, size[1] // 2)
    one, other = (
        streaks(half, chance, degrees=degrees, long=0.07, thick=0.011).filter(ImageFilter.EMBOSS)
        for degrees in (30, -45)
    )
    patches = clouds(half, 9, chance).point([min(255, max(0, 6 * (value - 107))) for value in range(256)])
    return Image.composite(one, other, patches).resize(size, Image.Resampling.BILINEAR)


def rainbow(size: tuple[int, int], chance: Random) -> Image.Image:
    """The colours of neon tubes across the picture."""
    first = chance.randrange(len(_NEON) - 1)
    row = Image.new("RGB", (len(_NEON) - 1, 1))
    row.putdata([_NEON[(first + at) % (len(_NEON) - 1)] for at in range(len(_NEON) - 1)])
    return row.resize(size, Image.Resampling.BICUBIC)


def edges(image: Image.Image, reach: int) -> Image.Image:
    """How much each pixel differs from those so many pixels beside it (``L``)."""
    steps = [(reach, 0), (-reach, 0), (0, reach), (0, -reach)]
    found = Image.new("L", image.size)
    for across, down in steps:
        apart = ImageChops.difference(image, ImageChops.offset(image, across, down))
        found = ImageChops.lighter(found, strongest(apart))
    ImageDraw.Draw(found).rectangle((0, 0, image.width - 1, image.height - 1), outline=0, width=reach)
    return found.point([min(255, 2 * value) for value in range(256)])


def strongest(image: Image.Image) -> Image.Image:
    """The largest of the three channels (``L``)."""
    red, green, blue = image.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def wavering(image: Image.Image, reach_px: float, chance: Random, *, fields: int = 18) -> Image.Image:
    """The picture with each of its corners and crossings pushed a little aside."""
    fields = max(1, min(fields, min(image.size) // 2))
    across = [round(image.width * at / fields) for at in range(fields + 1)]
    down = [round(image.height * at / fields) for at in range(fields + 1)]

    def aside(at: int, most: int) -> float:
        return min(max(at + chance.uniform(-reach_px, reach_px), 0), most) if 0 < at < most else at

    def pushed(x: int, y: int, limit: tuple[int, int]) -> tuple[float, float]:
        return aside(x, limit[0]), aside(y, limit[1])

    points = [[pushed(x, y, image.size) for x in across] for y in down]
    mesh = [
        (
            (across[column], down[row], across[column + 1], down[row + 1]),
            (
                *points[row][column],
                *points[row + 1][column],
                *points[row + 1][column + 1],
                *points[row][column + 1],
            ),
        )
        for row in range(fields)
        for column in range(fields)
    ]
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def ragged(size: tuple[int, int], chance: Random) -> Image.Image:
    """A sheet that is painted on nearly to its edges (``L``)."""
    small = max(8, size[0] // 4), max(8, size[1] // 4)
    inset = max(1, min(small) // 22)
    sheet = Image.new("L", small)
    sheet.paste(255, (inset, inset, small[0] - inset, small[1] - inset))
    rough = Image.blend(sheet.filter(ImageFilter.GaussianBlur(inset / 2)), clouds(small, 60, chance), 0.33)
    return rough.point([255 if value > 120 else 0 for value in range(256)]).resize(size, Image.Resampling.BICUBIC)
