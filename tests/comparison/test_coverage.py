"""Intervals hold the truth as often as they say, and models that are the same are rarely called different.

Fewer runs than `benchmarks/comparison/coverage.py`, so the bounds are wider: about three standard errors of a share.
"""

from __future__ import annotations

import pytest
from comparison.covering import Coverage, same_twice
from comparison.worlds import World

SEED = 7
RUNS = 60
WORLDS = (
    World(0.9, 0.1, between=0.3, within=0.3),
    World(0.8, 0.4, between=0.5, within=0.5, repeats=3),
    World(0.5, 0.0, between=0.2, within=0.6),
)


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    whole = Coverage()
    for world in WORLDS:
        whole += same_twice(world, 40, RUNS, SEED)
    return whole


@pytest.mark.parametrize("start", ["rate ", "latency ", "cost "])
def test_intervals_hold_the_truth(coverage: Coverage, start: str):
    """About 95 of 100 do, counted apart for rates, latencies and prices."""
    kinds = [kind for kind in coverage.counts if kind.startswith(start)]
    stated = sum(coverage.of(kind) for kind in kinds)
    held = sum(coverage.counts[kind]["in"] for kind in kinds)
    assert stated > 500
    assert 0.925 < held / stated < 0.975


def test_repeats_are_not_taken_for_cases():
    """Where cases differ much, an interval that counts every repeat misses the truth; ours does not."""
    coverage = same_twice(World(0.7, 0.6, repeats=5), 30, RUNS, SEED)
    rates = [kind for kind in coverage.counts if kind.startswith("rate ")]
    assert coverage.share("plain wilson") < 0.85
    assert sum(map(coverage.share, rates)) / len(rates) > 0.92


def test_models_that_are_the_same_are_rarely_called_different(coverage: Coverage):
    """In at most one of ten runs is anything found, over all metrics together."""
    assert coverage.runs == RUNS * len(WORLDS)
    assert coverage.false_runs <= coverage.runs / 10


@pytest.mark.parametrize("cases", [4, 6, 9])
def test_a_handful_of_cases_finds_no_false_differences(cases: int):
    """With so few cases an interval is wide, and nothing is found that is not there."""
    found = same_twice(World(0.6, 0.2, repeats=2), cases, RUNS, SEED)
    assert found.false_runs <= RUNS / 10
