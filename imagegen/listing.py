"""What there is to choose from: models and providers, from data alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagegen import catalogue
from imagegen.entry_points import plugin_names
from imagegen.errors import ConfigurationError
from imagegen.types.cost import read_money

if TYPE_CHECKING:
    from decimal import Decimal

    from imagegen.catalogue import Model

_OPERATIONS = ("generate", "edit", "judge")


def models(
    *,
    provider: str | None = None,
    operation: str | None = None,
    mask: bool | None = None,
    transparent: bool | None = None,
    max_usd: Decimal | str | float | None = None,
    retired: bool = False,
) -> tuple[Model, ...]:
    """The models of the catalogue that are all that is asked; those that are retired only on request.

    ``max_usd`` is compared with `cheapest_usd`, of ``operation`` where that is named, else of an edit where a mask is
    asked for; an unknown price never passes.

    Raises:
        ConfigurationError: No such provider, an operation or amount that is none, or a wrong catalogue file.
    """
    if operation not in (None, *_OPERATIONS):
        raise ConfigurationError(f"operation is one of {', '.join(_OPERATIONS)}, not {operation!r}")
    most = read_money("max_usd", max_usd)
    today = datetime.now(UTC).date()
    found = catalogue.all_models() if provider is None else tuple(catalogue.models_of(provider).values())
    return tuple(
        model
        for model in found
        if (operation is None or operation in model.capabilities.operations)
        and (mask is None or model.capabilities.mask == mask)
        and (transparent is None or has_transparency(model) == transparent)
        and (retired or catalogue.status_on(model, today) != "retired")
        and (most is None or _costs_at_most(model, operation or ("edit" if mask else None), most))
    )


def providers() -> tuple[str, ...]:
    """The names of all installed providers; none of them is imported."""
    return tuple(sorted({each.name for each in plugin_names()}))


def has_transparency(model: Model) -> bool:
    """Whether it takes ``background="transparent"``."""
    rule = model.capabilities.parameters.get("background")
    return rule is not None and (not rule.values or "transparent" in rule.values)


def cheapest_usd(model: Model, operation: str | None = None) -> Decimal | None:
    """What one picture costs at most in the cheapest way that the catalogue lists, of one operation or of any.

    That is the least ``max_usd`` that lets one call through: see `money.cheapest` for what is tried. A price that has
    no known upper bound does not count; None: there is no other.
    """
    from imagegen import money  # half of a listing's imports, and most listings ask for no price

    operations = model.capabilities.operations if operation is None else (operation,)
    offers = (money.cheapest(model, each) for each in operations)
    return min((offer.usd for offer in offers if offer is not None), default=None)


def _costs_at_most(model: Model, operation: str | None, most: Decimal) -> bool:
    usd = cheapest_usd(model, operation)
    return usd is not None and usd <= most
