"""The canvas that things are stamped on: a plain ground, clear where nothing was stamped if asked."""

from __future__ import annotations

from PIL import Image, ImageFilter, ImageOps

from imagegen_providers.stub.words import COLOURS, RGB, unlikeness

VISIBLE = 90
"""How unlike two colours are when one shows well on the other."""


class Canvas:
    """A picture with a ground to stamp masks on."""

    def __init__(self, image: Image.Image, ground: RGB, *, transparent: bool = False) -> None:
        self.size = image.size
        self.image, self.ground = image, ground
        self.alpha = Image.new("L", image.size) if transparent else None

    def stamp(self, mask: Image.Image, middle: tuple[float, float], colour: RGB) -> None:
        """One flat colour through a mask around a point; with a rim where it would not show on the ground."""
        if unlikeness(colour, self.ground) < VISIBLE:
            rim = max(1, round(0.004 * min(self.size)))
            wider = ImageOps.expand(mask, rim).filter(ImageFilter.MaxFilter(2 * rim + 1))
            self.press(wider, middle, most_unlike(self.ground))
        self.press(mask, middle, colour)

    def press(self, mask: Image.Image, middle: tuple[float, float], colour: RGB) -> None:
        """The same without a rim."""
        self.press_at(mask, (round(middle[0] - mask.width / 2), round(middle[1] - mask.height / 2)), colour)

    def press_at(self, mask: Image.Image, at: tuple[int, int], colour: RGB) -> None:
        """One flat colour through a mask, from a corner."""
        if self.alpha is None:
            self.image.paste(colour, at, mask)
        else:  # the colour reaches past the soft edge, so that no ground shines through it
            shown = mask.point([0] + [255] * 255)
            self.image.paste(colour, at, shown)
            self.alpha.paste(255, at, mask)

    def fill(self, box: tuple[int, int, int, int], colour: RGB) -> None:
        """A rectangle in one flat colour."""
        self.image.paste(colour, box)
        if self.alpha is not None:
            self.alpha.paste(255, box)

    def picture(self) -> Image.Image:
        if self.alpha is not None:
            self.image.putalpha(self.alpha)
        return self.image


def most_unlike(ground: RGB) -> RGB:
    """Black or white."""
    return max((COLOURS["black"], COLOURS["white"]), key=lambda colour: unlikeness(colour, ground))
