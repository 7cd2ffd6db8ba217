"""What the stub finds in a sentence: counted shapes, quoted texts, sides, places, the background."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from imagegen_providers.stub.words import ADJECTIVES, COLOURS, COUNTS, SAME_COLOUR, SHAPES


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a sentence that means something here."""

    kind: str
    """``background``, ``shape``, ``text``, ``board``, ``turn``, ``type``, ``tint``, ``side``, ``order``, ``place``,
    ``pronoun``, ``pause`` or ``stop``."""
    parts: dict[str, str]
    """The named parts of its pattern that were there."""


def tokens_of(sentence: str) -> list[Token]:
    """The pieces of a sentence in lower case, in order.

    Texts and boards stand in it as their numbers in brackets: ``⟦0⟧``, ``⟦b0⟧``.
    """
    sentence = _TWO_RED_AND_THREE_BLUE.sub(r"\g<found> \g<shape>", sentence)
    found, at = [], 0
    while at < len(sentence):
        token, at = _token_at(sentence, at)
        if token is not None:
            found.append(token)
    return found


def _token_at(sentence: str, at: int) -> tuple[Token | None, int]:
    """The piece that begins here, if any, and where the next may begin."""
    for kind, pattern in _PATTERNS:
        if match := pattern.match(sentence, at):
            parts = {name: text for name, text in match.groupdict().items() if text is not None}
            return Token(kind, parts), match.end()
    found = _NEXT_WORD.match(sentence, at)
    assert found is not None  # it matches everywhere
    return None, found.end()


def colour_named(said: str | None) -> str | None:
    """The name, as in `words.COLOURS` and with ``dark`` or ``light`` before it, of a colour as it is said."""
    if said is None:
        return None
    shade, _, name = " ".join(said.lower().replace("-", " ").replace("pale", "light").split()).rpartition(" ")
    name = SAME_COLOUR.get(name, name)
    return f"{shade} {name}" if shade and name in COLOURS else name


def any_of(words: Iterable[str]) -> str:
    """Any of these words, the longest first."""
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")"


_NEXT_WORD = re.compile(r"\w+\s*|[^\w]", re.DOTALL)
COLOUR = rf"(?:(?:dark|light|pale)[ -])?{any_of([*COLOURS, *SAME_COLOUR])}"
NOUN = any_of(noun for nouns in SHAPES.values() for noun in nouns)
COUNT_WORD = any_of(COUNTS)
COUNT = rf"(?:(?:exactly|only|just|precisely) )?(?:the )?(?:\d{{1,3}}|{COUNT_WORD})"
PLAIN = (
    rf"(?:{any_of(ADJECTIVES.split())},? ){{0,4}}"  # bounded, as is every repetition here: a prompt may be long and odd
)
_NOT_A_SHAPE = rf"(?! (?:background|{NOUN}))"
_WRITING = "(?:words?|text|letters?|lettering|title|label|caption|inscription|writing)"
_WAY = "(?:(?:counter-?|anti-?)?clockwise|to the left|to the right)"
_CENTRE = "(?:cent(?:er|re)|middle)"
_PICTURE = "(?:image|picture|canvas|frame|page|scene|drawing)"

_TWO_RED_AND_THREE_BLUE = re.compile(
    rf"\b(?P<found>{COUNT} {PLAIN}{COLOUR})"
    rf"(?=(?:,? and|,) {COUNT} {PLAIN}{COLOUR} {PLAIN}(?P<shape>{NOUN}(?:e?s)?)\b)"
)
"""A colour whose noun comes later: ``two red and three blue circles``."""

_PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "background",
            rf"(?:(?:on|against|over|with) )?(?:an? |the )?(?:(?:plain|solid|flat|pure|clean|simple|uniform),? ){{0,4}}"
            rf"(?P<colour>{COLOUR}) (?:background|backdrop|canvas|ground)\b",
        ),
        ("background", rf"background:? (?:is |in )?(?P<colour>{COLOUR})\b"),
        (
            "shape",
            rf"(?:(?P<count>{COUNT}) |(?P<the>the ))?{PLAIN}(?:(?P<colour>{COLOUR}) )?{PLAIN}(?P<shape>{NOUN})"
            rf"(?P<plural>e?s)?\b(?!-)"
            rf"(?:,? (?:all )?(?:in|colou?red|painted|that (?:is|are)) (?P<colour_after>{COLOUR})\b{_NOT_A_SHAPE})?",
        ),
        (
            "text",
            rf"(?:(?P<colour>{COLOUR}) {_WRITING}(?: [a-z]+){{0,3}} )?⟦(?P<number>\d+)⟧"
            rf"(?:,? (?:written |painted |printed )?in (?P<colour_after>{COLOUR})\b{_NOT_A_SHAPE})?",
        ),
        ("board", r"(?:an? |the )?⟦b(?P<number>\d+)⟧"),
        (
            "turn",
            rf"(?:(?:rotated|turned|tilted|slanted) (?P<way_first>{_WAY} )?(?:by )?|at (?:an angle of )?)"
            rf"(?P<degrees>\d{{1,3}})(?: ?°| ?degrees?\b)(?: (?P<way>{_WAY}))?",
        ),
        ("turn", r"(?P<fixed>upside[- ]down|vertical|sideways|diagonal)(?:ly)?\b"),
        (
            "type",
            rf"(?:(?:in|at) )?(?P<px>\d{{1,3}})[ -]?(?:px|pixels?)\b(?: (?:high|tall)\b)?"
            rf"(?: (?:type|size|{_WRITING})\b)?",
        ),
        (
            "type",
            rf"(?:in )?(?:very )?(?P<small>tiny|small|little|fine) (?:type|print|font|(?=(?:{COLOUR} )?{_WRITING}))\b",
        ),
        ("type", r"(?P<bare>tiny)\b"),
        (
            "tint",
            rf"(?:written |painted |printed |set )?(?:in (?P<colour>{COLOUR})\b{_NOT_A_SHAPE}"
            rf"|(?P<colour_after>{COLOUR}) {_WRITING}\b)",
        ),
        ("order", r"(?:from )?(?:the )?(?P<from>left|right|top|bottom) to (?:the )?(?:left|right|top|bottom)\b(?! of)"),
        (
            "side",
            rf"(?:(?:to|on|at) )?(?:the )?(?:immediate )?(?P<side>left|right)(?:-hand)?(?: side)? of\b"
            rf"(?! (?:the|this|an?) {_PICTURE})",
        ),
        ("side", r"(?:on )?(?P<side>above|top of|(?<!all )over|below|under|beneath|underneath)\b"),
        (
            "place",
            rf"(?:in|at|on|near|along|into|to) (?:the |its )?(?:very |far |exact )?"
            rf"(?P<place>(?:top|upper|bottom|lower)(?:[ -](?:left|right|{_CENTRE}))?|left|right|{_CENTRE})"
            rf"(?:[ -]?hand)?(?: (?:side|corner|edge|half|part|third))?(?: of (?:the|this|an?) {_PICTURE})?\b",
        ),
        ("pronoun", r"(?:it|them|this|these|that|those)\b"),
        ("stop", r"[.;:!?]"),
        ("pause", r",|(?:and|with|while)\b"),
    )
)
