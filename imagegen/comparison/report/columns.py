"""The summary of a comparison, column by column: what the page, the Markdown and the terminal show alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from imagegen.comparison.report import figures
from imagegen.comparison.report.figures import UNKNOWN, Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from decimal import Decimal

    from imagegen.comparison.numbers import ModelNumbers, Numbers

    Shown: TypeAlias = Callable[[ModelNumbers], Figure]

_LATENCIES = ("p50", "p90", "p95", "mean")
_PARTS = ("queue", "render", "download", "first_partial")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the summary."""

    name: str
    about: str
    """What it counts, in one line."""
    figure: Shown


def columns_of(numbers: Numbers) -> list[Column]:
    """Those that say anything about any model."""
    return [*_outcomes(), *_times(numbers), *_costs(), *_changes(numbers), *_probes(numbers)]


def _outcomes() -> Iterator[Column]:
    yield Column("pictures", "Pictures that came", lambda row: _count(row.pictures))
    yield Column("succeeded", "Requests that gave a picture", lambda row: figures.of_rate(row.succeeded))
    yield Column("refused", "Requests that were refused", lambda row: figures.of_rate(row.refused))
    yield Column("failed", "Requests that failed, unknown outcomes among them", lambda row: figures.of_rate(row.failed))


def _times(numbers: Numbers) -> Iterator[Column]:
    """Percentiles and parts that any model has."""
    for name in _LATENCIES:
        if any(name in row.latency for row in numbers.models):
            about = "Seconds that a user waits, our own waiting left out"
            yield Column(f"latency {name}", about, _seconds("latency", name))
    for name in _PARTS:
        if any(name in row.parts for row in numbers.models):
            yield Column(name.replace("_", " "), "Median seconds of this part, where known", _seconds("parts", name))


def _seconds(group: str, name: str) -> Shown:
    return lambda row: figures.of_estimate(getattr(row, group).get(name), figures.seconds)


def _costs() -> Iterator[Column]:
    yield Column(
        "cost per picture",
        "USD for each picture that came, everything paid counted",
        lambda row: figures.of_estimate(row.cost_per_picture, figures.usd),
    )
    yield Column(
        "cost per usable",
        "USD for each picture that no probe failed",
        lambda row: figures.of_estimate(row.cost_per_usable, figures.usd),
    )
    yield Column("known cost", "USD that is known to be spent", lambda row: _money(row.known_usd))
    yield Column("at most", "USD spent at most", lambda row: _money(row.at_most_usd))
    yield Column(
        "cost unknown", "Requests that cost nobody knows how much", lambda row: figures.of_rate(row.unknown_cost)
    )
    yield Column("cost sources", "Requests by where their cost is from", lambda row: _counts(row.cost_sources))


def _changes(numbers: Numbers) -> Iterator[Column]:
    if any(row.adapted and row.adapted.count for row in numbers.models):
        yield Column("adapted", "Requests not sent exactly as asked", lambda row: figures.of_rate(row.adapted))
        yield Column("adapted fields", "Requests by the field that changed", lambda row: _counts(row.adaptations))
    if any(row.retries for row in numbers.models):
        yield Column("retries", "Submits repeated because nothing had been done", lambda row: _count(row.retries))


def _probes(numbers: Numbers) -> Iterator[Column]:
    for name in probes_of(numbers):
        yield Column(f"probe {name}", "Pictures that passed, of those it could decide", _probe(name))
    if any(row.judge_usd for row in numbers.models):
        yield Column("judges", "USD that judging cost", lambda row: _money(row.judge_usd))


def _probe(name: str) -> Shown:
    def shown(row: ModelNumbers) -> Figure:
        return figures.of_rate(row.probes[name].passed if name in row.probes else None)

    return shown


def probes_of(numbers: Numbers) -> list[str]:
    """The probes that looked at any model, by name."""
    return sorted({name for row in numbers.models for name in row.probes})


def _count(number: int) -> Figure:
    return Figure(f"{number:,}", order=number)


def _money(amount: Decimal | None) -> Figure:
    return Figure(UNKNOWN) if amount is None else Figure(figures.usd(amount), order=float(amount))


def _counts(counts: Mapping[str, int]) -> Figure:
    """``price_list 18, unknown 2``: the most first."""
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Figure(", ".join(f"{name} {count}" for name, count in most_first) or "none", order=sum(counts.values()))
