"""How a number is said: with its interval, its unit, and as ``unknown`` where nobody knows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen.comparison.numbers import Estimate, Rate

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number as text, and what it is sorted by."""

    text: str
    interval: str = ""
    """From the lower to the upper bound; empty where there is none."""
    order: float | str | None = None
    """None: not known, and last in every order."""

    def __str__(self) -> str:
        return f"{self.text} ({self.interval})" if self.interval else self.text


def usd(amount: Decimal | float) -> str:
    """``$1.25``, ``$0.0412``: cents, or three digits where it is less than a dollar."""
    value = float(amount)
    if abs(value) >= 1 or value == 0:
        return f"${value:,.2f}" if value >= 0 else f"-${-value:,.2f}"
    places = 2 - math.floor(math.log10(abs(value)))
    text = f"{abs(value):.{places}f}".rstrip("0")
    whole, _, rest = text.partition(".")
    return f"{'-' if value < 0 else ''}${whole}.{rest:0<2}"


def seconds(value: float) -> str:
    """``0.42 s``, ``3.2 s``, ``41 s``."""
    return f"{bare(value)} s"


def percent(value: float) -> str:
    """``83 %``; near all and near none with one more digit."""
    rounded = round(100 * value)
    close = f"{100 * value:.1f}"
    return f"{close} %" if rounded in (0, 100) and close not in ("0.0", "100.0") else f"{rounded} %"


def bare(value: float) -> str:
    """Two digits below ten, whole above."""
    if value == 0 or abs(value) >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}"


def of_rate(rate: Rate | None) -> Figure:
    """A share, so many of so many."""
    if rate is None or rate.value is None:
        return Figure(UNKNOWN)
    return Figure(f"{rate.count} of {rate.of}", span(rate.low, rate.high, percent), rate.value)


def of_estimate(estimate: Estimate | None, said: Callable[[float], str]) -> Figure:
    """A figure in its unit; without an interval where too few cells say anything."""
    if estimate is None:
        return Figure(UNKNOWN)
    if estimate.low is None or estimate.high is None:
        return Figure(said(estimate.value), order=estimate.value)
    return Figure(said(estimate.value), span(estimate.low, estimate.high, said), estimate.value)


def span(low: float, high: float, said: Callable[[float], str]) -> str:
    """``0.8 to 1.2 s``, ``$0.01 to 0.04``: the unit once."""
    first, last = said(low), said(high)
    unit = last.rpartition(" ")[2]
    if " " in last and first.endswith(f" {unit}"):
        return f"{first.removesuffix(f' {unit}')} to {last}"
    return f"{first} to {last.removeprefix('$') if first.startswith('$') else last}"


def of_metric(metric: str) -> Callable[[float], str]:
    """How a figure of this metric is said: in its unit, shares in points of a hundred."""
    if metric.startswith("latency"):
        return seconds
    return usd if metric.startswith("cost") else _points


def _points(value: float) -> str:
    share = 100 * value
    return f"{share:.0f} points" if abs(share) >= 9.5 or not share else f"{share:.1f} points"


def counted(count: int, noun: str) -> str:
    """``1 pair``, ``3 pairs``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
