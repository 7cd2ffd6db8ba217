"""What comes from OpenAI when it went well: pictures, what was counted, how the request was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel

from imagegen import BadOutputError, ModerationError, PictureData
from imagegen.http import openai_shape
from imagegen.http.lenient import or_none
from imagegen.http.openai_shape import Counted, Filters, Picture, filtered

if TYPE_CHECKING:
    from imagegen import ProviderError, Reply, Task, Usage

_ECHOED = ("size", "quality", "background", "output_format")


class Prompted(BaseModel):
    """Azure's verdict on the prompt."""

    content_filter_results: Filters = None


class AuthorCounted(BaseModel):
    """Tokens of the model that wrote the svg; its reasoning is among the output."""

    input_tokens: int
    output_tokens: int


class Told(BaseModel):
    """What every success says besides its pictures: how the request was taken, and what was counted."""

    usage: Annotated[Counted | None, or_none] = None
    svg_usage: Annotated[AuthorCounted | None, or_none] = None
    size: Annotated[str | None, or_none] = None
    quality: Annotated[str | None, or_none] = None
    background: Annotated[str | None, or_none] = None
    output_format: Annotated[str | None, or_none] = None
    error: Any = None


class Answer(Told):
    """The body of a success."""

    data: list[Annotated[Picture | None, or_none]] | None = None
    content_filter_results: Filters = None
    prompt_filter_results: Annotated[list[Prompted] | None, or_none] = None


class StreamEvent(Told, Picture):
    """One event of a stream: an unfinished picture, or the finished one. Some servers name it beside its data only."""

    b64_json: Annotated[PictureData | None, or_none] = None
    type: Annotated[str | None, or_none] = None
    partial_image_index: Annotated[int | None, or_none] = None


def nothing_came(answer: Answer, reply: Reply) -> ProviderError:
    """An answer without any picture: refused where it says so."""
    status, request_id = reply.status, reply.request_id
    prompted = [name for each in answer.prompt_filter_results or () for name in filtered(each.content_filter_results)]
    if prompted:
        return ModerationError(
            "the prompt was filtered", stage="input", categories=prompted, status=status, request_id=request_id
        )
    if categories := filtered(answer.content_filter_results):
        return ModerationError("it was filtered", categories=categories, status=status, request_id=request_id)
    return BadOutputError(
        "an answer without pictures", reason="empty", raw=reply.body, status=status, request_id=request_id
    )


def echo_of(answer: Told) -> dict[str, str]:
    """The request as it was taken; ``auto`` says nothing."""
    return {name: got for name in _ECHOED if (got := getattr(answer, name)) not in (None, "auto")}


def usage_of(answer: Told, task: Task) -> Usage | None:
    """What was counted, with the tokens of an svg's author beside the picture's."""
    author = answer.svg_usage
    other = {"input": author.input_tokens, "output": author.output_tokens} if author else {}
    named = {f"svg_author_{side}_tokens": count for side, count in other.items()}
    return openai_shape.usage_of(answer.usage, with_pictures=bool(task.request.images), other=named)
