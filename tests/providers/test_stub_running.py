"""How the stub answers: streams, cancelled jobs, latencies from a distribution, faults on a schedule."""

import asyncio
import dataclasses
import io
import itertools
import json
import math
import statistics
import subprocess
import sys

import pytest
from PIL import Image, ImageChops, ImageStat

from imagegen import (
    AuthenticationError,
    Billed,
    Call,
    ConnectionFailedError,
    ImageInput,
    ImageRequest,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    Output,
    Partial,
    ProviderError,
    QuotaError,
    RateLimitError,
    RemoteJob,
    Running,
    Task,
    catalogue,
)
from imagegen_providers.stub import Stub, StubOptions, latency_s

pytestmark = pytest.mark.anyio

CALL = Call(endpoint=None, http=None, deadline=math.inf)


def task(prompt="a lighthouse at dusk", model="painter", operation="generate", **fields):
    options = fields.pop("options", None)
    request = ImageRequest(prompt=prompt, **{"size": "128x96", "seed": 1, **fields})
    return Task(request, model, operation, options=StubOptions(**options) if options else None, stream=True)


async def streamed(*args, **kwargs):
    return [event async for event in Stub().stream(task(*args, **kwargs), CALL)]


def opened(picture):
    return Image.open(io.BytesIO(picture.read()))


@pytest.mark.parametrize("count", [None, 0, 1, 3])
async def test_a_stream_shows_as_many_partials_as_were_asked_for(count):
    """In order, and last the finished picture, which is what `submit` gives."""
    *partials, last = await streamed(partial_images=count)
    assert [each.index for each in partials] == list(range(count or 0))
    assert all(isinstance(each, Partial) for each in partials)
    whole = await Stub().submit(task(), CALL)
    assert last.images[0].read() == whole.images[0].read()


async def test_partials_come_nearer_to_the_picture():
    """Each is less blurred than the one before; none is the picture itself."""
    *partials, last = await streamed(partial_images=4)
    final = opened(last.images[0])
    apart = [sum(ImageStat.Stat(ImageChops.difference(opened(each.content), final)).mean) for each in partials]
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] > 0


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
async def test_partials_have_the_format_and_size_of_the_picture(output_format):
    """Whoever shows the one can show the others."""
    first, last = await streamed(partial_images=1, output_format=output_format, background=None)
    assert opened(first.content).format == opened(last.images[0]).format == output_format.upper()
    assert opened(first.content).size == (128, 96)


async def test_edits_stream_too():
    """With an input picture as without."""
    picture = ImageInput(Image.new("RGB", (64, 48), "white"))
    *partials, last = await streamed(
        "add a red circle", operation="edit", images=[picture], size=None, partial_images=2
    )
    assert len(partials) == 2
    assert opened(last.images[0]).size == (64, 48)


async def test_the_latency_is_spread_over_the_partials():
    """The first comes well before the end, and all together takes as long as was asked."""
    loop = asyncio.get_running_loop()
    times = [loop.time()]
    async for _ in Stub().stream(task(partial_images=2, options={"latency_s": 0.3}), CALL):
        times.append(loop.time())
    assert [later - earlier >= 0.09 for earlier, later in itertools.pairwise(times)] == [True] * 3
    assert times[-1] - times[0] >= 0.3


async def test_partials_of_metered_are_counted():
    """A hundred tokens each, none where none came."""
    *_, shown = await streamed(model="metered", size="1024x1024", partial_images=3)
    (none,) = await streamed(model="metered", size="1024x1024")
    assert shown.usage.image_output_tokens - none.usage.image_output_tokens == 300
    assert catalogue.find_model("stub", "metered").output_tokens.partial_image == 100


async def test_slow_gives_a_job_and_no_stream():
    """The catalogue says so as well."""
    (job,) = await streamed(model="slow", partial_images=2)
    assert isinstance(job, RemoteJob)
    streaming = {name for name, model in catalogue.models_of("stub").items() if model.capabilities.streaming}
    assert streaming == {"painter", "sloppy", "metered"}


SLOW = {"queue_s": 30, "render_s": 60}


async def job_of(**fields):
    return await Stub().submit(task(model="slow", **{"options": SLOW, **fields}), CALL)


async def test_a_cancelled_job_stays_cancelled():
    """Before it runs; nothing is billed; other jobs go on."""
    job, other = await job_of(), await job_of()
    await Stub().cancel(job, CALL)
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await Stub().poll(job, CALL)
        assert (caught.value.code, caught.value.billed) == ("cancelled", Billed.NO)
    assert isinstance(await Stub().poll(other, CALL), Running)


async def test_a_job_is_cancelled_for_other_processes_too():
    """The handle is all they need."""
    job = await job_of()
    code = (
        "import asyncio, json, math, sys; from imagegen import *; from imagegen_providers.stub import Stub;"
        "call = Call(endpoint=None, http=None, deadline=math.inf);"
        "asyncio.run(Stub().cancel(RemoteJob(**json.loads(sys.argv[1])), call))"
    )
    text = json.dumps(dataclasses.asdict(job), default=str)
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, text], check=True)
    with pytest.raises(ProviderError, match="cancelled"):
        await Stub().poll(job, CALL)


async def test_a_finished_job_cannot_be_cancelled_any_more():
    """Its pictures stay."""
    job = await job_of(options={"queue_s": 0, "render_s": 0})
    await Stub().cancel(job, CALL)
    assert isinstance(await Stub().poll(job, CALL), Output)


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "", "a" * 31, "A" * 32])
async def test_an_id_that_is_none_names_no_file(job_id):
    """A handle is untrusted: its id is looked at before it is a file's name."""
    job = dataclasses.replace(await job_of(), id=job_id)
    for step in (Stub().cancel, Stub().poll):
        with pytest.raises(InvalidRequestError):
            await step(job, CALL)


async def test_a_job_carries_its_input_pictures():
    """Another process finishes an edit with nothing but the handle, mask and all."""
    picture, mask = Image.new("RGB", (64, 48), "white"), Image.new("L", (64, 48))
    mask.paste(255, (0, 0, 32, 48))
    fields = {"images": [ImageInput(picture)], "mask": ImageInput(mask), "size": None, "operation": "edit"}
    job = await job_of(prompt="make it night", options={"queue_s": 0, "render_s": 0}, **fields)
    handle = RemoteJob(**json.loads(json.dumps(dataclasses.asdict(job), default=str)))
    done = await Stub().poll(handle, CALL)
    here = await Stub().submit(task("make it night", **fields), CALL)
    assert done.images[0].read() == here.images[0].read()


def test_latencies_have_the_distribution_that_was_asked_for():
    """Median and spread of two thousand seeds within three standard errors; the same seed, the same latency."""
    options = StubOptions(latency_s={"distribution": "lognormal", "median": 2.0, "sigma": 0.4})
    logs = [math.log(latency_s(options, seed)) for seed in range(2_000)]
    assert statistics.mean(logs) == pytest.approx(math.log(2), abs=3 * 0.4 / math.sqrt(2_000))
    assert statistics.stdev(logs) == pytest.approx(0.4, abs=3 * 0.4 / math.sqrt(4_000))
    assert latency_s(options, 5) == latency_s(options, 5)


def test_uniform_latencies_lie_between_two():
    """And fill what is between them."""
    options = StubOptions(latency_s={"distribution": "uniform", "low": 1, "high": 3})
    found = [latency_s(options, seed) for seed in range(500)]
    assert 1 <= min(found) < 1.1
    assert 2.9 < max(found) <= 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency_s": {"distribution": "normal", "median": 1}},
        {"latency_s": {"distribution": "lognormal", "median": 0, "sigma": 1}},
        {"latency_s": {"distribution": "uniform", "low": 3, "high": 1}},
        {"latency_s": 601},
        {"faults": [{"kind": "flood"}]},
        {"faults": [{"kind": "unknown", "probability": 2}]},
        {"faults": [{"kind": "unknown", "after": 2}]},
    ],
)
def test_an_option_that_makes_no_sense_is_refused(wrong):
    """A typo cannot pass."""
    with pytest.raises(ValueError, match="validation error"):
        StubOptions(**wrong)


async def outcomes(faults, calls, stub=None, **fields):
    """What each of so many calls of one provider object ends in."""
    stub, found = stub or Stub(), []
    for seed in range(calls):
        try:
            await stub.submit(task("a star", size="16x16", seed=seed, options={"faults": faults}, **fields), CALL)
            found.append("Output")
        except Exception as error:
            found.append(type(error).__name__)
    return found


async def test_faults_come_in_turn():
    """One a call, nothing where the schedule says so, and nothing after its end."""
    faults = [{"kind": "rate_limit"}, None, {"kind": "unknown"}, {"kind": "refused"}]
    expected = ["RateLimitError", "Output", "OutcomeUnknownError", "ModerationError", "Output", "Output"]
    assert await outcomes(faults, 6) == expected


@pytest.mark.parametrize(
    ("kind", "error", "billed"),
    [
        ("rate_limit", RateLimitError, Billed.NO),
        ("unknown", OutcomeUnknownError, Billed.UNKNOWN),
        ("refused", ModerationError, Billed.NO),
        ("quota", QuotaError, Billed.NO),
        ("authentication", AuthenticationError, Billed.NO),
        ("connection", ConnectionFailedError, Billed.NO),
    ],
)
async def test_each_fault_is_an_error_of_the_tree(kind, error, billed):
    """With what a real one carries."""
    with pytest.raises(error) as caught:
        await Stub().submit(task(options={"faults": [{"kind": kind, "retry_after_s": 0.5}]}), CALL)
    assert caught.value.billed is billed
    assert getattr(caught.value, "retry_after_s", 0.5) == 0.5


async def test_a_corrupt_picture_is_cut_short():
    """It begins as one and cannot be decoded; the next call's is whole."""
    stub, faulty = Stub(), task(options={"faults": [{"kind": "corrupt"}]})
    broken, whole = [(await stub.submit(faulty, CALL)).images[0] for _ in range(2)]
    assert whole.read().startswith(broken.read())
    with pytest.raises(OSError, match="truncated"):
        opened(broken).load()


async def test_a_fault_with_a_probability_may_meet_any_call():
    """About as often as said, and the same calls at every try of the same seeds."""
    faults = [{"kind": "unknown", "probability": 0.3}]
    first, again = [await outcomes(faults, 200) for _ in range(2)]
    share = first.count("OutcomeUnknownError") / 200
    assert first == again
    assert abs(share - 0.3) < 3 * math.sqrt(0.3 * 0.7 / 200)


async def test_a_second_try_has_another_chance():
    """Else a call with a seed could never get through."""
    stub, faulty = Stub(), task("a star", size="16x16", options={"faults": [{"kind": "unknown", "probability": 0.5}]})
    found = []
    for _ in range(40):
        try:
            await stub.submit(faulty, CALL)
            found.append(True)
        except OutcomeUnknownError:
            found.append(False)
    assert set(found) == {True, False}


async def test_a_stream_meets_faults_as_well():
    """Before it shows anything."""
    with pytest.raises(RateLimitError):
        await streamed(options={"faults": [{"kind": "rate_limit"}]}, partial_images=2)
