"""The real client against a strict fake of xAI: pictures inside the answer and behind links, refusals, money."""

from __future__ import annotations

import contextlib
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai_inputs import half_and_half
from fakes.xai import KEY, MODELS, REFUSED, FakeXAI

import imagegen
from imagegen import (
    AuthenticationError,
    Billed,
    Connection,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    RateLimitError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
NEW = "xai:grok-imagine-image-2.0"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeXAI]:
    with FakeXAI() as found:
        yield found


@pytest.fixture
def server(listening: FakeXAI) -> FakeXAI:
    """The fake, as if just started."""
    listening.forget()
    return listening


def client(server: FakeXAI, api_key: str = KEY, **settings: Any) -> imagegen.AsyncClient:
    """Links lead to another private address, as they would to a host of files."""
    connection = Connection(api_key=api_key, base_url=server.base_url, allow_private=True)
    return imagegen.AsyncClient(connections={"xai": connection}, timeout_s=20, **settings)


async def generate(server: FakeXAI, model: str = NEW, api_key: str = KEY, **keywords: Any) -> imagegen.ImageResult:
    settings = {"ledger": keywords.pop("ledger")} if "ledger" in keywords else {}
    async with client(server, api_key, **settings) as asking:
        return await asking.generate("a fox", model=model, **keywords)


async def test_picture_comes_as_it_is(server):
    """The original bytes, and xAI's own figure for the cost."""
    result = await generate(server, n=2, aspect_ratio="16:9", quality="medium")
    assert [each.data for each in result.images] == server.painted
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.12"), "provider")
    assert (result.image.media_type, result.answered_by) == ("image/jpeg", "grok-imagine-image-2.0")
    assert (result.adaptations, result.image.revised_prompt) == ((), None)


async def test_picture_behind_a_link_is_fetched_without_the_key(server):
    """Its link is short-lived: it is fetched at once."""
    result = await generate(server, options={"xai": {"response_format": "url"}})
    assert (result.image.data, server.leaks) == (server.painted[0], [])


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("model", sorted(MODELS))
async def test_planned_requests_are_taken(server, model, count):
    """What planning sends for each model, hidden defaults included, the strict service takes."""
    images = {"images": [half_and_half((96, 64)), "https://pictures.example/a.png"][:count]} if count else {}
    async with client(server) as asking:
        verb = asking.edit if count else asking.generate
        result = await verb("a fox", model=f"xai:{model}", resolution="2K", n=2, **images)
    assert (server.refusals, len(server.received), len(result.images)) == ([], 1, 2)


@pytest.mark.parametrize("ratio", ["18:39", "39:18", "9:20", "21:9", "5:2"])
async def test_every_ratio_comes_as_asked(server, ratio):
    """Also those that xAI writes with a decimal point."""
    result = await generate(server, aspect_ratio=ratio)
    assert (server.refusals, result.adaptations) == ([], ())


async def test_seed_and_format_are_told_as_left_out(server):
    """Neither can be asked for."""
    result = await generate(server, seed=3, output_format="png")
    assert sorted((each.field, each.sent) for each in result.adaptations) == [("output_format", None), ("seed", None)]


async def test_one_refused_picture_does_not_take_its_siblings(server):
    """HTTP 200 with a flag on the second: it was made, and is in the sum."""
    server.refused = [False, True]
    result = await generate(server, n=2)
    (failure,) = result.failures
    assert isinstance(failure.error, ModerationError)
    assert (failure.index, failure.error.billed, result.cost.amount_usd) == (1, Billed.YES, Decimal("0.08"))


async def test_refusal_is_billed_and_never_sent_again(server, tmp_path):
    """HTTP 400 with a cost: one submit, and the ledger has xAI's own figure."""
    server.answers.append((400, REFUSED))
    with pytest.raises(ModerationError, match="rejected by content moderation") as raised:
        await generate(server, ledger=tmp_path)
    assert (len(server.received), raised.value.billed, raised.value.status) == (1, Billed.YES, 400)
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        units = connection.execute("SELECT state, billed, reported FROM units").fetchall()
    assert units == [("refused", "yes", 90_000_000)]


async def test_refusal_of_one_call_of_several_is_in_the_sum(server):
    """Its siblings are returned; what it cost is not forgotten."""
    server.answers.append((400, REFUSED))
    result = await generate(server, n=4)
    assert sorted(len(each["prompt"]) for each in server.received) == [5, 5]
    whole = Decimal("0.04") * len(result.images)
    assert result.cost.amount_usd == whole + Decimal("0.09")
    assert len(result.images) + len(result.failures) == 4


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (400, {"code": "x", "error": "Argument not supported: size"}, InvalidRequestError),
        (403, {"code": "x", "error": "no"}, AuthenticationError),
        (429, {"code": "x", "error": "slow"}, RateLimitError),
        (500, {"code": "x", "error": "oops"}, OutcomeUnknownError),
    ],
)
async def test_errors_by_status(server, status, answer, kind):
    """In xAI's words."""
    server.answers += [(status, answer)] * 9
    async with client(server) as asking:
        with pytest.raises(kind, match=answer["error"]):
            await asking.generate("a fox", model=NEW, timeout_s=0.9)


async def test_wrong_key_is_an_authentication_error(server):
    """It is not shown."""
    with pytest.raises(AuthenticationError) as raised:
        await generate(server, api_key="wrong-key-0000000000")
    assert "wrong-key" not in str(raised.value)
