"""OpenRouter's other dialect: a chat whose answer holds pictures. Source: openrouter.ai/docs, read 2026-11-22.

It has fewer words than the Images API, and none for several pictures. What went wrong after the work had begun stands
in the answer, with HTTP 200: in its own member, in the choice, or as no more than a missing picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from imagegen import (
    BadOutputError,
    Billed,
    ImageUrl,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    UnsupportedError,
    Wire,
    sizing,
)
from imagegen.http.lenient import or_none
from imagegen_providers.openrouter.options import RATIOS, OpenRouterOptions, routing
from imagegen_providers.openrouter.told import Error, Told, in_success, output_of, usd_of

if TYPE_CHECKING:
    from imagegen import ImageGenError, Reply, Task

_TAKEN = frozenset({"prompt", "n", "aspect_ratio", "resolution", "seed", "images", "end_user_id", "options"})
_REFUSED = frozenset(
    {
        *("content_filter", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "SAFETY"),
        *("PROHIBITED_CONTENT", "RECITATION", "BLOCKLIST", "SPII"),
    }
)
"""Reasons to end, OpenRouter's own and those of the model's provider (Google's)."""


class _Link(BaseModel):
    url: Annotated[PictureData | str, Field(union_mode="left_to_right")]


class _Part(BaseModel):
    image_url: _Link


class _Message(BaseModel):
    content: Annotated[str | None, or_none] = None
    refusal: Annotated[str | None, or_none] = None
    images: Annotated[list[Annotated[_Part | None, or_none]] | None, or_none] = None


class _Choice(BaseModel):
    message: Annotated[_Message | None, or_none] = None
    finish_reason: Annotated[str | None, or_none] = None
    native_finish_reason: Annotated[str | None, or_none] = None
    error: Annotated[Error | None, or_none] = None


class _Answer(Told):
    choices: Annotated[list[Annotated[_Choice | None, or_none]] | None, or_none] = None


def is_chat(task: Task) -> bool:
    """Whether the caller, or the catalogue, says that the model is only to be had so."""
    asked: str | None = getattr(task.options, "api", None)
    return (asked or task.defaults.get("api")) == "chat"


def request_of(task: Task) -> Wire:
    """The request for one picture.

    Raises:
        UnsupportedError: It asks for what a chat has no word for.
    """
    request = task.request
    options = task.options if isinstance(task.options, OpenRouterOptions) else OpenRouterOptions()
    task.asks_only(_TAKEN)
    if options.resolution is not None or task.count > 1:
        raise UnsupportedError("a chat makes one picture, of 1K, 2K or 4K; nothing was sent")
    config = {"aspect_ratio": sizing.spelled(request.aspect_ratio, RATIOS), "image_size": request.resolution}
    found = {
        "model": task.model,
        "messages": [{"role": "user", "content": _content(task)}],
        "modalities": ["image"] if options.image_only else ["image", "text"],
        "image_config": {name: value for name, value in config.items() if value is not None},
        "seed": request.seed,
        "user": request.end_user_id,
        "session_id": options.session_id,
        "trace": options.trace,
        "provider": routing(task, options),
    }
    return Wire.post("/chat/completions", json={name: each for name, each in found.items() if each not in (None, {})})


def _content(task: Task) -> str | list[dict[str, Any]]:
    pictures = [{"type": "image_url", "image_url": {"url": each.data_url()}} for each in task.request.images]
    return [{"type": "text", "text": task.request.prompt}, *pictures] if pictures else task.request.prompt


def found_in(reply: Reply, task: Task) -> Output:
    """The pictures, or why none came: what that cost is counted too.

    Raises:
        ProviderError: The work broke off.
    """
    answer = reply.parse(_Answer)
    choices = [each for each in answer.choices or () if each is not None]
    error = answer.error or next((each.error for each in choices if each.error), None)
    if error:
        raise in_success(error, reply)
    messages = [each.message for each in choices if each.message is not None]
    images = [_image(part) for each in messages for part in each.images or ()]
    return output_of(answer, images or [_nothing(answer, next(iter(choices), _Choice()), reply)], reply, task)


def _image(part: _Part | None) -> PictureData | ImageUrl | ImageGenError:
    if part is None:
        return BadOutputError("a picture that cannot be read", reason="unreadable")
    url = part.image_url.url
    return url if isinstance(url, PictureData) else ImageUrl(url)


def _nothing(answer: _Answer, choice: _Choice, reply: Reply) -> ProviderError:
    """Refused, or answered with words alone."""
    message, code = choice.message or _Message(), choice.native_finish_reason or choice.finish_reason
    words = f"{code}: {message.refusal or message.content or 'no picture came'}"
    if message.refusal is None and not {choice.finish_reason, choice.native_finish_reason} & _REFUSED:
        return BadOutputError(words, reason="empty", raw=reply.original, status=reply.status, code=code)
    cost = usd_of(answer.usage)
    billed = Billed.UNKNOWN if cost is None else Billed.YES if cost else Billed.NO
    return ModerationError(words, stage="output", categories=[], billed=billed, status=reply.status, code=code)
