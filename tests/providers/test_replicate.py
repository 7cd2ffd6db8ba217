"""To Replicate and back: requests in its models' words and what its answers mean, against samples."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image
from samples import reply_of, request_of, sample

import imagegen
from imagegen import (
    ConfigurationError,
    ImageRequest,
    RemoteJob,
    Task,
    UnsupportedError,
)
from imagegen.catalogue import find_model
from imagegen_providers.replicate import Replicate, ReplicateOptions, imagegen_provider

PROVIDER = Replicate()
HOST = "https://api.replicate.com/v1"
MODEL = "black-forest-labs/flux-schnell"
TASK = Task(ImageRequest(prompt="x"), MODEL, "generate")


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def body(model: str, **fields: Any) -> dict[str, Any]:
    """The model's input that would be sent."""
    return imagegen.plan("x", model=f"replicate:{model}", **fields).wires[0].json["input"]


@pytest.mark.parametrize(
    ("name", "model", "fields", "options"),
    [
        ("create_starting", MODEL, {"n": 1}, None),
        ("sync_wait_output_while_processing", MODEL, {"n": 1}, {"wait": True}),
        (
            "sync_data_uri_output",
            "stability-ai/sdxl:39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b",
            {},
            {"wait": 10},
        ),
        ("error_429", "x/y:x", {}, None),
        ("error_401", "x/y:73001d654114dad81ec65da3b834e2f691af1e1526453189b7bf36fb3f32d0f9", {}, None),
    ],
)
def test_request_is_that_of_the_sample(name, model, fields, options):
    """An official model by its name, any other by its version; waiting is a header."""
    method, url, wanted = request_of("replicate", name)
    request = ImageRequest(prompt=wanted["input"].get("prompt", "x"), **fields)
    known = find_model("replicate", model)
    task = Task(
        request,
        model,
        "generate",
        n=fields.get("n"),
        options=ReplicateOptions(**options) if options else None,
        capabilities=known.capabilities if known else None,
    )
    found = PROVIDER.wire(task)
    if not wanted["input"]:
        found.json["input"].clear()
    assert (found.method, HOST + found.path, found.json) == (method, url, wanted)
    assert found.headers.get("Prefer") == sample("replicate", name)["request"]["headers"].get("prefer")


@pytest.mark.parametrize("name", ["get_succeeded", "failed_safety"])
def test_state_is_asked_as_in_the_sample(name):
    """At the address that the submit's answer gave, or at the one of its id."""
    method, url, _ = request_of("replicate", name)
    given = sample("replicate", name)["response"]["body"]
    found = PROVIDER.poll(RemoteJob(given["id"], url=given["urls"]["get"]))
    bare = PROVIDER.poll(RemoteJob(given["id"]))
    assert (found.method, found.path, HOST + bare.path) == (method, url, url)


def test_job_is_stopped_where_the_answer_says():
    """With an empty POST."""
    job = PROVIDER.parse(reply_of("replicate", "create_starting"), TASK)
    assert isinstance(job, RemoteJob)
    found = PROVIDER.cancel(job)
    assert (found.method, found.path, found.json) == ("POST", f"{HOST}/predictions/{job.id}/cancel", None)


def test_deployment_has_its_own_address():
    """And no version."""
    found = PROVIDER.wire(Task(ImageRequest(prompt="x"), "deployments/acme/fox", "generate"))
    assert (found.path, found.json) == ("/deployments/acme/fox/predictions", {"input": {"prompt": "x"}})


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (MODEL, {}, {"aspect_ratio": "1:1", "go_fast": True, "megapixels": "1", "output_format": "webp"}),
        (MODEL, {"output_format": "jpeg", "output_compression": 70}, {"output_format": "jpg", "output_quality": 70}),
        (MODEL, {"n": 3}, {"num_outputs": 3}),
        (
            "black-forest-labs/flux-2-pro",
            {"size": "512x768"},
            {"aspect_ratio": "custom", "width": 512, "height": 768},
        ),
        ("black-forest-labs/flux-1.1-pro", {"seed": 3}, {"width": 1024, "height": 1024, "safety_tolerance": 2}),
        ("recraft-ai/recraft-v3", {"aspect_ratio": "1365:1024"}, {"size": "1365x1024"}),
        ("ideogram-ai/ideogram-v3-turbo", {}, {"magic_prompt_option": "Auto"}),
        ("someone/new", {"size": "96x32", "options": {"replicate": {"input": {"scheduler": "K"}}}}, {"width": 96}),
    ],
)
def test_request_in_the_models_words(model, fields, sent):
    """Sizes, formats and numbers as each model has them, and hidden defaults stated."""
    assert sent.items() <= body(model, **fields).items()


@pytest.mark.parametrize(
    ("model", "field", "several"),
    [
        ("black-forest-labs/flux-kontext-pro", "input_image", False),
        ("black-forest-labs/flux-2-pro", "input_images", True),
        ("black-forest-labs/flux-1.1-pro", "image_prompt", False),
        ("someone/new", "image", False),
    ],
)
def test_input_picture_has_the_models_own_name(model, field, several):
    """One link or a list of them; never the numbered names that one client sends."""
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert body(model, images=[png()])[field] == ([url] if several else url)


def test_svg_has_no_word():
    """The model that makes it makes nothing else."""
    assert "output_format" not in body("recraft-ai/recraft-v3-svg", output_format="svg")


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (MODEL, {"images": [png()]}, "cannot edit"),
        (MODEL, {"size": "1000x300"}, "ratio"),
        ("black-forest-labs/flux-kontext-pro", {"images": [png(), png()]}, "at most 1"),
        ("someone/new", {"images": [png(), png()]}, "one picture"),
        ("black-forest-labs/flux-2-pro", {"options": {"replicate": {"go_fast": True}}}, "go_fast"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_sending(model, fields, words):
    """Nothing is sent, so nothing is paid."""
    with pytest.raises(UnsupportedError, match=words):
        body(model, **fields)


@pytest.mark.parametrize("options", [{"wait": 61}, {"wait": -1}, {"cancel_after": "soon"}, {"num_outputs": 2}])
def test_options_that_do_not_exist_are_refused(options):
    """A typo cannot pass, not even for a model that nobody knows."""
    with pytest.raises(ConfigurationError):
        body("someone/new", options={"replicate": options})


def test_plugin_offers_replicate_alone():
    """The hook answers to its own name."""
    assert (imagegen_provider("replicate"), imagegen_provider("fal")) == (Replicate, None)
