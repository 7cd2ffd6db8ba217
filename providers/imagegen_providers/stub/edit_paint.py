"""An edit painted: each instruction carried out on the picture, inside the area that may change and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from imagegen_providers.stub import flat, grades, paint, paste, shapes, styles
from imagegen_providers.stub.canvas import Canvas
from imagegen_providers.stub.instructions import (
    Add,
    Grade,
    Instruction,
    NewBackground,
    Paste,
    Recolour,
    Remove,
    Replace,
    Restyle,
)
from imagegen_providers.stub.reading import scene_of
from imagegen_providers.stub.scene import Scene
from imagegen_providers.stub.words import PLACES, RGB, rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_providers.stub.flat import Blob, Box
    from imagegen_providers.stub.instructions import Target


class Editing:
    """A picture being edited (``RGB``), the area that may change, and what could not be done."""

    def __init__(self, pictures: Sequence[Image.Image], area: Image.Image | None, chance: Random) -> None:
        self.image, self._others = pictures[0], pictures[1:]
        self._whole = area is None
        self._area = Image.new("L", self.image.size, 255) if area is None else area
        self._chance = chance
        self._pasted: set[int] = set()
        self.problems: list[str] = []

    def carry_out(self, instructions: Sequence[Instruction], prompt: str) -> None:
        """All that is told, or where nothing is told that is understood something that can be seen."""
        if self._area.getbbox() is None:
            self.problems.append("the mask leaves nothing to repaint")
            return
        for instruction in instructions:
            self._set(self._after(instruction))
        if not instructions:
            self._set(self._of_its_own(prompt))
        self._use_references()

    def _set(self, changed: Image.Image) -> None:
        self.image = Image.composite(changed, self.image, self._area)

    def _after(self, instruction: Instruction) -> Image.Image:
        match instruction:
            case Grade(name):
                return grades.graded(self.image, name)
            case Restyle(style):
                return styles.styled(self.image, style, self._chance, flat.ground_of(self.image))
            case NewBackground(colour):
                return self._on_ground(rgb(colour))
            case Recolour(target, colour):
                return self._with_each(target, lambda blob: self._recoloured(blob, rgb(colour)))
            case Remove(target):
                return self._cleared() if target is None else self._with_each(target, self._removed)
            case Replace(target, by):
                if target is not None:
                    return self._with_each(target, lambda blob: self._replaced(blob, by.shape, by.colour))
                self._set(self.image if self._whole else self._cleared())
                return self._with_things(Scene((by,)))
            case Add(scene):
                return self._with_things(scene)
            case Paste(number, target, place):
                return self._with_pasted(number, target, place)

    def _with_each(self, target: Target, change: _Change) -> Image.Image:
        """The picture with one, or every, thing that is meant changed."""
        blobs = flat.blobs_of(self.image, flat.ground_of(self.image))
        meant = [blob for blob in blobs if target.fits(blob.shape, blob.colour) and self._may_change(blob)]
        if not meant:
            self.problems.append(f"no {target} was found in the picture")
        before = self.image
        for blob in meant if target.every else meant[:1]:
            self.image = change(blob)
        changed, self.image = self.image, before
        return changed

    def _may_change(self, blob: Blob) -> bool:
        x, y = (min(int(at), side - 1) for at, side in zip(blob.middle, self.image.size, strict=True))
        return self._area.getpixel((x, y)) == 255

    def _recoloured(self, blob: Blob, colour: RGB) -> Image.Image:
        box = self._around(blob)
        crop = self.image.crop(box)
        return self._with_crop(flat.recoloured(crop, flat.coverage(crop, blob.rgb), blob.rgb, colour), box)

    def _removed(self, blob: Blob) -> Image.Image:
        box = self._around(blob)
        crop = self.image.crop(box)
        hole = flat.coverage(crop, blob.rgb).point([0] * 8 + [255] * 248).filter(ImageFilter.MaxFilter(5))
        return self._with_crop(flat.without(crop, hole), box)

    def _replaced(self, blob: Blob, shape: str, colour: str | None) -> Image.Image:
        gone = self._removed(blob)
        ground = flat.ground_of(gone.crop(self._around(blob)), 0.5) or (255, 255, 255)
        canvas = Canvas(gone, ground)
        canvas.stamp(shapes.mask_of(shape, blob.diameter), blob.middle, rgb(colour) if colour else blob.rgb)
        return canvas.picture()

    def _around(self, blob: Blob) -> Box:
        """The blob's box and a little more, for its soft edge and what is behind it."""
        more = max(4, round(0.012 * max(self.image.size)))
        left, top, right, bottom = blob.box
        width, height = self.image.size
        return max(0, left - more), max(0, top - more), min(width, right + more), min(height, bottom + more)

    def _with_crop(self, crop: Image.Image, box: Box) -> Image.Image:
        image = self.image.copy()
        image.paste(crop, box[:2])
        return image

    def _on_ground(self, colour: RGB) -> Image.Image:
        """Another background: in place of a plain one, else around the middle of the picture."""
        if (ground := flat.ground_of(self.image)) is not None:
            return flat.recoloured(self.image, flat.coverage(self.image, ground), ground, colour)
        left, top, right, bottom = self._bounds()
        subject = Image.new("L", self.image.size)
        across, down = (right - left) // 6, (bottom - top) // 6
        ImageDraw.Draw(subject).ellipse((left + across, top + down, right - across, bottom - down), fill=255)
        subject = subject.filter(ImageFilter.GaussianBlur(max(1, min(self.image.size) // 100)))
        return Image.composite(self.image, Image.new("RGB", self.image.size, colour), subject)

    def _cleared(self) -> Image.Image:
        """The area filled from around it."""
        if self._whole:
            self.problems.append("what is to go was not found in the picture, and no mask shows it")
            return self.image
        return flat.without(self.image, self._area)

    def _with_things(self, scene: Scene) -> Image.Image:
        """New things where there is room; at a place of the area where one was named."""
        box = self._room()
        if any(thing.place for thing in scene.things):
            box = self._bounds()
            if len(scene.things) == 1 and (room := self._room_at(scene.things[0].place or "centre")) is not None:
                box, scene = room, replace(scene, things=(replace(scene.things[0], place=None),))
        crop = self.image.crop(box)
        ground = flat.ground_of(crop, 0.5) or flat.pixel(crop.resize((1, 1), Image.Resampling.BOX), 0, 0)
        return self._with_crop(paint.add_things(crop, ground, scene, self._chance), box)

    def _room_at(self, place: str) -> Box | None:
        """What is free in a third of the area, if it is enough."""
        left, top, right, bottom = self._bounds()
        width, height = (right - left) // 3, (bottom - top) // 3
        across, down = PLACES[place]
        x, y = left + (across + 1) * width, top + (down + 1) * height
        ground = flat.ground_of(self.image)
        if ground is None or not width or not height:
            return None
        third = self.image.crop((x, y, x + width, y + height))
        free = flat.largest_free(flat.unlike(third, ground))
        if free is None or (free[2] - free[0]) * (free[3] - free[1]) < 0.2 * width * height:
            return None
        return x + free[0], y + free[1], x + free[2], y + free[3]

    def _bounds(self) -> Box:
        return self._area.getbbox() or (0, 0, *self.image.size)

    def _room(self) -> Box:
        """The largest rectangle of the area that is free, or where that is small the largest one at all."""
        outside = ImageChops.invert(self._area)
        left, top, right, bottom = whole = flat.largest_free(outside) or self._bounds()
        if (ground := flat.ground_of(self.image)) is None:
            return whole
        free = flat.largest_free(ImageChops.lighter(outside, flat.unlike(self.image, ground)))
        wide, high = (free[2] - free[0], free[3] - free[1]) if free else (0, 0)
        enough = wide * high > 0.06 * (right - left) * (bottom - top)
        return free if free and enough else whole

    def _with_pasted(self, number: int, target: Target | None, place: str | None) -> Image.Image:
        if not self._others:
            self.problems.append("there is no second picture to take anything from")
            return self.image
        at = max(0, min(number - 1, len(self._others) - 1)) if number > 0 else len(self._others) - 1
        self._pasted.add(at)
        picture, found = paste.subject_of(self._others[at], target)
        if not found:
            self.problems.append(f"no {target} was found in picture {at + 2}")
        inside = flat.largest_free(ImageChops.invert(self._area)) or self._bounds()
        return paste.put(self.image, picture, inside, place, fill=not self._whole)

    def _of_its_own(self, prompt: str) -> Image.Image:
        """What is not understood: the scene or a composition painted into the mask, or another mood for the whole."""
        scene = scene_of(prompt)
        if scene.things and not scene.background and scene.style is None:
            return self._with_things(scene)
        if not self._whole:
            left, top, right, bottom = box = self._bounds()
            seed, size = self._chance.getrandbits(32), (right - left, bottom - top)
            return self._with_crop(paint.picture_of(scene, prompt, seed, size, transparent=False), box)
        dark, light = self._chance.choice(_MOODS)
        return grades.duotone(self.image, dark, light)

    def _use_references(self) -> None:
        """Whatever other pictures were given and not taken from lie along the foot of the area, as prints."""
        rest = [picture for at, picture in enumerate(self._others) if at not in self._pasted]
        if rest:
            self._set(paste.prints(self.image, rest, self._bounds()))


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    _Change: TypeAlias = Callable[[Blob], Image.Image]

_MOODS: Sequence[tuple[RGB, RGB]] = (
    ((24, 20, 66), (255, 196, 148)),
    ((10, 48, 58), (250, 226, 168)),
    ((58, 16, 46), (255, 214, 190)),
    ((16, 36, 28), (232, 240, 190)),
    ((30, 26, 84), (190, 236, 240)),
)
"""Dark and light of a picture's new mood."""
