"""Pictures of flat shapes with known truth: shades of colours, sizes, turns, shaded grounds, noise, near touches."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from cases import Case, coded
from PIL import Image, ImageDraw, ImageFont

from imagegen import fonts

COLOURS = {
    "red": ((220, 30, 30), (255, 0, 0), (200, 20, 40)),
    "orange": ((255, 140, 0), (245, 125, 10)),
    "yellow": ((255, 220, 0), (250, 210, 30)),
    "green": ((0, 150, 60), (40, 170, 70), (0, 128, 0)),
    "blue": ((0, 60, 220), (30, 90, 230), (0, 0, 255)),
    "purple": ((128, 30, 190), (130, 0, 150)),
    "pink": ((255, 110, 180), (245, 125, 190)),
    "brown": ((120, 70, 30), (139, 69, 19)),
    "black": ((10, 10, 10), (25, 25, 30)),
    "cyan": ((0, 185, 215), (0, 200, 210)),
}
SHAPES = ("circle", "square", "triangle", "star", "hexagon", "diamond", "heart", "pentagon", "cross", "rectangle")
_STRAINS = ("clean", "clean", "noise", "jpeg", "webp", "shaded")


@dataclass(frozen=True, slots=True)
class Thing:
    """One shape of a picture."""

    shape: str
    colour: str
    x: float
    y: float
    size: float
    turn: float


def outline(thing: Thing, scale: int = 1) -> list[tuple[float, float]]:
    """Its corners; a circle has many."""
    half = thing.size / 2
    spokes = {"triangle": (3, 1), "pentagon": (5, 1), "hexagon": (6, 1), "star": (10, 0.4), "circle": (90, 1)}
    if thing.shape in spokes:
        count, inner = spokes[thing.shape]
        radii = [half if at % 2 == 0 or inner == 1 else half * inner for at in range(count)]
        points = [
            (radius * math.sin(math.tau * at / count), -radius * math.cos(math.tau * at / count))
            for at, radius in enumerate(radii)
        ]
    elif thing.shape == "heart":
        turns = [math.tau * at / 60 for at in range(60)]
        points = [
            (
                half * math.sin(t) ** 3,
                -half * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
            )
            for t in turns
        ]
    else:
        wide, high, arm = 0.75 * half, 0.75 * half, 0.32 * half
        points = {
            "square": [(-wide, -high), (wide, -high), (wide, high), (-wide, high)],
            "rectangle": [(-half, -half * 0.55), (half, -half * 0.55), (half, half * 0.55), (-half, half * 0.55)],
            "diamond": [(0, -half), (0.65 * half, 0), (0, half), (-0.65 * half, 0)],
            "cross": [
                (-arm, -half), (arm, -half), (arm, -arm), (half, -arm), (half, arm), (arm, arm),
                (arm, half), (-arm, half), (-arm, arm), (-half, arm), (-half, -arm), (-arm, -arm),
            ],
        }[thing.shape]  # fmt: skip
    sine, cosine = math.sin(math.radians(thing.turn)), math.cos(math.radians(thing.turn))
    return [(scale * (thing.x + x * cosine - y * sine), scale * (thing.y + x * sine + y * cosine)) for x, y in points]


def painted(things: list[Thing], side: int, ground: tuple[int, int, int], shaded: bool, chance: Random) -> Image.Image:
    image = Image.new("RGB", (2 * side, 2 * side), ground)
    if shaded:
        light = Image.linear_gradient("L").rotate(chance.choice((0, 90, 180, 270))).resize(image.size)
        darker = Image.new("RGB", image.size, tuple(max(0, value - 45) for value in ground))
        image = Image.composite(image, darker, light)
    draw = ImageDraw.Draw(image)
    tones = {colour: chance.choice(COLOURS[colour]) for colour in {thing.colour for thing in things}}
    for thing in things:
        draw.polygon(outline(thing, 2), fill=tones[thing.colour])
    return image.reduce(2)


def placed(kinds: list[tuple[str, str]], side: int, chance: Random, near: bool) -> list[Thing]:
    """Each kind somewhere, none over another; ``near``: with gaps of two or three pixels only."""
    count = len(kinds)
    size = chance.uniform(0.5, 0.8) * side / math.ceil(math.sqrt(max(count, 2)) + 0.6)
    for _ in range(60):
        things: list[Thing] = []
        for shape, colour in kinds:
            spot = _free_spot(things, size, side, chance, near)
            if spot is None:
                break
            turn = chance.uniform(-15, 15) if shape in ("square", "diamond", "heart") else chance.uniform(0, 360)
            things.append(Thing(shape, colour, *spot, size * chance.uniform(0.85, 1), turn))
        if len(things) == count:
            return things
        size *= 0.9
    raise AssertionError(kinds)


def _free_spot(things: list[Thing], size: float, side: int, chance: Random, near: bool) -> tuple[float, float] | None:
    gap = 2.5 if near else max(10.0, 0.12 * size)
    for attempt in range(80):
        if near and things and attempt < 40:
            other, turn = chance.choice(things), chance.uniform(0, math.tau)
            away = (other.size + size) / 2 + 2.5
            x, y = other.x + away * math.cos(turn), other.y + away * math.sin(turn)
        else:
            x, y = chance.uniform(0.6 * size, side - 0.6 * size), chance.uniform(0.6 * size, side - 0.6 * size)
        inside = 0.6 * size < x < side - 0.6 * size and 0.6 * size < y < side - 0.6 * size
        if inside and all(math.hypot(x - each.x, y - each.y) >= (each.size + size) / 2 + gap for each in things):
            return x, y
    return None


def _ground(chance: Random) -> tuple[int, int, int]:
    return chance.choice(((255, 255, 255), (255, 255, 255), (248, 246, 240), (235, 235, 240), (225, 235, 225)))


def _finished(things: list[Thing], side: int, strain: str, chance: Random) -> bytes:
    image = painted(things, side, _ground(chance), strain == "shaded", chance)
    return coded(image, strain, chance)


def _kinds(chance: Random, groups: int) -> list[tuple[str, str]]:
    shapes, colours = chance.sample(SHAPES, groups), chance.sample(list(COLOURS), groups)
    return list(zip(shapes, colours, strict=True))


def count_cases(count: int, seed: int) -> list[Case]:
    """One to three groups, 1 to 10 things; every second picture has one thing more or less than is expected."""
    return [_count_case(at, Random(f"count {seed} {at}")) for at in range(count)]


def _count_case(at: int, chance: Random) -> Case:
    kinds = _kinds(chance, chance.choice((1, 1, 2, 3)))
    wanted = [chance.randint(1, 10 // len(kinds)) for _ in kinds]
    shown = list(wanted)
    if at % 2:
        which = chance.randrange(len(kinds))
        shown[which] += chance.choice((-1, 1)) if shown[which] > 1 else 1
    near, strain, side = chance.random() < 0.2, chance.choice(_STRAINS), chance.choice((512, 768, 1024))
    listed = [kind for kind, many in zip(kinds, shown, strict=True) for _ in range(many)]
    things = placed(listed, side, chance, near)
    expectation = [
        {"count": many, "shape": shape, "colour": colour} for (shape, colour), many in zip(kinds, wanted, strict=True)
    ]
    about = f"{strain}, {'near' if near else 'apart'}, {side} px: shown {shown}, wanted {expectation}"
    picture = _finished(things, side, strain, chance)
    return Case(picture, at % 2 == 0, expectation, about, "near touching" if near else "apart")


def colour_cases(count: int, seed: int) -> list[Case]:
    """Every second picture has one thing in another colour."""
    return [_colour_case(at, Random(f"colour {seed} {at}")) for at in range(count)]


def _colour_case(at: int, chance: Random) -> Case:
    kinds = _kinds(chance, chance.choice((1, 2, 2, 3)))
    side, strain, near = chance.choice((512, 768, 1024)), chance.choice(_STRAINS), chance.random() < 0.1
    things = placed([kind for kind in kinds for _ in range(chance.randint(1, 3))], side, chance, near)
    if at % 2:
        which = chance.randrange(len(things))
        others = [name for name in COLOURS if name != things[which].colour]
        things[which] = replace(things[which], colour=chance.choice(others))
    expectation = [{"shape": shape, "colour": colour} for shape, colour in kinds]
    about = f"{strain}, {side} px: {[(each.shape, each.colour) for each in things]}, wanted {expectation}"
    picture = _finished(things, side, strain, chance)
    return Case(picture, at % 2 == 0, expectation, about, "near touching" if near else "apart")


def relation_cases(count: int, seed: int) -> list[Case]:
    """Two groups, or shapes and a word, side by side or one over the other; every second picture is mirrored."""
    return [_relation_case(at, Random(f"relation {seed} {at}")) for at in range(count)]


def _relation_case(at: int, chance: Random) -> Case:
    (first, second), side = _kinds(chance, 2), chance.choice((512, 768))
    relation, strain = chance.choice(("left", "right", "above", "below")), chance.choice(_STRAINS)
    word = chance.choice(("HELLO", "SALE", "OPEN", "Fresh", "Exit 42")) if chance.random() < 0.2 else None
    wrong = [_OPPOSITE[relation], *(each for each in _OPPOSITE if each != relation)]
    shown = relation if at % 2 == 0 else chance.choice(wrong)
    size, middle = chance.uniform(0.12, 0.2) * side, side / 2
    across = shown in ("left", "right")
    before = -1 if shown in ("left", "above") else 1
    apart, aside = chance.uniform(1.1, 1.7) * size, chance.uniform(-0.4, 0.4) * size
    if shown not in (relation, _OPPOSITE[relation]):
        aside = 0.0  # exactly beside what it was to be above of: wrong without doubt
    one = (middle + before * apart, middle + aside) if across else (middle + aside, middle + before * apart)
    other = (middle - before * apart, middle - aside) if across else (middle - aside, middle - before * apart)
    things = [Thing(*first, *one, size, 0)] + ([] if word else [Thing(*second, *other, size, 0)])
    image = painted(things, side, _ground(chance), strain == "shaded", chance)
    if word:
        (run,) = fonts.runs_of(word)
        font: ImageFont.FreeTypeFont = fonts.font(run, round(0.5 * size))
        ImageDraw.Draw(image).text(other, word, fill=(25, 25, 25), font=font, anchor="mm")
    named = [{"shape": shape, "colour": colour} for shape, colour in (first, second)]
    expectation = {relation: named[0], "of": {"text": word} if word else named[1]}
    about = f"{strain}, {side} px: shown {shown}, wanted {expectation}"
    return Case(coded(image, strain, chance), at % 2 == 0, expectation, about, "word" if word else "shapes")


_OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
