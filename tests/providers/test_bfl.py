"""To BFL: every request in its words, against samples, and what it cannot do."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image
from samples import reply_of, request_of

import imagegen
from imagegen import (
    ConfigurationError,
    ImageRequest,
    RemoteJob,
    Task,
    UnsupportedError,
)
from imagegen.catalogue import find_model
from imagegen_providers.bfl import BFL, BFLOptions, imagegen_provider

PROVIDER = BFL()
HOST = "https://api.bfl.ai"


def png(width: int = 256, height: int = 256) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def task(model: str = "flux-2-pro", operation: str = "generate", options: Any = None, **fields: Any) -> Task:
    """A task made by hand: nothing is sent but what it says."""
    found = find_model("bfl", model)
    request = ImageRequest(**{"prompt": "x", **fields})
    return Task(request, model, operation, options=options, capabilities=found.capabilities if found else None)


def plan(model: str, **fields: Any) -> imagegen.Plan:
    return imagegen.plan("x", model=f"bfl:{model}", **fields)


def body(model: str, **fields: Any) -> dict[str, Any]:
    """What would be sent."""
    return plan(model, **fields).wires[0].json


# To BFL.


def test_flux_3_request_is_that_of_the_sample():
    """Planned from the words of any request: the tier in its words, every hidden default stated."""
    method, url, wanted = request_of("bfl", "submit_flux_3_image")
    found = imagegen.plan(wanted["prompt"], model="bfl:flux-3-image", aspect_ratio="16:9", policy="strict").wires[0]
    assert (found.method, HOST + found.path, found.json) == (method, url, wanted)


def test_flux_2_edit_is_that_of_the_sample():
    """Pictures are numbered from the second on: base64 without a head, or a URL."""
    _, url, asked = request_of("bfl", "submit_flux_2_pro_edit")
    found = PROVIDER.wire(
        task(
            operation="edit",
            options=BFLOptions(safety_tolerance=2),
            prompt=asked["prompt"],
            images=[base64.b64decode(asked["input_image"]), asked["input_image_2"]],
            size="1024x1024",
            seed=42,
            output_format="png",
        )
    )
    assert (HOST + found.path, found.json) == (url, asked)


@pytest.mark.parametrize("name", ["error_422_validation", "error_429_concurrency"])
def test_bare_request_is_that_of_the_sample(name):
    """What nobody asked for is left out."""
    _, url, wanted = request_of("bfl", name)
    found = PROVIDER.wire(task(url.rpartition("/")[2], **wanted))
    assert (HOST + found.path, found.json) == (url, wanted)


@pytest.mark.parametrize("name", ["poll_pending", "poll_ready", "poll_content_moderated_200"])
def test_poll_is_that_of_the_sample(name):
    """The polling URL is used as it was given: its host is not the one that took the request."""
    found = PROVIDER.poll(PROVIDER.parse(reply_of("bfl", "submit_flux_2_pro_edit"), task()))
    assert (found.method, found.path, found.json) == request_of("bfl", name)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.eu4.bfl.ai/v1/get_result", "https://api.eu4.bfl.ai/v1/get_result?id=7c1f"),
        ("https://api.eu4.bfl.ai/v1/get_result?a=1", "https://api.eu4.bfl.ai/v1/get_result?a=1&id=7c1f"),
        ("/v1/get_result?id=other", "/v1/get_result?id=other"),
        ("v1/get_result?id=other", "/v1/get_result?id=other"),
        ("//evil.example/?id=1", "/evil.example/?id=1"),
        (None, "/v1/get_result?id=7c1f"),
    ],
)
def test_polling_url_is_made_whole(url, path):
    """Without an id it gets one, a relative one stays at home, and a job without one is not lost."""
    assert PROVIDER.poll(RemoteJob("7c1f", url=url)).path == path


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        ("flux-2-pro", {}, {"width": 1024, "height": 1024, "prompt_upsampling": True, "safety_tolerance": 2}),
        ("flux-2-pro", {"aspect_ratio": "16:9"}, {"width": 1536, "height": 864}),
        ("flux-2-flex", {}, {"steps": 50, "guidance": 4.5, "output_format": "jpeg"}),
        ("flux-pro-1.1", {}, {"width": 1024, "height": 768, "prompt_upsampling": False}),
        ("flux-pro-1.1-ultra", {}, {"aspect_ratio": "16:9", "raw": False}),
        ("flux-pro-1.1-ultra", {"aspect_ratio": "13:10"}, {"aspect_ratio": "13:10"}),
        ("flux-kontext-pro", {}, {"aspect_ratio": "1:1"}),
        ("flux-3-image", {"resolution": "4K"}, {"resolution": "4k", "grounding": False}),
        ("flux-3-image", {"options": {"bfl": {"resolution": "768sq", "grounding": True}}}, {"resolution": "768sq"}),
        ("flux-3-image", {"size": "1024x1024"}, {"aspect_ratio": "1:1", "resolution": "1k"}),
    ],
)
def test_request_in_flux_words(model, fields, sent):
    """Sizes, ratios and tiers translated, and hidden defaults stated."""
    assert sent.items() <= body(model, **fields).items()


def test_grounding_is_off_and_seen():
    """The service would search the web with the prompt: it is told not to, and the plan shows it."""
    assert plan("flux-3-image").defaults == {"resolution": "1K", "grounding": False, "safety_tolerance": 2} | {
        "aspect_ratio": "auto"
    }
    assert body("flux-3-image", options={"bfl": {"grounding": True}})["grounding"] is True


def test_flux_3_takes_no_seed():
    """The seed would be a 422: it is dropped, and told; klein's unconfirmed fields are not sent either."""
    for model in ("flux-3-image", "flux-3-image-klein"):
        found = plan(model, seed=7)
        assert "seed" not in found.wires[0].json
        assert [each.field for each in found.adaptations] == ["seed"]


@pytest.mark.parametrize(
    ("model", "name", "several"),
    [
        ("flux-3-image", "images", True),
        ("flux-2-klein-4b", "input_image", False),
        ("flux-kontext-max", "input_image", False),
        ("flux-pro-1.1", "image_prompt", False),
        ("flux-pro-1.1-ultra", "image_prompt", False),
        ("flux-pro-1.0-fill", "image", False),
    ],
)
def test_input_picture_has_the_models_own_name(model, name, several):
    """Fill says `image`, where all other edits say something else."""
    text = base64.b64encode(png()).decode()
    assert body(model, images=[png()])[name] == ([text] if several else text)


def test_mask_keeps_its_polarity():
    """White repaints at BFL too; a mask of transparency is turned into that."""
    mask = Image.new("RGBA", (256, 256), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 100, 50))
    sent = Image.open(io.BytesIO(base64.b64decode(body("flux-pro-1.0-fill", images=[png()], mask=mask)["mask"])))
    assert (sent.mode, sent.getbbox(), sent.getpixel((99, 49)), sent.getpixel((0, 50))) == (
        "L",
        (0, 0, 100, 50),
        255,
        0,
    )


def test_picture_is_not_printed_in_a_plan():
    """Only how long it is."""
    shown = plan("flux-2-pro", images=[png(1200, 1200)]).wires[0].to_dict()["json"]["input_image"]
    assert shown.startswith("base64,<")


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        ("flux-2-pro", {"mask": png(), "images": [png()]}, "no mask"),
        ("flux-2-pro", {"negative_prompt": "rain"}, "negative_prompt"),
        ("flux-2-pro", {"background": "transparent"}, "background"),
        ("flux-2-pro", {"output_format": "svg"}, "output_format"),
        ("flux-2-pro", {"images": [png()] * 9}, "at most 8"),
        ("flux-3-image", {"images": [png(255, 300)]}, "256 px"),
        ("flux-3-image", {"size": "512x512"}, "size"),
        ("flux-3-image", {"resolution": "1K", "options": {"bfl": {"resolution": "1.5k"}}}, "two answers"),
        ("flux-3-image", {"options": {"bfl": {"safety_tolerance": 5}}}, "0 to 4"),
        ("flux-kontext-pro", {"images": [png()], "options": {"bfl": {"safety_tolerance": 3}}}, "0 to 2"),
        ("flux-kontext-pro", {"aspect_ratio": "3:1"}, "nearest: 7:3"),
        ("flux-pro-1.1-ultra", {"resolution": "4K"}, "it has 2K"),
        ("flux-pro-1.1", {"images": ["https://pictures.example/a.png"]}, "fetches no pictures"),
        ("flux-pro-1.0-fill", {}, "cannot generate"),
        ("flux-pro-1.0-fill", {"images": [png()], "size": "512x512"}, "follows from the input"),
        ("flux-pro-1.0-expand", {"images": [png()]}, "needs a margin"),
        ("flux-dev", {"images": [png()]}, "at most 0|cannot edit"),
    ],
)
def test_what_flux_cannot_do_is_refused_before_sending(model, fields, words):
    """Nothing is sent, so nothing is paid."""
    with pytest.raises(UnsupportedError, match=words):
        plan(model, **fields)


def test_kontext_without_an_input_tolerates_more():
    """The lower limit is for edits."""
    assert body("flux-kontext-pro", options={"bfl": {"safety_tolerance": 6}})["safety_tolerance"] == 6


@pytest.mark.parametrize("options", [{"safety": 2}, {"top": 4000}, {"resolution": "1k"}, {"steps": 0}])
def test_options_that_do_not_exist_are_refused(options):
    """A typo cannot pass."""
    with pytest.raises(ConfigurationError):
        plan("flux-2-flex", options={"bfl": options})


def test_several_pictures_are_several_calls():
    """One picture a call, each with a seed of its own; also for models that nobody knows yet."""
    assert [wire.json["seed"] for wire in plan("flux-2-pro", n=3, seed=5).wires] == [5, 6, 7]
    found = plan("flux-9", n=2, size="640x480", seed=1, aspect_ratio=None)
    assert [wire.json for wire in found.wires] == [
        {"prompt": "x", "seed": seed, "width": 640, "height": 480} for seed in (1, 2)
    ]


def test_plugin_offers_bfl_alone():
    """The hook answers to its own name."""
    assert (imagegen_provider("bfl"), imagegen_provider("flux")) == (BFL, None)
