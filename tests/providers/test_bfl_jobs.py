"""The real client against a strict fake of BFL: jobs, deliveries, refusals, money."""

from __future__ import annotations

import io
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from fakes.bfl import KEY, FakeBFL
from fakes.bfl_rules import FIELDS, PAINT
from fakes.openai_inputs import area, half_and_half, transparent_where
from fakes.openai_inputs import png as file_of
from PIL import Image, ImageChops

import imagegen
from imagegen import (
    AuthenticationError,
    BadOutputError,
    Connection,
    DeadlineExceededError,
    InvalidRequestError,
    ModerationError,
    ProviderError,
    QuotaError,
    UnsupportedError,
)
from imagegen.catalogue import models_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
MODEL = "bfl:flux-2-pro"
SMALL = {"size": "256x256", "output_format": "png"}
URL = "https://pictures.example/a.png"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeBFL]:
    with FakeBFL() as found:
        yield found


@pytest.fixture
def server(listening: FakeBFL) -> FakeBFL:
    """The fake, as if just started."""
    listening.forget()
    return listening


def client(server: FakeBFL, **settings: Any) -> imagegen.AsyncClient:
    """Pictures come from another private address, as they would from a delivery host."""
    connection = Connection(
        api_key=settings.pop("api_key", KEY), base_url=server.base_url, allow_private=settings.pop("private", True)
    )
    return imagegen.AsyncClient(connections={"bfl": connection}, **{"timeout_s": 20, **settings})


async def generate(server: FakeBFL, model: str = MODEL, **keywords: Any) -> imagegen.ImageResult:
    async with client(server, **{name: keywords.pop(name) for name in ("api_key", "private") if name in keywords}) as c:
        return await c.generate("a fox", model=model, **(SMALL if model == MODEL else {}) | keywords)


async def failing(server: FakeBFL, kind: type[Exception], **keywords: Any) -> Any:
    with pytest.raises(kind) as raised:
        await generate(server, **keywords)
    return raised.value


async def test_picture_comes_as_it_is(server):
    """Submitted once, polled, fetched without the key; the original bytes, the seed and the price of the provider."""
    result = await generate(server, seed=42)
    assert result.image.data == next(iter(server.pictures.values()))
    assert (result.image.width, result.image.height, result.image.media_type) == (256, 256, "image/png")
    assert (result.image.seed, result.adaptations) == (42, ())
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.03"), "provider")
    assert (len(server.received), len(server.polls), server.leaks) == (1, 2, [])
    assert result.raw["accepted"] == {"cost": "3.0", "input_mp": "0.0", "output_mp": "1.0"}


async def test_seed_that_was_drawn_is_reported(server):
    """Where none was asked the service says which it took."""
    assert (await generate(server)).image.seed == 1234


async def test_flux_3_costs_what_its_tier_does(server):
    """No figure comes with it: the price list decides; its picture is a png."""
    server.states = ["Pending", "Reasoning", "Generating", "Ready"]
    result = await generate(server, "bfl:flux-3-image", aspect_ratio="16:9", resolution="1K")
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.048"), "price_list")
    assert (result.image.media_type, len(server.polls)) == ("image/png", 4)
    assert server.received[0]["grounding"] is False


@pytest.mark.parametrize("model", sorted(models_of("bfl").keys() & FIELDS.keys()))
async def test_planned_requests_are_taken(server, model):
    """What planning sends for each model, hidden defaults included, the strict service takes."""
    operations = models_of("bfl")[model].capabilities.operations
    margins = {"options": {"bfl": {"left": 32, "top": 64}}} if model.endswith("expand") else {}
    async with client(server) as asking:
        if "generate" in operations:
            await asking.generate("a fox", model=f"bfl:{model}", seed=1, aspect_ratio="4:3")
        if "edit" in operations:
            source = half_and_half((512, 384))
            await asking.edit("night", model=f"bfl:{model}", images=[source], seed=1, **margins)
    assert server.refusals == []
    assert len(server.received) == len(operations)


@pytest.mark.parametrize("mask", [area, transparent_where])
async def test_mask_repaints_where_it_is_white(server, mask):
    """A round trip: exactly the masked corner changed, whichever way the mask was written."""
    async with client(server) as asking:
        result = await asking.edit(
            "moss", model="bfl:flux-pro-1.0-fill", images=[half_and_half()], mask=mask(), output_format="png"
        )
    changed = ImageChops.difference(result.image.pil().convert("RGB"), half_and_half())
    repainted = changed.convert("L").point(lambda value: 255 if value else 0)
    assert ImageChops.difference(repainted, area()).getbbox() is None
    assert result.image.pil().convert("RGB").getpixel((0, 0)) == PAINT


async def test_picture_is_widened(server):
    """The margins are added around the input, and no size can be asked."""
    async with client(server) as asking:
        result = await asking.edit(
            "more sky",
            model="bfl:flux-pro-1.0-expand",
            images=[half_and_half((320, 256))],
            options={"bfl": {"top": 100, "right": 20}},
            output_format="png",
        )
    assert (result.image.width, result.image.height) == (340, 356)
    assert result.image.pil().getpixel((0, 100)) == half_and_half().getpixel((0, 0))


async def test_references_of_every_kind(server):
    """Files as base64, links as links, numbered in their order; each costs its megapixels."""
    server.elsewhere[URL] = file_of(half_and_half((300, 300)))
    async with client(server) as asking:
        result = await asking.edit("both", model=MODEL, images=[half_and_half((300, 300)), URL], **SMALL)
    assert server.received[0]["input_image_2"] == URL
    assert result.cost.amount_usd == Decimal("0.06")


@pytest.mark.parametrize(("status", "stage"), [("Request Moderated", "input"), ("Content Moderated", "output")])
async def test_refused_job_ends_at_once(server, status, stage):
    """It is not polled until the deadline, and never submitted again."""
    server.states = ["Pending", status]
    error = await failing(server, ModerationError)
    assert (error.stage, error.categories) == (stage, ("Derivative Works Filter",))
    assert (len(server.received), len(server.polls)) == (1, 2)


@pytest.mark.parametrize("http", [200, 422, 503])
async def test_failed_job_ends_at_once(server, http):
    """Also where it is told with an error's status: that is the job's end, not the poll's."""
    server.states = ["Pending", (http, {"status": "Error", "result": None, "details": {"error": "gpu lost"}})]
    error = await failing(server, ProviderError)
    assert (type(error), error.status, len(server.received)) == (ProviderError, http, 1)
    assert "gpu lost" in error.message


@pytest.mark.parametrize(
    "trouble",
    [
        (404, {"status": "Task not found", "result": None}),
        (404, {"detail": "Not Found"}),
        (202, {"status": "Pending"}),
        (503, {"detail": "busy"}),
        (429, {"error": "rate_limit_exceeded", "retry_after": 0.01}),
        "Task not found",
        "Dreaming",
    ],
    ids=str,
)
async def test_job_that_is_not_there_yet_is_asked_for_again(server, trouble):
    """Just after the submit a poll may find nothing; a state that nobody knows is running too."""
    server.states = [trouble, trouble, "Ready"]
    assert (await generate(server)).image.width == 256
    assert (len(server.received), len(server.polls)) == (1, 3)


async def test_job_that_is_gone_has_expired(server):
    """The service has dropped it: nothing is left to collect."""
    server.states = [(404, {"status": "Task not found", "result": None})]
    error = await failing(server, DeadlineExceededError)
    assert (error.expired, error.job) == (True, None)


async def test_ready_without_a_picture(server):
    """Paid, and told as what it is."""
    server.states = [(200, {"status": "Ready", "result": {"sample": None}})]
    error = await failing(server, BadOutputError)
    assert error.reason == "empty"


@pytest.mark.parametrize("delivery", [[503, 200], [403, 200]])
async def test_link_that_fails_is_fetched_again(server, delivery):
    """Downloads are free and repeated; an expired link is asked for anew. Never a second submit, never a key."""
    server.delivery = delivery
    assert (await generate(server)).image.width == 256
    assert (len(server.received), server.leaks) == (1, [])


async def test_link_that_has_expired_for_good(server):
    """Links last ten minutes: what came of it is said."""
    server.delivery = [403]
    error = await failing(server, DeadlineExceededError)
    assert error.expired


async def test_link_into_a_private_network_is_not_followed(server):
    """Unless the connection allows it."""
    error = await failing(server, BadOutputError, private=False)
    assert "private" in error.message or "https" in error.message


async def test_wrong_key(server):
    """403, nothing paid."""
    error = await failing(server, AuthenticationError, api_key="bfl-another-key-00000000")
    assert (error.status, server.pictures) == (403, {})
    assert "another-key" not in str(error)


async def test_no_credit(server):
    """402: waiting does not help."""
    server.next_answers = [(402, {"detail": "Insufficient credits"}, {})]
    error = await failing(server, QuotaError)
    assert (error.status, len(server.received)) == (402, 1)


async def test_too_many_jobs_are_waited_out(server):
    """At the pace that the answer states."""
    busy = {"error": "rate_limit_exceeded", "message": "Too many concurrent requests", "retry_after": 0.05}
    server.next_answers = [(429, busy, {"retry-after": "0.05"})]
    result = await generate(server)
    assert [each.state.value for each in result.attempts] == ["rejected", "billed"]


async def test_failing_submit_is_not_repeated(server):
    """Every accepted POST is billed, and a 500 may have been one."""
    server.next_answers = [(500, {"detail": "oops"}, {})]
    error = await failing(server, imagegen.OutcomeUnknownError)
    assert (error.billed, len(server.received)) == (imagegen.Billed.UNKNOWN, 1)


async def test_field_that_the_model_does_not_know(server):
    """What no catalogue knows is sent as asked, and the service says which field it does not take."""
    server.next_answers = [(422, {"detail": [{"loc": ["body", "quality"], "msg": "not permitted", "type": "x"}]}, {})]
    error = await failing(server, InvalidRequestError, model="bfl:flux-9", quality="high")
    assert "body.quality" in error.message
    assert server.received == [{"prompt": "a fox", "quality": "high"}]


@pytest.mark.parametrize("polling", ["{origin}/v1/get_result", "v1/get_result?id={id}", "/v1/get_result"])
async def test_polling_urls_of_other_forms(server, polling):
    """Without the id, or relative to the service."""
    server.polling = polling
    assert (await generate(server)).image.width == 256


async def test_polling_url_of_a_stranger_gets_no_key(server):
    """The key stays at home; the job is told as paid."""
    server.polling = "http://127.0.0.1:9/v1/get_result?id={id}"
    error = await failing(server, imagegen.ImageGenError)
    assert "127.0.0.1" in error.message
    assert error.billed is imagegen.Billed.YES


async def test_job_is_collected_by_another_process(server, tmp_path: Path):
    """Its text holds no key; a process that knows nothing else fetches the very picture."""
    async with client(server) as asking:
        job = await asking.submit("a fox", model=MODEL, seed=3, **SMALL)
    (tmp_path / "job.json").write_text(job.to_json())
    assert KEY not in job.to_json()
    script = f"""
import imagegen, pathlib, sys
connection = imagegen.Connection(api_key={KEY!r}, base_url={server.base_url!r}, allow_private=True)
with imagegen.Client(connections={{"bfl": connection}}, spool=None) as client:
    result = client.resume(pathlib.Path({str(tmp_path / "job.json")!r}).read_text())
sys.stdout.buffer.write(result.image.data)
"""
    found = await anyio.run_process([sys.executable, "-c", script])
    assert found.stdout == next(iter(server.pictures.values()))
    assert len(server.received) == 1
    assert Image.open(io.BytesIO(found.stdout)).size == (256, 256)


async def test_job_cannot_be_stopped(server):
    """The service has no way to: it says so, and the job can still be collected."""
    async with client(server) as asking:
        job = await asking.submit("a fox", model=MODEL, **SMALL)
        with pytest.raises(UnsupportedError):
            await asking.cancel(job)
        assert (await asking.resume(job)).image.width == 256


async def test_progress_is_told(server):
    """As the service reports it."""
    async with client(server) as asking, asking.stream("a fox", model=MODEL, **SMALL) as events:
        seen = [event async for event in events]
    assert imagegen.Progress(0.35, "Pending") in seen
    assert isinstance(seen[-1], imagegen.Done)


async def test_several_pictures_are_one_job(server):
    """Three submits, three seeds, one result."""
    result = await generate(server, n=3, seed=5)
    assert ([each.seed for each in result.images], len(server.received)) == ([5, 6, 7], 3)
    assert result.cost.amount_usd == Decimal("0.09")
