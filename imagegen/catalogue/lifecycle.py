"""How long a model lives: where it stands on a given day, and what to tell who asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from imagegen.catalogue.model import Model, Status


def status_on(model: Model, today: date) -> Status:
    """The status on that day: a model whose last day has come is retired, whatever its file says."""
    return "retired" if model.shutdown is not None and model.shutdown <= today else model.status


def retirement(model: Model, today: date, own_base_url: bool = False) -> tuple[Status, str]:
    """The status on that day, and one sentence for the caller with date and replacement (empty while current).

    ``own_base_url``: the connection leads elsewhere (Azure, a compatible server), where other dates hold: current.
    """
    status: Status = "current" if own_base_url else status_on(model, today)
    if status == "current":
        return status, ""
    moved_to = f": use {model.provider}:{model.replacement}" if model.replacement else ""
    if status == "retired":
        return status, f"{model.name} was shut down{_day(' on', model.shutdown)}{moved_to}"
    return status, f"{model.name} is deprecated{_day(' and will be shut down on', model.shutdown)}{moved_to}"


def _day(words: str, day: date | None) -> str:
    return f"{words} {day.isoformat()}" if day else ""
