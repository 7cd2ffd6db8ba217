"""Intervals and differences where several cells belong to one case.

An interval is about requests like those of the suite, of which its cases are a sample: cases count as independent, the
repeats of one do not. With a single case nothing can be said of others: its repeats count then, and the interval is for
that case alone.

* rates: Wilson's interval, on as many independent answers as the cells amount to (their design effect taken off).
* means, and ratios such as USD a picture: Hall's transformed t over the cases. A plain t covers 89 to 92 % where 30
  values are skewed as latencies are. A bootstrapped t covers what this does, slower, and has no end where a resample's
  values are all alike.
* quantiles: order statistics. A bootstrap cannot see beyond the largest value; where these cannot either, it is
  None.
* differences: both models on the same cases. Only the median's is resampled, by case.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import mul
from random import Random
from typing import NamedTuple, TypeAlias

from imagegen.comparison.distributions import critical, fractional_rank, root

Part: TypeAlias = tuple[float, float]
"""What a cell or a case adds to a figure: so much (passes, seconds, USD), over so many (cells, pictures)."""
Bounds: TypeAlias = tuple[float, float]

FEWEST = 4
"""Cases below which no interval of a mean and no difference is given."""
FEW = 10
"""Cases below which their skewness is not known well enough to correct for it."""
ROUNDS = 400
"""Of resampling. They give a standard error, not an interval's ends, for which these would be too few."""
_ROUNDING = 1e-12
_ENDLESS = 1e-6


class Change(NamedTuple):
    """A difference and its interval."""

    value: float
    low: float
    high: float


def by_case(groups: Iterable[Sequence[Part]]) -> list[Part]:
    """What each case adds; where there is a single case, what each of its cells does."""
    kept = [group for group in groups if group]
    return sorted(kept[0]) if len(kept) == 1 else [total(group) for group in kept]


def total(parts: Iterable[Part]) -> Part:
    """All parts as one, the same in whatever order they come."""
    tops, overs = zip(*parts, strict=True)
    return math.fsum(tops), math.fsum(overs)


def ratio(cases: Sequence[Part]) -> float:
    """All of the one over all of the other."""
    top, over = total(cases)
    return top / over


# Rates


def wilson(share: float, n: float, reach: float = critical(0.95)) -> Bounds:
    """Wilson's interval of a share of ``n``, which may be a fraction; ``reach`` in standard errors."""
    if not n:
        return 0.0, 1.0
    extra = reach * reach / n
    middle = (share + extra / 2) / (1 + extra)
    half = reach / (1 + extra) * math.sqrt(share * (1 - share) / n + extra / (4 * n))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def rate_bounds(cases: Sequence[Part], level: float = 0.95) -> Bounds:
    """The interval of a rate from (hits, answers) of each case."""
    return wilson(ratio(cases), independent(cases), _reach(cases, level)) if cases else (0.0, 1.0)


def independent(cases: Sequence[Part]) -> float:
    """As many independent answers as those of all cases amount to: at most all of them.

    Where all answers are the same nothing shows how alike a case's answers are, so that a case counts as one.
    """
    answers, share = math.fsum(over for _, over in cases), ratio(cases)
    if _single(cases):
        return answers
    error = _error(_influences(cases))
    return min(answers, share * (1 - share) / error**2) if 0 < share < 1 and error else len(cases)


def _single(cases: Sequence[Part]) -> bool:
    return all(over == 1 for _, over in cases)


def _reach(cases: Sequence[Part], level: float) -> float:
    """Student's t where the spread between cases was estimated; a rate with one answer a case has none to estimate."""
    return critical(level) if _single(cases) else critical(level, max(1, len(cases) - 1))


# Means and ratios


def ratio_bounds(cases: Sequence[Part], level: float = 0.95) -> Bounds | None:
    """The interval of a mean or ratio that cannot be negative; None where the cases are too few to end it.

    It holds every ratio that the cases do not contradict (Fieller), which counts how unsure the divisor is, too.
    """
    value = ratio(cases)
    if len(cases) < FEWEST:
        return None
    if not any(_influences(cases)):
        return value, value
    if _single(cases):
        low, high = _bounds(value, [top for top, _ in cases], level)
        return max(0.0, low), high

    def ends(at: float) -> Bounds:
        rest = [top - at * over for top, over in cases]
        return _bounds(math.fsum(rest) / len(rest), rest, level)

    low, high = root(lambda part: -ends(part * value)[0]), root(lambda part: ends(value / part)[1])
    return (low * value, value / high) if high > _ENDLESS else None


def _influences(cases: Sequence[Part]) -> list[float]:
    """What each case moves the ratio by, times their number; they add up to nothing."""
    value = ratio(cases)
    scale = len(cases) / math.fsum(over for _, over in cases)
    tiny = _ROUNDING * abs(value)
    moved = [scale * (top - value * over) for top, over in cases]
    return [0.0 if abs(move) <= tiny else move for move in moved]


def _error(values: Sequence[float]) -> float:
    """The standard error of their mean."""
    return _shape(values)[0]


def _shape(values: Sequence[float]) -> tuple[float, float]:
    """The standard error of their mean, and their skewness."""
    count, mean = len(values), math.fsum(values) / len(values)
    rest = [value - mean for value in values]
    squares = [each * each for each in rest]
    if count < 2 or not (square := math.fsum(squares) / count):
        return 0.0, 0.0
    cube = math.fsum(map(mul, squares, rest)) / count
    return math.sqrt(square / (count - 1)), cube / square**1.5


def _bounds(value: float, values: Sequence[float], level: float) -> Bounds:
    """Hall's interval (1992) of what is their mean: Student's t, bent by their skewness."""
    count, (error, skewness) = len(values), _shape(values)
    reach, bend = critical(level, count - 1), skewness / 3 if count >= FEW else 0.0
    return value - error * _bent(reach, bend, count), value - error * _bent(-reach, bend, count)


def _bent(reach: float, bend: float, count: int) -> float:
    if abs(bend) < 1e-6:
        return reach
    cube = 1 + 3 * bend * (reach / math.sqrt(count) - bend / (2 * count))
    return math.sqrt(count) / bend * (math.cbrt(cube) - 1)


# Quantiles


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of the others lies below, between two neighbours in proportion (numpy's default)."""
    return _at(ordered, share * (len(ordered) - 1))


def _at(ordered: Sequence[float], place: float) -> float:
    below = max(0, min(len(ordered) - 1, math.floor(place)))
    above = min(len(ordered) - 1, below + 1)
    return ordered[below] + (ordered[above] - ordered[below]) * max(0.0, place - below)


def quantile_bounds(groups: Sequence[Sequence[float]], share: float, level: float = 0.95) -> Bounds | None:
    """The interval of a quantile from the values of each case; None where no value lies far enough out to end it."""
    ordered = sorted(chain.from_iterable(groups))
    at = quantile(ordered, share)
    cases = by_case([(float(value <= at), 1.0) for value in group] for group in groups)
    n = independent(cases) * (critical(level) / _reach(cases, level)) ** 2
    tail = (1 - level) / 2
    low, high = fractional_rank(share, n, 1 - tail), fractional_rank(share, n, tail)
    if low * (n + 1) < 1 or high * (n + 1) > n:
        return None
    places = len(ordered) + 1
    return _at(ordered, low * places - 1), _at(ordered, high * places - 1)


# Differences, paired by case


def rate_change(a: Sequence[Part], b: Sequence[Part], level: float) -> Change | None:
    """Between two rates, case by case: Newcombe's interval of paired rates (1998), from both of Wilson's."""
    if len(a) < FEWEST:
        return None
    reach = critical(level, len(a) - 1)
    (p, p_low, p_high), (q, q_low, q_high) = _limits(a, reach), _limits(b, reach)
    alike = _correlation(_influences(_even(a)), _influences(_even(b)))
    return Change(p - q, p - q - _joint(p - p_low, q_high - q, alike), p - q + _joint(p_high - p, q - q_low, alike))


def _even(cases: Sequence[Part]) -> list[Part]:
    """Every case counts the same, however many of its repeats are there."""
    return [(top / over, 1.0) for top, over in cases]


def _limits(cases: Sequence[Part], reach: float) -> tuple[float, float, float]:
    share = ratio(_even(cases))
    return share, *wilson(share, independent(cases), reach)


def _correlation(a: Sequence[float], b: Sequence[float]) -> float:
    scale = math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / scale if scale else 0.0


def _joint(below: float, above: float, alike: float) -> float:
    return math.sqrt(max(0.0, below**2 - 2 * alike * below * above + above**2))


def ratio_change(a: Sequence[Part], b: Sequence[Part], level: float) -> Change | None:
    """Between two ratios over the same cases: Hall's interval of what each case moves both by."""
    if len(a) < FEWEST or not any(over for _, over in a) or not any(over for _, over in b):
        return None
    left, right = ratio(a), ratio(b)
    moved = [x - y for x, y in zip(_influences(a), _influences(b), strict=True)]
    value = _settled(left - right, left, right)
    return Change(value, *_bounds(value, [_settled(move, left, right) for move in moved], level))


def mean_change(a: Sequence[Part], b: Sequence[Part], level: float) -> Change | None:
    """Between two means over the same cases, every case counting the same."""
    return ratio_change(_even(a), _even(b), level)


def median_change(
    a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], level: float, chance: Random
) -> Change | None:
    """Between two medians over the same cases: Student's t on the error that resampling whole cases shows."""
    if len(a) < FEWEST:
        return None
    cases = range(len(a))
    value = _medians_apart(a, b, cases)
    drawn = [_medians_apart(a, b, chance.choices(cases, k=len(a))) for _ in range(ROUNDS)]
    middle = math.fsum(drawn) / ROUNDS
    error = math.sqrt(math.fsum((each - middle) ** 2 for each in drawn) / (ROUNDS - 1))
    half = critical(level, len(a) - 1) * error
    return Change(value, value - half, value + half)


def _medians_apart(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], cases: Sequence[int]) -> float:
    left, right = (quantile(sorted(chain.from_iterable(map(values.__getitem__, cases))), 0.5) for values in (a, b))
    return _settled(left - right, left, right)


def _settled(difference: float, *of: float) -> float:
    """Nothing, where it is no more than rounding: two equal prices summed in another order are equal."""
    return 0.0 if abs(difference) <= _ROUNDING * max(map(abs, of)) else difference
