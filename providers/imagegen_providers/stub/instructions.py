"""What an edit is told to do, read from its prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from imagegen_providers.stub.grammar import COLOUR, COUNT, NOUN, PLAIN, colour_named
from imagegen_providers.stub.reading import SHAPE_OF, place_named, quoted_apart, scene_of, style_of
from imagegen_providers.stub.scene import Group, Scene
from imagegen_providers.stub.words import Style


@dataclass(frozen=True, slots=True)
class Target:
    """Which things of the picture are meant."""

    shape: str
    colour: str | None = None
    every: bool = True
    """False: one of them."""

    def fits(self, shape: str | None, colour: str | None) -> bool:
        """Whether a thing of this shape and colour is meant; a colour without a shade means each of its shades."""
        alike = self.colour in (None, colour) or (colour or "").rpartition(" ")[2] == self.colour
        return shape == self.shape and alike

    def __str__(self) -> str:
        return f"{self.colour} {self.shape}" if self.colour else self.shape


@dataclass(frozen=True, slots=True)
class Grade:
    """Another light or tone for the whole area; a name of `GRADES`."""

    name: str


@dataclass(frozen=True, slots=True)
class Restyle:
    style: Style


@dataclass(frozen=True, slots=True)
class NewBackground:
    colour: str


@dataclass(frozen=True, slots=True)
class Recolour:
    target: Target
    colour: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Another thing in place of one; without a target in place of whatever is in the area."""

    target: Target | None
    by: Group


@dataclass(frozen=True, slots=True)
class Remove:
    target: Target | None


@dataclass(frozen=True, slots=True)
class Add:
    scene: Scene


@dataclass(frozen=True, slots=True)
class Paste:
    """Something, or all, of another input picture."""

    picture: int
    """From 0: the second is 1."""
    target: Target | None = None
    place: str | None = None


Instruction: TypeAlias = Grade | Restyle | NewBackground | Recolour | Replace | Remove | Add | Paste

GRADES: Mapping[str, str] = {
    "night": r"\b(?:night|midnight|moonlit)\b",
    "sunset": r"\b(?:sunset|dusk|golden hour|evening)\b",
    "sepia": r"\bsepia\b",
    "black and white": r"\b(?:black[- ]and[- ]white|gr[ea]y ?scale|monochrome|desaturated?)\b",
    "inverted": r"\b(?:invert(?:ed)?|negative)\b",
    "blurred": r"\b(?:blur(?:red|ry)?|out of focus)\b",
    "sharper": r"\bsharp(?:er|en)\b",
    "darker": r"\bdark(?:er|en)\b",
    "brighter": r"\b(?:bright(?:er|en)|light(?:er|en))\b",
    "warmer": r"\bwarm(?:er)?\b",
    "colder": r"\b(?:cold(?:er)?|cool(?:er)?)\b",
    "vivid": r"\b(?:more (?:vivid|colou?rful|saturated)|vivid|saturated)\b",
    "contrast": r"\b(?:more|higher|increase(?: the)?) contrast\b",
    "foggy": r"\b(?:fog(?:gy)?|mist(?:y)?)\b",
}
"""Every grade and the words that ask for it."""


def instructions_of(prompt: str) -> tuple[Instruction, ...]:
    """What the prompt says, in order; nothing where it is none of what the stub knows."""
    masked, texts = quoted_apart(unicodedata.normalize("NFC", prompt))
    found: list[Instruction] = []
    for clause in _CLAUSE.split(" ".join(masked.split())):
        found += _read(clause.strip(" ,.;:!"), texts)
    return tuple(found)


def _read(clause: str, texts: list[str]) -> Iterator[Instruction]:
    """One clause, which is usually one instruction."""
    lowered = clause.lower()
    for reader in (_paste, _background, _removal, _replacement, _recolouring):
        if (instruction := reader(lowered)) is not None:
            yield instruction
            return
    if re.match(_ADDING, lowered):
        scene = scene_of(_with_texts(clause, texts))
        if scene.things:
            yield Add(scene)
            return
    yield from (Grade(name) for name, pattern in GRADES.items() if re.search(pattern, lowered))
    if (style := style_of(lowered)) is not None:
        yield Restyle(style)


def _with_texts(clause: str, texts: list[str]) -> str:
    return re.sub(r"⟦(\d+)⟧", lambda match: f'"{texts[int(match[1])]}"', clause)


def _paste(clause: str) -> Instruction | None:
    which = _OTHER_PICTURE.search(clause)
    if which is None or not re.match(_PASTING, clause):
        return None
    place = place_named(clause[which.end() :])
    return Paste(_NTH[which["nth"] or which["number"] or which["whole"]], _target(clause[: which.start()]), place)


def _background(clause: str) -> Instruction | None:
    match = _BACKGROUND.search(clause)
    return NewBackground(colour_named(match["colour"] or match["before"]) or "") if match else None


def _removal(clause: str) -> Instruction | None:
    match = re.match(_REMOVING, clause)
    return Remove(_target(clause[match.end() :])) if match else None


def _replacement(clause: str) -> Instruction | None:
    """``replace X with Y``, ``turn X into Y``, ``make X a Y``."""
    match = re.match(_REPLACING, clause)
    if match is None:
        return None
    new = _GROUP.search(match["new"])
    if new is None:
        return None
    target = _target(match["old"])
    if target is None and match["by"] is None:
        return None
    colour = colour_named(new["colour"])
    if target is not None and match["verb"] in ("make", "turn", "change") and colour is None:
        colour = target.colour
    return Replace(target, Group(1, SHAPE_OF[new["shape"]], colour))


def _recolouring(clause: str) -> Instruction | None:
    """``make the circle green``, ``change the colour of the star to red``."""
    if not re.match(_CHANGING, clause) or (match := _GROUP.search(clause)) is None:
        return None
    colour = _LAST_COLOUR.search(clause, match.end())
    target = _target(clause)
    return Recolour(target, colour_named(colour["colour"]) or "") if colour and target else None


def _target(words: str) -> Target | None:
    match = _GROUP.search(words)
    if match is None:
        return None
    every = match["plural"] is not None or bool(re.search(r"\b(?:all|every|each|both)\b", words[: match.end()]))
    return Target(SHAPE_OF[match["shape"]], colour_named(match["colour"]), every)


_VERB = (
    r"(?:make|turn|change|replace|swap|exchange|remove|delete|erase|take away|get rid of|add|put|place|insert|write"
    r"|draw|paint|recolou?r|colou?r|blur|invert|darken|brighten|lighten|sharpen|convert|give|set|paste|increase)"
)
_CLAUSE = re.compile(
    rf"(?:^|[.;,:!]|\b(?:and|then|also|please|now|but)\b)\s*"
    rf"(?=(?:please |then |also )?{_VERB}\b|the background\b|the (?:{COLOUR} )?{NOUN}(?:e?s)? {COLOUR}\b)",
    re.IGNORECASE,
)
_GROUP = re.compile(
    rf"(?:\b(?:{COUNT}|the|all|every|each|both|one) )?(?:of )?(?:the )?{PLAIN}(?:\b(?P<colour>{COLOUR}) )?{PLAIN}"
    rf"\b(?P<shape>{NOUN})(?P<plural>e?s)?\b(?!-)"
)
_PASTING = r"(?:please |then |also )*(?:put|paste|add|place|insert|take|copy|use)\b"
_OTHER_PICTURE = re.compile(
    r"\b(?:from|of|in) (?:the )?(?:(?P<nth>second|third|fourth|fifth|other|last) (?:picture|image|photo|one)"
    r"|(?:picture|image|photo) (?P<number>[2-9]))\b"
    r"|\b(?:the )?(?P<whole>second|third|fourth|other) (?:picture|image|photo)\b"
)
_NTH = {
    "second": 1,
    "other": 1,
    "last": -1,
    "third": 2,
    "fourth": 3,
    "fifth": 4,
    **{str(n): n - 1 for n in range(2, 10)},
}
_BACKGROUND = re.compile(
    rf"\bbackground\b(?:\s+(?:colou?r|is|to|in|into|with|be|a|all|plain|solid|:))*\s+(?P<colour>{COLOUR})\b"
    rf"|\b(?:a|an|the)\s+(?:plain |solid )?(?P<before>{COLOUR})\s+background\b"
)
_REMOVING = r"(?:please |then |also )*(?:remove|delete|erase|take away|get rid of)\b"
_REPLACING = re.compile(
    r"(?:please |then |also )*(?P<verb>replace|swap|exchange|turn|change|make)\b(?P<old>.*?)"
    rf"\b(?:(?P<by>with|by|for|into|to)|(?<=s )(?=(?:{COLOUR} )?{NOUN})|(?={COUNT} ))\b(?P<new>.*)"
)
_CHANGING = r"(?:please |then |also )*(?:make|turn|change|paint|recolou?r|colou?r|give|set|fill|the)\b"
_ADDING = r"(?:please |then |also )*(?:add|put|place|insert|write|draw|paint|give)\b"
_LAST_COLOUR = re.compile(rf"\b(?P<colour>{COLOUR})\b(?!.*\b{COLOUR}\b)")
