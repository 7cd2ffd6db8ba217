"""stable-diffusion.cpp's own API: samples in both directions, and the real client against a strict fake of it."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.openai_inputs import area, half_and_half
from fakes.sdcpp import PAINT, FakeSdCpp
from PIL import ImageChops
from samples import reply_of, request_of

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    Connection,
    DeadlineExceededError,
    ImageRequest,
    OutcomeUnknownError,
    PictureData,
    ProviderError,
    RemoteJob,
    Reply,
    Running,
    Task,
    UnsupportedError,
)
from imagegen.catalogue import facts_of
from imagegen_providers.compatible import SdCpp
from imagegen_providers.compatible.options import SdCppOptions

PROVIDER = SdCpp()
ORIGIN = "http://127.0.0.1:1234"
NATIVE = {"sdcpp": {"api": "native"}}
JOB = RemoteJob("job_01HTXYZABC")
SIZE = (128, 64)


def task(prompt: str = "x", options: dict[str, Any] | None = None, **fields: Any) -> Task:
    n = fields.pop("n", None)
    chosen = SdCppOptions(api="native", **(options or {}))
    return Task(ImageRequest(prompt=prompt, **fields), "sd-cpp-local", "generate", n=n, options=chosen)


def test_request_is_that_of_the_sample():
    """The native words, on the server's other path; how it is asked is no word of it."""
    _, url, wanted = request_of("local", "sdcpp_native_submit")
    asked = {"size": "512x512", "seed": 42, "n": 1, "output_format": "png", "negative_prompt": ""}
    found = PROVIDER.wire(task(wanted["prompt"], {"sample_steps": 20, "txt_cfg": 7.0}, **asked))
    assert ("/v1" + found.path, found.json) == (url.replace(ORIGIN, "/v1/.."), wanted)
    _, url, wanted = request_of("local", "sdcpp_queue_full")
    found = PROVIDER.wire(task())
    assert ("/v1" + found.path, found.json) == (url.replace(ORIGIN, "/v1/.."), wanted)


@pytest.mark.parametrize("name", ["sdcpp_job_queued", "sdcpp_job_completed", "sdcpp_job_failed", "sdcpp_job_cancelled"])
def test_state_is_asked_as_in_the_sample(name):
    """At the job's own path."""
    found = PROVIDER.poll(JOB)
    method, url, body = request_of("local", name)
    assert (found.method, "/v1" + found.path, found.json) == (method, url.replace(ORIGIN, "/v1/.."), body)


def test_sample_answers():
    """Accepted, waiting, done."""
    assert PROVIDER.parse(reply_of("local", "sdcpp_native_submit"), task()) == JOB
    waiting = PROVIDER.parse_poll(reply_of("local", "sdcpp_job_queued"), JOB)
    assert waiting == Running("queued", queue_position=2, queued=True)
    output = PROVIDER.parse_poll(reply_of("local", "sdcpp_job_completed"), JOB)
    (picture,) = output.images
    assert isinstance(picture, PictureData)
    assert picture.read().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("sdcpp_job_failed", "generation_failed", "empty results"), ("sdcpp_job_cancelled", "cancelled", "by client")],
)
def test_job_that_ended_without_a_picture(name, code, words):
    """In the server's words; it cost nothing."""
    with pytest.raises(ProviderError, match=words) as raised:
        PROVIDER.parse_poll(reply_of("local", name), JOB)
    assert (raised.value.code, raised.value.billed) == (code, Billed.NO)


def test_odd_answers():
    """A state that is new keeps waiting; done without a picture is no success; an id stays within its path."""
    assert PROVIDER.parse_poll(Reply.of({"status": "warming"}), JOB) == Running("warming", known=False)
    with pytest.raises(BadOutputError, match="no picture"):
        PROVIDER.parse_poll(Reply.of({"status": "completed", "result": {"images": []}}), JOB)
    assert PROVIDER.cancel(RemoteJob("../x")).path == "/../sdcpp/v1/jobs/..%2Fx/cancel"


def test_prompt_may_hold_the_tag():
    """Only the OpenAI-shaped way reads it."""
    assert PROVIDER.wire(task("a </sd_cpp_extra_args>")).json["prompt"] == "a </sd_cpp_extra_args>"
    with pytest.raises(UnsupportedError, match="fetches no pictures"):
        PROVIDER.wire(
            Task(ImageRequest(prompt="x", images=["https://a.example/1.png"]), "m", "edit", options=task().options)
        )


def test_results_are_kept_for_ten_minutes():
    """So a job in the ledger says until when it can be collected."""
    assert facts_of("sdcpp").results_kept_s == 600


def client(server: FakeSdCpp, **settings: Any) -> imagegen.AsyncClient:
    connections = {"sdcpp": Connection(base_url=server.base_url)}
    return imagegen.AsyncClient(connections=connections, **{"timeout_s": 20, **settings})


async def generate(server: FakeSdCpp, **fields: Any) -> imagegen.ImageResult:
    async with client(server) as asking:
        return await asking.generate("a fox", model="sdcpp:any", options=NATIVE, **fields)


@pytest.mark.anyio
async def test_pictures_come_from_one_job():
    """Queued, generated, inline; the seed is random if nothing is said."""
    async with FakeSdCpp() as server:
        result = await generate(server, n=2, size="128x64")
    assert [(image.width, image.height) for image in result.images] == [SIZE] * 2
    assert (len(server.bodies), server.polls, server.bodies[0]["seed"]) == (1, 3, -1)
    assert result.cost.amount_usd == 0


@pytest.mark.anyio
async def test_mask_repaints_where_it_is_white():
    """Exactly the masked corner changed; the picture is start and reference."""
    async with FakeSdCpp() as server, client(server) as asking:
        asked = {"images": [half_and_half(SIZE)], "mask": area(SIZE)}
        result = await asking.edit("moss", model="sdcpp:any", options=NATIVE, **asked)
    drawn = result.image.pil().convert("RGB")
    repainted = ImageChops.difference(drawn, half_and_half(SIZE)).convert("L").point(lambda value: 255 * bool(value))
    assert ImageChops.difference(repainted, area(SIZE)).getbbox() is None
    assert (drawn.getpixel((0, 0)), server.bodies[0]["ref_images"]) == (PAINT, [server.bodies[0]["init_image"]])


@pytest.mark.anyio
async def test_job_is_collected_by_another_client():
    """From its text alone."""
    async with FakeSdCpp() as server:
        async with client(server) as asking:
            job = await asking.submit("a fox", model="sdcpp:any", options=NATIVE)
        async with client(server) as other:
            result = await other.resume(job.to_json())
    assert (len(result.images), len(server.bodies), job.durable) == (1, 1, True)


@pytest.mark.anyio
async def test_full_queue_is_asked_again():
    """429: no work was done."""
    async with FakeSdCpp(full=1) as server:
        result = await generate(server)
    assert (len(result.images), len(server.bodies), len(result.attempts)) == (1, 1, 2)


@pytest.mark.anyio
async def test_result_that_was_dropped():
    """410 after ten minutes: expired, and not made again."""
    async with FakeSdCpp() as server, client(server) as asking:
        job = await asking.submit("a fox", model="sdcpp:any", options=NATIVE)
        server.gone = True
        with pytest.raises(DeadlineExceededError) as raised:
            await asking.resume(job)
    assert (raised.value.expired, len(server.bodies)) == (True, 1)


@pytest.mark.anyio
async def test_job_is_stopped_while_it_waits():
    """A job that runs goes on: the server says so with 409."""
    async with FakeSdCpp(states=["queued"]) as server, client(server) as asking:
        job = await asking.submit("a fox", model="sdcpp:any", options=NATIVE)
        await asking.cancel(job)
        assert server.stopped == ["job_1"]
        server.states = ["generating"]
        other = await asking.submit("a fox", model="sdcpp:any", options=NATIVE)
        with pytest.raises(OutcomeUnknownError, match="not queued"):
            await asking.cancel(other)
        server.states = ["failed"]
        with pytest.raises(ProviderError, match="no results"):
            await asking.resume(other)
