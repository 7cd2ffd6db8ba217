"""The request in OpenAI's words: what every call says, pictures apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen import UnsupportedError, Wire
from imagegen_providers.openai import azure

if TYPE_CHECKING:
    from imagegen import Task

_SENT_AS_ASKED = ("size", "quality", "background", "output_format", "output_compression", "partial_images")
_NOT_OPENAIS = ("aspect_ratio", "resolution", "seed", "negative_prompt")
"""In a task only for a model that the catalogue does not know, at a server that may take them."""
_PICTURES = frozenset({"markup", "image_file_ids", "mask_file_id"})
_UNSTREAMED = ("gif", "svg")
_OF_EDITS = _PICTURES | {"input_fidelity"}


def check(task: Task) -> None:
    """Which fields go together, which no list of values can say.

    Raises:
        UnsupportedError: These do not.
    """
    request, options = task.request, options_of(task)
    if task.operation == "generate" and (strays := sorted(_OF_EDITS & options.keys())):
        raise UnsupportedError(f"the option {strays[0]} is for an edit; nothing was sent")
    if request.output_format != "gif" and {"frame_count", "frame_duration_ms"} & options.keys():
        raise UnsupportedError('frame_count and frame_duration_ms need output_format="gif"; nothing was sent')
    if request.output_format != "svg" and "svg" in options:
        raise UnsupportedError('the option svg needs output_format="svg"; nothing was sent')
    if request.output_format == "svg" and task.count > 1:
        raise UnsupportedError("OpenAI makes one svg a call: ask for n=1; nothing was sent")


def body_of(task: Task) -> dict[str, Any]:
    """The request's JSON; what nobody asked for is left out. Formats that OpenAI does not stream come whole."""
    request = task.request
    asked = {
        "prompt": request.prompt,
        "model": None if azure.names_model(task) else task.model,
        "n": task.n,
        **{name: getattr(request, name) for name in (*_SENT_AS_ASKED, *_NOT_OPENAIS)},
        "safety_identifier": request.end_user_id,
        **{name: value for name, value in options_of(task).items() if name not in _PICTURES},
        "stream": True if task.stream and request.output_format not in _UNSTREAMED else None,
    }
    return {**task.defaults, **{name: value for name, value in asked.items() if value is not None}}


def generation_of(task: Task) -> Wire:
    """A call for new pictures."""
    return Wire.post(azure.path_of(task, "/images/generations"), json=body_of(task), query=azure.query_of(task))


def options_of(task: Task) -> dict[str, Any]:
    """The options that were given."""
    return task.options.model_dump(exclude_none=True, exclude_defaults=True) if task.options else {}
