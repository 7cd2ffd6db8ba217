"""Texts compared: what counts as the same, how far two are apart, what was not asked for. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_LETTER = r"[^\W_]"
_WITHOUT_BLANKS = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u30ff]")
_MOST_LINES = 6
"""A string may be broken into so many lines."""
_LIKE = 0.6
"""With at most so many character errors a line is taken for a try at a string."""


def plain(text: str, *, ignore_case: bool = False) -> str:
    """A text as it is compared: NFC, typographic quotes as plain ones, runs of blanks as one."""
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    text = " ".join(text.split())
    if _WITHOUT_BLANKS.search(text):
        text = text.replace(" ", "")
    return text.casefold() if ignore_case else text


_PLAIN = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0xFF0C: ",", 0xFF01: "!", 0xFF1F: "?", 0xFF1A: ":"}


def distance(one: str, other: str) -> int:
    """Characters to insert, delete or exchange (Levenshtein)."""
    row = list(range(len(other) + 1))
    for at, mine in enumerate(one, 1):
        before, row[0] = row[0], at
        for column, theirs in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (mine != theirs))
    return row[-1]


@dataclass(frozen=True, slots=True)
class Match:
    """Where an expected string is, or what is most like it."""

    wanted: str
    seen: str
    lines: tuple[int, ...]
    """Which of the lines it was read in."""

    @property
    def exact(self) -> bool:
        return self.wanted == self.seen

    @property
    def blanks_only(self) -> bool:
        """Whether it is right but for its blanks."""
        return not self.exact and self.wanted.replace(" ", "") == self.seen.replace(" ", "")

    @property
    def error_rate(self) -> float:
        """Character errors per expected character, at most 1."""
        return min(1.0, distance(self.wanted, self.seen) / max(1, len(self.wanted)))

    @property
    def word_accuracy(self) -> float:
        """Share of the expected words that are there, of characters where there are no blanks; in any order."""
        wanted, seen = _pieces(self.wanted), _pieces(self.seen)
        return (Counter(wanted) & Counter(seen)).total() / max(1, len(wanted))


def _pieces(text: str) -> list[str]:
    return list(text) if _WITHOUT_BLANKS.search(text) else text.split()


def best_match(wanted: str, lines: Sequence[str]) -> Match:
    """The line, part of a line or lines together that are the most like a string. All of them `plain`."""
    best = Match(wanted, "", ())
    for first in range(len(lines)):
        for last in range(first + 1, min(len(lines), first + _MOST_LINES) + 1):
            for seen in (_within(wanted, plain(" ".join(lines[first:last]))), plain("".join(lines[first:last]))):
                found = Match(wanted, seen, tuple(range(first, last)))
                if found.exact:
                    return found
                if found.error_rate < best.error_rate:
                    best = found
    return best


def _within(wanted: str, line: str) -> str:
    """The string, where a line has it between other words; else the line."""
    if _WITHOUT_BLANKS.search(wanted):
        return line
    bordered = rf"(?<!{_LETTER}){re.escape(wanted)}(?!{_LETTER})"
    return wanted if re.search(bordered, line) else line


def extra(lines: Sequence[str], wanted: Sequence[str]) -> str:
    """What was read and nobody asked for: the lines that are like no string, and what goes beyond an exact one."""
    used: set[int] = set()
    rest = []
    for match in (best_match(each, lines) for each in wanted):
        if match.error_rate <= _LIKE:
            used |= set(match.lines)
            whole = plain(" ".join(lines[line] for line in match.lines))
            rest.append(whole.replace(match.wanted, " ", 1) if match.exact and match.wanted in whole else "")
    rest += [line for at, line in enumerate(lines) if at not in used]
    return " ".join(" ".join(rest).split())
