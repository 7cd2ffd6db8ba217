"""Where the things of a scene stand: boxes that keep its sides and places, and in them spots that do not touch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from imagegen_providers.stub.scene import Group, Lettering, Scene
from imagegen_providers.stub.words import PLACES

if TYPE_CHECKING:
    from random import Random

    from imagegen_providers.stub.scene import Relation, Thing

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; right and bottom are outside."""
Cells: TypeAlias = tuple[int, int, int, int]
"""The same in cells of a grid."""

MARGIN = 0.045
"""Of the picture's short side, free along every edge of a box."""
_FILL = 0.66
"""A shape's share of its cell: the rest keeps it from touching its neighbours."""
_SWAY = 0.06
"""How far a shape may stray from the middle of its cell, in cells."""
_LARGEST = 0.34
"""A shape's share of the picture's short side, at most."""
_SPREAD = 1.5
"""The largest shape to the smallest, at most."""
_MOST_TRIES = 20_000
"""Seats tried for a scene; more only helps wishes that contradict each other."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one shape goes."""

    thing: int
    """Which of the scene's things it is one of."""
    x: float
    y: float
    diameter: float
    """Of the square that holds it."""


def boxes_of(scene: Scene, width: int, height: int) -> list[Box]:
    """A box for each thing. None overlap; sides and places are kept unless they contradict each other."""
    if not scene.things:
        return []
    across, down, seats = _seated(scene, width / height)
    return [
        (left * width / across, top * height / down, right * width / across, bottom * height / down)
        for left, top, right, bottom in _grown(scene, seats, across, down)
    ]


def spots_of(scene: Scene, boxes: list[Box], short_px: int, chance: Random) -> list[Spot]:
    """A spot for every shape of every group. ``short_px`` is the picture's short side."""
    groups = [(index, thing) for index, thing in enumerate(scene.things) if isinstance(thing, Group)]
    packings = {index: _packing(group.count, *inner_size(boxes[index], short_px)) for index, group in groups}
    largest = min([_LARGEST * short_px, *(_FILL * pitch * _SPREAD for _, pitch in packings.values())])
    spots = []
    for index, group in groups:
        rows, pitch = packings[index]
        diameter = min(_FILL * pitch, largest)
        pitch = min(pitch, 1.4 * diameter / _FILL)
        for x, y in _middles(group.count, rows, pitch, boxes[index], chance):
            spots.append(Spot(index, x, y, diameter))
    return spots


def inner_size(box: Box, short_px: int) -> tuple[float, float]:
    """Width and height of a box without its margins."""
    left, top, right, bottom = box
    return right - left - 2 * MARGIN * short_px, bottom - top - 2 * MARGIN * short_px


def _packing(count: int, width: float, height: float) -> tuple[int, float]:
    """Rows and the side of a cell, for the largest cells that hold so many."""
    return max(
        ((rows, min(width / math.ceil(count / rows), height / rows)) for rows in range(1, count + 1)),
        key=lambda packing: packing[1],
    )


def _middles(count: int, rows: int, pitch: float, box: Box, chance: Random) -> Iterator[tuple[float, float]]:
    """Row by row around the middle of the box, each row centred and about as long as the others."""
    middle_x, middle_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    ends = [math.floor(row * count / rows + 0.5) for row in range(rows + 1)]
    for row, in_row in enumerate(end - start for start, end in itertools.pairwise(ends)):
        for column in range(in_row):
            yield (
                middle_x + pitch * (column - (in_row - 1) / 2 + chance.uniform(-_SWAY, _SWAY)),
                middle_y + pitch * (row - (rows - 1) / 2 + chance.uniform(-_SWAY, _SWAY)),
            )


_Wish: TypeAlias = Callable[["Relation", Cells, Cells], bool]


def _kept(relation: Relation, first: Cells, second: Cells) -> bool:
    """Whether the first is wholly on its side of the second."""
    match relation.side:
        case "left":
            return first[2] <= second[0]
        case "right":
            return first[0] >= second[2]
        case "above":
            return first[3] <= second[1]
        case "below":
            return first[1] >= second[3]


def _kept_in_line(relation: Relation, first: Cells, second: Cells) -> bool:
    """The same, and neither is higher (for left and right) or further across than the other."""
    axis = 1 if relation.side in ("left", "right") else 0
    return first[axis] == second[axis] and _kept(relation, first, second)


def _seated(scene: Scene, ratio: float) -> tuple[int, int, list[Cells]]:
    """The handiest grid in which every thing gets a cell of its own as the scene wishes, and those cells."""
    grids = sorted(_grids(scene), key=lambda grid: _awkwardness(scene, grid, ratio))
    tries = iter(range(_MOST_TRIES))
    for wish in (_kept_in_line, _kept):
        for across, down in grids:
            if next(tries, None) is None:
                break
            seats = _seats([], _options(scene, across, down), scene, wish, tries)
            if seats is not None:
                return across, down, seats
    across, down = grids[0]
    return across, down, _any_seats(_options(scene, across, down, strict=False))


def _any_placed(scene: Scene) -> bool:
    return any(thing.place for thing in scene.things)


def _grids(scene: Scene) -> Iterator[tuple[int, int]]:
    """Numbers of columns and rows. Places need thirds, so that there is a middle."""
    count = len(scene.things)
    sides = range(3, count + 3, 2) if _any_placed(scene) else range(1, count + 1)
    return ((across, down) for across in sides for down in sides if across * down >= count)


def _awkwardness(scene: Scene, grid: tuple[int, int], ratio: float) -> tuple[float, int]:
    """Empty cells, and cells far from a good shape: square, or wide where there is text."""
    across, down = grid
    wanted = 2.0 if any(isinstance(thing, Lettering) for thing in scene.things) else 1.0
    shape = abs(math.log(ratio * down / across / wanted))
    return 0.5 * (across * down - len(scene.things)) + shape, down


def _options(scene: Scene, across: int, down: int, strict: bool = True) -> list[list[Cells]]:
    """For each thing the cells it may have, the best first; if not ``strict``, a place is only the best of them."""
    every = [(column, row, column + 1, row + 1) for row in range(down) for column in range(across)]
    if not _any_placed(scene):
        return [every] * len(scene.things)
    options = []
    for thing in scene.things:
        place_x, place_y = PLACES[thing.place or "centre"]
        x, y = (across - 1) / 2 * (1 + place_x), (down - 1) / 2 * (1 + place_y)
        nearest = sorted(every, key=lambda cell: abs(cell[0] - x) + abs(cell[1] - y))
        options.append(nearest[:1] if strict and thing.place else nearest)
    return options


def _any_seats(options: list[list[Cells]]) -> list[Cells]:
    """Each thing its best free cell."""
    seats: list[Cells] = []
    for cells in options:
        seats.append(next(cell for cell in cells if cell not in seats))
    return seats


def _seats(
    taken: list[Cells], options: list[list[Cells]], scene: Scene, wish: _Wish, tries: Iterator[int]
) -> list[Cells] | None:
    """The first choice of cells, one for each thing, that fulfils the wish; None if there is none or no try is left."""
    index = len(taken)
    if index == len(options):
        return taken
    for cell in options[index]:
        if next(tries, None) is None:
            return None
        seats = [*taken, cell]
        if cell not in taken and _all_kept(scene, seats, wish):
            found = _seats(seats, options, scene, wish, tries)
            if found is not None:
                return found
    return None


def _all_kept(scene: Scene, cells: list[Cells], wish: _Wish) -> bool:
    return all(
        wish(each, cells[each.first], cells[each.second])
        for each in scene.relations
        if max(each.first, each.second) < len(cells)
    )


_STEPS: tuple[Cells, ...] = ((0, 0, 1, 0), (0, 0, 0, 1), (-1, 0, 0, 0), (0, -1, 0, 0))


def _grown(scene: Scene, cells: list[Cells], across: int, down: int) -> list[Cells]:
    """The cells grown into what is free beside them. A thing with a place keeps its middle: it grows to both sides."""
    order = sorted(range(len(cells)), key=lambda index: scene.things[index].place is not None)
    kept = [each for each in scene.relations if _kept(each, cells[each.first], cells[each.second])]
    cells, grew = list(cells), True
    while grew:
        grew = False
        for index in order:
            for step in _steps(scene.things[index]):
                before, cells[index] = cells[index], _plus(cells[index], step)
                if _fits(cells, index, across, down) and _all_kept(Scene(relations=tuple(kept)), cells, _kept):
                    grew = True
                else:
                    cells[index] = before
    return cells


def _steps(thing: Thing) -> tuple[Cells, ...]:
    if thing.place is None:
        return _STEPS
    place_x, place_y = PLACES[thing.place]
    both_ways = ((-1, 0, 1, 0), place_x), ((0, -1, 0, 1), place_y)
    return tuple(step for step, off in both_ways if not off)


def _plus(cells: Cells, step: Cells) -> Cells:
    left, top, right, bottom = (a + b for a, b in zip(cells, step, strict=True))
    return left, top, right, bottom


def _fits(cells: list[Cells], index: int, across: int, down: int) -> bool:
    left, top, right, bottom = cells[index]
    inside = left >= 0 and top >= 0 and right <= across and bottom <= down
    others = (each for at, each in enumerate(cells) if at != index)
    return inside and all(
        right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top for other in others
    )
