"""What a probe is: it looks at one picture, without network, and says what it found."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from decimal import Decimal

Verdict: TypeAlias = Literal["pass", "fail", "undecided"]
"""Undecided: this probe cannot tell, which says nothing against the picture."""
Value: TypeAlias = str | int | float | bool | None
Expectation: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A probe's own part of what a suite expects; empty where it needs none."""

READER = ("rapidocr", "onnxruntime")
"""Import names of what reads text."""
INSTALL = "pip install 'imagegen-hub[probes]'"


def absent(packages: Sequence[str]) -> list[str]:
    """Which of these import names are not installed. Nothing is imported."""
    return [each for each in packages if importlib.util.find_spec(each) is None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe says of one picture."""

    probe: str
    verdict: Verdict
    score: float | None
    """0 to 1, 1 is best; None where nothing could be measured."""
    values: Mapping[str, Value]
    """What was measured, by name."""
    why: str
    """One line, for people."""
    cost_usd: Decimal | None = None
    """A judge's only: every other probe works on this machine."""


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """How often a probe errs, measured on synthetic pictures of which the truth is known."""

    false_pass: float
    """Share of the wrong pictures that it passes."""
    false_fail: float
    """Share of the right pictures that it fails."""
    undecided: float
    """Share of all pictures of which it says nothing."""
    measured_on: str
    """Which set, and how many pictures."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One picture to be looked at, and what was asked."""

    picture: bytes
    media_type: str
    request: Mapping[str, Any] = field(default_factory=dict)
    """Size, output_format, background and so on, as they were asked."""
    expectation: Expectation = field(default_factory=dict)
    inputs: tuple[bytes, ...] = ()
    """The pictures that were to be edited."""
    mask: bytes | None = None
    """Where the edit was to change something: white, or where its alpha varies transparent, as in a request."""
    siblings: tuple[bytes, ...] = ()
    """The other pictures of the same call."""


class Probe(ABC):
    """Looks at pictures for one thing. Made once, asked from many threads."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    """Import names of the packages that a bare install lacks."""
    error_rates: ClassVar[ErrorRates | None] = None

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot run here; None if it can. Nothing is imported."""
        packages = absent(cls.needs)
        return f"not installed ({', '.join(packages)}): {INSTALL}" if packages else None

    @abstractmethod
    def expects(self, expectation: Expectation) -> None:
        """Check what a suite expects.

        Raises:
            ConfigurationError: In one line: the probe, what is wrong and where.
        """

    @abstractmethod
    def look(self, subject: Subject) -> Finding:
        """What the picture shows. Blocks on the CPU: call it in a worker thread.

        Raises:
            ConfigurationError: As `expects`.
        """

    def found(
        self, verdict: Verdict, why: str, score: float | None = None, values: Mapping[str, Any] | None = None
    ) -> Finding:
        """A finding of this probe; each value is one of `Value`."""
        return Finding(self.name, verdict, score, dict(values or {}), why)
