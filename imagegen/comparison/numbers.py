"""The numbers of a comparison: what each model did, with intervals, and which differences are more than chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from imagegen.comparison import statistics
from imagegen.comparison.cells import Cell
from imagegen.comparison.figures import Difference, Estimate, ModelNumbers, Numbers, ProbeNumbers, Rate
from imagegen.comparison.pairs import differences_of
from imagegen.comparison.statistics import Part, by_case
from imagegen.comparison.tallies import ProbeTally, Tally, tallies_of

__all__ = ["Difference", "Estimate", "ModelNumbers", "Numbers", "ProbeNumbers", "Rate", "numbers_of"]

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95}


def numbers_of(cells: Iterable[Cell], seed: int = 0) -> Numbers:
    """Everything that is said of these cells, in whatever order they come; models by name.

    Intervals are about requests like those of the suite (see `statistics`), those of a single case about that case.
    """
    tallies = tallies_of(cells)
    rows = tuple(_row(model, tally) for model, tally in tallies.items())
    pairs = combinations(tallies.items(), 2)
    return Numbers(rows, tuple(each for pair in pairs for each in differences_of(*pair, seed)), seed)


def _row(model: str, tally: Tally) -> ModelNumbers:
    return ModelNumbers(
        model,
        tally.cells,
        tally.pictures,
        **{name: _rate(parts) for name, parts in tally.rates.items()},
        latency=_latency(tally.latency),
        parts={name: _quantile(values, 0.5) for name, values in tally.parts.items() if values},
        cost_per_picture=_ratio(tally.cost),
        cost_per_usable=_ratio(tally.usable_cost),
        known_usd=tally.known_usd,
        at_most_usd=tally.at_most_usd,
        cost_sources=dict(sorted(tally.cost_sources.items())),
        adaptations=dict(sorted(tally.adaptations.items())),
        retries=tally.retries,
        probes={name: _probe(name, probe) for name, probe in sorted(tally.probes.items())},
        judge_usd=tally.judge_usd,
    )


def _rate(parts: Mapping[str, Sequence[Part]]) -> Rate:
    hits, of = statistics.total([(0.0, 0.0), *(part for group in parts.values() for part in group)])
    return Rate(int(hits), int(of), *statistics.rate_bounds(_cases(parts)))


def _latency(values: Mapping[str, Sequence[float]]) -> dict[str, Estimate]:
    if not values:
        return {}
    mean = _ratio({case: [(value, 1.0) for value in group] for case, group in values.items()})
    quantiles = {name: _quantile(values, share) for name, share in _QUANTILES.items()}
    return {**quantiles, "mean": mean} if mean else quantiles


def _quantile(values: Mapping[str, Sequence[float]], share: float) -> Estimate:
    groups = [values[case] for case in sorted(values)]
    ordered = sorted(value for group in groups for value in group)
    low, high = statistics.quantile_bounds(groups, share) or (None, None)
    return Estimate(statistics.quantile(ordered, share), low, high, len(ordered))


def _ratio(parts: Mapping[str, Sequence[Part]]) -> Estimate | None:
    """None where there is nothing to divide by: no picture came, or none of which the cost is known."""
    cases = _cases(parts)
    if not any(over for _, over in cases):
        return None
    low, high = statistics.ratio_bounds(cases) or (None, None)
    return Estimate(statistics.ratio(cases), low, high, sum(map(len, parts.values())))


def _probe(name: str, tally: ProbeTally) -> ProbeNumbers:
    return ProbeNumbers(name, _rate(tally.passed), tally.undecided, _ratio(tally.scores))


def _cases(parts: Mapping[str, Sequence[Part]]) -> list[Part]:
    return by_case(parts[case] for case in sorted(parts))
