"""OpenRouter: any of its image models through its Images API.

API: https://openrouter.ai/docs, read 2026-11-22 through its Python SDK 1.3.84. A few of its models: openrouter.toml.
The API is one interface over many providers itself, so almost every word of ours is one of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ModerationError,
    Output,
    Partial,
    PictureData,
    ProviderError,
    ProviderOptions,
    UnsupportedError,
    Usage,
    Wire,
    sizing,
)
from imagegen.http.lenient import or_none

if TYPE_CHECKING:
    from imagegen import ImageGenError, Reply, ServerEvent, Task

_RATIOS = ("2.35:1", "9:19.5", "19.5:9")
"""Those that are no whole numbers."""
_SAME = ("size", "resolution", "quality", "background", "output_format", "output_compression", "seed")
_TAKEN = frozenset({*_SAME, "prompt", "n", "aspect_ratio", "images", "end_user_id", "options"})
_ROUTING = ("order", "only", "ignore", "sort", "allow_fallbacks")


class OpenRouterOptions(ProviderOptions):
    """What OpenRouter alone has. None is not sent."""

    provider: ClassVar[str] = "openrouter"

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


class _Picture(BaseModel):
    b64_json: Annotated[PictureData | None, or_none] = None


class _Details(BaseModel):
    image_tokens: Annotated[int | None, or_none] = None


class _CostDetails(BaseModel):
    upstream_inference_cost: Annotated[Decimal | None, or_none] = None


class _Used(BaseModel):
    prompt_tokens: Annotated[int | None, or_none] = None
    completion_tokens: Annotated[int | None, or_none] = None
    completion_tokens_details: Annotated[_Details | None, or_none] = None
    cost: Annotated[Decimal | None, Field(ge=0, allow_inf_nan=False), or_none] = None
    cost_details: Annotated[_CostDetails | None, or_none] = None
    is_byok: Annotated[bool | None, or_none] = None


class _Metadata(BaseModel):
    reasons: Annotated[list[str] | None, or_none] = None


class _Error(BaseModel):
    message: str
    code: Annotated[int | str | None, or_none] = None
    metadata: Annotated[_Metadata | None, or_none] = None


class _Told(BaseModel):
    model: Annotated[str | None, or_none] = None
    usage: Annotated[_Used | None, or_none] = None
    error: Annotated[_Error | None, or_none] = None


class _Answer(_Told):
    data: Annotated[list[Annotated[_Picture | None, or_none]] | None, or_none] = None


class _Event(_Told, _Picture):
    type: str = ""
    partial_image_index: Annotated[int | None, or_none] = None


class OpenRouter(imagegen.HttpProvider):
    """Image models at OpenRouter, by their slugs."""

    name = "openrouter"
    Options = OpenRouterOptions

    def generate(self, task: Task) -> Wire:
        headers = {"accept": "text/event-stream"} if task.stream else {}
        return Wire.post("/images", json=_body(task), headers=headers)

    edit = generate  # the same endpoint: input pictures are references

    def parse(self, reply: Reply, task: Task) -> Output:
        answer = reply.parse(_Answer)
        if answer.error:
            raise _in_success(answer.error, reply)
        if not answer.data:
            raise BadOutputError("an answer without pictures", reason="empty", raw=reply.original, status=reply.status)
        return _output(answer, [_image(each) for each in answer.data], reply, task)

    def parse_event(self, event: ServerEvent, task: Task) -> Partial | Output | None:
        """Previews come where the model's provider has them; all others answer as if nobody had asked."""
        if event.data.body.strip() == b"[DONE]":
            return None
        found = event.data.parse(_Event)
        if found.error or found.type == "error":
            raise _in_success(found.error or _Error(message="an error without words"), event.data)
        if found.type.endswith(".partial_image") and found.b64_json is not None:
            return Partial(found.b64_json, found.partial_image_index or 0)
        if found.type.endswith(".completed"):
            return _output(found, [_image(found)], event.data, task)
        return None

    def read_error(self, reply: Reply) -> ProviderError | None:
        """An error with the status of its code ended the work before it began: nothing is billed."""
        try:
            error = _Error.model_validate(reply.raw()["error"])
        except (ValueError, KeyError, TypeError):
            return None
        return _refusal(error, Billed.NO) or ProviderError(error.message, code=_code(error))


def _body(task: Task) -> dict[str, Any]:
    """The request in OpenRouter's words, None left out."""
    request = task.request
    options = task.options if isinstance(task.options, OpenRouterOptions) else OpenRouterOptions()
    task.asks_only(_TAKEN)
    if options.resolution and (request.resolution or request.size):
        raise UnsupportedError("the option resolution and the request's own are two answers; nothing was sent")
    found = {
        "model": task.model,
        "prompt": request.prompt,
        "n": task.n,
        "aspect_ratio": sizing.spelled(request.aspect_ratio, _RATIOS),
        **{name: getattr(request, name) for name in _SAME},
        "input_references": [{"type": "image_url", "image_url": {"url": each.data_url()}} for each in request.images],
        "user": request.end_user_id,
        "session_id": options.session_id,
        "trace": options.trace,
        "stream": task.stream or None,
        "provider": _routing(task, options),
    }
    found["resolution"] = options.resolution or request.resolution
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def _routing(task: Task, options: OpenRouterOptions) -> dict[str, Any]:
    asked = {name: getattr(options, name) for name in _ROUTING}
    chosen = {name: task.defaults.get(name) if value is None else value for name, value in asked.items()}
    return {
        **{name: value for name, value in chosen.items() if value is not None},
        **({"options": options.provider_options} if options.provider_options else {}),
    }


def _output(told: _Told, images: list[PictureData | ImageGenError], reply: Reply, task: Task) -> Output:
    options, warnings = task.options, []
    if isinstance(options, OpenRouterOptions) and options.provider_options:
        slugs = ", ".join(options.provider_options)
        warnings = [f"provider_options for {slugs}: what another provider or no provider knows is dropped unsaid"]
    return Output(
        images=images,
        usage=_usage(told.usage),
        cost_usd=_usd(told.usage),
        model=told.model,
        warnings=warnings,
        raw=reply.raw(),
    )


def _image(picture: _Picture | None) -> PictureData | ImageGenError:
    if picture is None or picture.b64_json is None:
        return BadOutputError("a picture without content", reason="empty")
    return picture.b64_json


def _usd(used: _Used | None) -> Decimal | None:
    """What the account pays. With a key of one's own for the provider, that one's bill comes besides."""
    if used is None or used.cost is None or not used.is_byok:
        return used.cost if used else None
    upstream = used.cost_details.upstream_inference_cost if used.cost_details else None
    return None if upstream is None else used.cost + upstream


def _usage(used: _Used | None) -> Usage | None:
    """Input tokens are not told apart, so they count as text."""
    pictures = used.completion_tokens_details.image_tokens if used and used.completion_tokens_details else None
    if used is None or pictures is None:
        return None
    rest = None if used.completion_tokens is None else used.completion_tokens - pictures
    return Usage(text_input_tokens=used.prompt_tokens, text_output_tokens=rest, image_output_tokens=pictures)


def _refusal(error: _Error, billed: Billed) -> ModerationError | None:
    """403 is moderation where it gives reasons; else the key may not do this."""
    reasons = error.metadata.reasons if error.metadata else None
    if reasons is None or str(error.code) != "403":
        return None
    return ModerationError(error.message, stage="input", categories=reasons, billed=billed, code="403")


def _in_success(error: _Error, reply: Reply) -> ProviderError:
    """An error after the work had begun: HTTP says success, and what is billed nobody says."""
    found = _refusal(error, Billed.UNKNOWN) or ProviderError(error.message, billed=Billed.UNKNOWN, code=_code(error))
    found.status, found.request_id = reply.status, reply.request_id
    return found


def _code(error: _Error) -> str | None:
    return None if error.code is None else str(error.code)


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return OpenRouter if name == OpenRouter.name else None
