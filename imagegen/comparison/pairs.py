"""Two models beside each other: every metric on the cases that both have, at a level that allows for their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import TypeAlias, TypeVar

from imagegen.comparison.figures import Difference
from imagegen.comparison.statistics import (
    Change,
    Part,
    mean_change,
    median_change,
    rate_change,
    ratio_change,
    total,
)
from imagegen.comparison.tallies import Tally, Values

FALSE = 0.05
"""How often, at most, any difference is found between two models that do not differ."""

T = TypeVar("T")
Named: TypeAlias = tuple[str, Tally]
Measured: TypeAlias = tuple[str, int, Callable[[float], Change | None]]
"""A metric, the cases that both have, and the difference at a level."""


def differences_of(a: Named, b: Named, seed: int) -> list[Difference]:
    """Every difference between two models of which something can be said.

    All metrics together are wrong in at most `FALSE` of pairs that do not differ: each has an equal share (Bonferroni).
    """
    metrics = list(_metrics(a[1], b[1], Random(f"{seed} {a[0]} {b[0]}")))
    level = 1 - FALSE / max(1, len(metrics))
    changes = ((name, cases, change(level)) for name, cases, change in metrics)
    return [Difference(name, a[0], b[0], *change, level, cases) for name, cases, change in changes if change]


def _metrics(a: Tally, b: Tally, chance: Random) -> Iterator[Measured]:
    yield _parts("success", rate_change, a.rates["succeeded"], b.rates["succeeded"])
    yield _parts("refusal", rate_change, a.rates["refused"], b.rates["refused"])
    yield _parts("latency mean", mean_change, _seconds(a.latency), _seconds(b.latency))
    yield _medians("latency p50", a.latency, b.latency, chance)
    yield _parts("cost per picture", ratio_change, a.cost, b.cost)
    if a.probes or b.probes:  # otherwise all are usable, and it is the same metric again
        yield _parts("cost per usable picture", ratio_change, a.usable_cost, b.usable_cost)
    for probe in sorted(a.probes.keys() & b.probes.keys()):
        yield _parts(f"probe {probe}", rate_change, a.probes[probe].passed, b.probes[probe].passed)


def _parts(
    name: str,
    change: Callable[[Sequence[Part], Sequence[Part], float], Change | None],
    a: Mapping[str, Sequence[Part]],
    b: Mapping[str, Sequence[Part]],
) -> Measured:
    left, right = _shared(a, b)
    sums = [total(parts) for parts in left], [total(parts) for parts in right]
    return name, len(left), lambda level: change(*sums, level)


def _medians(name: str, a: Values, b: Values, chance: Random) -> Measured:
    left, right = _shared(a, b)
    return name, len(left), lambda level: median_change(left, right, level, chance)


def _shared(a: Mapping[str, T], b: Mapping[str, T]) -> tuple[list[T], list[T]]:
    cases = sorted(a.keys() & b.keys())
    return [a[case] for case in cases], [b[case] for case in cases]


def _seconds(values: Values) -> dict[str, list[Part]]:
    return {case: [(value, 1.0) for value in group] for case, group in values.items()}
