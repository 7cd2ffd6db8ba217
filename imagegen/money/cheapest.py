"""The least one picture costs: the cheapest of the choices that a model's entry lists."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from imagegen.money.amounts import priced_fields
from imagegen.money.cost import price_before

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from imagegen.catalogue import Model, Parameter, SizeRule
    from imagegen.types.job import Task

_INPUT_PX = 1024
"""Sides of the one input picture that an edit is reckoned with."""


class _Choice(NamedTuple):
    """A request field or a provider's option, and one value of it; None leaves it open."""

    name: str
    is_option: bool
    value: Any


@dataclass(frozen=True, slots=True)
class Offer:
    """One request for one picture, and what it costs at most."""

    operation: str
    fields: Mapping[str, Any]
    """Request fields as they would have to be asked; what is not here is left open."""
    options: Mapping[str, Any]
    """The provider's own options."""
    usd: Decimal


def cheapest(model: Model, operation: str) -> Offer | None:
    """The cheapest request for one picture, by its price before the call (`price_before`), the upper bound of it.

    Sizes, qualities, tiers and options that prices depend on are tried, each value the catalogue lists; where any size
    is free, the default and the smallest square. The prompt is one letter; an edit has one picture of 1024x1024, no
    mask.
    None: the model cannot do it, or no such request has a known upper bound.
    """
    if operation not in model.capabilities.operations:
        return None
    offers = []
    for choices in itertools.product(*_choices(model, operation)):
        asked = [each for each in choices if each.value is not None]
        fields = {each.name: each.value for each in asked if not each.is_option}
        options = {each.name: each.value for each in asked if each.is_option}
        usd = price_before(model, _task(model, operation, fields, options)).at_most_usd
        if usd is not None:
            offers.append(Offer(operation, fields, options, usd))
    return min(offers, key=lambda each: (each.usd, len(each.fields) + len(each.options)), default=None)


def _choices(model: Model, operation: str) -> Iterator[list[_Choice]]:
    capabilities = model.capabilities
    for name in sorted(priced_fields(model) - {"operation", "size"}):
        found, is_open = [], True
        for is_option, rule in enumerate((capabilities.parameters.get(name), capabilities.options.get(name))):
            if rule is not None and (not rule.operations or operation in rule.operations):
                found += [_Choice(name, bool(is_option), value) for value in _values(rule)]
                is_open = rule.default is not None and rule.default not in _values(rule)
        yield [*found, _Choice(name, False, None)] if is_open or not found else found
    yield [_Choice("size", False, size) for size in _sizes(capabilities.sizes)]


def _values(rule: Parameter) -> tuple[Any, ...]:
    return (False, True) if rule.flag else rule.values


def _sizes(rule: SizeRule) -> tuple[str | None, ...]:
    if rule.kind != "free":
        return (rule.sizes if rule.kind == "fixed" else ()) or (None,)
    least = max(rule.min_edge_px or 1, math.isqrt(max((rule.min_px or 1) - 1, 0)) + 1)
    side = -(-least // rule.multiple_of) * rule.multiple_of
    return None, f"{side}x{side}"


def _task(model: Model, operation: str, fields: Mapping[str, Any], options: Mapping[str, Any]) -> Task:
    """What a price is reckoned from, without the classes of a real request, which are slow to load."""
    facts = SimpleNamespace(width=_INPUT_PX, height=_INPUT_PX)
    images = (SimpleNamespace(url=None, facts=facts),) if operation == "edit" else ()
    request = SimpleNamespace(prompt="a", negative_prompt=None, images=images, mask=None, **fields)
    own_options = SimpleNamespace(**options)
    defaults = _sent_defaults(model, operation)
    return cast(
        "Task",
        SimpleNamespace(request=request, options=own_options, defaults=defaults, operation=operation, count=1),
    )


def _sent_defaults(model: Model, operation: str) -> dict[str, Any]:
    rules = {**model.capabilities.options, **model.capabilities.parameters}
    return {
        name: rule.default
        for name, rule in rules.items()
        if rule.send_default and rule.default is not None and (not rule.operations or operation in rule.operations)
    }
