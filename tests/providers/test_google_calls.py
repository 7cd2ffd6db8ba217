"""The real client against a strict fake of Google: both addresses, refusals, money, judging."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fakes.google import KEY, SIGNATURE, TOKEN, FakeGoogle, counted
from fakes.google_rules import MODELS
from fakes.openai_inputs import half_and_half

import imagegen
from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    Call,
    Connection,
    ImageRequest,
    Judges,
    ModerationError,
    PictureData,
    RateLimitError,
    Task,
)
from imagegen.http.connection import HttpConnection
from imagegen.settings import Settings
from imagegen_providers.google import Google

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
NANO = "google:gemini-nano-banana-2.1"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeGoogle]:
    with FakeGoogle() as found:
        yield found


@pytest.fixture
def server(listening: FakeGoogle) -> FakeGoogle:
    """The fake, as if just started."""
    listening.forget()
    return listening


def connection(server: FakeGoogle, vertex: bool = False, api_key: str | None = None) -> Connection:
    url, key = (server.vertex_url, TOKEN) if vertex else (server.base_url, KEY)
    return Connection("google", base_url=url, api_key=api_key or key)


async def generate(server: FakeGoogle, model: str | list[str] = NANO, **keywords: Any) -> imagegen.ImageResult:
    reached = connection(server, keywords.pop("vertex", False), keywords.pop("api_key", None))
    settings = {"ledger": keywords.pop("ledger")} if "ledger" in keywords else {}
    async with imagegen.AsyncClient(connections={"google": reached}, timeout_s=20, **settings) as client:
        return await client.generate("a fox", model=model, **keywords)


def units(ledger: Path) -> list[Any]:
    """Paid submits on the ledger, in billionths of a dollar."""
    with contextlib.closing(sqlite3.connect(ledger / "ledger.sqlite")) as connection:
        return connection.execute("SELECT state, billed, reported, computed FROM units").fetchall()


async def test_picture_comes_as_it_is(server):
    """The original bytes, the model that answered, and tokens times price; a long signature stays as it came."""
    result = await generate(server, aspect_ratio="16:9", resolution="2K", seed=7)
    assert result.image.data == server.painted[0]
    assert (result.answered_by, result.image.seed) == ("gemini-nano-banana-2.1-001", 7)
    price = 14 * Decimal("1.5") + 200 * Decimal("7.5") + 1680 * 30
    assert (result.cost.amount_usd, result.cost.source) == (price / 1_000_000, "usage")
    assert result.raw["candidates"][0]["content"]["parts"][0]["thoughtSignature"] == SIGNATURE
    assert (result.adaptations, result.warnings) == ((), ())


async def test_key_is_in_its_header_alone(server):
    """Never in the address, which logs keep; Vertex gets a token and the project that is billed."""
    await generate(server)
    await generate(server, "google:gemini-3-pro-image", vertex=True)
    assert "authorization" not in server.headers[0]
    assert "x-goog-api-key" not in server.headers[1]
    endpoint = Settings.load({"google": Connection(api_key="k", project="p")}).endpoint("google")
    assert Google().auth(endpoint.api_key, endpoint)["x-goog-user-project"] == "p"


@pytest.mark.parametrize("operation", ["generate", "edit"])
@pytest.mark.parametrize("model", sorted(MODELS.keys() - {"gemini-3.8-flash"}))
async def test_planned_requests_are_taken(server, model, operation):
    """What planning sends for each model, hidden defaults included, the strict service takes."""
    images = {"images": [half_and_half((96, 64))]} if operation == "edit" else {}
    reached = connection(server, vertex=True)
    async with imagegen.AsyncClient(connections={"google": reached}, timeout_s=20) as client:
        result = await getattr(client, operation)("a fox", model=f"google:{model}", seed=1, **images)
    assert (server.refusals, result.image.width == result.image.height) == ([], operation == "generate")


async def test_references_of_every_kind(server):
    """Files inside the request, links as links, in the order they were given."""
    async with imagegen.AsyncClient(connections={"google": connection(server)}) as client:
        images = [half_and_half((96, 64)), "https://pictures.example/a.png"]
        result = await client.edit("both", model=NANO, images=images, aspect_ratio="3:2")
    link = {"mimeType": "image/png", "fileUri": "https://pictures.example/a.png"}
    assert server.received[0]["contents"][0]["parts"][2] == {"fileData": link}
    assert result.usage.image_input_tokens == 1120


async def test_drafts_are_let_go(server, tmp_path):
    """Only the finished picture is saved, and no file of a draft stays."""
    server.drafts = 2
    result = await generate(server, save_to=tmp_path)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [server.painted[-1]]
    assert len(result.images) == 1


async def test_vertex_chooses_the_format(server):
    """Where the Gemini API leaves it to the model."""
    options = {"google": {"output_mime_type": "image/jpeg", "compression_quality": 80, "labels": {"team": "demo"}}}
    result = await generate(server, "google:gemini-3-pro-image", vertex=True, options=options)
    assert result.image.media_type == "image/jpeg"


async def test_format_that_cannot_be_chosen_is_an_adaptation(server):
    """What came is read from the bytes."""
    result = await generate(server, output_format="webp")
    assert [(each.field, each.asked, each.sent) for each in result.adaptations] == [("output_format", "webp", None)]


@pytest.mark.parametrize(
    "answer",
    [
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": counted(1000)},
        {"candidates": [{"finishReason": "IMAGE_SAFETY"}], "usageMetadata": counted(1000)},
    ],
)
async def test_refusal_is_never_sent_again_and_is_counted(server, answer, tmp_path):
    """HTTP 200 without a picture: one submit, and the ledger has the prompt's tokens, not a picture's."""
    server.answers.append(answer)
    with pytest.raises(ModerationError) as raised:
        await generate(server, ledger=tmp_path / "ledger")
    assert (len(server.received), raised.value.billed) == (1, Billed.YES)
    assert units(tmp_path / "ledger") == [("refused", "yes", None, 1_500_000)]


async def test_one_refusal_does_not_take_its_siblings(server):
    """Of two calls one is refused; its prompt is in the sum."""
    server.answers.append({"candidates": [{"finishReason": "IMAGE_SAFETY"}], "usageMetadata": counted(1000)})
    result = await generate(server, n=2)
    (failure,) = result.failures
    assert isinstance(failure.error, ModerationError)
    price = 1014 * Decimal("1.5") + 200 * Decimal("7.5") + 1120 * 30
    assert result.cost.amount_usd == price / 1_000_000


async def test_refusal_may_fall_back_where_the_caller_says_so(server):
    """The next model answers; what the refused prompt cost is in the sum."""
    server.answers.append({"candidates": [{"finishReason": "IMAGE_SAFETY"}], "usageMetadata": counted(1000)})
    result = await generate(server, [NANO, "stub:painter"], fallback_on_refusal=True)
    assert (result.model, len(server.received)) == ("stub:painter", 1)
    assert result.cost.known_usd == Decimal("0.0015")


async def test_words_alone_are_not_retried(server):
    """Billed, and no picture."""
    parts = [{"text": "What shall I draw?"}]
    server.answers.append({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
    with pytest.raises(BadOutputError, match="What shall I draw"):
        await generate(server)
    assert len(server.received) == 1


async def test_pace_in_the_body_is_kept(server):
    """A wait that the deadline does not allow ends the call; a short one is waited for."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3600s"}
    limited = {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED", "details": [info]}}
    server.answers.append((429, limited))
    with pytest.raises(RateLimitError) as raised:
        await generate(server)
    assert raised.value.retry_after_s == 3600
    server.answers.append((429, {"error": {**limited["error"], "details": [{**info, "retryDelay": "0.05s"}]}}))
    await generate(server)
    assert len(server.received) == 3


@pytest.mark.parametrize("vertex", [False, True])
async def test_wrong_key_is_an_authentication_error(server, vertex):
    """With 400 at one address and 401 at the other; it is not shown."""
    with pytest.raises(AuthenticationError) as raised:
        await generate(server, vertex=vertex, api_key="wrong-key-0000000000")
    assert "wrong-key" not in str(raised.value)


async def test_search_is_priced_by_its_queries(server):
    """Before the call nobody knows how many; after it they are counted."""
    options = {"google": {"google_search": True}}
    assert imagegen.plan("x", model=NANO, options=options).cost.at_most_usd is None
    made = {"candidates": [{"finishReason": "NO_IMAGE", "groundingMetadata": {"webSearchQueries": ["a", "b"]}}]}
    server.answers.append({**made, "usageMetadata": counted(10)})
    result = await generate(server, n=2, options=options)
    assert result.usage.other == {"web_searches": 2}


def ask(server: FakeGoogle) -> Call:
    endpoint = Settings.load({"google": connection(server)}).endpoint("google")
    deadline = asyncio.get_running_loop().time() + 20
    return Call(endpoint, HttpConnection(endpoint, Google().auth), deadline)


async def test_judge_answers_and_says_what_it_cost(server):
    """A question about pictures, to a model of its choice; tokens times price, and the answer's probability."""
    content = PictureData((await generate(server)).image.data)
    call, judge = ask(server), Google()
    assert isinstance(judge, Judges)
    said = await judge.judge([content], "Is it a fox?", call)
    await call.http.aclose()
    assert server.received[-1]["generationConfig"] == {"responseModalities": ["TEXT"]}
    assert (said.answer, said.model) == ("yes", "gemini-3.8-flash-001")
    assert said.cost.amount_usd == (574 * Decimal("0.75") + 209 * Decimal("3.75")) / 1_000_000
    assert 0.9 < (said.probability or 0) < 1


async def test_judge_that_refuses_or_is_unknown(server):
    """A refusal is an error; the price of a model that the catalogue lacks is unknown, not zero."""
    call = ask(server)
    server.answers.append({"promptFeedback": {"blockReason": "OTHER"}})
    with pytest.raises(ModerationError):
        await Google().judge([], "?", call)
    server.answers.append({"candidates": [{"content": {"parts": [{"text": "no"}]}}], "usageMetadata": counted(5)})
    said = await Google().judge([], "?", call, model="gemini-9")
    await call.http.aclose()
    assert (said.answer, said.model, said.cost.amount_usd, said.probability) == ("no", "gemini-9", None, None)


async def test_plan_and_call_send_the_same(server):
    """What the plan shows is what goes out."""
    shown = imagegen.plan("a fox", model=NANO, aspect_ratio="3:2").wires[0].json
    await generate(server, aspect_ratio="3:2")
    assert server.received == [shown]
    assert Google().wire(Task(ImageRequest(prompt="x"), "m", "generate")).path == "/models/m:generateContent"
