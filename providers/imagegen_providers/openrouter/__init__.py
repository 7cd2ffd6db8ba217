"""OpenRouter: any of its image models through its Images API; by option through chat completions (`chat`).

API: https://openrouter.ai/docs, read 2026-11-22 through its Python SDK 1.3.84. A few of its models: openrouter.toml.
The API is one interface over many providers itself, so almost every word of ours is one of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel

import imagegen
from imagegen import BadOutputError, Billed, Partial, PictureData, ProviderError, UnsupportedError, Wire, sizing
from imagegen.http.lenient import or_none
from imagegen_providers.openrouter import chat
from imagegen_providers.openrouter.options import RATIOS, OpenRouterOptions, routing
from imagegen_providers.openrouter.told import Error, Told, code_of, in_success, output_of, refusal_of

if TYPE_CHECKING:
    from imagegen import ImageGenError, Output, Reply, ServerEvent, Task

_SAME = ("size", "resolution", "quality", "background", "output_format", "output_compression", "seed")
_TAKEN = frozenset({*_SAME, "prompt", "n", "aspect_ratio", "images", "end_user_id", "options"})


class _Picture(BaseModel):
    b64_json: Annotated[PictureData | None, or_none] = None


class _Answer(Told):
    data: Annotated[list[Annotated[_Picture | None, or_none]] | None, or_none] = None


class _Event(Told, _Picture):
    type: str = ""
    partial_image_index: Annotated[int | None, or_none] = None


class OpenRouter(imagegen.HttpProvider):
    """Image models at OpenRouter, by their slugs."""

    name = "openrouter"
    Options = OpenRouterOptions

    def generate(self, task: Task) -> Wire:
        if chat.is_chat(task):
            return chat.request_of(task)
        headers = {"accept": "text/event-stream"} if task.stream else {}
        return Wire.post("/images", json=_body(task), headers=headers)

    edit = generate  # the same endpoint: input pictures are references

    def parse(self, reply: Reply, task: Task) -> Output:
        if chat.is_chat(task):
            return chat.found_in(reply, task)
        answer = reply.parse(_Answer)
        if answer.error:
            raise in_success(answer.error, reply)
        if not answer.data:
            raise BadOutputError("an answer without pictures", reason="empty", raw=reply.original, status=reply.status)
        return output_of(answer, [_image(each) for each in answer.data], reply, task)

    def parse_event(self, event: ServerEvent, task: Task) -> Partial | Output | None:
        """Previews come where the model's provider has them; all others answer as if nobody had asked."""
        if event.data.body.strip() == b"[DONE]":
            return None
        found = event.data.parse(_Event)
        if found.error or found.type == "error":
            raise in_success(found.error or Error(message="an error without words"), event.data)
        if found.type.endswith(".partial_image") and found.b64_json is not None:
            return Partial(found.b64_json, found.partial_image_index or 0)
        if found.type.endswith(".completed"):
            return output_of(found, [_image(found)], event.data, task)
        return None

    def read_error(self, reply: Reply) -> ProviderError | None:
        """An error with the status of its code ended the work before it began: nothing is billed."""
        try:
            error = Error.model_validate(reply.raw()["error"])
        except (ValueError, KeyError, TypeError):
            return None
        return refusal_of(error, Billed.NO) or ProviderError(error.message, code=code_of(error))


def _body(task: Task) -> dict[str, Any]:
    """The request in OpenRouter's words, None left out."""
    request = task.request
    options = task.options if isinstance(task.options, OpenRouterOptions) else OpenRouterOptions()
    task.asks_only(_TAKEN)
    if options.image_only is not None:
        raise UnsupportedError('image_only is of a chat: say api="chat"; nothing was sent')
    if options.resolution and (request.resolution or request.size):
        raise UnsupportedError("the option resolution and the request's own are two answers; nothing was sent")
    found = {
        "model": task.model,
        "prompt": request.prompt,
        "n": task.n,
        "aspect_ratio": sizing.spelled(request.aspect_ratio, RATIOS),
        **{name: getattr(request, name) for name in _SAME},
        "input_references": [{"type": "image_url", "image_url": {"url": each.data_url()}} for each in request.images],
        "user": request.end_user_id,
        "session_id": options.session_id,
        "trace": options.trace,
        "stream": task.stream or None,
        "provider": routing(task, options),
    }
    found["resolution"] = options.resolution or request.resolution
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def _image(picture: _Picture | None) -> PictureData | ImageGenError:
    if picture is None or picture.b64_json is None:
        return BadOutputError("a picture without content", reason="empty")
    return picture.b64_json


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return OpenRouter if name == OpenRouter.name else None
