"""Beta and Student's t, which the standard library has not."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_STEPS = 200
_PRECISE = 1e-14


def beta_share(x: float, a: float, b: float) -> float:
    """The share of a beta distribution that lies below ``x``: the regularised incomplete beta function."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges on this side of the mean only
        return 1 - beta_share(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz (DLMF 8.17.22)."""
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        lower = 1 / _not_zero(1 + (term := _term(step, x, a, b)) * lower)
        upper = _not_zero(1 + term / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < _PRECISE:
            break
    return value


def _term(step: int, x: float, a: float, b: float) -> float:
    m = step // 2
    if step % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _not_zero(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300


@lru_cache(1024)
def critical(level: float, degrees: float = math.inf) -> float:
    """How many standard errors an interval of this level reaches to each side: Student's t, or the normal one."""
    if math.isinf(degrees):
        return NormalDist().inv_cdf((1 + level) / 2)
    x = root(lambda x: beta_share(x, degrees / 2, 0.5) - (1 - level))
    return math.sqrt(degrees * (1 / x - 1))


@lru_cache(1024)
def fractional_rank(share: float, n: float, tail: float) -> float:
    """Where among ``n`` sorted values, from 0 to 1, one lies that the true quantile is below with probability ``tail``.

    Values at a fraction u of n have a beta distribution of (n + 1) u and (n + 1) (1 - u) (Hutson 1999);
    n need not be whole.
    """
    return root(lambda u: tail - beta_share(share, (n + 1) * u, (n + 1) * (1 - u)))


def root(rising: Callable[[float], float]) -> float:
    """Where between 0 and 1 a rising function is 0."""
    low, high = 0.0, 1.0
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
