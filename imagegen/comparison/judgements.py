"""Answers that were paid for, one a line: the same judge is not asked the same of the same picture again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from imagegen.types.result import plain

FILE = "judgements.jsonl"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said, and for which cell it was paid."""

    key: str
    """Of pictures, question and judge."""
    cell: str
    question: str
    judge: str
    """``connection:model`` as it was asked."""
    answer: str
    answered_by: str
    probability: float | None
    cost_usd: Decimal | None
    at_most_usd: Decimal | None

    @classmethod
    def from_json(cls, line: str) -> Self:
        """An answer from its line.

        Raises:
            ValueError: It is none.
        """
        fields: dict[str, Any] = json.loads(line)
        for name in ("cost_usd", "at_most_usd"):
            fields[name] = Decimal(fields[name]) if fields[name] is not None else None
        return cls(**fields)


def answer_key(pictures: Sequence[bytes], question: str, judge: str) -> str:
    """The same for the same pictures, question and judge."""
    parts = [hashlib.sha256(each).hexdigest() for each in pictures]
    return hashlib.sha256(json.dumps([parts, question, judge]).encode()).hexdigest()


class Judgements:
    """The answers in a comparison's folder, which its run has locked."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._found: dict[str, Answer] = {}
        if self._path.exists():
            for line in self._path.read_text("utf-8").splitlines():
                self._take(line)

    def _take(self, line: str) -> None:
        """One line; what a crash left unfinished is asked again."""
        try:
            answer = Answer.from_json(line)
        except (ValueError, KeyError, TypeError, ArithmeticError):
            return
        self._found[answer.key] = answer

    def find(self, key: str) -> Answer | None:
        """The answer, if one was paid for."""
        return self._found.get(key)

    def add(self, answer: Answer) -> None:
        """Keep an answer; it is on the disk when this returns."""
        self._found[answer.key] = answer
        with self._path.open("a", encoding="utf-8") as file:
            if file.tell() and not self._ends_whole():
                file.write("\n")
            file.write(json.dumps(plain(answer), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"
