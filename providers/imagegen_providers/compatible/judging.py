"""A question about pictures in OpenAI's chat, and what the answer says of words, sureness and cost.

API: openai-python 3.54, types/chat, as its many copies speak it; Together's probabilities: togethercomputer/openapi,
LogprobsPart. Read 2026-11-23.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from imagegen import BadOutputError, Billed, Cost, ImageInput, Judgement, ModerationError, Usage, Wire, money
from imagegen.http.lenient import or_none
from imagegen_providers.compatible.answer import reported_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen import PictureData, ProviderError, Reply
    from imagegen.catalogue import Model
    from imagegen_providers.compatible.servers import Server

_FILTERED = "content_filter"
_Count = Annotated[int | None, Field(ge=0), or_none]


class _Token(BaseModel):
    logprob: float


class _Sureness(BaseModel):
    """OpenAI's form, or Together's."""

    content: Annotated[list[_Token] | None, or_none] = None
    token_logprobs: Annotated[list[float] | None, or_none] = None


class _Message(BaseModel):
    content: Annotated[str | None, or_none] = None
    refusal: Annotated[str | None, or_none] = None


class _Choice(BaseModel):
    message: Annotated[_Message | None, or_none] = None
    finish_reason: Annotated[str | None, or_none] = None
    logprobs: Annotated[_Sureness | None, or_none] = None


class _Used(BaseModel):
    prompt_tokens: _Count = None
    completion_tokens: _Count = None


class _Answer(BaseModel):
    choices: Annotated[list[Annotated[_Choice | None, or_none]] | None, or_none] = None
    model: Annotated[str | None, or_none] = None
    usage: Annotated[_Used | None, or_none] = None


def question_of(server: Server, model: str, question: str, pictures: Sequence[PictureData], *, sure: bool) -> Wire:
    """The question, then the pictures; where ``sure``, with the wish to hear how probable the answer is."""
    links = [{"url": ImageInput(each.read()).data_url()} for each in pictures]
    parts = [{"type": "text", "text": question}, *({"type": "image_url", "image_url": each} for each in links)]
    wish: dict[str, Any] = {"logprobs": server.logprobs} if sure else {}
    return Wire.post(server.chat, json={"model": model, "messages": [{"role": "user", "content": parts}], **wish})


def judgement_of(server: Server, reply: Reply, known: Model | None, model: str) -> Judgement:
    """What was said.

    Raises:
        ModerationError: The model, or a filter, refused.
        BadOutputError: Nothing was said.
    """
    answer = reply.parse(_Answer)
    choice = next((each for each in answer.choices or () if each is not None), _Choice())
    words = (choice.message.content or "").strip() if choice.message else ""
    if not words or choice.finish_reason == _FILTERED:
        raise _unsaid(choice, reply)
    usage = _usage(answer.usage)
    return Judgement(words, answer.model or model, _cost(server, reply, known, usage), _probability(choice), usage)


def _unsaid(choice: _Choice, reply: Reply) -> ProviderError:
    refusal = choice.message.refusal if choice.message else None
    if refusal is None and choice.finish_reason != _FILTERED:
        return BadOutputError("an answer without words", reason="empty", raw=reply.original, status=reply.status)
    return ModerationError(
        refusal or _FILTERED,
        stage="output",
        categories=[],
        billed=Billed.YES,
        status=reply.status,
        code=choice.finish_reason,
    )


def _usage(used: _Used | None) -> Usage | None:
    """Tokens of pictures are not told apart from those of the question, and cost the same: they count as text."""
    if used is None or used.prompt_tokens is None:
        return None
    return Usage(text_input_tokens=used.prompt_tokens, text_output_tokens=used.completion_tokens)


def _cost(server: Server, reply: Reply, known: Model | None, usage: Usage | None) -> Cost:
    """The server's own figure; nothing where the list says that nothing is due; else what was counted, at its price."""
    told = reported_usd(server, reply)
    if told is not None:
        return Cost(told, told, told, "provider")
    if known is not None and known.prices and not any(line.usd for line in known.prices):
        return Cost(Decimal(0), Decimal(0), Decimal(0), "price_list")
    return money.price_of_words(known, usage)


def _probability(choice: _Choice) -> float | None:
    sure = choice.logprobs or _Sureness()
    found = [each.logprob for each in sure.content or ()] or sure.token_logprobs
    return min(1.0, math.exp(sum(found))) if found else None
