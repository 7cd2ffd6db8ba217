"""What there is to choose from: models and providers, from data alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagegen import catalogue
from imagegen.entry_points import plugin_names

if TYPE_CHECKING:
    from imagegen.catalogue import Model


def models(
    *, provider: str | None = None, operation: str | None = None, mask: bool | None = None, retired: bool = False
) -> tuple[Model, ...]:
    """The models of the catalogue that can do what is asked; those that are retired only on request."""
    today = datetime.now(UTC).date()
    return tuple(
        model
        for model in catalogue.all_models()
        if (provider is None or model.provider == provider)
        and (operation is None or operation in model.capabilities.operations)
        and (mask is None or model.capabilities.mask == mask)
        and (retired or catalogue.status_on(model, today) != "retired")
    )


def providers() -> tuple[str, ...]:
    """The names of all installed providers; none of them is imported."""
    return tuple(sorted({each.name for each in plugin_names()}))
