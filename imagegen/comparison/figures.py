"""The figures of a comparison, as reports read them: a row for every model, and the differences between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with Wilson's 95 % interval; repeats of one case count for less than as many cases."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share; None where there is nothing to share."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; both ends None where too few cases say anything."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Cells that it rests on."""


@dataclass(frozen=True, slots=True)
class ProbeNumbers:
    """What one probe found at one model."""

    probe: str
    passed: Rate
    """Of the pictures that it could decide."""
    undecided: int
    score: Estimate | None = None


@dataclass(frozen=True, slots=True)
class ModelNumbers:
    """One model's row."""

    model: str
    cells: int
    pictures: int
    succeeded: Rate
    refused: Rate
    failed: Rate
    """Unknown outcomes among them."""
    latency: Mapping[str, Estimate] = field(default_factory=dict)
    """``p50``, ``p90``, ``p95``, ``mean`` in seconds, our own waiting left out."""
    parts: Mapping[str, Estimate] = field(default_factory=dict)
    """Medians of ``queue``, ``render``, ``download``, ``first_partial``, where known."""
    cost_per_picture: Estimate | None = None
    """USD a picture that came, everything that was paid counted; None where none is known."""
    cost_per_usable: Estimate | None = None
    """USD a picture that came and that no probe failed."""
    known_usd: Decimal = Decimal(0)
    at_most_usd: Decimal | None = None
    cost_sources: Mapping[str, int] = field(default_factory=dict)
    """Cells by the source of their cost; ``unknown`` among them."""
    unknown_cost: Rate | None = None
    """Cells that cost nobody knows how much."""
    adapted: Rate | None = None
    adaptations: Mapping[str, int] = field(default_factory=dict)
    """Cells by the field that was changed."""
    retries: int = 0
    probes: Mapping[str, ProbeNumbers] = field(default_factory=dict)
    judge_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two models on one metric, paired by case; ``a - b``."""

    metric: str
    """``success``, ``latency mean``, ``cost per picture``, ``probe text``, ..."""
    a: str
    b: str
    value: float
    low: float
    high: float
    level: float
    """Of the interval: higher than 0.95 where several differences are looked at together."""
    cases: int
    """Cases that both have."""

    @property
    def is_one(self) -> bool:
        """Whether the interval excludes zero; otherwise nothing is called a difference."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """All of a comparison."""

    models: tuple[ModelNumbers, ...]
    differences: tuple[Difference, ...] = ()
    seed: int = 0
    """Of the resampling: the same cells give the same intervals."""
