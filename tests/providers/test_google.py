"""To and from Google: the translation of requests and answers, against samples."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image
from samples import request_of

import imagegen
from imagegen import (
    ConfigurationError,
    Connection,
    ImageRequest,
    Task,
    UnsupportedError,
)
from imagegen_providers.google import Google, GoogleOptions, imagegen_provider

PROVIDER = Google()
HOST = "https://generativelanguage.googleapis.com/v1beta"
VERTEX = "https://aiplatform.googleapis.com/v1/projects/demo-project/locations/global/publishers/google"
NANO = "gemini-nano-banana-2.1"


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def plan(model: str = NANO, base_url: str | None = None, **fields: Any) -> imagegen.Plan:
    connection = Connection("google", base_url=base_url, api_key="k" * 20)
    with imagegen.Client(connections={"google": connection}) as client:
        return client.plan(fields.pop("prompt", "x"), model=f"google:{model}", **fields)


def body(model: str = NANO, **fields: Any) -> dict[str, Any]:
    """What would be sent."""
    return plan(model, **fields).wires[0].json


def config(model: str = NANO, **fields: Any) -> dict[str, Any]:
    return body(model, **fields)["generationConfig"]


def test_request_is_that_of_the_sample():
    """Ratio, tier and seed, planned as a caller would have it."""
    _, url, wanted = request_of("google", "generate_content_text_to_image")
    prompt = wanted["contents"][0]["parts"][0]["text"]
    (wire,) = plan(prompt=prompt, aspect_ratio="16:9", resolution="2K", seed=7).wires
    assert (HOST + wire.path, wire.json) == (url, wanted)


def test_edit_is_that_of_the_sample():
    """The instruction, then the pictures; the ratio is left to follow the input, the tier is stated."""
    _, url, wanted = request_of("google", "generate_content_edit_two_references")
    text, *pictures = wanted["contents"][0]["parts"]
    images = [base64.b64decode(each["inlineData"]["data"]) for each in pictures]
    (wire,) = plan(prompt=text["text"], images=images, options={"google": {"text": True}}).wires
    assert (HOST + wire.path, wire.json) == (url, wanted)


def test_vertex_request_is_that_of_the_sample():
    """The same below another address, with what only Vertex takes."""
    _, url, wanted = request_of("google", "vertex_generate_content")
    options = {
        "person_generation": "ALLOW_ADULT",
        "output_mime_type": "image/jpeg",
        "compression_quality": 80,
        "labels": {"team": "demo"},
    }
    prompt = wanted["contents"][0]["parts"][0]["text"]
    (wire,) = plan("gemini-3-pro-image", VERTEX, prompt=prompt, options={"google": options}).wires
    assert (VERTEX + wire.path, wire.json) == (url, wanted)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("refusal_prompt_blocked", None),
        ("refusal_output_image_safety", None),
        ("error_429_retry_info", None),
        ("no_image_text_only", GoogleOptions(text=True)),
    ],
)
def test_bare_request_is_that_of_the_sample(name, options):
    """Nothing is sent that neither the caller nor the catalogue named."""
    _, url, wanted = request_of("google", name)
    request = ImageRequest(prompt=wanted["contents"][0]["parts"][0]["text"])
    wire = PROVIDER.wire(Task(request, NANO, "generate", options=options))
    assert (HOST + wire.path, wire.json) == (url, wanted)


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (NANO, {}, {"aspectRatio": "1:1", "imageSize": "1K"}),
        (NANO, {"size": "2048x2048"}, {"aspectRatio": "1:1", "imageSize": "2K"}),
        (NANO, {"aspect_ratio": "8:1"}, {"aspectRatio": "8:1", "imageSize": "1K"}),
        ("gemini-3-pro-image", {"resolution": "4K"}, {"aspectRatio": "1:1", "imageSize": "4K"}),
        (NANO, {"images": [png()]}, {"imageSize": "1K"}),
        (NANO, {"images": [png()], "aspect_ratio": "3:2"}, {"aspectRatio": "3:2", "imageSize": "1K"}),
    ],
)
def test_size_in_geminis_words(model, fields, sent):
    """A ratio and a tier with a capital letter; hidden defaults stated; an edit follows its input."""
    assert config(model, **fields)["imageConfig"] == sent


def test_model_without_tiers_gets_none():
    """The oldest, which only Vertex still has, makes about a megapixel; another has a smaller tier."""
    assert config("gemini-2.5-flash-image", base_url=VERTEX)["imageConfig"] == {"aspectRatio": "1:1"}
    small = config("gemini-3.1-flash-image", base_url=VERTEX, options={"google": {"resolution": "512"}})
    assert small["imageConfig"]["imageSize"] == "512"


def test_options_have_their_places():
    """In the configuration, or beside the message."""
    options = {
        "thinking_level": "high",
        "google_search": True,
        "system_instruction": "be brief",
        "safety_settings": {"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"},
    }
    found = body(options={"google": options})
    assert found["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "HIGH"}
    assert found["tools"] == [{"google_search": {}}]
    assert found["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert found["safetySettings"] == [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]


def test_several_pictures_are_several_calls():
    """There is no n: each call makes one, with a seed of its own."""
    tasks = plan(n=3, seed=5).wires
    assert [each.json["generationConfig"]["seed"] for each in tasks] == [5, 6, 7]


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (NANO, {"images": [png()], "mask": png()}, "no mask"),
        (NANO, {"negative_prompt": "rain"}, "negative_prompt"),
        (NANO, {"background": "transparent"}, "background"),
        (NANO, {"options": {"google": {"resolution": "512"}}}, "resolution"),
        (NANO, {"options": {"google": {"labels": {"a": "b"}}}}, "only Vertex takes labels"),
        (NANO, {"images": [png()] * 15}, "at most 14"),
        ("gemini-3.1-flash-lite-image", {"resolution": "2K"}, "it has 1K"),
        ("gemini-3.1-flash-lite-image", {"options": {"google": {"google_search": True}}}, "google_search"),
        ("gemini-3.1-flash-image", {}, "use google:gemini-nano-banana-2.1"),
        ("gemini-2.5-flash-image", {}, "shut down on 2026-10-02"),
        ("imagen-4.0-generate-001", {}, "shut down on 2026-08-17"),
        ("gemini-3.8-flash", {}, "cannot generate"),
        ("gemini-4-image", {"size": "64x64"}, "has no size"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_sending(model, fields, words):
    """Nothing is sent, so nothing is paid; nothing is dropped for a model that nobody knows."""
    with pytest.raises(UnsupportedError, match=words):
        plan(model, **fields)


@pytest.mark.parametrize("options", [{"thinkingLevel": "high"}, {"thinking_level": "HIGH"}, {"output_mime_type": "x"}])
def test_options_that_do_not_exist_are_refused(options):
    """A typo cannot pass."""
    with pytest.raises(ConfigurationError):
        plan(options={"google": options})


def test_plugin_offers_google_alone():
    """The hook answers to its own name."""
    assert (imagegen_provider("google"), imagegen_provider("gemini")) == (Google, None)
