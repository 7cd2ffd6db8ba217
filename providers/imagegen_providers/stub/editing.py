"""Edits: from input pictures and a prompt to the changed picture, and to the scene that it then shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from imagegen_providers.stub.instructions import Add, Instruction, NewBackground, Recolour, Remove, Replace, Restyle
from imagegen_providers.stub.instructions import instructions_of as told
from imagegen_providers.stub.scene import Group, Scene, Thing
from imagegen_providers.stub.sloppy import RIGHT, Kind, spoilt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from imagegen_providers.stub.instructions import Target


def instructions_of(prompt: str, seed: int, model: str, right: Mapping[Kind, float] = RIGHT) -> tuple[Instruction, ...]:
    """What ``model`` does for ``prompt``: what it was told, or with sloppy's mistakes in what it adds and recolours."""
    found = told(prompt)
    return tuple(_spoilt(each, prompt, seed, right) for each in found) if model == "sloppy" else found


def edited(
    before: Scene, prompt: str, seed: int = 0, model: str = "painter", right: Mapping[Kind, float] = RIGHT
) -> Scene:
    """The ground truth of an edit without a mask of a picture that shows ``before``."""
    for instruction in instructions_of(prompt, seed, model, right):
        before = _after(before, instruction)
    return before


def edited_picture(
    pictures: Sequence[Image], area: Image | None, instructions: Sequence[Instruction], seed: int, prompt: str
) -> tuple[Image, list[str]]:
    """The first picture changed inside ``area`` (``L``, 255 repaints; None: all of it), and what could not be done.

    Outside the area every pixel is as it was, its transparency too.
    """
    from PIL import Image, ImageChops

    from imagegen_providers.stub.edit_paint import Editing
    from imagegen_providers.stub.texture import strongest

    first = pictures[0]
    alpha = first.getchannel("A") if first.mode == "RGBA" else None
    colours = [each.convert("RGB") for each in pictures]
    editing = Editing(colours, area, Random(f"{seed} {prompt}"))
    editing.carry_out(instructions, prompt)
    image = editing.image
    if alpha is not None:  # what was painted where the picture was clear can be seen
        painted = strongest(ImageChops.difference(image, colours[0])).point([0] + [255] * 255)
        image = Image.merge("RGBA", [*image.split(), ImageChops.lighter(alpha, painted)])
    return image, editing.problems


def cut_out(image: Image, area: Image | None) -> Image:
    """The picture (``RGBA``) with a plain background made clear inside the area; as it was where it has none."""
    from PIL import Image, ImageChops

    from imagegen_providers.stub import flat

    alpha = image.getchannel("A") if image.mode == "RGBA" else Image.new("L", image.size, 255)
    colours = image.convert("RGB")
    if (ground := flat.ground_of(colours)) is not None:
        kept = ImageChops.invert(flat.coverage(colours, ground))
        kept = kept if area is None else ImageChops.lighter(kept, ImageChops.invert(area))
        alpha = ImageChops.darker(alpha, kept)
    return Image.merge("RGBA", [*colours.split(), alpha])


def _spoilt(instruction: Instruction, prompt: str, seed: int, right: Mapping[Kind, float]) -> Instruction:
    match instruction:
        case Add(scene):
            return Add(spoilt(scene, prompt, seed, right))
        case Replace(target, by):
            (wrong,) = spoilt(Scene((by,)), prompt, seed, {**right, "count": 1}).groups
            return Replace(target, wrong)
        case Recolour(target, colour):
            (wrong,) = spoilt(Scene((Group(1, target.shape, colour),)), prompt, seed, {**right, "count": 1}).groups
            return Recolour(target, wrong.colour or colour)
    return instruction


def _after(scene: Scene, instruction: Instruction) -> Scene:
    match instruction:
        case Add(new):
            shift = len(scene.things)
            moved = (replace(each, first=each.first + shift, second=each.second + shift) for each in new.relations)
            return replace(scene, things=scene.things + new.things, relations=(*scene.relations, *moved))
        case Replace(target, by):
            if target is None:
                return replace(scene, things=(*scene.things, by))
            return _changed(
                scene, target, lambda group: replace(by, count=group.count, colour=by.colour or group.colour)
            )
        case Recolour(target, colour):
            return _changed(scene, target, lambda group: replace(group, colour=colour))
        case Remove(target) if target is not None:
            return _changed(scene, target, lambda group: replace(group, count=0))
        case NewBackground(colour):
            return replace(scene, background=colour)
        case Restyle(style):
            return replace(scene, style=style)
    return scene


def _changed(scene: Scene, target: Target, change: Callable[[Group], Group]) -> Scene:
    """The scene with one, or every, thing that is meant changed; one of several becomes a group of its own."""
    things: list[Thing] = list(scene.things)
    for at, thing in enumerate(scene.things):
        if not isinstance(thing, Group) or not target.fits(thing.shape, thing.colour):
            continue
        if target.every or thing.count == 1:
            things[at] = change(thing)
        else:
            things[at] = replace(thing, count=thing.count - 1)
            things.append(change(replace(thing, count=1)))
        if not target.every:
            break
    gone = [at for at, thing in enumerate(things) if isinstance(thing, Group) and thing.count == 0]
    return replace(scene, things=tuple(things)).without(gone)


if TYPE_CHECKING:
    from collections.abc import Callable
