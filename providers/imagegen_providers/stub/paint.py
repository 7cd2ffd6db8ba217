"""From a scene to a picture: flat shapes and letters on a plain ground, or a composition where nothing was counted."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_providers.stub import board_paint, compositions, lettering, shapes, styles
from imagegen_providers.stub.boards import Board
from imagegen_providers.stub.canvas import VISIBLE, Canvas, most_unlike
from imagegen_providers.stub.layout import boxes_of, inner_size, spots_of
from imagegen_providers.stub.reading import unquoted
from imagegen_providers.stub.scene import Group, Lettering, Scene
from imagegen_providers.stub.words import COLOURS, RGB, rgb, unlikeness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_providers.stub.layout import Box
    from imagegen_providers.stub.scene import Thing

_GROUNDS: Sequence[RGB] = ((250, 247, 240), (243, 247, 252), (249, 245, 250), (243, 250, 246), (253, 246, 238))
"""Nearly white."""
_OTHER_GROUNDS: Sequence[RGB] = ((34, 44, 68), (150, 170, 190), (90, 60, 50))
"""For things that do not show on white."""
_LETTER_HEIGHT = 0.16
"""Of the picture's short side, at most."""


def picture_of(scene: Scene, prompt: str, seed: int, size: tuple[int, int], *, transparent: bool) -> Image.Image:
    """The picture, ``RGB``, or ``RGBA`` where it is to be transparent. Same arguments, same picture."""
    chance = Random(f"{seed} {prompt}")
    scene = writable(scene)
    words, plain = unquoted(prompt), transparent or scene.background is not None
    if len(scene.things) == len(scene.texts) == 1 and not plain and compositions.is_asked_for(words):
        whole = styles.styled(compositions.composition_of(words, chance, size), scene.style, chance)
        return _titled(scene, whole, chance)
    if scene.things:
        return _arranged(scene, chance, size, transparent)
    whole = styles.styled(compositions.composition_of(words, chance, size), scene.style, chance)
    if not plain:
        return whole
    return _medallion(whole, None if transparent else rgb(scene.background or "white"))


def writable(scene: Scene) -> Scene:
    """The scene without the texts that cannot be written."""
    gone = unwritable_texts(scene)
    return scene.without(
        [at for at, thing in enumerate(scene.things) if isinstance(thing, Lettering) and thing.text in gone]
    )


def unwritable_texts(scene: Scene) -> dict[str, str]:
    """Texts of a scene that cannot be written as asked, and the characters that are the reason: they are left out."""
    return {text: missing for text in scene.texts if (missing := lettering.unwritable(text))}


def smallest_px(scene: Scene, size: tuple[int, int]) -> float:
    """The width of the smallest shape in the picture, or square of a board."""
    boxes = boxes_of(scene, *size)
    shapes_px = [spot.diameter for spot in spots_of(scene, boxes, min(size), Random(0))]
    squares_px = [
        board_paint.Layout(thing, box, inner_size(box, min(size))).cell
        for thing, box in zip(scene.things, boxes, strict=True)
        if isinstance(thing, Board)
    ]
    return min((*shapes_px, *squares_px), default=min(size))


def shrunk_type(scene: Scene, size: tuple[int, int]) -> dict[Lettering, int]:
    """Texts whose stated size does not fit into the picture, and the size in pixels that they get."""
    found = {}
    for thing, box in zip(scene.things, boxes_of(scene, *size), strict=True):
        if isinstance(thing, Lettering) and thing.type_px is not None:
            setting = _setting(thing, box, _LETTER_HEIGHT, size)
            if setting.size_px < thing.type_px:
                found[thing] = setting.size_px
    return found


def _arranged(scene: Scene, chance: Random, size: tuple[int, int], transparent: bool) -> Image.Image:
    ground, colours = _colours(scene, chance)
    canvas = Canvas(Image.new("RGB", size, ground), ground, transparent=transparent)
    _draw(canvas, scene, colours, chance)
    return canvas.picture()


def add_things(image: Image.Image, ground: RGB, scene: Scene, chance: Random) -> Image.Image:
    """The picture (``RGB``) with the things of a scene on it, over what is there; ``ground`` is its main colour."""
    canvas = Canvas(image.copy(), ground)
    scene = replace(writable(scene), style=None)
    _, colours = _colours(scene, chance, ground)
    _draw(canvas, scene, colours, chance, letter_height=2 * _LETTER_HEIGHT)
    return canvas.picture()


def _draw(
    canvas: Canvas, scene: Scene, colours: list[RGB], chance: Random, *, letter_height: float = _LETTER_HEIGHT
) -> None:
    """Shapes and boards, then the style, then the texts, which no style makes illegible."""
    boxes, size = boxes_of(scene, *canvas.size), canvas.size
    _draw_shapes(canvas, scene, boxes, colours, chance)
    for thing, box in zip(scene.things, boxes, strict=True):
        if isinstance(thing, Board):
            board_paint.draw(thing, board_paint.Layout(thing, box, inner_size(box, min(size))), canvas)
    if scene.style is not None:
        canvas.image = styles.styled(canvas.image, scene.style, chance, canvas.ground)
        canvas.ground = styles.GROUNDS.get(scene.style, canvas.ground)
    for index, thing in enumerate(scene.things):
        if isinstance(thing, Lettering):
            colour = colours[index] if thing.colour else most_unlike(canvas.ground)
            canvas.stamp(_letters(thing, boxes[index], letter_height, size), _middle(boxes[index]), colour)


def _draw_shapes(canvas: Canvas, scene: Scene, boxes: list[Box], colours: list[RGB], chance: Random) -> None:
    masks: dict[int, Image.Image] = {}
    for spot in spots_of(scene, boxes, min(canvas.size), chance):
        thing = scene.things[spot.thing]
        assert isinstance(thing, Group)
        if spot.thing not in masks:
            masks[spot.thing] = shapes.mask_of(thing.shape, spot.diameter)
        canvas.stamp(masks[spot.thing], (spot.x, spot.y), colours[spot.thing])


def _titled(scene: Scene, whole: Image.Image, chance: Random) -> Image.Image:
    """A composition with one text on it: at the bottom, if not elsewhere, on a plain panel, so that it can be read."""
    scene = replace(scene, things=tuple(replace(thing, place=thing.place or "bottom") for thing in scene.things))
    ground, (colour,) = _colours(scene, chance)
    (box,) = boxes_of(scene, *whole.size)
    mask = _letters(scene.letterings[0], box, 0.7 * _LETTER_HEIGHT, whole.size)
    panel = shapes.panel_of(mask.width, mask.height, margin=round(0.035 * min(whole.size)))
    canvas, middle = Canvas(whole, ground), _middle(box)
    canvas.press(panel, middle, ground)
    canvas.stamp(mask, middle, colour)
    return canvas.picture()


def _letters(thing: Lettering, box: Box, letter_height: float, size: tuple[int, int]) -> Image.Image:
    return lettering.written(_setting(thing, box, letter_height, size), thing.turn)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _setting(thing: Lettering, box: Box, letter_height: float, size: tuple[int, int]) -> lettering.Setting:
    return lettering.setting_of(thing, *inner_size(box, min(size)), letter_height * min(size))


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


def _colours(scene: Scene, chance: Random, ground: RGB | None = None) -> tuple[RGB, list[RGB]]:
    """The ground's colour and each thing's: as asked, and where nothing was, one that shows."""
    asked = [rgb(thing.colour) for thing in scene.things if thing.colour]
    asked += [colour for board in scene.boards for colour in board_paint.colours_shown(board)]
    if ground is None:
        ground = rgb(scene.background) if scene.background else _ground(asked, chance)
    free = [value for value in COLOURS.values() if unlikeness(value, ground) > VISIBLE and value not in asked]
    colourful = [value for value in free if max(value) - min(value) > 60] or list(COLOURS.values())
    chance.shuffle(colourful)
    return ground, [
        _colour(thing, ground, colourful[index % len(colourful)]) for index, thing in enumerate(scene.things)
    ]


def _ground(colours: Sequence[RGB], chance: Random) -> RGB:
    """A ground on which all these colours show; nearly white, if that is one."""
    grounds = [*chance.sample(_GROUNDS, len(_GROUNDS)), *_OTHER_GROUNDS]

    def contrast(ground: RGB) -> float:
        return min((VISIBLE, *(unlikeness(ground, colour) for colour in colours)))

    return max(grounds, key=contrast)


def _colour(thing: Thing, ground: RGB, free: RGB) -> RGB:
    if thing.colour:
        return rgb(thing.colour)
    if isinstance(thing, Lettering):
        return most_unlike(ground)
    return free
