"""xAI: Grok Imagine, which makes and edits pictures in one answer.

API: https://docs.x.ai, read 2026-11-22 through xai-sdk 1.21.0, release notes and public clients. Models, prices and
hidden defaults: xai.toml.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ImageGenError,
    ImageUrl,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    ProviderOptions,
    Wire,
    sizing,
)
from imagegen.http.lenient import or_none

if TYPE_CHECKING:
    from imagegen import Reply, Task

_TICKS_PER_USD = 10_000_000_000
_REFUSED = "imagine:content-moderated"
_REFUSAL = "Generated image rejected by content moderation."
"""Older answers say a refusal in this sentence only: their code is that of any bad argument."""
_RATIOS = ("9:19.5", "19.5:9")
"""Those that are no whole numbers."""
_TAKEN = frozenset({"prompt", "n", "aspect_ratio", "resolution", "quality", "end_user_id", "images", "options"})


class XAIOptions(ProviderOptions):
    """What xAI alone has. None is not sent."""

    provider: ClassVar[str] = "xai"

    response_format: Literal["b64_json", "url"] = "b64_json"
    """``url``: links, which are short-lived."""
    storage_options: dict[str, Any] | None = None
    """Keeps the pictures at xAI: ``{"filename": "fox.jpg", "expires_after": 3600}``. Where is in `raw`."""


class _Picture(BaseModel):
    b64_json: Annotated[PictureData | None, or_none] = None
    url: Annotated[str | None, or_none] = None
    mime_type: Annotated[str | None, or_none] = None
    revised_prompt: Annotated[str | None, or_none] = None
    respect_moderation: Annotated[bool | None, or_none] = None
    storage_error: Any = None


class _Used(BaseModel):
    cost_in_usd_ticks: Annotated[int | None, Field(ge=0), or_none] = None


class _Answer(BaseModel):
    data: Annotated[list[Annotated[_Picture | None, or_none]] | None, or_none] = None
    model: Annotated[str | None, or_none] = None
    usage: Annotated[_Used | None, or_none] = None


class _Words(BaseModel):
    message: str
    code: Annotated[str | None, or_none] = None
    type: Annotated[str | None, or_none] = None


class _Failure(BaseModel):
    error: _Words | str
    code: Annotated[str | None, or_none] = None
    usage: Annotated[_Used | None, or_none] = None

    def words(self) -> _Words:
        """The same, whichever of its two shapes it has."""
        return self.error if isinstance(self.error, _Words) else _Words(message=self.error, code=self.code)


class XAI(imagegen.HttpProvider):
    """Grok Imagine's models."""

    name = "xai"
    Options = XAIOptions

    def generate(self, task: Task) -> Wire:
        return Wire.post("/images/generations", json=_body(task))

    def edit(self, task: Task) -> Wire:
        """JSON too: the route refuses multipart. One picture and several have fields of their own, never both."""
        pictures = [{"url": each.data_url(), "type": "image_url"} for each in task.request.images]
        given = {"image": pictures[0]} if len(pictures) == 1 else {"images": pictures}
        return Wire.post("/images/edits", json={**_body(task), **given})

    def parse(self, reply: Reply, task: Task) -> Output:
        answer = reply.parse(_Answer)
        if not answer.data:
            raise BadOutputError("an answer without pictures", reason="empty", raw=reply.original, status=reply.status)
        stored = [each.storage_error for each in answer.data if each and each.storage_error]
        return Output(
            images=[_image(each) for each in answer.data],
            cost_usd=_usd(answer.usage),
            model=answer.model,
            revised_prompts=[each.revised_prompt or None if each else None for each in answer.data],
            warnings=[f"xAI could not keep a picture: {each}" for each in stored],
            raw=reply.raw(),
        )

    def parse_billed_error(self, reply: Reply, task: Task) -> Output | None:
        """A refusal names its cost. So would any other error that was billed."""
        failure = _failure(reply)
        cost_usd = _usd(failure.usage) if failure else None
        error = self.read_error(reply)
        if error is None or not cost_usd:
            return None
        error.billed, error.status, error.request_id = Billed.YES, reply.status, reply.request_id
        return Output(images=[error] * task.count, cost_usd=cost_usd, raw=reply.raw())

    def read_error(self, reply: Reply) -> ProviderError | None:
        failure = _failure(reply)
        if failure is None:
            return None
        words = failure.words()
        code = words.code or words.type
        if code == _REFUSED or words.message == _REFUSAL:
            billed = Billed.NO if _usd(failure.usage) == 0 else Billed.UNKNOWN
            return ModerationError(words.message, stage="output", billed=billed, code=code)
        return ProviderError(words.message, code=code)


def _body(task: Task) -> dict[str, Any]:
    """Our words to xAI's, None left out. There is no size, no seed and no format to ask for."""
    request, options = task.request, task.options if isinstance(task.options, XAIOptions) else XAIOptions()
    task.asks_only(_TAKEN)
    resolution = request.resolution or task.defaults.get("resolution")
    found = {
        "model": task.model,
        "prompt": request.prompt,
        "n": task.count,
        "aspect_ratio": sizing.spelled(request.aspect_ratio, _RATIOS),
        "resolution": resolution.lower() if resolution else None,
        "quality": request.quality or task.defaults.get("quality"),
        "response_format": options.response_format,
        "user": request.end_user_id,
        "storage_options": options.storage_options,
    }
    return {name: value for name, value in found.items() if value is not None}


def _image(picture: _Picture | None) -> PictureData | ImageUrl | ImageGenError:
    """A refused picture may still hold one, which is a placeholder: the flag is looked at first."""
    if picture is not None and picture.respect_moderation is False:
        if picture.b64_json is not None:
            picture.b64_json.discard()
        return ModerationError("the picture was refused", stage="output", billed=Billed.YES)
    if picture is not None and picture.b64_json is not None:
        return picture.b64_json
    if picture is not None and picture.url:
        return ImageUrl(picture.url, picture.mime_type)
    return BadOutputError("a picture without content", reason="empty")


def _usd(used: _Used | None) -> Decimal | None:
    if used is None or used.cost_in_usd_ticks is None:
        return None
    return Decimal(used.cost_in_usd_ticks) / _TICKS_PER_USD


def _failure(reply: Reply) -> _Failure | None:
    try:
        return _Failure.model_validate(reply.raw())
    except ValueError:
        return None


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return XAI if name == XAI.name else None
