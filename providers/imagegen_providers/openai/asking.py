"""What goes to OpenAI: the options that it alone has, and the request in its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from imagegen import ProviderOptions, UnsupportedError

if TYPE_CHECKING:
    from imagegen import Task

_SENT_AS_ASKED = ("size", "quality", "background", "output_format", "output_compression")
_NOT_OPENAIS = ("aspect_ratio", "resolution", "seed", "negative_prompt")
"""In a task only for a model that the catalogue does not know, at a server that may take them."""


class _Nested(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class SvgReasoning(_Nested):
    """How long the author of an svg thinks."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    """None: the author model's own default."""


class SvgAuthor(_Nested):
    """The text model that writes the svg after the picture; only for accounts that may choose it."""

    model: str
    reasoning: SvgReasoning | None = None


class OpenAIOptions(ProviderOptions):
    """What OpenAI alone has for new pictures. None is not sent."""

    provider: ClassVar[str] = "openai"

    moderation: Literal["auto", "low"] | None = None
    """``"low"`` filters less."""
    complexity: Literal["low", "medium", "high"] | None = None
    """How much the picture is planned, apart from its `quality`."""
    frame_count: Annotated[int, Field(ge=1)] | None = None
    """Frames of a gif."""
    frame_duration_ms: Annotated[int, Field(ge=1)] | None = None
    """How long a gif shows each frame; rounded to 10 ms."""
    svg: SvgAuthor | None = None
    """Who writes an svg."""


def check(task: Task) -> None:
    """Which fields go together, which no list of values can say.

    Raises:
        UnsupportedError: These do not.
    """
    request, options = task.request, _options(task)
    if request.images:
        raise UnsupportedError("OpenAI draws new pictures from a prompt alone; pictures are for an edit")
    if request.output_format != "gif" and {"frame_count", "frame_duration_ms"} & options.keys():
        raise UnsupportedError('frame_count and frame_duration_ms need output_format="gif"; nothing was sent')
    if request.output_format != "svg" and "svg" in options:
        raise UnsupportedError('the option svg needs output_format="svg"; nothing was sent')
    if request.output_format == "svg" and task.count > 1:
        raise UnsupportedError("OpenAI makes one svg a call: ask for n=1; nothing was sent")


def body_of(task: Task) -> dict[str, Any]:
    """The request's JSON; what nobody asked for is left out."""
    request = task.request
    asked = {
        "model": task.model,
        "prompt": request.prompt,
        "n": task.n,
        **{name: getattr(request, name) for name in (*_SENT_AS_ASKED, *_NOT_OPENAIS)},
        "safety_identifier": request.end_user_id,
        **_options(task),
    }
    return {**task.defaults, **{name: value for name, value in asked.items() if value is not None}}


def _options(task: Task) -> dict[str, Any]:
    return task.options.model_dump(exclude_none=True) if task.options else {}
