"""The real client against a strict fake of OpenRouter: whole answers, streams, refusals, money."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai_inputs import half_and_half
from fakes.openrouter import KEY, FakeOpenRouter

import imagegen
from imagegen import (
    AuthenticationError,
    Billed,
    Connection,
    Done,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    Partial,
    ProviderError,
)
from imagegen.catalogue import models_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
SEEDREAM = "openrouter:bytedance-seed/seedream-4.5"
GPT = "openrouter:openai/gpt-image-2"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter() as found:
        yield found


@pytest.fixture
def server(listening: FakeOpenRouter) -> FakeOpenRouter:
    """The fake, as if just started."""
    listening.forget()
    return listening


def client(server: FakeOpenRouter, api_key: str = KEY) -> imagegen.AsyncClient:
    connection = Connection(api_key=api_key, base_url=server.base_url)
    return imagegen.AsyncClient(connections={"openrouter": connection}, timeout_s=20)


async def generate(server: FakeOpenRouter, model: str = SEEDREAM, **keywords: Any) -> imagegen.ImageResult:
    async with client(server, keywords.pop("api_key", KEY)) as asking:
        return await asking.generate("a fox", model=model, **keywords)


async def test_picture_comes_as_it_is(server):
    """The original bytes, OpenRouter's own figure for the cost, and the generation's id."""
    result = await generate(server, n=2, aspect_ratio="16:9", seed=7)
    assert sorted(each.data for each in result.images) == sorted(server.painted)
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.0774486"), "provider")
    assert (result.request_id, result.adaptations, result.warnings) == ("gen-img-1", (), ())
    assert sorted(each["seed"] for each in server.received) == [7, 8]


@pytest.mark.parametrize("operation", ["generate", "edit"])
@pytest.mark.parametrize("model", [*sorted(models_of("openrouter").keys() - {"openai/gpt-5.4-image-2"}), "new/model"])
async def test_planned_requests_are_taken(server, model, operation):
    """What planning sends for each model, and for one it does not know, the strict service takes."""
    images = {"images": [half_and_half((96, 64)), "https://a.example/b.png"]} if operation == "edit" else {}
    async with client(server) as asking:
        verb = getattr(asking, operation)
        result = await verb("a fox", model=f"openrouter:{model}", aspect_ratio="18:39", n=2, quality="high", **images)
    assert (server.refusals, len(result.images), result.adaptations) == ([], 2, ())


async def test_stream_shows_unfinished_pictures(server):
    """And ends with the finished one and its cost."""
    async with client(server) as asking, asking.stream("a fox", model=GPT) as events:
        came = [event async for event in events]
    partials = [each for each in came if isinstance(each, Partial)]
    assert [each.content.read() for each in partials] == server.painted[:2]
    last = came[-1]
    assert isinstance(last, Done)
    assert last.result.image.data == server.painted[2]
    assert last.result.cost.amount_usd == Decimal("0.0387243")


async def test_model_that_does_not_stream_answers_whole(server):
    """The answer's own type says which it is; nobody knows beforehand of a new model."""
    async with client(server) as asking, asking.stream("a fox", model="openrouter:new/model") as events:
        came = [event async for event in events]
    assert server.received[0]["stream"] is True
    assert not [each for each in came if isinstance(each, Partial)]
    assert came[-1].result.image.data == server.painted[0]


async def test_error_in_a_stream_is_not_sent_again(server):
    """HTTP said 200 already; the outcome is unknown."""
    server.events = [{"type": "error", "error": {"code": 502, "message": "Provider returned error"}}]
    async with client(server) as asking, asking.stream("a fox", model=GPT) as events:
        with pytest.raises(ProviderError, match="Provider returned error") as raised:
            [event async for event in events]
    assert (len(server.received), raised.value.billed) == (1, Billed.UNKNOWN)


async def test_provider_options_come_with_a_warning(server):
    """What the provider does not know is dropped there, and nobody says so."""
    options = {"openrouter": {"provider_options": {"byteplus": {"watermark": False}}}}
    result = await generate(server, options=options)
    assert "dropped unsaid" in result.warnings[0]
    assert server.received[0]["provider"]["options"] == {"byteplus": {"watermark": False}}


async def test_transparent_picture(server):
    """With a format that can hold it."""
    result = await generate(server, background="transparent", output_format="webp")
    assert (result.image.has_alpha, result.image.media_type) == (True, "image/webp")


async def test_moderation_is_not_billed(server):
    """Refused before any work."""
    answer = {"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}}}
    server.answers.append((403, answer))
    with pytest.raises(ModerationError, match="flagged") as raised:
        await generate(server)
    assert (len(server.received), raised.value.billed) == (1, Billed.NO)


async def test_error_in_a_success_is_not_sent_again(server):
    """It may have been billed."""
    server.answers.append((200, {"error": {"code": 502, "message": "upstream"}}))
    with pytest.raises(ProviderError) as raised:
        await generate(server)
    assert (len(server.received), raised.value.billed) == (1, Billed.UNKNOWN)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, InvalidRequestError), (502, OutcomeUnknownError), (524, OutcomeUnknownError)]
)
async def test_failures_are_sent_once(server, status, kind):
    """A refused argument is raised at once, a provider's failure is unknown."""
    server.answers.append((status, {"error": {"code": status, "message": "sorry"}}))
    with pytest.raises(kind, match="sorry"):
        await generate(server)
    assert len(server.received) == 1


async def test_fewer_pictures_than_asked(server):
    """An answer may hold fewer: what is missing is a failure, and the cost is what was paid."""
    server.answers.append((200, {"data": [], "usage": {"cost": 0}}))
    result = await generate(server, n=2)
    assert (len(result.images), len(result.failures)) == (1, 1)


async def test_wrong_key_is_an_authentication_error(server):
    """It is not shown."""
    with pytest.raises(AuthenticationError) as raised:
        await generate(server, api_key="wrong-key-0000000000")
    assert "wrong-key" not in str(raised.value)
