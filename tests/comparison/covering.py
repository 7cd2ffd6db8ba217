"""How often intervals cover a known truth, and how often models that are the same are called different."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from statistics import fmean

from comparison.worlds import PRICES, Case, World, case_cells, cells, success_of

from imagegen.comparison.figures import Difference, ModelNumbers
from imagegen.comparison.numbers import numbers_of
from imagegen.comparison.statistics import wilson


@dataclass
class Coverage:
    """Of all intervals of a kind: how many hold the truth, and how many miss it on either side."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    runs: int = 0
    false_runs: int = 0
    """Runs in which any difference was found between two models that are the same."""
    false: Counter[str] = field(default_factory=Counter)
    """The same by metric."""

    def note(self, kind: str, low: float | None, high: float | None, truth: float) -> None:
        if low is None or high is None:
            self.counts[kind]["none"] += 1
        else:
            slack = 1e-9 * abs(truth)
            self.counts[kind]["below" if truth < low - slack else "above" if truth > high + slack else "in"] += 1

    def note_differences(self, differences: tuple[Difference, ...]) -> None:
        found = [each.metric for each in differences if each.is_one]
        self.runs += 1
        self.false_runs += bool(found)
        self.false.update(found)

    def share(self, kind: str) -> float:
        counts = self.counts[kind]
        return counts["in"] / self.of(kind)

    def of(self, kind: str) -> int:
        """Intervals that were stated."""
        counts = self.counts[kind]
        return counts["in"] + counts["below"] + counts["above"]

    def __iadd__(self, other: Coverage) -> Coverage:
        for kind, counts in other.counts.items():
            self.counts[kind] += counts
        self.runs, self.false_runs = self.runs + other.runs, self.false_runs + other.false_runs
        self.false += other.false
        return self


def same_twice(world: World, cases: int, runs: int, seed: int) -> Coverage:
    """Two models with the same truth, over and over."""
    coverage = Coverage()
    for run in range(runs):
        drawn = cells({"a": world, "b": world}, cases, Random(f"{seed} {world} {cases} {run}"))
        numbers = numbers_of(drawn, seed=run)
        for row in numbers.models:
            note_row(coverage, row, world)
        coverage.note_differences(numbers.differences)
    return coverage


def note_row(coverage: Coverage, row: ModelNumbers, world: World) -> None:
    """Every interval of one model, against its truth."""
    for name, truth in world.rates.items():
        rate = getattr(row, name)
        coverage.note(f"rate {name}", rate.low, rate.high, truth)
        coverage.note("plain wilson", *wilson(rate.value, rate.of), truth)
    for name, truth in world.latencies.items():
        if name in row.latency:
            coverage.note(f"latency {name}", row.latency[name].low, row.latency[name].high, truth)
    for name in ("cost_per_picture", "cost_per_usable"):
        if (cost := getattr(row, name)) is not None:
            coverage.note(name.replace("_", " "), cost.low, cost.high, getattr(world, name))
    if "text" in row.probes:
        passed = row.probes["text"].passed
        coverage.note("rate of probe", passed.low, passed.high, world.passes)


def this_suite(world: World, cases: int, runs: int, seed: int) -> Coverage:
    """The same cases over and over, with fresh repeats: how often the rate of these very cases is held."""
    coverage, chance = Coverage(), Random(f"{seed} {world} {cases}")
    hardness = {f"case {number:03}": chance.random() for number in range(cases)}
    truth = fmean(success_of(world, each) for each in hardness.values())
    for _ in range(runs):
        suite = (Case(name, Random(each), 0.0, PRICES[0]) for name, each in hardness.items())
        (row,) = numbers_of(cell for case in suite for cell in case_cells("a", world, case, chance)).models
        coverage.note("rate of these cases", row.succeeded.low, row.succeeded.high, truth)
        coverage.note("plain wilson", *wilson(row.succeeded.value or 0.0, row.succeeded.of), truth)
    return coverage


def differing(worlds: dict[str, World], cases: int, runs: int, seed: int) -> Coverage:
    """Two models with different truths: how often each difference is covered, and found."""
    coverage = Coverage()
    for run in range(runs):
        numbers = numbers_of(cells(worlds, cases, Random(f"{seed} {worlds} {cases} {run}")), seed=run)
        truth = dict(_apart(*worlds.values()))
        for each in numbers.differences:
            coverage.note(each.metric, each.low, each.high, truth[each.metric])
        coverage.note_differences(numbers.differences)
    return coverage


def _apart(a: World, b: World) -> Iterator[tuple[str, float]]:
    yield "success", a.success - b.success
    yield "refusal", a.rates["refused"] - b.rates["refused"]
    yield "latency mean", a.latencies["mean"] - b.latencies["mean"]
    yield "latency p50", a.latencies["p50"] - b.latencies["p50"]
    yield "cost per picture", a.cost_per_picture - b.cost_per_picture
    yield "cost per usable picture", a.cost_per_usable - b.cost_per_usable
    yield "probe text", a.passes - b.passes
