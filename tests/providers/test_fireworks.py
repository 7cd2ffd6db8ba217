"""Fireworks: samples in both directions, and the real client against a strict fake."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from fakes.fireworks import KEY, FakeFireworks
from fakes.openai_inputs import area, half_and_half
from samples import reply_of, request_of, sample

import imagegen
from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    Connection,
    DeadlineExceededError,
    ImageRequest,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    QuotaError,
    RemoteJob,
    Reply,
    Running,
    Task,
    UnsupportedError,
)
from imagegen.catalogue import find_model, models_of
from imagegen.http.status import checked
from imagegen_providers.fireworks import Fireworks, FireworksOptions, imagegen_provider

PROVIDER = Fireworks()
HOST = "https://api.fireworks.ai/inference/v1"
TASK = Task(ImageRequest(prompt="x"), "flux-1-dev-fp8", "generate")
JOB = RemoteJob("test-request-123", data={"model": "flux-kontext-pro"})


def task(model: str, operation: Any = "generate", options: Any = None, **fields: Any) -> Task:
    known = find_model("fireworks", model)
    assert known is not None
    return Task(ImageRequest(**fields), model, operation, options=options, capabilities=known.capabilities)


@pytest.mark.parametrize(
    "name", ["text_to_image_json", "text_to_image_filtered_200", "text_to_image_binary", "error_400_plain_text"]
)
def test_request_is_that_of_the_sample(name):
    """Always as JSON: a filtered picture in bytes is black, and nothing says so."""
    _, url, wanted = request_of("fireworks", name)
    wanted |= {"prompt": wanted["prompt"] or "x"}  # an empty one is refused before it is sent
    fields = {key: wanted[key] for key in ("prompt", "aspect_ratio", "seed") if key in wanted}
    steps = {key: wanted[key] for key in wanted if key == "num_inference_steps"}
    model = url.split("/")[-2]
    found = PROVIDER.wire(task(model, options=FireworksOptions(**steps), **fields))
    assert (HOST + found.path, found.json, found.headers) == (url, wanted, {"Accept": "application/json"})


def test_edit_is_that_of_the_sample():
    """One picture, as a data URL."""
    _, url, wanted = request_of("fireworks", "kontext_submit")
    picture = base64.b64decode(wanted["input_image"].partition(",")[2])
    asked = task("flux-kontext-pro", "edit", prompt=wanted["prompt"], images=[picture], aspect_ratio="1:1")
    found = PROVIDER.wire(asked)
    assert (HOST + found.path, found.json) == (url, wanted)


@pytest.mark.parametrize("name", ["kontext_poll_pending", "kontext_poll_ready", "kontext_poll_error"])
def test_state_is_asked_as_in_the_sample(name):
    """With POST, and the job's id in the body."""
    found = PROVIDER.poll(JOB)
    assert (found.method, HOST + found.path, found.json) == request_of("fireworks", name)


def test_answers_of_the_samples():
    """A picture and its seed; a job; its states and its end."""
    made = PROVIDER.parse(reply_of("fireworks", "text_to_image_json"), TASK)
    assert isinstance(made, Output)
    assert isinstance(made.images[0], PictureData)
    assert (made.images[0].read()[:4], made.seed) == (b"\x89PNG", 42)
    job = PROVIDER.parse(reply_of("fireworks", "kontext_submit"), task("flux-kontext-pro", prompt="x"))
    assert job == JOB
    assert PROVIDER.parse_poll(reply_of("fireworks", "kontext_poll_pending"), JOB) == Running("Pending")
    ready = PROVIDER.parse_poll(reply_of("fireworks", "kontext_poll_ready"), JOB)
    assert isinstance(ready, Output)
    assert ready.images == [ImageUrl("https://example.com/image.png")]
    with pytest.raises(ProviderError) as raised:
        PROVIDER.parse_poll(reply_of("fireworks", "kontext_poll_error"), JOB)
    assert raised.value.billed is Billed.UNKNOWN


def test_bytes_of_the_sample_are_a_picture():
    """Should one come so all the same."""
    content = base64.b64decode(sample("fireworks", "text_to_image_binary")["response"]["body"])
    reply = Reply(200, {"content-type": "image/png"}, b"", picture=PictureData(content))
    made = PROVIDER.parse(reply, TASK)
    assert isinstance(made, Output)
    assert isinstance(made.images[0], PictureData)


def test_filtered_sample_is_a_refusal():
    """HTTP 200 and a black picture."""
    made = PROVIDER.parse(reply_of("fireworks", "text_to_image_filtered_200"), TASK)
    assert isinstance(made, Output)
    assert isinstance(made.images[0], ModerationError)


def test_error_sample_is_plain_text():
    """In its own words."""
    told = sample("fireworks", "error_400_plain_text")["response"]
    with pytest.raises(InvalidRequestError, match="Bad Request"):
        checked(Reply.of(told["body"].encode(), status=400), PROVIDER.read_error)


def test_suspended_account():
    """412: no other call mends it."""
    with pytest.raises(QuotaError, match="suspended"):
        checked(Reply.of({"error": {"message": "pay"}}, status=412), PROVIDER.read_error)


@pytest.mark.parametrize(("body", "reason"), [(b"", "empty"), (b'{"base64": []}', "empty"), (b"<html>", "unreadable")])
def test_success_without_a_picture(body, reason):
    """An empty 200 has been seen."""
    with pytest.raises(BadOutputError) as raised:
        PROVIDER.parse(Reply.of(body), TASK)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        ("flux-1-dev-fp8", {"images": [half_and_half()]}, "cannot edit"),
        ("flux-kontext-pro", {"images": [half_and_half()], "mask": area()}, "no mask"),
        ("flux-kontext-pro", {"images": [half_and_half()] * 2}, "at most 1"),
        ("flux-1-dev-fp8", {"negative_prompt": "rain"}, "negative_prompt"),
        ("new-model", {}, "family"),
        ("new-model", {"images": [half_and_half()], "options": {"fireworks": {"family": "flux"}}}, "one picture"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_sending(model, fields, words):
    """Nothing is sent, so nothing is paid."""
    with pytest.raises(UnsupportedError, match=words):
        imagegen.plan("x", model=f"fireworks:{model}", **fields)


@pytest.mark.parametrize(
    ("model", "fields", "amount"),
    [
        ("flux-1-schnell-fp8", {}, "0.0014"),
        ("flux-1-dev-fp8", {"n": 2}, "0.028"),
        ("flux-1-dev-fp8", {"options": {"fireworks": {"num_inference_steps": 10}}}, None),
        ("flux-kontext-max", {}, "0.08"),
        ("stable-diffusion-xl-1024-v1-0", {}, "0.0039"),
    ],
)
def test_published_prices(model, fields, amount):
    """By step, of which the list knows the usual number only."""
    cost = imagegen.plan("x", model=f"fireworks:{model}", **fields).cost
    assert cost.amount_usd == (None if amount is None else Decimal(amount))


def test_every_fact_has_its_source():
    """And the day it was read; every option is one of the module."""
    named = set()
    for model in models_of("fireworks").values():
        rules = [*model.capabilities.parameters.values(), *model.capabilities.options.values(), *model.prices]
        for fact in (model, model.capabilities.sizes, *rules):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)
        named |= set(model.capabilities.options)
    assert named == FireworksOptions.model_fields.keys()
    assert (imagegen_provider("fireworks"), imagegen_provider("bfl")) == (Fireworks, None)


def client(server: FakeFireworks, api_key: str = KEY) -> imagegen.AsyncClient:
    connection = Connection(api_key=api_key, base_url=server.base_url, allow_private=True)
    return imagegen.AsyncClient(connections={"fireworks": connection}, timeout_s=20)


@pytest.mark.anyio
@pytest.mark.parametrize("model", sorted(models_of("fireworks")))
async def test_planned_requests_are_taken(model):
    """What planning sends for each model, hidden defaults included, the strict service takes."""
    async with FakeFireworks() as server, client(server) as asking:
        result = await asking.generate("a fox", model=f"fireworks:{model}", seed=7, n=2)
    assert (len(result.images), len(server.bodies), server.leaks) == (2, 2, [])
    assert result.images[1].seed == 8


@pytest.mark.anyio
async def test_picture_is_changed():
    """A job, asked about until it is ready; its file is fetched without the key."""
    async with FakeFireworks() as server, client(server) as asking:
        result = await asking.edit("moss", model="fireworks:flux-kontext-pro", images=[half_and_half((64, 64))])
    assert (result.image.media_type, len(server.polls), server.leaks) == ("image/jpeg", 2, [])
    assert server.bodies[0]["input_image"].startswith("data:image/png;base64,")


@pytest.mark.anyio
async def test_picture_is_changed_by_an_older_model():
    """A form with the file; steps and guidance under that form's names, and how much of the picture stays."""
    model, tuned = (
        "fireworks:stable-diffusion-xl-1024-v1-0",
        {"fireworks": {"guidance_scale": 7, "image_strength": 0.5}},
    )
    async with FakeFireworks() as server, client(server) as asking:
        result = await asking.edit("moss", model=model, images=[half_and_half((64, 64))])
        await asking.edit("moss", model=model, images=[half_and_half((64, 64))], options=tuned, seed=3)
        with pytest.raises(UnsupportedError, match="as a file"):
            await asking.edit("moss", model=model, images=["https://pictures.example/a.png"])
    assert len(result.images) == 1
    assert {"steps": "30", "image_strength": "0.35", "init_image_mode": "IMAGE_STRENGTH"}.items() <= server.bodies[
        0
    ].items()
    assert {"cfg_scale": "7.0", "image_strength": "0.5", "seed": "3"}.items() <= server.bodies[1].items()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("state", "kind"),
    [("Content Moderated", ModerationError), ("Error", ProviderError), ("Task not found", DeadlineExceededError)],
)
async def test_job_that_ends_without_a_picture(state, kind):
    """Refused, failed or gone: told once, and submitted once."""
    async with FakeFireworks(states=[state]) as server, client(server) as asking:
        with pytest.raises(kind):
            await asking.generate("a fox", model="fireworks:flux-kontext-pro")
    assert len(server.bodies) == 1


@pytest.mark.anyio
async def test_trouble_at_once():
    """A filtered picture, an empty answer, a wrong key."""
    async with FakeFireworks(finish="CONTENT_FILTERED") as server:
        async with client(server) as asking:
            with pytest.raises(ModerationError):
                await asking.generate("a fox", model="fireworks:flux-1-dev-fp8")
            server.next_answers = [(200, b"", "application/json")]
            with pytest.raises(BadOutputError):
                await asking.generate("a fox", model="fireworks:flux-1-dev-fp8")
        async with client(server, "fw-other-key-00000000000") as asking:
            with pytest.raises(AuthenticationError):
                await asking.generate("a fox", model="fireworks:flux-1-dev-fp8")
    assert len(server.bodies) == 3
