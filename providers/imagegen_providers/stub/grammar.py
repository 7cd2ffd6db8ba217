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
    """``background``, ``shape``, ``text``, ``side``, ``order``, ``place``, ``pronoun``, ``pause`` or ``stop``."""
    parts: dict[str, str]
    """The named parts of its pattern that were there."""


def tokens_of(sentence: str) -> list[Token]:
    """The pieces of a sentence in lower case, in order. Texts stand in it as their numbers in brackets: ``⟦0⟧``."""
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
    return None, _NEXT_WORD.match(sentence, at).end()  # type: ignore[union-attr]


def _any(words: Iterable[str]) -> str:
    """Any of these words, the longest first."""
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")"


_NEXT_WORD = re.compile(r"\w+\s*|[^\w]", re.DOTALL)
_COLOUR = rf"(?:(?:dark|light|pale)[ -])?{_any([*COLOURS, *SAME_COLOUR])}"
_NOUN = _any(noun for nouns in SHAPES.values() for noun in nouns)
_COUNT = rf"(?:(?:exactly|only|just|precisely) )?(?:the )?(?:\d{{1,3}}|{_any(COUNTS)})"
_PLAIN = (
    rf"(?:{_any(ADJECTIVES.split())},? ){{0,4}}"  # bounded, as is every repetition here: a prompt may be long and odd
)
_NOT_A_SHAPE = rf"(?! (?:background|{_NOUN}))"
_WRITING = "(?:words?|text|letters?|lettering|title|label|caption|inscription|writing)"
_CENTRE = "(?:cent(?:er|re)|middle)"
_PICTURE = "(?:image|picture|canvas|frame|page|scene|drawing)"

_TWO_RED_AND_THREE_BLUE = re.compile(
    rf"\b(?P<found>{_COUNT} {_PLAIN}{_COLOUR})"
    rf"(?=(?:,? and|,) {_COUNT} {_PLAIN}{_COLOUR} {_PLAIN}(?P<shape>{_NOUN}(?:e?s)?)\b)"
)
"""A colour whose noun comes later: ``two red and three blue circles``."""

_PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "background",
            rf"(?:(?:on|against|over|with) )?(?:an? |the )?(?:(?:plain|solid|flat|pure|clean|simple|uniform),? ){{0,4}}"
            rf"(?P<colour>{_COLOUR}) (?:background|backdrop|canvas|ground)\b",
        ),
        ("background", rf"background:? (?:is |in )?(?P<colour>{_COLOUR})\b"),
        (
            "shape",
            rf"(?:(?P<count>{_COUNT}) |(?P<the>the ))?{_PLAIN}(?:(?P<colour>{_COLOUR}) )?{_PLAIN}(?P<shape>{_NOUN})"
            rf"(?P<plural>e?s)?\b(?!-)"
            rf"(?:,? (?:all )?(?:in|colou?red|painted|that (?:is|are)) (?P<colour_after>{_COLOUR})\b{_NOT_A_SHAPE})?",
        ),
        (
            "text",
            rf"(?:(?P<colour>{_COLOUR}) {_WRITING}(?: [a-z]+){{0,3}} )?⟦(?P<number>\d+)⟧"
            rf"(?:,? (?:written |painted |printed )?in (?P<colour_after>{_COLOUR})\b{_NOT_A_SHAPE})?",
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
