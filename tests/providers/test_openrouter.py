"""To and from OpenRouter: the translation of requests and answers, against samples."""

from __future__ import annotations

import base64
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from samples import reply_of, request_of, sample

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ConfigurationError,
    ImageRequest,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    Output,
    Partial,
    PictureData,
    ProviderError,
    QuotaError,
    Reply,
    ServerEvent,
    Task,
    UnsupportedError,
    Usage,
)
from imagegen.catalogue import models_of
from imagegen.http.status import checked
from imagegen_providers.openrouter import OpenRouter, OpenRouterOptions, imagegen_provider

PROVIDER = OpenRouter()
HOST = "https://openrouter.ai/api/v1"
SEEDREAM = "bytedance-seed/seedream-4.5"
TASK = Task(ImageRequest(prompt="x"), SEEDREAM, "generate")


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def plan(model: str = SEEDREAM, **fields: Any) -> imagegen.Plan:
    return imagegen.plan(fields.pop("prompt", "x"), model=f"openrouter:{model}", **fields)


def body(model: str = "new/model", **fields: Any) -> dict[str, Any]:
    """What would be sent."""
    return plan(model, **fields).wires[0].json


def test_request_is_that_of_the_sample():
    """Planned as a caller would have it, routing and a provider's own field included."""
    _, url, wanted = request_of("openrouter", "images_text_to_image")
    options = {"allow_fallbacks": False, "provider_options": wanted["provider"]["options"]}
    fields = {name: wanted[name] for name in ("n", "aspect_ratio", "resolution", "output_format", "seed")}
    (wire,) = plan(prompt=wanted["prompt"], options={"openrouter": options}, **fields).wires
    assert (HOST + wire.path, wire.json) == (url, wanted)


def test_edit_is_that_of_the_sample():
    """References, as data URLs or as links; no other route."""
    _, url, wanted = request_of("openrouter", "images_edit_with_references")
    first, second = (each["image_url"]["url"] for each in wanted["input_references"])
    request = ImageRequest(
        prompt=wanted["prompt"], images=[base64.b64decode(first.partition(",")[2]), second], aspect_ratio="16:9"
    )
    wire = PROVIDER.wire(Task(request, wanted["model"], "edit"))
    assert (HOST + wire.path, wire.json) == (url, wanted)


def test_stream_is_that_of_the_sample():
    """It is asked for in the body and by a header."""
    asked = sample("openrouter", "images_stream_events")["request"]
    request = ImageRequest(prompt="A red square", background="transparent", output_format="png")
    wire = PROVIDER.wire(Task(request, "openai/gpt-image-2", "generate", stream=True))
    assert (HOST + wire.path, wire.json) == (asked["url"], asked["body"])
    assert wire.headers == {"accept": asked["headers"]["accept"]}


@pytest.mark.parametrize("name", ["error_402_credits", "error_403_moderation"])
def test_bare_request_is_that_of_the_sample(name):
    """Nothing is sent that neither the caller nor the catalogue named."""
    _, url, wanted = request_of("openrouter", name)
    wire = PROVIDER.wire(Task(ImageRequest(prompt=wanted["prompt"]), wanted["model"], "generate"))
    assert (HOST + wire.path, wire.json) == (url, wanted)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"size": "1536x1024"}, {"size": "1536x1024"}),
        ({"aspect_ratio": "18:39"}, {"aspect_ratio": "9:19.5"}),
        ({"aspect_ratio": "47:20"}, {"aspect_ratio": "2.35:1"}),
        ({"quality": "xhigh", "seed": 0}, {"quality": "xhigh", "seed": 0}),
        ({"output_format": "jpeg", "output_compression": 0}, {"output_format": "jpeg", "output_compression": 0}),
        ({"end_user_id": "u1"}, {"user": "u1"}),
        ({"options": {"openrouter": {"resolution": "1.5K"}}}, {"resolution": "1.5K"}),
        ({"options": {"openrouter": {"only": ["a"], "sort": "price"}}}, {"provider": {"only": ["a"], "sort": "price"}}),
        ({"options": {"openrouter": {"session_id": "s", "trace": {"a": 1}}}}, {"session_id": "s", "trace": {"a": 1}}),
    ],
)
def test_request_in_openrouters_words(fields, sent):
    """The same for a model that the catalogue does not know; nothing else is sent."""
    assert body(**fields) == {"model": "new/model", "prompt": "x", **sent}


def test_hidden_routing_is_stated():
    """Another provider may answer at its own price: the plan says so."""
    found = plan()
    assert found.wires[0].json["provider"] == {"allow_fallbacks": True}
    assert found.defaults["allow_fallbacks"] is True


def test_several_pictures_are_several_calls():
    """n is an upper bound, and some providers refuse it."""
    assert [each.json["n"] for each in plan(n=3).wires] == [1, 1, 1]
    assert len(plan("new/model", n=2).wires) == 2


@pytest.mark.parametrize("model", [SEEDREAM, "new/model"])
@pytest.mark.parametrize(
    "fields", [{"negative_prompt": "rain"}, {"images": [png()], "mask": png()}, {"output_format": "gif"}]
)
def test_what_it_has_no_words_for_is_refused_before_sending(model, fields):
    """Nothing is dropped, also for a model that nobody knows; a format that does not exist is refused there."""
    if model == "new/model" and "output_format" in fields:
        assert body(**fields)["output_format"] == "gif"
        return
    with pytest.raises(UnsupportedError):
        plan(model, **fields)


def test_options_that_do_not_exist_are_refused():
    """A typo cannot pass; two tiers are two answers."""
    with pytest.raises(ConfigurationError):
        plan(options={"openrouter": {"allow_fallback": True}})
    with pytest.raises(UnsupportedError, match="two answers"):
        body(resolution="1K", options={"openrouter": {"resolution": "512"}})


def test_sample_answer():
    """Its own figure is the cost, in exact decimals; tokens by kind."""
    output = PROVIDER.parse(reply_of("openrouter", "images_text_to_image"), TASK)
    assert isinstance(output.images[0], PictureData)
    assert (output.cost_usd, output.usage) == (Decimal("0.04"), Usage(0, None, 0, 4175))


def test_edit_sample_answer():
    """A JPEG."""
    output = PROVIDER.parse(reply_of("openrouter", "images_edit_with_references"), TASK)
    assert output.images[0].read()[:3] == b"\xff\xd8\xff"
    assert output.cost_usd == Decimal("0.0683")


def events() -> list[ServerEvent]:
    """Those of the sample."""
    lines = sample("openrouter", "images_stream_events")["response"]["body"]
    return [ServerEvent("message", Reply.of(each.encode() if isinstance(each, str) else each)) for each in lines]


def test_stream_sample():
    """Two unfinished pictures, the finished one with its cost, and a last line that is no JSON."""
    first, second, last, done = (PROVIDER.parse_event(each, TASK) for each in events())
    assert [type(each) for each in (first, second, last)] == [Partial, Partial, Output]
    assert (second.index, last.cost_usd, done) == (1, Decimal("0.167"), None)


def event(**fields: Any) -> ServerEvent:
    return ServerEvent("message", Reply.of(fields))


def test_other_events():
    """Words of an author are passed over; an error ends the stream, and may have been billed."""
    assert PROVIDER.parse_event(event(type="image_generation.text_chunk", text="<svg"), TASK) is None
    with pytest.raises(ProviderError, match="gone") as raised:
        PROVIDER.parse_event(event(type="error", error={"message": "gone", "code": "x"}), TASK)
    assert raised.value.billed is Billed.UNKNOWN
    with pytest.raises(ProviderError):
        PROVIDER.parse_event(event(type="error"), TASK)


@pytest.mark.parametrize(
    ("used", "cost"),
    [
        ({"cost": 0.0387243}, "0.0387243"),
        ({"cost": 0}, "0"),
        ({"cost": 0.002, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.04}}, "0.042"),
        ({"cost": 0.002, "is_byok": True}, None),
        ({"cost": "free"}, None),
        (None, None),
    ],
)
def test_cost_of_the_answer(used, cost):
    """With a key of one's own the provider's bill is in it, or the whole is unknown."""
    answer = {"data": [{"b64_json": base64.b64encode(png()).decode()}], "usage": used}
    output = PROVIDER.parse(Reply.of(answer), TASK)
    assert output.cost_usd == (None if cost is None else Decimal(cost))


def test_odd_members_take_nothing_with_them():
    """A picture that cannot be read leaves its sibling; the model that answered, where it is named, is recorded."""
    items = [{"b64_json": base64.b64encode(png()).decode(), "media_type": 5}, {"b64_json": "%"}, None]
    output = PROVIDER.parse(Reply.of({"data": items, "model": "a/b", "usage": 7}), TASK)
    assert [type(each) for each in output.images] == [PictureData, BadOutputError, BadOutputError]
    assert output.model == "a/b"


def test_error_in_a_success_is_one():
    """Once the work had begun, HTTP says 200: it is raised, and never tried again."""
    with pytest.raises(ProviderError, match="upstream") as raised:
        PROVIDER.parse(Reply.of({"error": {"code": 502, "message": "upstream failed"}}), TASK)
    assert (raised.value.billed, raised.value.code) == (Billed.UNKNOWN, "502")
    with pytest.raises(ModerationError):
        PROVIDER.parse(Reply.of({"error": {"code": 403, "message": "no", "metadata": {"reasons": []}}}), TASK)
    with pytest.raises(BadOutputError):
        PROVIDER.parse(Reply.of({"data": []}), TASK)


def test_moderation_sample():
    """403 with reasons: before any work, so nothing is billed."""
    with pytest.raises(ModerationError) as raised:
        checked(reply_of("openrouter", "error_403_moderation"), PROVIDER.read_error)
    error = raised.value
    assert (error.stage, error.categories, error.billed) == ("input", ("violence",), Billed.NO)


def test_credit_sample():
    """Waiting does not help."""
    with pytest.raises(QuotaError, match="Insufficient credits"):
        checked(reply_of("openrouter", "error_402_credits"), PROVIDER.read_error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (403, imagegen.AuthenticationError),
        (429, imagegen.RateLimitError),
        (502, OutcomeUnknownError),
        (503, OutcomeUnknownError),
        (529, OutcomeUnknownError),
    ],
)
def test_errors_by_status(status, kind):
    """403 without reasons is the key; a provider's failure may have been billed."""
    with pytest.raises(kind, match="sorry"):
        checked(Reply.of({"error": {"code": status, "message": "sorry"}}, status=status), PROVIDER.read_error)
    assert PROVIDER.read_error(Reply.of(json.dumps("no").encode(), status=status)) is None


def test_every_fact_has_its_source():
    """And the day it was read; options are those of the module."""
    models = models_of("openrouter").values()
    for model in models:
        rules = [*model.capabilities.parameters.values(), *model.capabilities.options.values(), *model.prices]
        for fact in (model, *rules):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)
    named = {name for model in models for name in model.capabilities.options}
    assert named == set(OpenRouterOptions.model_fields)
    assert (imagegen_provider("openrouter"), imagegen_provider("router")) == (OpenRouter, None)
