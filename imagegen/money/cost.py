"""Amounts times prices: the range before a call, the best figure after it, sums that stay honest."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from imagegen.money.amounts import Bounds, Scenario, expected, scenarios
from imagegen.types.cost import Cost, CostSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imagegen.catalogue import Model, PriceLine
    from imagegen.types.job import Task
    from imagegen.types.result import Usage

_SOURCES: tuple[CostSource, ...] = ("provider", "usage", "price_list", "estimate")
"""From the best to the weakest."""
_EVERY_PICTURE = frozenset({"image", "megapixel", "image_output_tokens"})
"""What no picture comes without: where the list prices it and no line applies, the price is not known."""


class _Money(NamedTuple):
    """USD between two bounds."""

    least: Decimal = Decimal(0)
    most: Decimal | None = Decimal(0)
    source: CostSource = "provider"


def price_before(model: Model | None, task: Task) -> Cost:
    """What ``task`` can cost: `known_usd` at least, `at_most_usd` at most, `amount_usd` where the two agree.

    A choice that is left to the model counts with its cheapest and its dearest outcome.
    """
    return _priced(model, task, task.count, {})


def price_after(
    model: Model | None, usage: Usage | None, reported_usd: Decimal | None, images: int, task: Task
) -> Cost:
    """What ``task`` cost, given ``images`` that are billed, from the best source there is.

    The provider's own figure, else what it counted times the price, else the price list, else an estimate. What was
    counted and has no price leaves `amount_usd` None and `known_usd` the rest. The provider may have charged less than
    usage times price where it read its cache: no answer says so.
    """
    if reported_usd is not None:
        return Cost(reported_usd, reported_usd, reported_usd, "provider")
    return _priced(model, task, images, usage.counts() if usage else {})


def price_of_words(model: Model | None, usage: Usage | None) -> Cost:
    """What an answer without pictures cost: what was counted, times the price."""
    if model is None or usage is None:
        return Cost(None)
    parts = [_times(Bounds.of(count), _line(model, name, {}), "usage") for name, count in usage.counts().items()]
    least, most = sum((part.least for part in parts), Decimal(0)), _sum(part.most for part in parts)
    return Cost(most, least, most, _weakest(part.source for part in parts))


def add_costs(costs: Iterable[Cost]) -> Cost:
    """The sum. One unknown part leaves the whole unknown; the weakest source is the source of the whole."""
    every = list(costs)
    most = [cost.amount_usd if cost.at_most_usd is None else cost.at_most_usd for cost in every]
    return Cost(
        amount_usd=_sum(cost.amount_usd for cost in every),
        known_usd=sum((cost.known_usd for cost in every), Decimal(0)),
        at_most_usd=_sum(most),
        source=_weakest(cost.source for cost in every),
    )


def _priced(model: Model | None, task: Task, images: int, counts: Mapping[str, int]) -> Cost:
    """The cheapest and the dearest of every way in which the open choices can fall out."""
    if model is None or not model.prices:
        return Cost(None)
    totals = [_total(model, task, images, counts, scenario) for scenario in scenarios(model, task)]
    least = min(total.least for total in totals)
    known = [total.most for total in totals if total.most is not None]
    most = max(known) if len(known) == len(totals) else None
    source = _weakest(total.source for total in totals)
    if source == "provider":  # nothing was due: the list says so
        source = "price_list"
    if most is not None and most != least:
        source = "estimate"
    return Cost(least if least == most else None, least, most, source)


def _total(model: Model, task: Task, images: int, counts: Mapping[str, int], scenario: Scenario) -> _Money:
    parts = []
    for billable in dict.fromkeys([*(line.billable for line in model.prices), *counts]):
        line = _line(model, billable, scenario)
        if billable in counts:
            parts.append(_times(Bounds.of(counts[billable]), line, "usage"))
        elif line is not None:
            amount = expected(line, model, task, images, scenario)
            if not counts or amount.least > 0:  # what need not have come was not counted because it did not come
                parts.append(_times(amount, line, "price_list"))
        elif billable in _EVERY_PICTURE and images:
            parts.append(_Money(most=None, source="estimate"))
    most = _sum(part.most for part in parts)
    return _Money(
        sum((part.least for part in parts), Decimal(0)), most, _weakest(each.source for each in parts) or "provider"
    )


def _times(amount: Bounds, line: PriceLine | None, source: CostSource) -> _Money:
    if amount.most == 0:
        return _Money()
    if not (amount.confirmed and amount.least == amount.most):
        source = "estimate"
    if line is None or line.usd is None:
        return _Money(most=None, source=source)
    if not line.confirmed:
        source = "estimate"
    if line.usd == 0:
        return _Money(source=source)
    price = line.usd / line.per
    return _Money(amount.least * price, None if amount.most is None else amount.most * price, source)


def _line(model: Model, billable: str, scenario: Scenario) -> PriceLine | None:
    """The first line that applies."""
    return next((line for line in model.prices if line.billable == billable and _applies(line, scenario)), None)


def _applies(line: PriceLine, scenario: Scenario) -> bool:
    wanted = ((field, (value,) if isinstance(value, str) else value) for field, value in line.when.items())
    return all(scenario.get(field) in values for field, values in wanted)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _weakest(sources: Iterable[CostSource | None]) -> CostSource | None:
    seen = set(sources)
    return next((source for source in reversed(_SOURCES) if source in seen), None)
