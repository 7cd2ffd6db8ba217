"""Pictures, counts and errors in the shape of OpenAI's Images API, which many servers speak.

Errors are read by documented codes, never by prose.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field

from imagegen.errors import (
    AuthenticationError,
    BadOutputError,
    Billed,
    InvalidRequestError,
    ModerationError,
    ProviderError,
    QuotaError,
    RateLimitError,
)
from imagegen.http.findings import findings_of
from imagegen.http.lenient import or_none
from imagegen.types.picture import ImageUrl, PictureData
from imagegen.types.result import Usage

if TYPE_CHECKING:
    from imagegen.errors import ImageGenError
    from imagegen.http.messages import Reply, ServerEvent

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


def _as_text(value: Any) -> str:
    """Codes are numbers at some servers, and messages objects."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


Text = Annotated[str, BeforeValidator(_as_text)]


class Filtered(BaseModel):
    """One of Azure's filters."""

    filtered: bool = False


Filters = Annotated[dict[str, Annotated[Filtered | None, or_none]] | None, or_none]


def filtered(filters: dict[str, Filtered | None] | None) -> list[str]:
    """The filters that took something out, by name."""
    return [name for name, found in (filters or {}).items() if found and found.filtered]


class Picture(BaseModel):
    """One of the pictures; OpenAI's own come as base64, other servers' also behind a URL."""

    b64_json: PictureData | None = None
    url: str | None = None
    revised_prompt: Annotated[str | None, or_none] = None
    content_filter_results: Filters = None


class Details(BaseModel):
    """Tokens by kind."""

    text_tokens: int | None = None
    image_tokens: int | None = None


class Counted(BaseModel):
    """Tokens of the whole call."""

    input_tokens: int | None = None
    output_tokens: int
    input_tokens_details: Annotated[Details | None, or_none] = None
    output_tokens_details: Annotated[Details | None, or_none] = None


def picture_of(picture: Picture | None, reply: Reply) -> PictureData | ImageUrl | ImageGenError:
    """The picture, or why just this one did not come."""
    if picture is None:
        return BadOutputError("a picture that cannot be read", reason="unreadable", raw=reply.body)
    if picture.b64_json is not None and picture.b64_json.size_bytes:
        return picture.b64_json
    if picture.url:
        return ImageUrl(picture.url)
    if categories := filtered(picture.content_filter_results):
        return ModerationError("the picture was filtered", stage="output", categories=categories)
    return BadOutputError("an empty picture", reason="empty", raw=reply.body)


def usage_of(counted: Counted | None, *, with_pictures: bool, other: dict[str, int] | None = None) -> Usage | None:
    """What was counted. A picture takes output tokens: an answer that says none (some servers do) did not count."""
    if counted is None or not counted.output_tokens:
        return None
    inputs = counted.input_tokens_details
    if inputs is None:  # without pictures in the request it can only be text
        inputs = Details(text_tokens=None if with_pictures else counted.input_tokens)
    outputs = counted.output_tokens_details or Details(image_tokens=counted.output_tokens)
    return Usage(
        text_input_tokens=inputs.text_tokens,
        image_input_tokens=inputs.image_tokens,
        text_output_tokens=outputs.text_tokens,
        image_output_tokens=outputs.image_tokens,
        other=other or {},
    )


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


def read_error(reply: Reply) -> ProviderError | None:
    """OpenAI's and Azure's ``error``; the plain text there of stable-diffusion.cpp; FastAPI's ``detail``, or both."""
    body = reply.raw()
    found = (body.get("error") or body.get("detail")) if isinstance(body, dict) else None
    return _said(found.get("error") or found if isinstance(found, dict) else found)


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
    return "; ".join(map(str, findings_of(found))) or _as_text(found)
