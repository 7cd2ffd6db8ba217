"""What a judge's words mean: whether they are the expected answer, and how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from imagegen.comparison.judgements import Answer
from imagegen.probes.asking import Expected, several

SURE = 0.65
"""Below this probability an answer is hardly more than a coin's."""
_YES = frozenset(["yes", "yeah", "yep", "true", "correct"])
_NO = frozenset(["no", "nope", "false", "incorrect"])
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


class ExpectedAnswer(Expected):
    """One question, and the answer that is right."""

    ask: str = Field(min_length=1)
    answer: str = Field(default="yes", min_length=1)

    @property
    def question(self) -> str:
        """What the judge is sent."""
        expected = _meaning(self.answer)
        if expected in ("yes", "no"):
            return f"{self.ask}\nAnswer with yes or no, and nothing else."
        if expected.isdigit():
            return f"{self.ask}\nAnswer with a number, and nothing else."
        return f"{self.ask}\nAnswer in as few words as possible."


def expected_answers(expectation: object) -> list[ExpectedAnswer]:
    """The questions of a case.

    Raises:
        ConfigurationError: In one line.
    """
    return several(ExpectedAnswer, expectation, "judge")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one answer says of a picture."""

    verdict: Literal["pass", "fail", "undecided"]
    score: float | None
    """The probability that the right answer is the judge's."""
    why: str


def verdict_of(wanted: ExpectedAnswer, given: Answer) -> Verdict:
    """Whether the answer is the expected one; undecided where it is no clear answer, or hardly a sure one."""
    expected, said = _meaning(wanted.answer), _meaning(given.answer)
    shown = f"{wanted.ask} {' '.join(given.answer.split())[:80]!r}"
    closed = expected in ("yes", "no")
    if (closed and said not in ("yes", "no")) or (expected.isdigit() and not said.isdigit()) or not said:
        return Verdict("undecided", None, f"{shown} is no clear answer")
    right, sure = said == expected, given.probability
    score = _score(right, sure, closed)
    if sure is not None and sure < SURE:
        return Verdict("undecided", score, f"{shown} is not sure: probability {sure:.2f}")
    return Verdict("pass" if right else "fail", score, shown if right else f"{shown}, expected {wanted.answer!r}")


def _score(right: bool, sure: float | None, closed: bool) -> float:
    if sure is None or (not right and not closed):
        return float(right)
    return sure if right else 1 - sure


def _meaning(text: str) -> str:
    """``yes``, ``no``, a number in digits, or the words in lower case."""
    words = [each.casefold() for each in _WORD.findall(text)]
    kinds = {("yes" if each in _YES else "no") for each in words if each in _YES | _NO}
    if len(kinds) == 1 and words[0] in _YES | _NO:
        return kinds.pop()
    if len(kinds) > 1:
        return ""
    numbers = [str(_NUMBERS.index(each)) if each in _NUMBERS else each for each in words]
    digits = [str(int(each)) for each in numbers if each.isdecimal()]
    if len(digits) == 1:
        return digits[0]
    return " ".join(words)
