"""The stub as a provider: files as asked, seeds that repeat, jobs that any process can finish, tokens, refusals."""

import asyncio
import dataclasses
import hashlib
import io
import json
import math
import subprocess
import sys
import time

import pytest
from PIL import Image

import imagegen_providers.stub as stub
from imagegen import (
    Billed,
    Call,
    ImageRequest,
    InvalidRequestError,
    ModerationError,
    Output,
    RemoteJob,
    Running,
    Task,
    Usage,
    catalogue,
)
from imagegen_providers.stub import Stub, StubOptions

pytestmark = pytest.mark.anyio

CALL = Call(endpoint=None, http=None, deadline=math.inf)


def task(prompt="three red circles", model="painter", options=None, **fields):
    return Task(
        request=ImageRequest(prompt=prompt, **{"size": "96x64", **fields}),
        model=model,
        operation="generate",
        n=fields.get("n"),
        options=StubOptions(**options) if options else None,
    )


async def made(*args, **kwargs) -> Output:
    return await Stub().submit(task(*args, **kwargs), CALL)


async def picture(*args, **kwargs) -> Image.Image:
    output = await made(*args, **kwargs)
    return Image.open(io.BytesIO(output.images[0].read()))


async def data_of(*args, **kwargs) -> list[bytes]:
    return [each.read() for each in (await made(*args, **kwargs)).images]


@pytest.mark.parametrize("prompt", ["three red circles", "a lighthouse at dusk", 'sunset, "HELLO"'])
async def test_the_same_request_gives_the_same_bytes(prompt):
    """With a seed nothing is left to chance."""
    assert await data_of(prompt, seed=7) == await data_of(prompt, seed=7)
    assert await data_of(prompt, seed=7) != await data_of(prompt, seed=8)


async def test_another_process_makes_the_same_bytes():
    """The seed decides alone: no hash randomisation, no state of this process."""
    prompt = 'a hill in autumn, "OPEN"'
    code = (
        "import asyncio, hashlib, math; from imagegen import *; from imagegen_providers.stub import Stub;"
        f"request = ImageRequest(prompt={prompt!r}, size='96x64', seed=11);"
        "call = Call(endpoint=None, http=None, deadline=math.inf);"
        "output = asyncio.run(Stub().submit(Task(request, 'painter', 'generate'), call));"
        "print(hashlib.sha256(output.images[0].read()).hexdigest())"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True)
    ours = hashlib.sha256((await data_of(prompt, seed=11))[0]).hexdigest()
    assert done.stdout.strip() == ours, done.stderr


async def test_a_drawn_seed_is_reported_and_repeats():
    """Without a seed one is drawn, and with it the same pictures come again."""
    first, second = await made("a cat", n=2), await made("a cat", n=2)
    assert first.seed != second.seed
    assert [each.read() for each in first.images] == await data_of("a cat", n=2, seed=first.seed)


async def test_picture_i_has_the_seed_plus_i():
    """So the pictures of one call differ, and each can be made by itself."""
    output = await made("a cat", n=3, seed=40)
    assert (output.seed, output.seeds) == (40, [40, 41, 42])
    assert output.images[2].read() == (await data_of("a cat", seed=42))[0]
    assert len({each.read() for each in output.images}) == 3


@pytest.mark.parametrize("output_format", stub.FORMATS)
@pytest.mark.parametrize("prompt", ["two blue stars", "mountains"])
async def test_the_format_is_as_asked(prompt, output_format):
    """The bytes are of the format that was asked for."""
    assert (await picture(prompt, output_format=output_format)).format == output_format.upper()


@pytest.mark.parametrize("size", ["16x16", "17x400", "400x17", "640x480", "16x4096"])
@pytest.mark.parametrize("prompt", ["two blue stars and «Ω»", "a city at night", "a boat", "bubbles"])
async def test_the_size_is_as_asked(prompt, size):
    """Any size from 16 to 4096, and 1024x1024 where none was asked."""
    assert "{}x{}".format(*(await picture(prompt, size=size)).size) == size


async def test_the_usual_size():
    """Nothing asked, 1024x1024 made."""
    assert (await picture("a star", size=None)).size == (1024, 1024)


@pytest.mark.parametrize("output_format", ["png", "webp", "gif", None])
@pytest.mark.parametrize("prompt", ["a blue circle", "mountains"])
async def test_a_transparent_background_is_transparent(prompt, output_format):
    """The corners are clear, the middle is not, and the edge of what is painted keeps its colour."""
    image = (await picture(prompt, background="transparent", output_format=output_format, seed=1)).convert("RGBA")
    assert [image.getpixel(corner)[3] for corner in ((0, 0), (95, 0), (0, 63), (95, 63))] == [0] * 4
    assert image.getpixel((48, 32))[3] == 255
    if prompt == "a blue circle" and output_format in ("png", None):
        pixels = [image.getpixel((x, y)) for x in range(96) for y in range(64)]
        assert {pixel[:3] for pixel in pixels if 0 < pixel[3] < 255} == {(35, 90, 225)}


@pytest.mark.parametrize("background", ["opaque", None])
async def test_otherwise_there_is_no_alpha(background):
    """A picture is opaque unless asked otherwise."""
    assert (await picture(background=background)).mode == "RGB"


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
async def test_compression_makes_the_file_smaller(output_format):
    """The lower, the fewer bytes."""
    sizes = [
        len((await data_of("a city", output_format=output_format, output_compression=quality, seed=1))[0])
        for quality in (0, 50, 100)
    ]
    assert sizes == sorted(set(sizes))


async def test_painting_leaves_the_event_loop_free():
    """Other work goes on while a picture is made."""
    painting, turns = asyncio.ensure_future(made("mountains", size="1024x1024")), 0
    while not painting.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5


async def test_latency_is_waited():
    """As long as was asked, and not at all otherwise."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    await made("a star", size="16x16", options={"latency_s": 0.1})
    assert loop.time() - start >= 0.1


def aged(job: RemoteJob, seconds: float) -> RemoteJob:
    """The job as text would bring it to another process, accepted so many seconds earlier."""
    fields = json.loads(json.dumps(dataclasses.asdict(job), default=str))
    data = {**fields["data"], "accepted_at": time.time() - seconds}
    return RemoteJob(**{**fields, "data": data})


SLOW = {"queue_s": 30, "render_s": 60}


async def test_a_slow_job_waits_then_renders_then_is_done():
    """Queued with a position, then in progress, then the pictures of the same request made at once."""
    job = await made("a cat", model="slow", options=SLOW, seed=3, output_format="webp")
    states = [await Stub().poll(aged(job, seconds), CALL) for seconds in (0, 29, 75, 91)]
    assert states[0] == Running("queued", queue_position=3, queued=True)
    assert states[1] == Running("queued", queue_position=1, queued=True)
    assert states[2].status == "rendering"
    assert states[2].progress == pytest.approx(0.75, abs=0.05)
    assert states[3].images[0].read() == (await data_of("a cat", seed=3, output_format="webp"))[0]
    assert states[3].seed == 3


async def test_a_slow_job_draws_its_seed_when_it_is_accepted():
    """However often the result is fetched, it is the same."""
    job = await made("a cat", model="slow")
    first, second = [await Stub().poll(aged(job, 10), CALL) for _ in range(2)]
    assert first.images[0].read() == second.images[0].read()


async def test_a_slow_job_comes_soon_by_default():
    """It can be waited for in a test or a demonstration."""
    job = await made("a star", model="slow")
    for _ in range(100):
        if isinstance(state := await Stub().poll(job, CALL), Output):
            break
        await asyncio.sleep(0.05)
    assert len(state.images) == 1


async def test_another_process_can_finish_a_slow_job():
    """All that is needed travels in the job."""
    job = await made('"WAIT" left of two stars', model="slow", seed=5, background="transparent")
    text = json.dumps(dataclasses.asdict(aged(job, 10)), default=str)
    code = (
        "import asyncio, hashlib, json, math, sys; from imagegen import *; from imagegen_providers.stub import Stub;"
        "call = Call(endpoint=None, http=None, deadline=math.inf);"
        "output = asyncio.run(Stub().poll(RemoteJob(**json.loads(sys.argv[1])), call));"
        "print(hashlib.sha256(output.images[0].read()).hexdigest())"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, text], capture_output=True, text=True)
    ours = await data_of('"WAIT" left of two stars', seed=5, background="transparent")
    assert done.stdout.strip() == hashlib.sha256(ours[0]).hexdigest(), done.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"model": "oracle"},
        {"n": "many"},
        {"n": 10**9},
        {"size": [99999, 99999]},
        {"request": {"prompt": "a", "images": ["/etc/hostname"]}, "operation": "edit"},
        {"request": None},
    ],
)
async def test_a_job_that_is_not_ours_is_refused(change):
    """What comes back from a disk is not trusted."""
    job = aged(await made(model="slow"), 10)
    with pytest.raises(InvalidRequestError):
        await Stub().poll(dataclasses.replace(job, data={**job.data, **change}), CALL)
    with pytest.raises(InvalidRequestError):
        await Stub().poll(RemoteJob("1"), CALL)


async def test_a_slow_job_says_what_it_costs():
    """On acceptance and with the result, as in the catalogue."""
    job = await made(model="slow")
    listed = catalogue.find_model("stub", "slow").prices[0].usd
    assert job.cost_usd == (await Stub().poll(aged(job, 10), CALL)).cost_usd == listed


@pytest.mark.parametrize(
    ("size", "quality", "tokens"),
    [
        ("1024x1024", "low", 272),
        ("1024x1024", None, 1056),
        ("1024x1024", "high", 4160),
        ("1024x1536", "low", 408),
        ("1536x1024", "low", 400),
        ("320x240", "low", 400),
        ("64x64", "low", 272),
        ("50x400", "low", 408),
    ],
)
async def test_metered_counts_tokens(size, quality, tokens):
    """Of text one for every four bytes begun; of pictures those of the most similar size in the table."""
    output = await made("ñññññ", model="metered", size=size, quality=quality, n=2)
    assert output.usage == Usage(text_input_tokens=3, image_input_tokens=0, image_output_tokens=2 * tokens)
    assert output.cost_usd is None


@pytest.mark.parametrize(("prompt", "options"), [("a cat", {"refuse": True}), ("a Forbidden cat", {})])
@pytest.mark.parametrize("model", stub.MODELS)
async def test_a_prompt_can_be_refused(model, prompt, options):
    """On request, or for a word; nothing is billed."""
    with pytest.raises(ModerationError) as caught:
        await made(prompt, model=model, options=options)
    assert (caught.value.stage, caught.value.billed) == ("input", Billed.NO)


async def test_single_pictures_can_be_refused():
    """The others come; the refused one is not counted."""
    output = await made(model="metered", size="1024x1024", n=3, seed=1, options={"refuse_images": [1]})
    assert [type(each).__name__ for each in output.images] == ["PictureData", "ModerationError", "PictureData"]
    assert output.images[1].stage == "output"
    assert output.images[2].read() == (await data_of(model="metered", size="1024x1024", seed=3))[0]
    assert output.usage.image_output_tokens == 2 * 1056


async def test_sloppy_paints_its_own_scene():
    """It errs where it is told to, and paints as painter does where it is not."""
    right = {"count": 0, "colour": 1, "shape": 1}
    assert await data_of(model="sloppy", seed=1, options={"right": right}) != await data_of(seed=1)
    assert await data_of(model="sloppy", seed=1, options={"right": {**right, "count": 1}}) == await data_of(seed=1)


async def test_what_no_letter_is_there_for_is_left_out_and_said():
    """Never an empty box: the text is not written, and the result says so."""
    output = await made('two red stars above "\U0001f9ff\ue123 OK", and "abc"', seed=1, size="256x256")
    (entry,) = output.adaptations
    assert (entry.field, entry.asked, entry.sent) == ("prompt", "\U0001f9ff\ue123 OK", None)
    assert "\ue123" in entry.why
    assert "OK" not in entry.why


async def test_what_can_be_written_is_no_adaptation():
    """Latin with accents, Greek, Cyrillic, signs."""
    for text in ("Ünïcödé ñ Ł ı ş ě", "Ελληνικά άέή", "Русский ґєїў", "10 € – ½ ©"):
        assert not (await made(f"«{text}»")).adaptations


async def test_shapes_too_small_to_tell_apart_are_a_warning():
    """The picture comes, with what is wrong with it."""
    assert (await made("99 red circles", size="48x48")).warnings
    assert not (await made("99 red circles", size="512x512")).warnings


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model": "oracle"}, "bad_model"),
        ({"size": "8x64"}, "bad_size"),
        ({"size": "64x5000"}, "bad_size"),
        ({"n": 11}, "bad_n"),
        ({"partial_images": 9}, "bad_partial_images"),
        ({"output_format": "svg"}, "bad_output_format"),
        ({"model": "metered", "quality": "max"}, "bad_quality"),
    ],
)
async def test_what_it_cannot_do_is_refused(changes, code):
    """As a provider would: nothing is painted otherwise than asked."""
    with pytest.raises(InvalidRequestError) as caught:
        await made(**changes)
    assert caught.value.code == code


def test_the_catalogue_knows_the_models():
    """Every model, and every option for one of them at least."""
    models = catalogue.models_of("stub")
    assert tuple(models) == stub.MODELS
    listed = {name for model in models.values() for name in model.capabilities.options}
    assert listed == set(StubOptions.model_fields)


def test_an_option_it_does_not_have_is_refused():
    """A typo cannot pass."""
    for wrong in ({"latency": 1}, {"latency_s": -1}, {"right": {"taste": 1}}, {"right": {"count": 2}}):
        with pytest.raises(ValueError, match="validation error"):
            StubOptions(**wrong)


def test_the_plugin_offers_the_stub_only():
    """The hook answers for its own name."""
    assert stub.imagegen_provider("stub") is Stub
    assert stub.imagegen_provider("painter") is None
