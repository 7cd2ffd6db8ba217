"""What comes from the servers: OpenAI's pictures, DeepInfra's own, and what they say of cost, seed and refusals."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from imagegen import BadOutputError, Billed, ModerationError, Output, PictureData, ProviderError
from imagegen.http.lenient import or_none
from imagegen.http.openai_shape import Counted, Picture, in_success, picture_of, read_error, usage_of

if TYPE_CHECKING:
    from imagegen import ImageGenError, ImageUrl, Reply, Task
    from imagegen_providers.compatible.servers import Server

_FAILED = "failed"


class Inference(BaseModel):
    """DeepInfra's account of the work; the cost is USD."""

    status: Annotated[str | None, or_none] = None
    cost: Annotated[Decimal | None, Field(ge=0, allow_inf_nan=False), or_none] = None


class Answer(BaseModel):
    """The body of a success."""

    data: Annotated[list[Annotated[Picture | None, or_none]] | None, or_none] = None
    images: Annotated[list[Annotated[PictureData | None, or_none]] | None, or_none] = None
    model: Annotated[str | None, or_none] = None
    seed: Annotated[int | None, Field(ge=0), or_none] = None
    usage: Annotated[Counted | None, or_none] = None
    inference_status: Annotated[Inference | None, or_none] = None
    nsfw_content_detected: Annotated[bool | None, or_none] = None
    error: Any = None


def output_of(server: Server, reply: Reply, task: Task) -> Output:
    """The pictures of a success.

    Raises:
        ProviderError: It is none, whatever its status says.
    """
    if reply.picture is not None:  # some servers answer with the file itself
        return Output([reply.picture], cost_usd=_cost(server, None, reply))
    answer = reply.parse(Answer)
    made = answer.inference_status
    if answer.error:
        raise in_success(error_of(server, reply), reply)
    if made is not None and made.status == _FAILED:
        raise ProviderError("the inference failed", billed=Billed.UNKNOWN, status=reply.status, code=_FAILED)
    pictures = _pictures(answer, reply)
    if not pictures and not answer.nsfw_content_detected:
        raise BadOutputError("an answer without pictures", reason="empty", raw=reply.body, status=reply.status)
    return Output(
        _refused(pictures) if answer.nsfw_content_detected else pictures,
        usage=usage_of(answer.usage, with_pictures=bool(task.request.images)),
        cost_usd=_cost(server, made, reply),
        model=answer.model,
        seed=answer.seed,
        revised_prompts=[each.revised_prompt if each else None for each in answer.data or ()],
        raw=reply.raw(),
    )


def _pictures(answer: Answer, reply: Reply) -> list[PictureData | ImageUrl | ImageGenError]:
    if answer.data:
        return [picture_of(each, reply) for each in answer.data]
    return [
        each or BadOutputError("a picture that cannot be read", reason="unreadable") for each in answer.images or ()
    ]


def _refused(pictures: list[PictureData | ImageUrl | ImageGenError]) -> list[ImageGenError]:
    """The flag is one for all of them, and what comes then is no picture that was asked for."""
    for each in pictures:
        if isinstance(each, PictureData):
            each.discard()
    refused = ModerationError("flagged as unsafe", stage="output", billed=Billed.YES, code="nsfw_content_detected")
    return [refused] * max(1, len(pictures))


def _cost(server: Server, made: Inference | None, reply: Reply) -> Decimal | None:
    """The server's own figure."""
    return made.cost if made is not None and made.cost is not None else reported_usd(server, reply)


def reported_usd(server: Server, reply: Reply) -> Decimal | None:
    """What a header says. A proxy that has no price for a model says 0, which is no price."""
    text = reply.headers.get(server.cost_header, "") if server.cost_header else ""
    try:
        cost = Decimal(text)
    except InvalidOperation:
        return None
    return cost if cost.is_finite() and cost > 0 else None


def error_of(server: Server, reply: Reply) -> ProviderError | None:
    """The error in any of the shapes; a refusal is known by OpenAI's codes, or by the server's words."""
    error = read_error(reply)
    if error is None or isinstance(error, ModerationError):
        return error
    said = f"{error.message} {error.code or ''}".lower()
    if any(words in said for words in server.refused):
        return ModerationError(error.message, stage="unknown", categories=[], code=error.code)
    return error
