"""Asks a model what it sees: one question about pictures, under one clock, with the retry rule of every submit."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from imagegen.attempt import deadline_error, delay_before_retry
from imagegen.errors import ConfigurationError, ImageGenError, UnsupportedError
from imagegen.provider import Call, Judgement, Judges, ask_judge
from imagegen.settings import missing_key
from imagegen.types.inputs import ImageInput
from imagegen.types.picture import PictureData

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from imagegen.lines import Line


async def judge(line: Line, model_id: str, pictures: Sequence[Any], question: str, timeout_s: float) -> Judgement:
    """What the model ``model_id`` of a connection says of ``pictures``.

    Raises:
        ImageGenError: It gave no answer; `billed` says whether that was paid.
    """
    provider, shown = judge_of(line, model_id), [_shown(each) for each in pictures]
    deadline = asyncio.get_running_loop().time() + timeout_s
    for tries in itertools.count(1):
        call = Call(line.endpoint, line.http, deadline)
        try:
            return await _in_time(ask_judge(provider, shown, question, call, model_id), call)
        except ImageGenError as error:
            delay = delay_before_retry(error, tries)
            if delay is None or asyncio.get_running_loop().time() + delay >= deadline:
                raise
            await asyncio.sleep(delay)
    raise AssertionError  # the count does not end


async def _in_time(asking: Coroutine[Any, Any, Judgement], call: Call) -> Judgement:
    try:
        async with asyncio.timeout_at(call.deadline):
            return await asking
    except TimeoutError:
        raise deadline_error(call.exchange) from None


def judge_of(line: Line, model_id: str) -> Judges:
    """Who is asked.

    Raises:
        ConfigurationError: The key is missing.
        UnsupportedError: The connection has no models that answer questions.
    """
    if problem := missing_key(line.endpoint):
        raise ConfigurationError(problem)
    if not isinstance(line.provider, Judges):
        name = f"{line.endpoint.name}:{model_id}"
        raise UnsupportedError(f"{name} answers no questions about pictures; nothing was sent")
    return line.provider


def _shown(source: Any) -> PictureData:
    """A picture as a judge is shown it.

    Raises:
        ConfigurationError: It is none, or lies behind a URL.
    """
    if isinstance(source, PictureData):
        return source
    try:
        picture = ImageInput.of(source)
        if not picture.media_type or picture.url is not None:
            raise ValueError("one behind a URL has to be fetched first")
        return PictureData(picture.read())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"a judge is shown pictures: {error}") from None
