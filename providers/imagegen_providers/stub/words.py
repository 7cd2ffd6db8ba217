"""The words the stub understands, and what each means to the painter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

RGB: TypeAlias = tuple[int, int, int]
Side: TypeAlias = Literal["left", "right", "above", "below"]
Style: TypeAlias = Literal["watercolour", "pixel art", "line drawing", "blueprint", "pencil", "oil", "flat", "neon"]

COLOURS: Mapping[str, RGB] = {
    "red": (222, 38, 38),
    "orange": (247, 127, 0),
    "yellow": (250, 208, 20),
    "green": (30, 155, 70),
    "blue": (35, 90, 225),
    "purple": (125, 40, 200),
    "pink": (245, 120, 185),
    "brown": (122, 72, 34),
    "black": (18, 18, 22),
    "white": (255, 255, 255),
    "gray": (132, 132, 136),
    "cyan": (0, 180, 210),
}
"""Far enough apart that whoever looks at a picture can name them. Any of them may be ``dark`` or ``light``."""

SAME_COLOUR: Mapping[str, str] = {
    "grey": "gray",
    "violet": "purple",
    "turquoise": "cyan",
    "teal": "dark cyan",
    "navy": "dark blue",
    "maroon": "dark red",
    "crimson": "red",
    "scarlet": "red",
    "golden": "yellow",
    "gold": "yellow",
    "lime": "light green",
}

SHAPES: Mapping[str, tuple[str, ...]] = {
    "circle": ("circle", "disc", "disk", "dot"),
    "square": ("square",),
    "triangle": ("triangle",),
    "star": ("star",),
    "hexagon": ("hexagon",),
    "diamond": ("diamond", "rhombus"),
    "heart": ("heart",),
    "pentagon": ("pentagon",),
    "cross": ("cross", "plus sign"),
    "rectangle": ("rectangle",),
    "ellipse": ("ellipse", "oval"),
}
"""Every shape and the nouns that name it."""

_IN_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
COUNTS: Mapping[str, int] = {
    **{word: count for count, word in enumerate(_IN_WORDS.split())},
    "half a dozen": 6,
    "a dozen": 12,
    "a single": 1,
    "a pair of": 2,
    "a couple of": 2,
    "a few": 3,
    "several": 5,
    "an": 1,
    "a": 1,
    "no": 0,
    "without any": 0,
    "without": 0,
}
ADJECTIVES = (
    "solid filled flat plain simple small little tiny big large huge medium bright vivid identical equal separate "
    "distinct perfect regular geometric five-pointed same-sized equally-sized bold"
)
"""What may stand before a shape and changes nothing here."""

SIDES: Mapping[str, Side] = {
    "left": "left",
    "right": "right",
    "above": "above",
    "over": "above",
    "top of": "above",
    "top": "above",
    "below": "below",
    "under": "below",
    "beneath": "below",
    "underneath": "below",
    "bottom": "below",
}
MIRRORED_SIDE: Mapping[Side, Side] = {"left": "right", "right": "left", "above": "below", "below": "above"}

PLACES: Mapping[str, tuple[int, int]] = {
    "top left": (-1, -1),
    "top": (0, -1),
    "top right": (1, -1),
    "left": (-1, 0),
    "centre": (0, 0),
    "right": (1, 0),
    "bottom left": (-1, 1),
    "bottom": (0, 1),
    "bottom right": (1, 1),
}
"""Places in the picture: which third across and down, -1 to 1."""


MOST_THINGS = 24
"""Groups and texts read from one prompt; more would be specks in the picture."""


def rgb(colour: str) -> RGB:
    """The colour that a name stands for."""
    shade, _, name = colour.rpartition(" ")
    plain = COLOURS[name]
    if shade == "dark":
        return mixed(plain, (0, 0, 0), 0.45)
    if shade == "light":
        return mixed(plain, (255, 255, 255), 0.55)
    return plain


def mixed(first: RGB, second: RGB, share: float) -> RGB:
    """``share`` of the second colour in the first, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def unlikeness(first: RGB, second: RGB) -> float:
    """How far two colours are apart; under 90 a shape in one is hard to see on the other."""
    return math.dist(first, second)


STYLES: Mapping[Style, str] = {
    "watercolour": r"\b(?:water[- ]?colou?rs?|aquarelle)\b",
    "pixel art": r"\b(?:pixel[- ]?art|pixelated|(?:8|16)[- ]bit)\b",
    "blueprint": r"\bblue[- ]?prints?\b",
    "pencil": r"\bpencil[- ](?:drawing|sketch|drawn|style|art)\b|\b(?:in|with) (?:colou?red )?pencils?\b",
    "line drawing": r"\bline[- ](?:drawing|art)\b|\bsketch(?:ed)?\b|\b(?:ink|outline) drawing\b|\bpen and ink\b",
    "oil": r"\boil[- ](?:paint(?:ing)?|on canvas)\b|\bin oils?\b",
    "flat": r"\bflat[- ](?:style|design|illustration|vector|art)\b|\bin a flat style\b",
    "neon": r"\bneon\b",
}
"""Every style and what asks for it; the first that fits counts."""

SMALL_TYPE_PX: Mapping[str, int] = {"tiny": 12, "fine": 14, "small": 20, "little": 20}
"""Font sizes that words stand for, whatever the picture's size."""

TURNS: Mapping[str, int] = {"upside down": 180, "vertical": 90, "sideways": 90, "diagonal": 315}
"""Degrees clockwise: what is vertical reads downwards, what is diagonal rises."""
