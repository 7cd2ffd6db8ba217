"""The real client against a strict fake of fal: its queue, its files, refusals, money."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from fakes.fal import KEY, REFUSED, FakeFal
from fakes.fal_rules import FIELDS, PAINT
from fakes.openai_inputs import area, half_and_half, transparent_where
from fakes.openai_inputs import png as file_of
from PIL import ImageChops

import imagegen
from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    Connection,
    DeadlineExceededError,
    InvalidRequestError,
    ModerationError,
    ProviderError,
    Queued,
    QuotaError,
)
from imagegen.catalogue import models_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
MODEL = "fal:fal-ai/flux/dev"
SMALL = {"size": "256x256", "output_format": "png"}


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeFal]:
    with FakeFal() as found:
        yield found


@pytest.fixture
def server(listening: FakeFal) -> FakeFal:
    """The fake, as if just started."""
    listening.forget()
    return listening


def client(server: FakeFal, api_key: str = KEY, **settings: Any) -> imagegen.AsyncClient:
    """Files come from another private address, as they would from a host of files."""
    connection = Connection(api_key=api_key, base_url=server.base_url, allow_private=True)
    return imagegen.AsyncClient(connections={"fal": connection}, **{"timeout_s": 20, **settings})


async def generate(server: FakeFal, model: str = MODEL, api_key: str = KEY, **keywords: Any) -> imagegen.ImageResult:
    async with client(server, api_key) as asking:
        return await asking.generate("a fox", model=model, **(SMALL if model == MODEL else {}) | keywords)


async def failing(server: FakeFal, kind: type[Exception], **keywords: Any) -> Any:
    with pytest.raises(kind) as raised:
        await generate(server, **keywords)
    return raised.value


async def test_picture_comes_as_it_is(server):
    """Queued, worked on, fetched without the key; the original bytes, the seed, and the price of the list."""
    result = await generate(server, seed=42)
    assert result.image.data == next(iter(server.files.values()))
    assert (result.image.width, result.image.media_type, result.image.seed) == (256, "image/png", 42)
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.025"), "price_list")
    assert (len(server.received), server.polls, server.leaks) == (1, ["logs=1"] * 3, [])
    assert (result.adaptations, result.latency.queue_s is not None) == ((), True)


async def test_several_pictures_in_one_call(server):
    """As many as the model makes at once."""
    result = await generate(server, n=3)
    assert (len(result.images), server.received[0]["num_images"]) == (3, 3)
    assert result.cost.amount_usd == Decimal("0.075")


async def test_pictures_inside_the_answer(server):
    """They are not kept at fal, and cost no download."""
    result = await generate(server, options={"fal": {"sync_mode": True, "store_io": False}})
    assert result.image.width == 256
    assert server.headers[0]["x-fal-store-io"] == "0"


@pytest.mark.parametrize("model", sorted(models_of("fal").keys() & FIELDS.keys()))
async def test_planned_requests_are_taken(server, model):
    """What planning sends for each model, hidden defaults included, the strict service takes."""
    server.states = ["COMPLETED"]
    (operation,) = models_of("fal")[model].capabilities.operations
    images = {"images": [half_and_half((512, 384))]} if operation == "edit" else {}
    shape = {"aspect_ratio": "4:3"} if models_of("fal")[model].capabilities.sizes.kind != "none" else {}
    async with client(server) as asking:
        await getattr(asking, operation)("a fox", model=f"fal:{model}", seed=1, **images, **shape)
    assert (server.refusals, len(server.received)) == ([], 1)


@pytest.mark.parametrize("mask", [area, transparent_where])
@pytest.mark.parametrize("model", ["fal-ai/flux-pro/v1/fill", "fal-ai/ideogram/v3/edit"])
async def test_mask_repaints_where_it_is_white(server, model, mask):
    """A round trip: exactly the masked corner changed, at a model where white repaints and at one where black does."""
    asked = {"output_format": "png"} if "fill" in model else {}
    async with client(server) as asking:
        result = await asking.edit("moss", model=f"fal:{model}", images=[half_and_half()], mask=mask(), **asked)
    drawn = result.image.pil().convert("RGB")
    repainted = ImageChops.difference(drawn, half_and_half()).convert("L").point(lambda value: 255 if value else 0)
    assert ImageChops.difference(repainted, area()).getbbox() is None
    assert drawn.getpixel((0, 0)) == PAINT


async def test_fill_costs_the_megapixels_of_its_input(server):
    """Its picture has the input's size."""
    async with client(server) as asking:
        result = await asking.edit(
            "moss", model="fal:fal-ai/flux-pro/v1/fill", images=[half_and_half((1100, 1000))], mask=area((1100, 1000))
        )
    assert result.cost.amount_usd == Decimal("0.10")


async def test_references_of_every_kind(server):
    """Files as data URLs, links as links."""
    server.elsewhere["https://pictures.example/a.png"] = file_of(half_and_half((64, 64)))
    async with client(server) as asking:
        await asking.edit(
            "both",
            model="fal:fal-ai/nano-banana/edit",
            images=[half_and_half((64, 64)), "https://pictures.example/a.png"],
        )
    assert server.received[0]["image_urls"][1] == "https://pictures.example/a.png"


async def test_black_picture_is_told_as_refused(server):
    """HTTP 200: the black one is no picture, its sibling is; both were made and are paid."""
    server.unsafe = [False, True]
    result = await generate(server, n=2)
    assert (len(result.images), len(result.failures)) == (1, 1)
    assert isinstance(result.failures[0].error, ModerationError)
    assert result.cost.amount_usd == Decimal("0.05")


async def test_only_black_pictures_are_a_refusal(server):
    """Nothing came, and it is never submitted again."""
    server.unsafe = [True]
    error = await failing(server, ModerationError)
    assert (error.stage, error.billed, len(server.received)) == ("output", Billed.YES, 1)


async def test_refused_job_ends_at_once(server):
    """COMPLETED, and the result is a 422: the refusal is told, not polled for until the deadline."""
    server.result = [(422, {"detail": [REFUSED]}, {"x-fal-retryable": "false"})]
    error = await failing(server, ModerationError)
    assert (error.stage, error.status, len(server.received), len(server.polls)) == ("input", 422, 1, 3)


async def test_bad_field_is_found_in_the_result(server):
    """The queue takes anything; the model does not, and says which field."""
    error = await failing(server, ProviderError, options={"fal": {"input": {"strength": 2}}})
    assert (error.code, error.status) == ("extra_forbidden", 422)
    assert "body.strength" in error.message


async def test_failed_job_is_free(server):
    """A 5xx as the result is the job's end, and fal never bills it."""
    server.result = [(504, {"detail": "Startup timed out", "error_type": "startup_timeout"}, {})]
    error = await failing(server, ProviderError)
    assert (error.code, len(server.received)) == ("startup_timeout", 1)


@pytest.mark.parametrize(
    "trouble",
    [(404, {"detail": "Request not found"}), (502, "bad gateway"), (429, {"detail": "slow down"}), "PAUSED"],
    ids=str,
)
async def test_trouble_with_the_status_is_waited_out(server, trouble):
    """It is asked again; a state that the queue does not have goes on."""
    server.states = [trouble, "COMPLETED"]
    assert (await generate(server)).image.width == 256
    assert len(server.received) == 1


@pytest.mark.parametrize("trouble", [(502, "bad gateway", {}), (404, {"detail": "Request not found"}, {})])
async def test_trouble_with_the_result_is_waited_out(server, trouble):
    """A proxy's page is not the job's end."""
    server.result = [trouble]
    assert (await generate(server)).image.width == 256


async def test_job_that_is_gone_has_expired(server):
    """The queue has dropped it."""
    server.states = [(404, {"detail": "Request not found"})]
    assert (await failing(server, DeadlineExceededError)).expired


async def test_result_without_a_picture(server):
    """Done, and empty."""
    server.result = [(200, {"images": [], "description": "I cannot draw that"}, {})]
    assert (await failing(server, BadOutputError)).reason == "empty"


async def test_wrong_key(server):
    """401: nothing is paid, and the key is not repeated."""
    error = await failing(server, AuthenticationError, api_key="fal-other-key:00000000000000")
    assert (error.status, server.files, "fal-other-key" in str(error)) == (401, {}, False)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [((402, {"detail": "balance"}, {}), QuotaError), ((404, {"detail": "no"}, {}), InvalidRequestError)],
)
async def test_refused_submit(server, answer, kind):
    """No credit, no such model."""
    server.next_answers = [answer]
    await failing(server, kind)
    assert len(server.received) == 1


async def test_failing_submit_is_not_repeated(server):
    """A job may have been queued behind it."""
    server.next_answers = [(504, {"detail": "Request timed out", "error_type": "request_timeout"}, {})]
    error = await failing(server, imagegen.OutcomeUnknownError)
    assert (error.billed, len(server.received)) == (Billed.UNKNOWN, 1)


async def test_addresses_of_a_stranger_get_no_key(server):
    """The key stays at home."""
    url = "http://127.0.0.1:9/x/requests/1"
    server.next_answers = [(200, {"request_id": "1", "status_url": f"{url}/status", "response_url": url}, {})]
    assert "127.0.0.1" in (await failing(server, imagegen.ImageGenError)).message


async def test_place_in_the_queue_is_told(server):
    """And then the model's own words."""
    async with client(server) as asking, asking.stream("a fox", model=MODEL, **SMALL) as events:
        seen = [event async for event in events]
    assert [event.position for event in seen if isinstance(event, Queued)] == [2]
    assert imagegen.Progress(None, "step 3/20") in seen


async def test_job_is_stopped(server):
    """At the address that was given; one that is done already says so and can be collected."""
    async with client(server) as asking:
        await asking.cancel(await asking.submit("a fox", model=MODEL, **SMALL))
        assert len(server.cancelled) == 1
        server.states, job = ["COMPLETED"], await asking.submit("a fox", model=MODEL, **SMALL)
        with pytest.raises(InvalidRequestError, match="ALREADY_COMPLETED"):
            await asking.cancel(job)
        assert (await asking.resume(job)).image.width == 256


async def test_job_is_collected_by_another_process(server, tmp_path: Path):
    """Its text holds no key; a process that knows nothing else fetches the very picture."""
    async with client(server) as asking:
        job = await asking.submit("a fox", model=MODEL, **SMALL)
    (tmp_path / "job.json").write_text(job.to_json())
    assert KEY not in job.to_json()
    script = f"""
import imagegen, pathlib, sys
connection = imagegen.Connection(api_key={KEY!r}, base_url={server.base_url!r}, allow_private=True)
with imagegen.Client(connections={{"fal": connection}}, spool=None) as client:
    result = client.resume(pathlib.Path({str(tmp_path / "job.json")!r}).read_text())
sys.stdout.buffer.write(result.image.data)
"""
    found = await anyio.run_process([sys.executable, "-c", script])
    assert found.stdout == next(iter(server.files.values()))
    assert len(server.received) == 1
