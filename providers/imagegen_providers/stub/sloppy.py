"""What `stub:sloppy` gets wrong: each kind of task on its own, with a stated probability, decided by the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Literal, TypeAlias

from imagegen_providers.stub.boards import Board
from imagegen_providers.stub.reading import scene_of
from imagegen_providers.stub.scene import Group, Lettering, Scene, Thing
from imagegen_providers.stub.words import COLOURS, PLACES, SHAPES, Side, rgb, unlikeness

Kind: TypeAlias = Literal["count", "colour", "shape", "position", "text", "board"]
Axis: TypeAlias = Literal["across", "down"]

_AXES: Mapping[Axis, tuple[Side, Side]] = {"across": ("left", "right"), "down": ("above", "below")}

RIGHT: Mapping[Kind, float] = {
    "count": 0.75,
    "colour": 0.9,
    "shape": 0.95,
    "position": 0.8,
    "text": 0.7,
    "board": 0.85,
}
"""How often each kind of task comes out right: independently of the others, and of every other seed."""


def painted(prompt: str, seed: int, model: str, right: Mapping[Kind, float] = RIGHT) -> Scene:
    """The ground truth of the picture that ``model`` paints for ``prompt`` with this seed."""
    scene = scene_of(prompt)
    return spoilt(scene, prompt, seed, right) if model == "sloppy" else scene


def spoilt(scene: Scene, prompt: str, seed: int, right: Mapping[Kind, float] = RIGHT) -> Scene:
    """The scene that sloppy paints instead of ``scene``: at most one mistake of each kind."""
    for kind, mistake in _MISTAKES.items():
        if _share(kind, prompt, seed) >= right[kind]:
            scene = mistake(scene, Random(f"{kind} {seed} {prompt}"))
    return scene


def _share(kind: Kind, prompt: str, seed: int) -> float:
    """A number from 0 to 1, as if drawn by lot, but the same at every try."""
    digest = hashlib.sha256(f"{seed}\0{kind}\0{prompt}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _miscounted(scene: Scene, chance: Random) -> Scene:
    """One too many or one too few."""

    def change(group: Thing) -> Thing:
        assert isinstance(group, Group)
        return replace(group, count=group.count + (1 if group.count == 1 else chance.choice((-1, 1))))

    return _with_one_changed(scene, [isinstance(thing, Group) for thing in scene.things], change, chance)


def _miscoloured(scene: Scene, chance: Random) -> Scene:
    """Another colour: none that is in the picture already, and one that shows on the background."""
    taken = {thing.colour for thing in scene.things} | {scene.background}
    ground = rgb(scene.background or "white")
    others = [name for name, value in COLOURS.items() if name not in taken and unlikeness(value, ground) > 90]

    def change(thing: Thing) -> Thing:
        assert not isinstance(thing, Board)
        return replace(thing, colour=chance.choice(others))

    return _with_one_changed(scene, [bool(thing.colour and others) for thing in scene.things], change, chance)


def _misshapen(scene: Scene, chance: Random) -> Scene:
    """Another shape, none that is in the picture already."""
    others = [shape for shape in SHAPES if shape not in {group.shape for group in scene.groups}]

    def change(group: Thing) -> Thing:
        assert isinstance(group, Group)
        return replace(group, shape=chance.choice(others))

    return _with_one_changed(
        scene, [isinstance(thing, Group) and bool(others) for thing in scene.things], change, chance
    )


def _misplaced(scene: Scene, chance: Random) -> Scene:
    """The whole arrangement mirrored on an axis that matters, so that it stays possible; the centre in a corner."""
    axes: list[Axis] = [axis for axis in _AXES if mirrored(scene, axis) != scene]
    if axes:
        return mirrored(scene, chance.choice(axes))
    things = (replace(thing, place="top left") if thing.place else thing for thing in scene.things)
    return replace(scene, things=tuple(things))


def mirrored(scene: Scene, axis: Axis) -> Scene:
    """The scene with left and right exchanged (``across``), or above and below (``down``)."""
    sides = _AXES[axis]
    return replace(
        scene,
        things=tuple(
            replace(thing, place=thing.place and _mirrored_place(thing.place, axis)) for thing in scene.things
        ),
        relations=tuple(each.mirrored() if each.side in sides else each for each in scene.relations),
    )


def _mirrored_place(place: str, axis: Axis) -> str:
    across, down = PLACES[place]
    wanted = (-across, down) if axis == "across" else (across, -down)
    return next(name for name, each in PLACES.items() if each == wanted)


def _misspelt(scene: Scene, chance: Random) -> Scene:
    """One character of a text replaced by its neighbour in the alphabet."""

    def change(lettering: Thing) -> Thing:
        assert isinstance(lettering, Lettering)
        text = lettering.text
        at = chance.choice([index for index, each in enumerate(text) if each.isalnum()] or [0])
        return replace(lettering, text=text[:at] + _neighbour(text[at]) + text[at + 1 :])

    return _with_one_changed(scene, [isinstance(thing, Lettering) for thing in scene.things], change, chance)


def _neighbour(character: str) -> str:
    for step in (1, -1):
        other = chr(ord(character) + step)
        alike = (other.isalpha(), other.isdigit(), other.isupper()) == (
            character.isalpha(),
            character.isdigit(),
            character.isupper(),
        )
        if alike and other.isalnum():
            return other
    return "x"


def _misput(scene: Scene, chance: Random) -> Scene:
    """What stands in one square of a board exchanged with a neighbouring square, which is empty or differs."""

    def change(board: Thing) -> Thing:
        assert isinstance(board, Board)
        first, second = chance.choice(_unlike_neighbours(board))
        marks = {(mark.row, mark.column): mark for mark in board.marks}
        moved = {second: marks.pop(first, None), first: marks.pop(second, None)}
        return board.with_marks(marks | {cell: mark for cell, mark in moved.items() if mark is not None})

    movable = [isinstance(thing, Board) and bool(_unlike_neighbours(thing)) for thing in scene.things]
    return _with_one_changed(scene, movable, change, chance)


def _unlike_neighbours(board: Board) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of squares side by side that hold different things."""
    look = {(mark.row, mark.column): (mark.sign, mark.colour) for mark in board.marks}
    cells = [(row, column) for row in range(board.rows) for column in range(board.columns)]
    pairs = [((row, column), near) for row, column in cells for near in ((row, column + 1), (row + 1, column))]
    inside = set(cells)
    return [(one, other) for one, other in pairs if other in inside and look.get(one) != look.get(other)]


def _with_one_changed(scene: Scene, eligible: list[bool], change: Callable[[Thing], Thing], chance: Random) -> Scene:
    """The scene with one of the eligible things changed; as it was where none is."""
    candidates = [index for index, each in enumerate(eligible) if each]
    if not candidates:
        return scene
    at = chance.choice(candidates)
    things = list(scene.things)
    things[at] = change(things[at])
    return replace(scene, things=tuple(things))


_MISTAKES: Mapping[Kind, Callable[[Scene, Random], Scene]] = {
    "count": _miscounted,
    "colour": _miscoloured,
    "shape": _misshapen,
    "position": _misplaced,
    "text": _misspelt,
    "board": _misput,
}
