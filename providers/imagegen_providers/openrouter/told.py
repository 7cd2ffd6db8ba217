"""What OpenRouter tells in every answer, whatever the dialect: the cost, the tokens, the model, an error."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from imagegen import Billed, ModerationError, Output, ProviderError, Usage
from imagegen.http.lenient import or_none
from imagegen_providers.openrouter.options import OpenRouterOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen import ImageGenError, ImageUrl, PictureData, Reply, Task


class Details(BaseModel):
    """Completion tokens by kind; the rest are text."""

    image_tokens: Annotated[int | None, or_none] = None


class CostDetails(BaseModel):
    """What a provider asked of the owner of its key."""

    upstream_inference_cost: Annotated[Decimal | None, or_none] = None


class Used(BaseModel):
    """The account of one answer; the cost is USD."""

    prompt_tokens: Annotated[int | None, or_none] = None
    completion_tokens: Annotated[int | None, or_none] = None
    completion_tokens_details: Annotated[Details | None, or_none] = None
    cost: Annotated[Decimal | None, Field(ge=0, allow_inf_nan=False), or_none] = None
    cost_details: Annotated[CostDetails | None, or_none] = None
    is_byok: Annotated[bool | None, or_none] = None


class Metadata(BaseModel):
    """What the moderation found."""

    reasons: Annotated[list[str] | None, or_none] = None


class Error(BaseModel):
    """An error, before the work or in the middle of it."""

    message: str
    code: Annotated[int | str | None, or_none] = None
    metadata: Annotated[Metadata | None, or_none] = None


class Told(BaseModel):
    """What every answer and event may hold."""

    model: Annotated[str | None, or_none] = None
    usage: Annotated[Used | None, or_none] = None
    error: Annotated[Error | None, or_none] = None


def output_of(told: Told, images: Sequence[PictureData | ImageUrl | ImageGenError], reply: Reply, task: Task) -> Output:
    """The pictures with what was told of them."""
    options, warnings = task.options, []
    if isinstance(options, OpenRouterOptions) and options.provider_options:
        slugs = ", ".join(options.provider_options)
        warnings = [f"provider_options for {slugs}: what another provider or no provider knows is dropped unsaid"]
    return Output(
        images=images,
        usage=usage_of(told.usage),
        cost_usd=usd_of(told.usage),
        model=told.model,
        warnings=warnings,
        raw=reply.raw(),
    )


def usd_of(used: Used | None) -> Decimal | None:
    """What the account pays. With a key of one's own for the provider, that one's bill comes besides."""
    if used is None or used.cost is None or not used.is_byok:
        return used.cost if used else None
    upstream = used.cost_details.upstream_inference_cost if used.cost_details else None
    return None if upstream is None else used.cost + upstream


def usage_of(used: Used | None) -> Usage | None:
    """Input tokens are not told apart, so they count as text."""
    pictures = used.completion_tokens_details.image_tokens if used and used.completion_tokens_details else None
    if used is None or pictures is None:
        return None
    rest = None if used.completion_tokens is None else used.completion_tokens - pictures
    return Usage(text_input_tokens=used.prompt_tokens, text_output_tokens=rest, image_output_tokens=pictures)


def refusal_of(error: Error, billed: Billed) -> ModerationError | None:
    """403 is moderation where it gives reasons; else the key may not do this."""
    reasons = error.metadata.reasons if error.metadata else None
    if reasons is None or str(error.code) != "403":
        return None
    return ModerationError(error.message, stage="input", categories=reasons, billed=billed, code="403")


def in_success(error: Error, reply: Reply) -> ProviderError:
    """An error after the work had begun: HTTP says success, and what is billed nobody says."""
    found = refusal_of(error, Billed.UNKNOWN) or ProviderError(
        error.message, billed=Billed.UNKNOWN, code=code_of(error)
    )
    found.status, found.request_id = reply.status, reply.request_id
    return found


def code_of(error: Error) -> str | None:
    """Its code as text: most are numbers."""
    return None if error.code is None else str(error.code)
