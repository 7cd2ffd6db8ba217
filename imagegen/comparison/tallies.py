"""What numbers are made from: the figures of every cell by model, metric and case; the cells themselves are let go."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from imagegen.comparison.cells import Cell
from imagegen.comparison.statistics import Part

Parts: TypeAlias = defaultdict[str, list[Part]]
"""By case: a part for every cell, or for every picture that a probe looked at."""
Values: TypeAlias = defaultdict[str, list[float]]
"""By case: a value for every cell that has one."""

_RATES = ("succeeded", "refused", "failed", "adapted", "unknown_cost")
_PARTS = ("queue", "render", "download", "first_partial")
_YES, _NO = (1.0, 1.0), (0.0, 1.0)


def _parts() -> Parts:
    return defaultdict(list)


@dataclass(slots=True)
class ProbeTally:
    """One probe at one model."""

    passed: Parts = field(default_factory=_parts)
    scores: Parts = field(default_factory=_parts)
    undecided: int = 0


@dataclass(slots=True)
class Tally:
    """One model."""

    cells: int = 0
    pictures: int = 0
    rates: Mapping[str, Parts] = field(default_factory=lambda: {name: _parts() for name in _RATES})
    latency: Values = field(default_factory=lambda: defaultdict(list))
    parts: Mapping[str, Values] = field(default_factory=lambda: {name: defaultdict(list) for name in _PARTS})
    cost: Parts = field(default_factory=_parts)
    """USD over pictures, of the cells whose cost is known."""
    usable_cost: Parts = field(default_factory=_parts)
    """USD over usable pictures, of the same cells."""
    known_usd: Decimal = Decimal(0)
    at_most_usd: Decimal | None = Decimal(0)
    cost_sources: Counter[str] = field(default_factory=Counter)
    adaptations: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    probes: defaultdict[str, ProbeTally] = field(default_factory=lambda: defaultdict(ProbeTally))
    judge_usd: Decimal = Decimal(0)

    def add(self, cell: Cell) -> None:
        """Count a cell."""
        self.cells += 1
        self.pictures += len(cell.pictures)
        self.retries += cell.retries
        self._add_rates(cell)
        self._add_latency(cell)
        self._add_cost(cell)
        self._add_findings(cell)

    def _add_rates(self, cell: Cell) -> None:
        fields = {str(each["field"]) for each in cell.adaptations}
        self.adaptations.update(fields)
        met = {
            "succeeded": cell.outcome == "ok",
            "refused": cell.outcome == "refused",
            "failed": cell.outcome in ("failed", "unknown"),
            "adapted": bool(fields),
            "unknown_cost": cell.cost_usd is None,
        }
        for name, yes in met.items():
            self.rates[name][cell.case].append(_YES if yes else _NO)

    def _add_latency(self, cell: Cell) -> None:
        if cell.latency_s is None:
            return
        self.latency[cell.case].append(cell.latency_s)
        for name, values in self.parts.items():
            seconds: float | None = getattr(cell, f"{name}_s")
            if seconds is not None:
                values[cell.case].append(seconds)

    def _add_cost(self, cell: Cell) -> None:
        self._add_limits(cell)
        if cell.cost_usd is None:
            self.cost_sources["unknown"] += 1
            return
        self.cost_sources[cell.cost_source or "free"] += 1
        self.cost[cell.case].append((float(cell.cost_usd), float(len(cell.pictures))))
        self.usable_cost[cell.case].append((float(cell.cost_usd), float(cell.usable)))

    def _add_limits(self, cell: Cell) -> None:
        least, most = (cell.known_usd, cell.at_most_usd) if cell.cost_usd is None else (cell.cost_usd, cell.cost_usd)
        self.known_usd += least
        self.at_most_usd = None if self.at_most_usd is None or most is None else self.at_most_usd + most

    def _add_findings(self, cell: Cell) -> None:
        for finding in cell.findings:
            probe = self.probes[finding.probe]
            self.judge_usd += finding.cost_usd or 0
            if finding.verdict == "undecided":
                probe.undecided += 1
            else:
                probe.passed[cell.case].append(_YES if finding.verdict == "pass" else _NO)
            if finding.score is not None:
                probe.scores[cell.case].append((finding.score, 1.0))


def tallies_of(cells: Iterable[Cell]) -> dict[str, Tally]:
    """A tally for every model, by name."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for cell in cells:
        tallies[cell.model].add(cell)
    return dict(sorted(tallies.items()))
