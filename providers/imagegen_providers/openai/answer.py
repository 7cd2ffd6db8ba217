"""What comes from OpenAI when it went well: pictures, what was counted, how the request was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel

from imagegen import BadOutputError, ImageUrl, ModerationError, PictureData, Usage
from imagegen_providers.openai.lenient import Filters, filtered, or_none

if TYPE_CHECKING:
    from imagegen import ImageGenError, ProviderError, Reply, Task

_ECHOED = ("size", "quality", "background", "output_format")


class Prompted(BaseModel):
    """Azure's verdict on the prompt."""

    content_filter_results: Filters = None


class Picture(BaseModel):
    """One of the pictures; OpenAI's own come as base64, compatible servers' also behind a URL."""

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
    """What was counted. A picture takes output tokens: an answer that says none (some servers do) did not count."""
    counted, author = answer.usage, answer.svg_usage
    if counted is None or not counted.output_tokens:
        return None
    inputs = counted.input_tokens_details
    if inputs is None:  # without pictures in the request it can only be text
        inputs = Details(text_tokens=None if task.request.images else counted.input_tokens)
    outputs = counted.output_tokens_details or Details(image_tokens=counted.output_tokens)
    other = {"input": author.input_tokens, "output": author.output_tokens} if author else {}
    return Usage(
        text_input_tokens=inputs.text_tokens,
        image_input_tokens=inputs.image_tokens,
        text_output_tokens=outputs.text_tokens,
        image_output_tokens=outputs.image_tokens,
        other={f"svg_author_{side}_tokens": count for side, count in other.items()},
    )
