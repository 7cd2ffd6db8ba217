"""To fal: every request in its models' words, against samples, and what they cannot do."""

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
    Wire,
)
from imagegen.catalogue import find_model
from imagegen_providers.fal import Fal, FalOptions, imagegen_provider

PROVIDER = Fal()
HOST = "https://queue.fal.run"
TASK = Task(ImageRequest(prompt="x"), "fal-ai/flux/dev", "generate")


def accepted() -> RemoteJob:
    """The job of the sample."""
    found = PROVIDER.parse(reply_of("fal", "queue_submit_edit"), TASK)
    assert isinstance(found, RemoteJob)
    return found


def png(width: int = 64, height: int = 64) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def plan(model: str, **fields: Any) -> imagegen.Plan:
    return imagegen.plan("x", model=f"fal:{model}", **fields)


def body(model: str, **fields: Any) -> dict[str, Any]:
    """What would be sent."""
    return plan(model, **fields).wires[0].json


def test_edit_is_that_of_the_sample():
    """Pictures as links or data URLs in the model's own field; the tolerance is a text."""
    _, url, wanted = request_of("fal", "queue_submit_edit")
    model = "fal-ai/flux-2-pro/edit"
    known, first = find_model("fal", model), wanted["image_urls"][1].partition(",")[2]
    request = ImageRequest(
        prompt=wanted["prompt"],
        images=[wanted["image_urls"][0], base64.b64decode(first)],
        size="1024x768",
        seed=7,
        output_format="png",
    )
    options = FalOptions(safety_tolerance=2)
    found = PROVIDER.wire(Task(request, model, "edit", options=options, capabilities=known.capabilities))
    assert (HOST + found.path, found.json) == (url, wanted)


@pytest.mark.parametrize(
    ("name", "options"), [("error_504_timeout", {}), ("result_200_black_nsfw", {"enable_safety_checker": True})]
)
def test_bare_request_is_that_of_the_sample(name, options):
    """The same below another host: nothing is sent that nobody asked for."""
    _, url, wanted = request_of("fal", name)
    task = Task(ImageRequest(prompt=wanted["prompt"]), "fal-ai/flux/dev", "generate", options=FalOptions(**options))
    found = PROVIDER.wire(task)
    assert ("https://fal.run" + found.path, found.json) == (url, wanted)


@pytest.mark.parametrize("name", ["queue_status_in_progress", "queue_status_completed"])
def test_status_is_asked_as_in_the_sample(name):
    """At the address that was given, which drops a part of the model's id."""
    found = PROVIDER.poll(accepted())
    assert (found.method, f"{found.path}?logs={found.query['logs']}", found.json) == request_of("fal", name)


@pytest.mark.parametrize("name", ["queue_result_success", "result_422_content_policy"])
def test_result_is_asked_as_in_the_sample(name):
    """COMPLETED leads on to the result, which says what became of it."""
    found = PROVIDER.parse_poll(reply_of("fal", "queue_status_completed"), accepted())
    assert isinstance(found, Wire)
    assert (found.method, found.path, found.json) == request_of("fal", name)


def test_job_is_stopped_at_the_address_that_was_given():
    """With PUT; a job without one cannot be stopped."""
    found = PROVIDER.cancel(accepted())
    wanted = sample("fal", "queue_submit_edit")["response"]["body"]["cancel_url"]
    assert (found.method, found.path) == ("PUT", wanted)
    with pytest.raises(UnsupportedError):
        PROVIDER.cancel(RemoteJob("j"))


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        ("fal-ai/flux/dev", {}, {"image_size": {"width": 1024, "height": 768}, "enable_safety_checker": True}),
        ("fal-ai/flux/dev", {"n": 3}, {"num_images": 3, "num_inference_steps": 28, "output_format": "jpeg"}),
        ("fal-ai/flux-2-pro", {}, {"safety_tolerance": "2"}),
        ("fal-ai/flux-pro/v1.1-ultra", {}, {"aspect_ratio": "16:9", "raw": False}),
        ("fal-ai/flux-pro/kontext", {"images": [png()], "aspect_ratio": "18:12"}, {"aspect_ratio": "3:2"}),
        ("fal-ai/nano-banana-2", {"resolution": "2K"}, {"resolution": "2K", "enable_web_search": False}),
        ("fal-ai/nano-banana-2", {"options": {"fal": {"resolution": "0.5K"}}}, {"resolution": "0.5K"}),
        ("openai/gpt-image-2", {}, {"quality": "high"}),
        ("fal-ai/ideogram/v3", {"negative_prompt": "rain"}, {"negative_prompt": "rain", "expand_prompt": True}),
    ],
)
def test_request_in_the_models_words(model, fields, sent):
    """Sizes, ratios and tiers as each model has them, and hidden defaults stated."""
    assert sent.items() <= body(model, **fields).items()


@pytest.mark.parametrize(
    ("model", "field", "several"),
    [
        ("fal-ai/flux-pro/kontext", "image_url", False),
        ("fal-ai/nano-banana/edit", "image_urls", True),
        ("openai/gpt-image-2/edit", "image_urls", True),
        ("someone/new-model", "image_urls", True),
    ],
)
def test_input_picture_has_the_models_own_name(model, field, several):
    """One link or a list of them."""
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert body(model, images=[png()])[field] == ([url] if several else url)


def test_unknown_model_is_sent_as_asked():
    """Nothing is dropped; what it calls its picture can be said, and so can any field of its input."""
    options = {"fal": {"image_field": "image_url", "input": {"strength": 0.4}, "store_io": False}}
    (wire,) = plan("someone/new", images=[png()], size="96x32", seed=3, aspect_ratio=None, options=options).wires
    assert wire.path == "/someone/new"
    assert wire.headers == {"X-Fal-Store-IO": "0"}
    rest = {name: value for name, value in wire.json.items() if name != "image_url"}
    assert rest == {"prompt": "x", "image_size": {"width": 96, "height": 32}, "seed": 3, "strength": 0.4}
    assert wire.json["image_url"].startswith("data:image/png")


def test_settings_of_the_queue_are_headers():
    """And the plan shows them."""
    options = {"fal": {"queue_priority": "low", "start_timeout_s": 30}}
    wire = plan("fal-ai/flux/dev", options=options).wires[0]
    assert wire.to_dict()["headers"] == {"X-Fal-Queue-Priority": "low", "X-Fal-Request-Timeout": "30"}
    assert "queue_priority" not in wire.json


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        ("fal-ai/flux-2-pro", {"options": {"fal": {"guidance_scale": 4}}}, "guidance_scale"),
        ("fal-ai/flux-2-pro", {"options": {"fal": {"safety_tolerance": 6}}}, "1 to 5"),
        ("fal-ai/flux-2-pro", {"images": [png()]}, "cannot edit"),
        ("fal-ai/flux-2-pro/edit", {}, "cannot generate"),
        ("fal-ai/flux-pro/kontext", {"images": [png(), png()]}, "at most 1"),
        ("fal-ai/flux/dev", {"background": "transparent"}, "background"),
        ("fal-ai/nano-banana", {"resolution": "4K"}, "it has 1K"),
        ("openai/gpt-image-2/edit", {"images": [png()], "mask": png()}, "no mask"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_sending(model, fields, words):
    """Nothing is sent, so nothing is paid."""
    with pytest.raises(UnsupportedError, match=words):
        plan(model, **fields)


@pytest.mark.parametrize("options", [{"seeds": 1}, {"queue_priority": "high"}, {"safety_tolerance": 0}])
def test_options_that_do_not_exist_are_refused(options):
    """A typo cannot pass, not even for a model that nobody knows."""
    with pytest.raises(ConfigurationError):
        plan("someone/new", options={"fal": options})


def test_plugin_offers_fal_alone():
    """The hook answers to its own name."""
    assert (imagegen_provider("fal"), imagegen_provider("fal-ai")) == (Fal, None)
