"""What a bare prompt surely asks for, in the words of the probes; nothing where it could mean something else.

A text is read wherever the prompt says that it is one: ``the word HELLO``, ``a sign that says "OPEN"``. Counts, colours
and sides are read only from prompts that speak of flat shapes, texts and their ground alone, every word understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagegen.probes.colour_names import PROTOTYPES, base_of
from imagegen.probes.things import SHAPE_NAMES

_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MOST = 20
_BASES = "|".join(sorted({base_of(each) for each in PROTOTYPES}))
_COLOUR = rf"(?:(?:dark|light) )?(?:{_BASES}|grey)"
_SHAPE = "|".join([*(name for name in SHAPE_NAMES if name != "cross"), "oval", "dot", "disc"])
_QUOTED = r"\"(?P<plain>[^\"]+)\"|“(?P<curly>[^“”]+)”|«(?P<angled>[^«»]+)»"
_CUE = r"(?:the|a) (?:single )?(?:words?|text|lettering|letters|headline|title)|(?:says|saying|reads|reading)"
_CAPITALS = r"(?P<capitals>(?>[^\W\d_a-z]{2,}(?: [^\W\d_a-z]{2,})*))(?![\w'\u2019-]| [A-Z\d])"
_TEXT = re.compile(rf"\b(?i:{_CUE}):? (?:{_QUOTED}|{_CAPITALS})")
_TEXT_COLOUR = re.compile(rf" (?:in|written in) (?P<colour>{_COLOUR})(?: letters| type)?", re.IGNORECASE)
_NOT = re.compile(r"\b(?:no|not|never|without|instead|replace|remove|or|if)\b", re.IGNORECASE)
_OTHERWISE = re.compile(
    r"\b(?i:crossed|missing|hidden|mirrored|reversed|backwards|translated|misspelled|misspelt|blurred|illegible)\b"
    r"|\bin [A-Z][a-z]"  # a language
)
_COUNTED = rf"(?:exactly |just |only )?(?:(?P<number>an?|one|{'|'.join(_NUMBERS)}|\d{{1,2}}) )?"
_THING = re.compile(
    rf"{_COUNTED}(?:(?:solid|flat|small|large|big|filled|plain),? )*(?:(?P<colour>{_COLOUR}) )?"
    rf"(?P<shape>(?:{_SHAPE})(?P<plural>s)?|cross(?P<crosses>es)?)\b",
    re.IGNORECASE,
)
_SIDE = re.compile(
    r",? (?:to the |on the )?(?P<side>left|right)(?: side)? of |,? (?P<over>above|below|beneath|under) ", re.IGNORECASE
)
_AND = re.compile(r", and |,? and |, ", re.IGNORECASE)
_REST = re.compile(
    rf"(?:,? on an? (?:plain |solid |flat )*{_COLOUR} (?:background|ground)"
    r"|, (?:and )?(?:no shadows|not touching(?: each other)?|nothing else|flat(?: and solid| design)?))*\.?",
    re.IGNORECASE,
)
_SIDES: Mapping[str, str] = {"beneath": "below", "under": "below"}


@dataclass(frozen=True, slots=True)
class _Item:
    """A kind of shapes, or a text."""

    named: Mapping[str, str]
    """For `relation`."""
    count: int | None = None


def expected_of(prompt: str) -> dict[str, Any]:
    """What a picture of ``prompt`` has to show, by probe; empty where that is not sure."""
    words = " ".join(prompt.split())
    found: dict[str, Any] = {}
    if texts := _texts(words):
        found["text"] = {"strings": texts}
    if (scene := _scene(words)) is not None:
        found |= _of_scene(*scene)
    return found


def _texts(words: str) -> list[str]:
    """The texts that are named as such, each once; none where one may be meant not to be there."""
    matches = list(_TEXT.finditer(words))
    around, start = "", 0
    for match in matches:
        around, start = f"{around}{words[start : match.start()]} ", match.end()
    if _NOT.search(around + words[start:].partition(",")[0]) or _OTHERWISE.search(around + words[start:]):
        return []
    return list(dict.fromkeys(_text_of(match) for match in matches))


def _text_of(match: re.Match[str]) -> str:
    return next(text for text in match.groups() if text is not None).strip()


def _scene(words: str) -> tuple[list[_Item], list[str]] | None:
    """Things, and what stands between them; None where a word is not understood."""
    items: list[_Item] = []
    joints: list[str] = []
    at = 0
    while (read := _item(words, at)) is not None:
        item, at = read
        items.append(item)
        if joint := _SIDE.match(words, at) or _AND.match(words, at):
            rest = _REST.fullmatch(words, at)
            if rest is not None:
                return items, joints
            joints.append(_side_of(joint))
            at = joint.end()
            continue
        return (items, joints) if _REST.fullmatch(words, at) else None
    return None


def _side_of(joint: re.Match[str]) -> str:
    """The side that a joint names; empty for ``and``."""
    named = next((text.lower() for text in joint.groupdict().values() if text), "")
    return _SIDES.get(named, named)


def _item(words: str, at: int) -> tuple[_Item, int] | None:
    if text := _TEXT.match(words, at):
        colour = _TEXT_COLOUR.match(words, text.end())
        return _Item({"text": _text_of(text)}), (colour or text).end()
    thing = _THING.match(words, at)
    if thing is None:
        return None
    many = bool(thing["plural"] or thing["crosses"])
    count = _count(thing["number"], many)
    if count == 0:
        return None
    shape = "cross" if thing["shape"].lower().startswith("cross") else thing["shape"].lower().removesuffix("s")
    named = {"colour": (thing["colour"] or "").lower().replace("grey", "gray"), "shape": shape}
    return _Item({name: value for name, value in named.items() if value}, count), thing.end()


def _count(number: str | None, many: bool) -> int | None:
    """How many; None where it is not said, 0 where number and noun do not agree."""
    if number is None:
        return None if many else 0
    said = number.lower()
    count = int(said) if said.isdigit() else 1 if said in ("a", "an", "one") else _NUMBERS.index(said) + 2
    return count if 1 <= count <= _MOST and many == (count > 1) else 0


def _of_scene(items: Sequence[_Item], joints: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    things = [item for item in items if "shape" in item.named]
    colours = [each.named.get("colour") for each in things]
    if not _apart(items) or "white" in colours or (len(things) < len(items) and None in colours):
        return found  # white is what grounds are, and letters are things too
    if counts := [{**each.named, "count": each.count} for each in things if each.count is not None]:
        found["count"] = counts
    if joints and joints[0] and len(set(joints)) == 1:
        found["relation"] = [
            {side: dict(one.named), "of": dict(other.named)}
            for side, one, other in zip(joints, items[:-1], items[1:], strict=True)
        ]
    return found


def _apart(items: Sequence[_Item]) -> bool:
    """Whether every item can be told from every other: no two texts alike, and no shape twice with a colour unsaid."""
    kinds = [tuple(sorted(each.named.items())) for each in items]
    bare = [each.named["shape"] for each in items if "shape" in each.named and "colour" not in each.named]
    shapes = [each.named.get("shape") for each in items]
    return len(set(kinds)) == len(kinds) and all(shapes.count(each) == 1 for each in bare)
