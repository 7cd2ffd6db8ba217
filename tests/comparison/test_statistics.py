"""Intervals against known values; numbers that depend on no order; comparisons with next to nothing in them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from decimal import Decimal
from random import Random

import pytest
from comparison.worlds import PICTURE, World, cells
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen.comparison.cells import Cell, CellFinding
from imagegen.comparison.distributions import beta_share, critical
from imagegen.comparison.numbers import Difference, Numbers, numbers_of
from imagegen.comparison.statistics import (
    by_case,
    independent,
    mean_change,
    median_change,
    quantile,
    quantile_bounds,
    rate_bounds,
    rate_change,
    ratio_bounds,
    wilson,
)

PLAIN = World(0.9, 0.2, repeats=2)


def drawn(cases: int = 20, seed: int = 1, **worlds: World) -> list[Cell]:
    return list(cells(worlds or {"a": PLAIN, "b": PLAIN}, cases, Random(seed)))


def difference(numbers: Numbers, metric: str) -> Difference:
    return next(each for each in numbers.differences if each.metric == metric)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (10, 10, 0.7225, 1),
    ],
)
def test_wilson(count: int, of: int, low: float, high: float):
    """The first, second and fourth are Newcombe's examples (Statistics in Medicine 17, 1998, table I, method 3)."""
    assert wilson(count / of, of) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("level", "degrees", "reach"), [(0.95, 1, 12.7062), (0.95, 9, 2.2622), (0.99, 29, 2.7564), (0.95, math.inf, 1.96)]
)
def test_student(level: float, degrees: float, reach: float):
    """As printed in tables of Student's t."""
    assert critical(level, degrees) == pytest.approx(reach, abs=5e-5)


@given(x=st.floats(0.01, 0.99), a=st.integers(1, 40), b=st.integers(1, 40))
def test_beta_is_a_binomial_tail(x: float, a: int, b: int):
    """For whole numbers it is the chance of at least ``a`` hits."""
    n = a + b - 1
    tail = math.fsum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert beta_share(x, a, b) == pytest.approx(tail, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 2.5), (0.9, 3.7), (0.95, 3.85), (1.0, 4)])
def test_a_quantile_lies_between_neighbours(share: float, value: float):
    """As ``numpy.quantile`` says for 1, 2, 3, 4."""
    assert quantile([1, 2, 3, 4], share) == pytest.approx(value)


def test_the_median_is_bounded_by_order_statistics():
    """Of 30 values by the 10th and 21st, which hold it in 95.7 of 100: a little nearer, between neighbours."""
    bounds = quantile_bounds([[float(value)] for value in range(1, 31)], 0.5)
    assert bounds == pytest.approx((10.175, 20.825), abs=1e-3)


@pytest.mark.parametrize(("share", "fewest"), [(0.5, 6), (0.9, 36), (0.95, 72)])
def test_a_quantile_has_an_interval_only_where_a_value_ends_it(share: float, fewest: int):
    """The largest of n lies above it with 97.5 % from this n on."""
    assert quantile_bounds([[float(value)] for value in range(fewest - 1)], share) is None
    assert quantile_bounds([[float(value)] for value in range(fewest)], share) is not None


def test_repeats_that_are_all_alike_count_once():
    """Ten cases of five repeats, all the same within a case, are ten answers; spread evenly they are fifty."""
    assert independent([(5.0, 5.0), (0.0, 5.0)] * 5) == pytest.approx(9)
    assert independent([(3.0, 5.0), (2.0, 5.0)] * 5) == 50
    assert independent([(5.0, 5.0)] * 10) == 10


def test_a_single_case_is_about_itself():
    """Its repeats count then."""
    parts = by_case([[(1.0, 1.0)] * 8 + [(0.0, 1.0)] * 2])
    assert rate_bounds(parts) == wilson(0.8, 10)


def test_a_mean_of_skewed_values_reaches_further_up():
    """The interval is not the same to both sides."""
    values = [math.exp(x / 10) for x in range(-20, 30)]
    low, high = ratio_bounds([(value, 1.0) for value in values]) or (0.0, 0.0)
    mean = math.fsum(values) / len(values)
    assert high - mean > 1.1 * (mean - low) > 0


def test_a_price_that_never_varies_is_known_exactly():
    """Whatever the pictures are."""
    assert ratio_bounds([(0.02 * count, float(count)) for count in range(1, 20)]) == pytest.approx((0.02, 0.02))


def test_nothing_is_said_where_few_cases_brought_a_picture():
    """The divisor could be next to nothing: there is no upper end."""
    assert ratio_bounds([(0.02, 0.0)] * 29 + [(0.02, 1.0)]) is None


def test_a_difference_is_a_less_b():
    """Also in its sign, for every metric."""
    worse = replace(PLAIN, success=0.4, median_s=30.0, price=4.0, passes=0.3)
    found = {each.metric: each for each in numbers_of(drawn(100, a=PLAIN, b=worse)).differences}
    assert {name for name, each in found.items() if each.is_one and each.value > 0} == {"success", "probe text"}
    assert {name for name, each in found.items() if each.is_one and each.value < 0} == {
        "refusal", "latency mean", "latency p50", "cost per picture", "cost per usable picture"
    }  # fmt: skip


def test_the_ends_of_a_difference_are_those_of_both_rates():
    """50 of 50 less 20 of 50: nothing is above the first, so that upwards only the second counts (Newcombe 1998)."""
    found = rate_change([(1.0, 1.0)] * 50, [(1.0, 1.0)] * 20 + [(0.0, 1.0)] * 30, 0.95)
    reach = critical(0.95, 49)
    (low, _), (other_low, other_high) = wilson(1.0, 50, reach), wilson(0.4, 50, reach)
    assert found == pytest.approx((0.6, 0.6 - math.hypot(1 - low, other_high - 0.4), 0.6 + 0.4 - other_low))


def test_pairs_see_what_cases_hide():
    """One second on every case is found, though the cases differ by many."""
    slow, fast = [[float(case) + 1] for case in range(50)], [[float(case)] for case in range(50)]
    found = mean_change([(each[0], 1.0) for each in slow], [(each[0], 1.0) for each in fast], 0.99)
    assert found == pytest.approx((1, 1, 1))


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_cells_does_not_matter(chance: Random):
    """The same cells give the same numbers, to the last digit."""
    some = drawn(8)
    mixed = chance.sample(some, len(some))
    assert numbers_of(mixed) == numbers_of(iter(some))


def test_a_seed_gives_the_same_intervals_again():
    """Another one moves what is resampled, and nothing else."""
    first, again, other = (numbers_of(drawn(), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.models == other.models
    moved = {a.metric for a, b in zip(first.differences, other.differences, strict=True) if a != b}
    assert moved == {"latency p50"}


def test_all_metrics_of_a_pair_share_five_per_cent():
    """Seven metrics are looked at, each at 1 - 0.05 / 7."""
    numbers = numbers_of(drawn())
    assert {each.level for each in numbers.differences} == {1 - 0.05 / 7}
    assert len(numbers.differences) == 7


@pytest.mark.parametrize("cases", [1, 2, 3])
def test_below_four_cases_nothing_is_called_a_difference(cases: int):
    """However far apart the two are."""
    assert numbers_of(drawn(cases, a=replace(PLAIN, repeats=30), b=World(0.1, 0.0, repeats=30))).differences == ()


def test_no_case_in_common_is_no_difference():
    """The rows are there, and nothing between them."""
    some = [replace(cell, case=f"{cell.model} {cell.case}") for cell in drawn()]
    numbers = numbers_of(some)
    assert (len(numbers.models), numbers.differences) == (2, ())


def test_nothing_is_nothing():
    """No cells, no rows."""
    assert numbers_of([]) == Numbers(())


def test_one_cell():
    """A value each, and no interval but Wilson's."""
    (row,) = numbers_of([replace(drawn(1)[0], outcome="ok", pictures=(), total_s=2.0, wait_s=0.5)]).models
    assert (row.latency["p50"].value, row.latency["mean"].value, row.latency["p95"].low) == (1.5, 1.5, None)
    assert (row.succeeded.low, row.succeeded.high) == pytest.approx((0.2065, 1), abs=1e-4)


def test_a_model_that_always_failed():
    """No latency, no price of a picture, and money that is known all the same."""
    failed = [
        replace(cell, outcome="failed", pictures=(), findings=(), total_s=None, cost_usd=Decimal("0.01"))
        for cell in drawn()
        if cell.model == "a"
    ]
    numbers = numbers_of([*failed, *(cell for cell in drawn() if cell.model == "b")])
    row = numbers.models[0]
    assert (row.latency, row.cost_per_picture, row.cost_per_usable, row.known_usd) == ({}, None, None, Decimal("0.40"))
    assert {each.metric for each in numbers.differences} == {"success", "refusal"}
    assert difference(numbers, "success").is_one


def test_unknown_costs_are_not_nothing():
    """They are left out of the price, counted apart, and take the upper bound away where they have none."""
    some = drawn(a=replace(PLAIN, success=0.999))
    spoilt = [replace(cell, cost_usd=None, known_usd=Decimal(1)) if cell.repeat else cell for cell in some]
    (whole,), (row,) = numbers_of(cell for cell in some if not cell.repeat).models, numbers_of(spoilt).models
    assert row.cost_per_picture == whole.cost_per_picture
    assert row.unknown_cost
    assert row.cost_sources == {"unknown": 20, "usage": 20}
    assert (row.unknown_cost.count, row.unknown_cost.of, row.at_most_usd) == (20, 40, None)
    assert row.known_usd == whole.known_usd + 20


def test_a_price_that_one_does_not_know_is_not_compared():
    """All else is."""
    numbers = numbers_of(replace(cell, cost_usd=None) if cell.model == "a" else cell for cell in drawn())
    assert numbers.models[0].cost_per_picture is None
    assert {each.metric for each in numbers.differences if "cost" in each.metric} == set()


def test_models_that_do_the_very_same_do_not_differ():
    """All intervals hold zero, those of no width too."""
    a = [cell for cell in drawn() if cell.model == "a"]
    numbers = numbers_of([*a, *(replace(cell, model="b", key=f"b {cell.key}") for cell in a)])
    assert len(numbers.differences) == 7
    assert not any(each.is_one for each in numbers.differences)


def test_equal_prices_are_equal_whatever_their_rounding():
    """A tenth of a cent, over one picture and over three, is no difference."""
    some = [replace(cell, outcome="ok", cost_usd=Decimal("0.001"), cost_source="usage") for cell in drawn(5)]
    one = [replace(cell, pictures=(PICTURE,)) for cell in some if cell.model == "a"]
    three = [replace(cell, pictures=(PICTURE,) * 3, cost_usd=Decimal("0.003")) for cell in some if cell.model == "b"]
    found = difference(numbers_of([*one, *three]), "cost per picture")
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_probes_are_counted_over_what_they_decided():
    """Undecided pictures are neither passed nor failed; what a judge took is money of its own."""
    verdicts = [CellFinding(0, "text", "pass", 1.0, cost_usd=Decimal("0.001")), CellFinding(0, "text", "undecided")]
    (row,) = numbers_of([replace(cell, findings=tuple(verdicts)) for cell in drawn(a=PLAIN)]).models
    probe = row.probes["text"]
    assert (probe.passed.count, probe.passed.of, probe.undecided) == (40, 40, 40)
    assert (row.judge_usd, probe.score and probe.score.value) == (Decimal("0.040"), 1.0)


def test_adaptations_and_retries_are_counted():
    """Cells by field, however often it was changed in one."""
    changed = {"field": "size", "asked": "1x1", "sent": "2x2", "got": None, "why": ""}
    some = [replace(cell, adaptations=(changed, changed), retries=2) for cell in drawn(5, a=PLAIN)]
    (row,) = numbers_of(some).models
    assert row.adapted
    assert (row.adaptations, row.adapted.count, row.retries) == ({"size": 10}, 10, 20)


def test_medians_of_too_few_cases():
    """None, as for every difference."""
    assert median_change([[1.0]] * 3, [[2.0]] * 3, 0.95, Random(1)) is None
    assert rate_change([(1.0, 1.0)] * 3, [(0.0, 1.0)] * 3, 0.95) is None


@settings(max_examples=60, deadline=None)
@given(
    cases=st.integers(0, 14),
    repeats=st.integers(1, 3),
    success=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    spread=st.sampled_from([0.0, 1.0]),
    free=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_whatever_there_is_gives_finite_numbers(
    cases: int, repeats: int, success: float, spread: float, free: bool, seed: int
):
    """All of it is JSON, every interval holds its figure: nothing came, one thing, all the same, all for nothing."""
    chance = Random(seed)
    world = World(success, 0.0, between=spread, within=spread, repeats=repeats, price=0.0 if free else 1.0)
    some = [cell for cell in cells({"a": world, "b": world}, cases, chance) if chance.random() < 0.8]
    numbers = numbers_of(some)
    json.dumps(asdict(numbers), default=str, allow_nan=False)
    assert all(each.low <= each.value <= each.high for each in numbers.differences)
    for row in numbers.models:
        assert row.succeeded.low <= (row.succeeded.value or 0) <= row.succeeded.high
        for each in (*row.latency.values(), row.cost_per_picture, row.cost_per_usable):
            assert each is None or each.low is None or each.high is None or each.low <= each.value <= each.high
