"""The real client against a strict fake of Replicate: predictions, files, refusals, money, lost answers."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai_inputs import area, half_and_half, transparent_where
from fakes.replicate import KEY, FakeReplicate
from fakes.replicate_rules import INPUTS, PAINT
from PIL import ImageChops

import imagegen
from imagegen import (
    AuthenticationError,
    Billed,
    Connection,
    DeadlineExceededError,
    InvalidRequestError,
    ListedJob,
    ModerationError,
    OutcomeUnknownError,
    ProviderError,
    UnsupportedError,
)
from imagegen.catalogue import models_of
from imagegen.http.connection import HttpConnection
from imagegen.provider import Call
from imagegen.settings import Settings
from imagegen_providers.replicate import Replicate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
MODEL = "replicate:black-forest-labs/flux-schnell"
SDXL = "replicate:stability-ai/sdxl:39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeReplicate]:
    with FakeReplicate() as found:
        yield found


@pytest.fixture
def server(listening: FakeReplicate) -> FakeReplicate:
    """The fake, as if just started."""
    listening.forget()
    return listening


def connection(server: FakeReplicate, api_key: str = KEY) -> Connection:
    """Files come from another private address, as they would from a host of files."""
    return Connection("replicate", api_key=api_key, base_url=server.base_url, allow_private=True)


def client(server: FakeReplicate, api_key: str = KEY, **settings: Any) -> imagegen.AsyncClient:
    return imagegen.AsyncClient(connections={"replicate": connection(server, api_key)}, **{"timeout_s": 20, **settings})


async def generate(server: FakeReplicate, model: str = MODEL, api_key: str = KEY, **fields: Any) -> Any:
    async with client(server, api_key) as asking:
        return await asking.generate("a fox", model=model, **fields)


async def failing(server: FakeReplicate, kind: type[Exception], **keywords: Any) -> Any:
    with pytest.raises(kind) as raised:
        await generate(server, **keywords)
    return raised.value


async def test_picture_comes_as_it_is(server):
    """Started, worked on, fetched without the key; the log's seed, the model that answered, the price of the list."""
    result = await generate(server)
    assert result.image.data == next(iter(server.files.values()))
    assert (result.image.media_type, result.image.seed) == ("image/webp", 4711)
    assert (result.cost.amount_usd, result.cost.source) == (Decimal("0.003"), "estimate")
    assert (result.answered_by, len(server.received), server.leaks) == (MODEL.partition(":")[2], 1, [])


async def test_several_pictures_in_one_call(server):
    """As many as the model makes at once."""
    result = await generate(server, n=3)
    assert (len(result.images), server.received[0]["input"]["num_outputs"]) == (3, 3)


async def test_pinned_version(server):
    """A model that the catalogue does not know, by its version; what answered is told exactly."""
    result = await generate(server, SDXL, size="96x64", seed=7)
    assert (result.image.width, result.answered_by) == (96, SDXL.partition(":")[2])
    assert server.received[0]["version"] in SDXL
    assert result.cost.amount_usd is None


@pytest.mark.parametrize("inline", [True, False])
async def test_waited_answer_holds_the_picture(server, inline):
    """Though its status says processing: nothing is polled."""
    server.inline, server.states = inline, [(500, {"detail": "never asked"})]
    result = await generate(server, options={"replicate": {"wait": 30}})
    assert result.image.data == next(iter(server.files.values()))
    assert server.headers[0]["prefer"] == "wait=30"


async def test_wait_that_ended_too_soon_is_polled(server):
    """202 and no output: the job goes on."""
    server.waited = {"status": "processing", "output": None}
    assert (await generate(server, options={"replicate": {"wait": True}})).image.width == 256


@pytest.mark.parametrize("model", sorted(models_of("replicate").keys() & INPUTS.keys()))
@pytest.mark.parametrize("operation", ["generate", "edit"])
async def test_planned_requests_are_taken(server, model, operation):
    """What planning sends for each model, hidden defaults included, the strict service takes."""
    capabilities = models_of("replicate")[model].capabilities
    if operation not in capabilities.operations:
        pytest.skip("the model does not do that")
    server.states = ["succeeded"]
    images = {"images": [half_and_half((512, 384))]} if operation == "edit" else {}
    async with client(server) as asking:
        await getattr(asking, operation)("a fox", model=f"replicate:{model}", seed=1, **images)
    assert (server.refusals, len(server.received)) == ([], 1)


@pytest.mark.parametrize("mask", [area, transparent_where])
@pytest.mark.parametrize("model", ["black-forest-labs/flux-fill-pro", "ideogram-ai/ideogram-v3-turbo"])
async def test_mask_repaints_where_it_is_white(server, model, mask):
    """A round trip: exactly the masked corner changed, at a model where white repaints and at one where black does."""
    asked = {"output_format": "png"} if "fill" in model else {}
    async with client(server) as asking:
        result = await asking.edit("moss", model=f"replicate:{model}", images=[half_and_half()], mask=mask(), **asked)
    drawn = result.image.pil().convert("RGB")
    repainted = ImageChops.difference(drawn, half_and_half()).convert("L").point(lambda value: 255 if value else 0)
    assert ImageChops.difference(repainted, area()).getbbox() is None
    assert drawn.getpixel((0, 0)) == PAINT


async def test_refused_job_ends_at_once(server):
    """Failed, and its words say why."""
    server.states = [{"status": "failed", "error": "NSFW content detected."}]
    error = await failing(server, ModerationError)
    assert (error.billed, len(server.received)) == (Billed.UNKNOWN, 1)


async def test_results_are_gone_after_an_hour(server):
    """The job says so, and it is not asked for until the deadline."""
    server.states = [{"status": "succeeded", "output": None, "data_removed": True}]
    assert (await failing(server, DeadlineExceededError)).expired


@pytest.mark.parametrize(("status", "billed"), [("canceled", Billed.UNKNOWN), ("aborted", Billed.NO)])
async def test_ended_by_the_provider(server, status, billed):
    """Only one that never started is free."""
    server.states = [{"status": status}]
    assert (await failing(server, ProviderError)).billed is billed


async def test_bad_field_is_refused_at_once(server):
    """422, with the field's name."""
    error = await failing(server, InvalidRequestError, options={"replicate": {"input": {"strength": 2}}})
    assert "input.strength" in error.message


async def test_wrong_key(server):
    """401: nothing is paid, and the key is not repeated."""
    error = await failing(server, AuthenticationError, api_key="r8_other_token_00000000000")
    assert (error.status, server.files, "r8_other" in str(error)) == (401, {}, False)


async def test_job_is_stopped(server):
    """At the address that was given."""
    async with client(server) as asking:
        await asking.cancel(await asking.submit("a fox", model=MODEL))
    assert len(server.cancelled) == 1


async def test_pace_is_kept(server):
    """A throttled submit was no submit: it is made again when the limit resets."""
    throttled = {"detail": "Request was throttled. Your rate limit resets in ~1s.", "status": 429}
    server.next_answers = [(429, throttled, {"ratelimit-reset": "1"})]
    assert (await generate(server)).image.width == 256


async def test_lost_answer_is_found_on_the_list(server, tmp_path: Path):
    """The submit was accepted and its answer lost: reconciling finds the job, and it is collected, not paid again."""
    server.lose_answers = 1
    async with client(server, ledger=tmp_path) as asking:
        with pytest.raises(OutcomeUnknownError):
            await asking.generate("a fox", model=MODEL)
        (found,) = await asking.reconcile()
        assert (found.outcome, len(server.received)) == ("found", 1)
        assert (await asking.resume(found.job)).image.data == next(iter(server.files.values()))
    assert len(server.received) == 1


@pytest.mark.parametrize("store_prompts", ["hash", "none"])
async def test_what_nothing_tells_apart_stays_unknown(server, tmp_path: Path, store_prompts):
    """Two alike on the list, or no prompt kept to know it by: nobody is told that it was free."""
    server.lose_answers = 2 if store_prompts == "hash" else 1
    async with client(server, ledger=tmp_path, store_prompts=store_prompts) as asking:
        for _ in range(server.lose_answers):
            with pytest.raises(OutcomeUnknownError):
                await asking.generate("a fox", model=MODEL)
        found = await asking.reconcile()
    assert {each.outcome for each in found} == {"unknown"}
    assert "could be it" in found[0].why


async def listed(server: FakeReplicate, since: float) -> list[ListedJob]:
    endpoint = Settings.load({"replicate": connection(server)}).endpoint("replicate")
    provider = Replicate()
    http = HttpConnection(endpoint, provider.auth)
    try:
        return await provider.list_jobs(since, Call(endpoint, http, time.monotonic() + 20))
    finally:
        await http.aclose()


async def test_list_is_read_back_page_by_page(server):
    """As far as is asked, and no further; a pinned model bears both its names."""
    server.page = 2
    async with client(server) as asking:
        for prompt in ("a", "b", "c"):
            await asking.submit(prompt, model=SDXL, size="64x64")
    found = await listed(server, time.time() - 60)
    assert [each.prompt for each in found] == ["c", "b", "a"]
    assert SDXL.partition(":")[2] in found[0].aliases
    assert server.listed == ["0", "2"]
    server.listed.clear()
    oldest = min(server.predictions.values(), key=lambda each: each["created_at"])
    oldest["created_at"] = "2026-01-01T00:00:00Z"
    assert len(await listed(server, time.time() - 60)) == 2


async def test_list_that_forgot_proves_nothing(server):
    """Inputs are dropped after an hour: then the list cannot say that a job does not exist."""
    with pytest.raises(UnsupportedError, match="one hour"):
        await listed(server, time.time() - 3601)
    async with client(server) as asking:
        await asking.submit("a fox", model=MODEL)
    next(iter(server.predictions.values()))["data_removed"] = True
    with pytest.raises(UnsupportedError, match="dropped"):
        await listed(server, time.time() - 60)


@pytest.mark.parametrize(
    ("model", "complete"), [("a/b", True), ("a/b:1", True), ("deployments/a/b", False), ("39ed52f2", False)]
)
def test_which_submits_are_on_the_list(model, complete):
    """A deployment's and a bare version's bear other names there."""
    assert Replicate().lists(model) is complete
