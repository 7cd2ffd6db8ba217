"""What OpenRouter has besides the request's own fields, and how it is told which provider to take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from imagegen import ProviderOptions

if TYPE_CHECKING:
    from imagegen import Task

RATIOS = ("2.35:1", "9:19.5", "19.5:9")
"""Aspect ratios that are not of whole numbers."""
_ROUTING = ("order", "only", "ignore", "sort", "allow_fallbacks")


class OpenRouterOptions(ProviderOptions):
    """What OpenRouter alone has. None is not sent."""

    provider: ClassVar[str] = "openrouter"

    api: Literal["images", "chat"] | None = None
    """``chat``: through chat completions, for a model that the Images API does not have."""
    image_only: bool | None = None
    """Of a chat: True for a model that has no words."""
    resolution: Literal["512", "768", "1.5K"] | None = None
    """Tiers besides those of the request."""
    order: list[str] | None = None
    """Slugs of the providers to try, in this order."""
    only: list[str] | None = None
    ignore: list[str] | None = None
    sort: str | None = None
    """By what providers are chosen: ``price``."""
    allow_fallbacks: bool | None = None
    """False: no other provider than the first is tried."""
    provider_options: dict[str, dict[str, Any]] | None = None
    """Fields of a provider's own, by its slug: ``{"byteplus": {"watermark": False}}``."""
    session_id: Annotated[str, Field(max_length=256)] | None = None
    trace: dict[str, Any] | None = None


def routing(task: Task, options: OpenRouterOptions) -> dict[str, Any]:
    """What it is told of the providers behind it."""
    asked = {name: getattr(options, name) for name in _ROUTING}
    chosen = {name: task.defaults.get(name) if value is None else value for name, value in asked.items()}
    return {
        **{name: value for name, value in chosen.items() if value is not None},
        **({"options": options.provider_options} if options.provider_options else {}),
    }
