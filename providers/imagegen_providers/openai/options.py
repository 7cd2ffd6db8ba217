"""The options that OpenAI alone has."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from imagegen import ImageInput, ProviderOptions


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
    """What OpenAI alone has. None is not sent."""

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
    input_fidelity: Literal["low", "high"] | None = None
    """How closely an edit keeps to its pictures; models that always do take no such word."""
    markup: ImageInput | None = None
    """An edit's drawn remarks: a transparent png over the first picture, of its size. Not together with a mask."""
    image_file_ids: tuple[str, ...] = ()
    """Pictures of an edit that lie at OpenAI already; they come after those of the request."""
    mask_file_id: str | None = None
    """A mask that lies at OpenAI already, in its own terms: transparent repaints."""
