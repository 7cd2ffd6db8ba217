"""How a prompt is read into a scene.

Read are counts, colours, shapes, quoted text and how it is turned and how large, boards, sides ("left of"), places
("in the top left corner"), the background and the style. A prompt that names no thing is a scene without things: the
painter then composes something of its own.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen_providers.stub.board_words import without_boards
from imagegen_providers.stub.grammar import colour_named, tokens_of
from imagegen_providers.stub.scene import Group, Lettering, Relation, Scene, Thing
from imagegen_providers.stub.words import COUNTS, MOST_THINGS, SHAPES, SIDES, SMALL_TYPE_PX, STYLES, TURNS, Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagegen_providers.stub.boards import Board
    from imagegen_providers.stub.grammar import Token


def scene_of(prompt: str) -> Scene:
    """What a right picture of ``prompt`` shows."""
    masked, texts = quoted_apart(unicodedata.normalize("NFC", prompt))
    style = style_of(masked)
    masked, boards = without_boards(masked, texts)
    scene = _Reading(tokens_of(" ".join(masked.lower().split())), texts, boards).scene()
    return replace(scene, style=style)


def style_of(words: str) -> Style | None:
    """The style that the words of a prompt ask for."""
    return next((style for style, pattern in STYLES.items() if re.search(pattern, words, re.IGNORECASE)), None)


def unquoted(prompt: str) -> str:
    """The prompt without its quoted texts."""
    return re.sub(r"⟦\d+⟧", " ", quoted_apart(prompt)[0])


_QUOTED = re.compile(
    r"""  "[^"\n]{0,300}" | “[^”\n]{0,300}” | „[^“”\n]{0,300}[“”] | «[^»\n]{0,300}»
        | (?<!\w) (?: '[^'\n]{1,300}?(?:'\w[^'\n]{0,100}){0,3}' | ‘[^’\n]{1,300}?(?:’\w[^’\n]{0,100}){0,3}’ ) (?!\w)""",  # noqa: RUF001 - typographic quotes are meant
    re.VERBOSE,
)
"""An apostrophe between letters opens and closes nothing. Bounded, since a prompt may be long and odd."""
_CAPITALS = re.compile(r"(\b(?:word|text|title|label) )([A-Z][A-Z0-9]{1,30}(?: [A-Z][A-Z0-9]{0,30}){0,4})\b(?!['’])")  # noqa: RUF001
"""``the word HELLO``: text in capitals needs no quotes."""


def quoted_apart(prompt: str) -> tuple[str, list[str]]:
    """The prompt with each quoted text replaced by its number in brackets, and those texts."""
    texts: list[str] = []

    def number(match: re.Match[str]) -> str:
        text = " ".join(match.group()[1:-1].split())
        if text:
            texts.append(text)
        return f" ⟦{len(texts) - 1}⟧ " if text else " "

    plain = _CAPITALS.sub(_in_quotes, prompt.translate({ord("⟦"): "(", ord("⟧"): ")"}))
    return _QUOTED.sub(number, plain), texts


def _in_quotes(match: re.Match[str]) -> str:
    """The same in quotes, unless they are there already."""
    inside = match.string.count('"', 0, match.start()) % 2
    return match[0] if inside else f'{match[1]}"{match[2]}"'


class _Reading:
    """A sentence's pieces, and which thing of the scene each of them names."""

    def __init__(self, tokens: Sequence[Token], texts: Sequence[str], boards: Sequence[Board]) -> None:
        self._things: list[Thing] = []
        self._tokens: list[Token] = []
        self._named: list[int | None] = []
        self._boards = boards
        for token in tokens:
            if len(self._things) == MOST_THINGS:
                break
            if token.kind != "shape" or self._names_something(token):
                self._named.append(self._name(token, texts))
                self._tokens.append(token)
        self._set_type()

    def scene(self) -> Scene:
        for at, token in self._of_kind("place"):
            self._put(token, at)
        backgrounds = [_colour(token) for _, token in self._of_kind("background")]
        return Scene(tuple(self._things), tuple(self._relations()), backgrounds[-1] if backgrounds else None)

    def _name(self, token: Token, texts: Sequence[str]) -> int | None:
        """The thing that a piece names: a new one, or for ``the circles`` and for a text said again the one it was."""
        if token.kind == "text":
            text = texts[int(token.parts["number"])]
            for index, thing in enumerate(self._things):
                if isinstance(thing, Lettering) and thing.text == text:
                    return index
            self._things.append(Lettering(text, _colour(token)))
        elif token.kind == "board":
            self._things.append(self._boards[int(token.parts["number"])])
        elif token.kind != "shape":
            return None
        else:
            if (known := self._known(token)) is not None:
                return known
            self._things.append(Group(_count(token), SHAPE_OF[token.parts["shape"]], _colour(token)))
        return len(self._things) - 1

    def _known(self, token: Token) -> int | None:
        """The group that ``the circles`` means, if it was named before."""
        if "count" in token.parts:
            return None
        shape, colour = SHAPE_OF[token.parts["shape"]], _colour(token)
        for index, thing in enumerate(self._things):
            if isinstance(thing, Group) and thing.shape == shape and colour in (None, thing.colour):
                return index
        return None

    def _names_something(self, token: Token) -> bool:
        """False for a shape mentioned in passing ("under the stars of a town square"), and for "no circles"."""
        if "count" in token.parts:
            return _count(token) > 0
        singular = "the" in token.parts and "plural" not in token.parts
        return "colour" in token.parts or singular or self._known(token) is not None

    def _set_type(self) -> None:
        """How texts are turned, how large and of which colour; the pieces that say so are then gone."""
        for at, token in enumerate(self._tokens):
            if token.kind in _OF_TYPE and (index := self._text_near(at)) is not None:
                text = self._things[index]
                assert isinstance(text, Lettering)
                self._things[index] = _typeset(text, token)
        kept = [at for at, token in enumerate(self._tokens) if token.kind not in _OF_TYPE]
        self._tokens, self._named = [self._tokens[at] for at in kept], [self._named[at] for at in kept]

    def _text_near(self, at: int) -> int | None:
        """The text just before a piece about type, else the one just after it."""
        between = (*_OF_TYPE, "place") if "bare" in self._tokens[at].parts else (*_OF_TYPE, "place", "pause")
        before, after = at - 1, at + 1
        while self._kind(after) in _OF_TYPE:
            after += 1
        if self._kind(after) == "text" and self._kind(before) != "text":
            return self._named[after]
        while self._kind(before) in between:
            before -= 1
        return self._named[before] if self._kind(before) == "text" else None

    def _of_kind(self, kind: str) -> Iterator[tuple[int, Token]]:
        return ((at, token) for at, token in enumerate(self._tokens) if token.kind == kind)

    def _kind(self, at: int) -> str:
        """The kind of a piece; before the first and after the last there is a stop."""
        return self._tokens[at].kind if 0 <= at < len(self._tokens) else "stop"

    def _before(self, at: int) -> int | None:
        """The thing named last before a piece."""
        return next((index for index in reversed(self._named[: max(at, 0)]) if index is not None), None)

    def _after(self, at: int) -> int | None:
        """The thing named first after a piece."""
        return next((index for index in self._named[at + 1 :] if index is not None), None)

    def _put(self, token: Token, at: int) -> None:
        """``X at the top`` puts X there; ``at the top X`` does too, after a pause."""
        attached, leads = self._kind(at - 1) in _THINGS, self._kind(at + 1) in _THINGS
        index = self._after(at) if leads and not attached else self._before(at)
        if index is not None:
            self._things[index] = replace(self._things[index], place=_place(token))

    def _relations(self) -> list[Relation]:
        found: dict[Relation, None] = {}
        subject: int | None = None
        for at, token in self._of_kind("side"):
            first, second = self._sides(at, subject)
            if first is not None and second is not None and first != second:
                found[Relation(first, SIDES[token.parts["side"]], second)] = None
                subject = first
        for _, token in self._of_kind("order"):
            side = SIDES[token.parts["from"]]
            found.update((Relation(first, side, first + 1), None) for first in range(len(self._things) - 1))
        return list(found)

    def _sides(self, at: int, subject: int | None) -> tuple[int | None, int | None]:
        """What is on a side of what; ``subject`` is what the side read before this one was about."""
        attached, before = self._kind(at - 1) in (*_THINGS, "place"), self._before(at)
        if self._kind(at + 1) in _THINGS:
            if attached:  # X left of Y
                return before, self._named[at + 1]
            goes_on = self._kind(at - 1) == "pause" and self._kind(at + 2) not in _THINGS
            if goes_on and before is not None:  # X left of Y and above Z
                return before if subject is None else subject, self._named[at + 1]
            return self._after(at + 1), self._named[at + 1]  # left of Y there is X
        if attached:  # Y with X below it
            return before, self._named_before(before, at)
        return self._after(at), before  # Y; below it X

    def _named_before(self, index: int | None, at: int) -> int | None:
        """The thing named last before a piece, other than this one."""
        return next((each for each in reversed(self._named[:at]) if each not in (None, index)), None)


def _typeset(text: Lettering, token: Token) -> Lettering:
    parts = token.parts
    if token.kind == "tint":
        return replace(text, colour=text.colour or _colour(token))
    if token.kind == "type":
        px = int(parts["px"]) if "px" in parts else SMALL_TYPE_PX[parts.get("small", "tiny")]
        return replace(text, type_px=max(1, px))
    if "fixed" in parts:
        return replace(text, turn=TURNS[parts["fixed"].replace("-", " ")])
    back = any(word in parts.get("way", parts.get("way_first", "")) for word in ("counter", "anti", "left"))
    return replace(text, turn=int(parts["degrees"]) * (-1 if back else 1) % 360)


_THINGS = ("shape", "text", "board")
_OF_TYPE = ("turn", "type", "tint")
SHAPE_OF = {noun: shape for shape, nouns in SHAPES.items() for noun in nouns}
_SOME = 3
"""How many ``red circles`` are when nobody says."""


def _count(token: Token) -> int:
    said = token.parts.get("count", "")
    word = re.sub(r"^(exactly|only|just|precisely) |\bthe ", "", said)
    if word.isdigit():
        return int(word)
    return COUNTS[word] if word else _SOME if "plural" in token.parts else 1


def _colour(token: Token) -> str | None:
    return colour_named(token.parts.get("colour_after") or token.parts.get("colour"))


def place_named(words: str) -> str | None:
    """The first place that words in lower case name, if any."""
    return next((_place(token) for token in tokens_of(words) if token.kind == "place"), None)


def _place(token: Token) -> str:
    said = token.parts["place"].replace("-", " ").replace("upper", "top").replace("lower", "bottom")
    words = ["centre" if word in ("center", "middle") else word for word in said.split()]
    return words[0] if words[-1] == "centre" else " ".join(words)
