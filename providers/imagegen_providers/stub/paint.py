"""From a scene to a picture: flat shapes and letters on a plain ground, or a composition where nothing was counted."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from PIL import Image, ImageFilter, ImageOps

from imagegen_providers.stub import compositions, lettering, shapes
from imagegen_providers.stub.layout import boxes_of, inner_size, spots_of
from imagegen_providers.stub.scene import Group, Lettering, Scene, unquoted
from imagegen_providers.stub.words import COLOURS, RGB, rgb, unlikeness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_providers.stub.layout import Box
    from imagegen_providers.stub.scene import Thing

_GROUNDS: Sequence[RGB] = ((250, 247, 240), (243, 247, 252), (249, 245, 250), (243, 250, 246), (253, 246, 238))
"""Nearly white."""
_OTHER_GROUNDS: Sequence[RGB] = ((34, 44, 68), (150, 170, 190), (90, 60, 50))
"""For things that do not show on white."""
_VISIBLE = 90
_LETTER_HEIGHT = 0.16
"""Of the picture's short side, at most."""


def picture_of(scene: Scene, prompt: str, seed: int, size: tuple[int, int], *, transparent: bool) -> Image.Image:
    """The picture, ``RGB``, or ``RGBA`` where it is to be transparent. Same arguments, same picture."""
    chance = Random(f"{seed} {prompt}")
    gone = unwritable_texts(scene)
    scene = scene.without(
        [at for at, thing in enumerate(scene.things) if isinstance(thing, Lettering) and thing.text in gone]
    )
    words, plain = unquoted(prompt), transparent or scene.background is not None
    if len(scene.things) == len(scene.texts) == 1 and not plain and compositions.is_asked_for(words):
        return _titled(scene, compositions.composition_of(words, chance, size), chance)
    if scene.things:
        return _arranged(scene, chance, size, transparent)
    whole = compositions.composition_of(words, chance, size)
    if not plain:
        return whole
    return _medallion(whole, None if transparent else rgb(scene.background or "white"))


def unwritable_texts(scene: Scene) -> dict[str, str]:
    """Texts of a scene that cannot be written as asked, and the characters that are the reason: they are left out."""
    return {text: missing for text in scene.texts if (missing := lettering.unwritable(text))}


def smallest_px(scene: Scene, size: tuple[int, int]) -> float:
    """The diameter of the smallest shape in the picture."""
    spots = spots_of(scene, boxes_of(scene, *size), min(size), Random(0))
    return min((spot.diameter for spot in spots), default=min(size))


def _arranged(scene: Scene, chance: Random, size: tuple[int, int], transparent: bool) -> Image.Image:
    ground, colours = _colours(scene, chance)
    canvas = _Canvas(Image.new("RGB", size, ground), ground, transparent)
    boxes = boxes_of(scene, *size)
    masks: dict[int, Image.Image] = {}
    for spot in spots_of(scene, boxes, min(size), chance):
        thing = scene.things[spot.thing]
        assert isinstance(thing, Group)
        if spot.thing not in masks:
            masks[spot.thing] = shapes.mask_of(thing.shape, spot.diameter)
        canvas.stamp(masks[spot.thing], (spot.x, spot.y), colours[spot.thing])
    for index, thing in enumerate(scene.things):
        if isinstance(thing, Lettering):
            left, top, right, bottom = boxes[index]
            middle = (left + right) / 2, (top + bottom) / 2
            canvas.stamp(_letters(thing.text, boxes[index], _LETTER_HEIGHT, size), middle, colours[index])
    return canvas.picture()


def _titled(scene: Scene, whole: Image.Image, chance: Random) -> Image.Image:
    """A composition with one text on it: at the bottom, if not elsewhere, on a plain panel, so that it can be read."""
    scene = replace(scene, things=tuple(replace(thing, place=thing.place or "bottom") for thing in scene.things))
    ground, (colour,) = _colours(scene, chance)
    ((left, top, right, bottom),) = boxes_of(scene, *whole.size)
    mask = _letters(scene.texts[0], (left, top, right, bottom), 0.7 * _LETTER_HEIGHT, whole.size)
    panel = shapes.panel_of(mask.width, mask.height, margin=round(0.035 * min(whole.size)))
    canvas, middle = _Canvas(whole, ground), ((left + right) / 2, (top + bottom) / 2)
    canvas.press(panel, middle, ground)
    canvas.stamp(mask, middle, colour)
    return canvas.picture()


def _letters(text: str, box: Box, letter_height: float, size: tuple[int, int]) -> Image.Image:
    width, height = inner_size(box, min(size))
    return lettering.written(text, width, height, letter_height * min(size))


class _Canvas:
    """A plain ground to stamp masks on; transparent where nothing was stamped, if asked."""

    def __init__(self, image: Image.Image, ground: RGB, transparent: bool = False) -> None:
        self.size = image.size
        self._image, self._ground = image, ground
        self._alpha = Image.new("L", image.size) if transparent else None

    def stamp(self, mask: Image.Image, middle: tuple[float, float], colour: RGB) -> None:
        """One flat colour through a mask around a point; with a rim where it would not show on the ground."""
        if unlikeness(colour, self._ground) < _VISIBLE:
            rim = max(1, round(0.004 * min(self.size)))
            wider = ImageOps.expand(mask, rim).filter(ImageFilter.MaxFilter(2 * rim + 1))
            self.press(wider, middle, _most_unlike(self._ground))
        self.press(mask, middle, colour)

    def press(self, mask: Image.Image, middle: tuple[float, float], colour: RGB) -> None:
        """The same without a rim."""
        at = (round(middle[0] - mask.width / 2), round(middle[1] - mask.height / 2))
        if self._alpha is None:
            self._image.paste(colour, at, mask)
        else:  # the colour reaches past the soft edge, so that no ground shines through it
            self._image.paste(colour, (*at, at[0] + mask.width, at[1] + mask.height))
            self._alpha.paste(255, at, mask)

    def picture(self) -> Image.Image:
        if self._alpha is not None:
            self._image.putalpha(self._alpha)
        return self._image


def _medallion(whole: Image.Image, ground: RGB | None) -> Image.Image:
    """A composition in a circle, on a plain ground or on none."""
    short = min(whole.size)
    disc = shapes.mask_of("circle", 0.92 * short)
    mask = Image.new("L", whole.size)
    mask.paste(disc, ((whole.width - disc.width) // 2, (whole.height - disc.height) // 2))
    if ground is None:
        whole.putalpha(mask)
        return whole
    return Image.composite(whole, Image.new("RGB", whole.size, ground), mask)


def _colours(scene: Scene, chance: Random) -> tuple[RGB, list[RGB]]:
    """The ground's colour and each thing's: as asked, and where nothing was, one that shows."""
    asked = [rgb(thing.colour) for thing in scene.things if thing.colour]
    ground = rgb(scene.background) if scene.background else _ground(asked, chance)
    free = [value for value in COLOURS.values() if unlikeness(value, ground) > _VISIBLE and value not in asked]
    colourful = [value for value in free if max(value) - min(value) > 60] or list(COLOURS.values())
    chance.shuffle(colourful)
    return ground, [
        _colour(thing, ground, colourful[index % len(colourful)]) for index, thing in enumerate(scene.things)
    ]


def _ground(colours: Sequence[RGB], chance: Random) -> RGB:
    """A ground on which all these colours show; nearly white, if that is one."""
    grounds = [*chance.sample(_GROUNDS, len(_GROUNDS)), *_OTHER_GROUNDS]

    def contrast(ground: RGB) -> float:
        return min((_VISIBLE, *(unlikeness(ground, colour) for colour in colours)))

    return max(grounds, key=contrast)


def _colour(thing: Thing, ground: RGB, free: RGB) -> RGB:
    if thing.colour:
        return rgb(thing.colour)
    if isinstance(thing, Lettering):
        return _most_unlike(ground)
    return free


def _most_unlike(ground: RGB) -> RGB:
    """Black or white."""
    return max((COLOURS["black"], COLOURS["white"]), key=lambda colour: unlikeness(colour, ground))
