"""What comes from OpenAI, Azure or a compatible server when it did not go well: by documented codes, never by prose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, Field

from imagegen import (
    AuthenticationError,
    Billed,
    InvalidRequestError,
    ModerationError,
    ProviderError,
    QuotaError,
    RateLimitError,
)
from imagegen.http.findings import findings_of
from imagegen_providers.openai.lenient import Filters, Text, as_text, filtered, or_none

if TYPE_CHECKING:
    from imagegen import Reply, ServerEvent

_MODERATION = frozenset(
    {
        "moderation_blocked",
        "content_policy_violation",  # its older name; still Azure's and gateways'
        "contentFilter",
        "content_filter",
        "ResponsibleAIPolicyViolation",
    }
)
_NO_CREDIT = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "billing_limit_user_error"}
)
_KINDS: tuple[tuple[frozenset[str], type[ProviderError]], ...] = (
    (_NO_CREDIT, QuotaError),
    (frozenset({"rate_limit_exceeded", "slow_down"}), RateLimitError),
    (frozenset({"invalid_api_key"}), AuthenticationError),
    (frozenset({"invalid_request_error"}), InvalidRequestError),
)
"""The first that fits: ``invalid_request_error`` is also the type of many others."""


class Moderated(BaseModel):
    """Why the safety system refused."""

    moderation_stage: Annotated[Literal["input", "output"] | None, or_none] = None
    categories: Annotated[list[str] | None, or_none] = None


class Inner(BaseModel):
    """Azure's error within the error."""

    code: Text = ""
    content_filter_results: Filters = None


class ErrorBody(BaseModel):
    """The ``error`` member; codes stand in `type` at some servers."""

    message: Text = ""
    type: Text = ""
    code: Text = ""
    param: Text = ""
    moderation_details: Annotated[Moderated | None, or_none] = None
    inner_error: Annotated[Inner | None, or_none] = Field(
        default=None, validation_alias=AliasChoices("inner_error", "innererror")
    )


def read(reply: Reply) -> ProviderError | None:
    """OpenAI's and Azure's ``error``; the plain text there of stable-diffusion.cpp; FastAPI's ``detail``."""
    body = reply.raw()
    return _said((body.get("error") or body.get("detail")) if isinstance(body, dict) else None)


def of_event(event: ServerEvent) -> ProviderError:
    """The error that an event holds: in its member ``error``, or bare."""
    body = event.data.raw()
    held = body.get("error") if isinstance(body, dict) else None
    return in_success(_said(held or body), event.data)


def _said(found: Any) -> ProviderError | None:
    if not found:
        return None
    return _classified(ErrorBody.model_validate(found)) if isinstance(found, dict) else ProviderError(_words(found))


def in_success(error: ProviderError | None, reply: Reply) -> ProviderError:
    """An error in an answer whose status says success.

    None of them is tried again: a code alone, without the status of a refusal, does not prove that no work was done.
    """
    if error is None:
        error = ProviderError("an error without words", billed=Billed.UNKNOWN)
    if type(error) in (ProviderError, RateLimitError):
        error = ProviderError(error.message, code=error.code, billed=Billed.UNKNOWN)
    error.status, error.request_id = reply.status, reply.request_id
    return error


def _classified(error: ErrorBody) -> ProviderError:
    inner = error.inner_error or Inner()
    words, code = _sentence(error), error.code or error.type or None
    said = {error.code, error.type, inner.code}
    if said & _MODERATION:
        details = error.moderation_details or Moderated()
        categories = [*(details.categories or ()), *filtered(inner.content_filter_results)]
        return ModerationError(words, stage=details.moderation_stage or "unknown", categories=categories, code=code)
    kind = next((kind for codes, kind in _KINDS if said & codes), ProviderError)
    return kind(words, code=code)


def _sentence(error: ErrorBody) -> str:
    """OpenAI's words, and the parameter where they do not name it."""
    words = error.message or error.code or error.type
    return words if error.param in words else f"{words} ({error.param})"


def _words(found: Any) -> str:
    """FastAPI gives one text, or a list of findings."""
    return "; ".join(map(str, findings_of(found))) or as_text(found)
