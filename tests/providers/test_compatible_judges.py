"""Servers that speak OpenAI's chat as judges of pictures, against a strict fake."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes.chat import KEY, LOGPROBS, FakeChat
from fakes.openai_inputs import half_and_half, png

from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    Call,
    ConfigurationError,
    Connection,
    InvalidRequestError,
    Judgement,
    Judges,
    ModerationError,
    OutcomeUnknownError,
    PictureData,
    Usage,
)
from imagegen.http.connection import HttpConnection
from imagegen.settings import Settings
from imagegen_providers.compatible import imagegen_provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
JUDGES = ("compatible", "deepinfra", "litellm", "localai", "together", "vllm-omni")
PRICED = """
[models."seer-1"]
source = "the test"
read = 2026-11-23
prices = [
  { billable = "text_input_tokens", usd = 0.5, per = 1_000_000 },
  { billable = "text_output_tokens", usd = 2, per = 1_000_000 },
]
[models."seer-1".capabilities]
operations = ["judge"]
"""


def provider(name: str) -> Any:
    found = imagegen_provider(name)
    assert found is not None
    return found()


@contextlib.asynccontextmanager
async def asking(server: FakeChat, name: str, key: str = KEY) -> AsyncIterator[Call]:
    endpoint = Settings.load({name: Connection(base_url=server.base_url, api_key=key)}).endpoint(name)
    call = Call(endpoint, HttpConnection(endpoint, provider(name).auth), asyncio.get_running_loop().time() + 20)
    try:
        yield call
    finally:
        await call.http.aclose()


async def judged(
    server: FakeChat, name: str = "compatible", *, key: str = KEY, model: str | None = "seer-1"
) -> Judgement:
    pictures = [PictureData(png(half_and_half((64, 48)))), PictureData(png(half_and_half((32, 16))))]
    async with asking(server, name, key) as call:
        return await provider(name).judge(pictures, "Is it a fox?", call, model=model)


@pytest.mark.parametrize("name", JUDGES)
async def test_judge_sees_the_pictures_and_says_how_sure_it_is(name):
    """The question and every picture in one message; Together is asked, and answers, in its own way."""
    async with FakeChat(as_number=name == "together") as server:
        said = await judged(server, name)
    assert isinstance(provider(name), Judges)
    assert (said.answer, said.model, server.seen) == ("yes", "seer-1-001", [(64, 48), (32, 16)])
    assert said.probability == pytest.approx(math.exp(sum(LOGPROBS)))
    assert said.usage == Usage(text_input_tokens=120, text_output_tokens=2)
    assert server.bodies[0]["messages"][0]["content"][0] == {"type": "text", "text": "Is it a fox?"}


async def test_server_without_a_chat_is_no_judge():
    """It does not claim to be one."""
    assert not isinstance(provider("sdcpp"), Judges)


async def test_model_that_gives_no_probabilities():
    """It refuses before any work, and is asked without."""
    async with FakeChat(sure=False) as server:
        said = await judged(server)
    assert (said.answer, said.probability) == ("yes", None)
    assert ["logprobs" in each for each in server.bodies] == [True, False]


async def test_cost_is_what_was_counted_at_its_price():
    """The user's own catalogue may know the judge; a model that no catalogue knows has an unknown price, not none."""
    folder = Path(os.environ["IMAGEGEN_CONFIG_DIR"]) / "catalogue"
    folder.mkdir()
    (folder / "compatible.toml").write_text(PRICED)
    async with FakeChat() as server:
        priced, unpriced = await judged(server), await judged(server, model="other")
    assert priced.cost.amount_usd == (120 * Decimal("0.5") + 2 * 2) / Decimal(1_000_000)
    assert (priced.cost.source, unpriced.cost.amount_usd) == ("usage", None)


@pytest.mark.parametrize(
    ("name", "headers", "amount"),
    [
        ("litellm", {"x-litellm-response-cost": "0.0004"}, "0.0004"),
        ("litellm", {"x-litellm-response-cost": "0"}, None),
        ("localai", {}, "0"),
        ("vllm-omni", {}, "0"),
    ],
)
async def test_cost_that_needs_no_count(name, headers, amount):
    """A proxy's own figure; nothing, on one's own machine."""
    async with FakeChat(headers=headers) as server:
        said = await judged(server, name)
    assert said.cost.amount_usd == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": None, "refusal": "I will not"}, "finish_reason": "stop"},
        {"message": {"content": "I s"}, "finish_reason": "content_filter"},
    ],
)
async def test_refusal(choice):
    """The model's, or a filter's: paid for, and asked once."""
    async with FakeChat(answers=[(200, {"choices": [choice]})]) as server:
        with pytest.raises(ModerationError) as raised:
            await judged(server)
    assert (raised.value.billed, len(server.bodies)) == (Billed.YES, 1)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"choices": []}, BadOutputError),
        (200, {"choices": [{"message": {"content": "  "}, "finish_reason": "length"}]}, BadOutputError),
        (200, {"choices": 5, "usage": "odd"}, BadOutputError),
        (500, {"error": {"message": "oops"}}, OutcomeUnknownError),
    ],
)
async def test_no_answer(status, body, kind):
    """An error of the tree, and no second question: the first may have been billed."""
    async with FakeChat(answers=[(status, body)]) as server:
        with pytest.raises(kind):
            await judged(server)
    assert len(server.bodies) == 1


async def test_bad_question_is_refused_twice_at_most():
    """Once with the wish for probabilities, once without; both before any work."""
    wrong = (400, {"error": {"message": "no such model", "code": "model_not_found"}})
    async with FakeChat(answers=[wrong, wrong]) as server:
        with pytest.raises(InvalidRequestError, match="no such model"):
            await judged(server)
    assert len(server.bodies) == 2


async def test_key_is_in_no_error():
    """A server that repeats it is not repeated."""
    async with FakeChat() as server:
        with pytest.raises(AuthenticationError) as raised:
            await judged(server, key="sk-wrong-0000000000000000000000")
    assert "sk-wrong" not in f"{raised.value!r} {raised.value}"


async def test_judge_has_to_be_named():
    """No server says which of its models reads pictures."""
    async with FakeChat() as server:
        with pytest.raises(ConfigurationError, match="name a model"):
            await judged(server, model=None)
    assert server.bodies == []
