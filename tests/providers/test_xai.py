"""To and from xAI: the translation of requests and answers, against samples."""

from __future__ import annotations

import base64
import io
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from samples import reply_of, request_of

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ConfigurationError,
    ImageRequest,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    Reply,
    Task,
    UnsupportedError,
)
from imagegen.catalogue import models_of
from imagegen.http.status import checked
from imagegen_providers.xai import XAI, XAIOptions, imagegen_provider

PROVIDER = XAI()
HOST = "https://api.x.ai/v1"
NEW, OLD = "grok-imagine-image-2.0", "grok-imagine-image"
TASK = Task(ImageRequest(prompt="x"), NEW, "generate", n=2)


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def plan(model: str = NEW, **fields: Any) -> imagegen.Plan:
    return imagegen.plan(fields.pop("prompt", "x"), model=f"xai:{model}", **fields)


def body(model: str = NEW, **fields: Any) -> dict[str, Any]:
    """What would be sent."""
    return plan(model, **fields).wires[0].json


def test_request_is_that_of_the_sample():
    """Planned as a caller would have it, the tier in small letters."""
    _, url, wanted = request_of("xai", "generate_b64")
    fields = {"aspect_ratio": "16:9", "resolution": "1K", "quality": "medium", "n": 2}
    (wire,) = plan(prompt=wanted["prompt"], **fields).wires
    assert (HOST + wire.path, wire.json) == (url, wanted)


def test_edit_is_that_of_the_sample():
    """JSON, several pictures in a list, links as links."""
    _, url, wanted = request_of("xai", "edit_multi_reference_url")
    images = [base64.b64decode(wanted["images"][0]["url"].partition(",")[2]), wanted["images"][1]["url"]]
    request = ImageRequest(prompt=wanted["prompt"], images=images)
    wire = PROVIDER.wire(Task(request, NEW, "edit", options=XAIOptions(response_format="url")))
    assert (HOST + wire.path, wire.json, wire.files) == (url, wanted, ())


@pytest.mark.parametrize(("name", "model"), [("refusal_400_billed", NEW), ("refusal_respect_moderation_false", OLD)])
def test_bare_request_is_that_of_the_sample(name, model):
    """Nothing is sent that neither the caller nor the catalogue named."""
    _, url, wanted = request_of("xai", name)
    wire = PROVIDER.wire(Task(ImageRequest(prompt=wanted["prompt"]), model, "generate"))
    assert (HOST + wire.path, wire.json) == (url, wanted)


@pytest.mark.parametrize("name", ["error_400_flat_shape", "error_400_invalid"])
def test_request_that_was_refused_is_never_made(name):
    """A size is turned into a ratio and a tier, for any model; where nobody knows the model it is refused."""
    _, _, wanted = request_of("xai", name)
    made = body(wanted["model"], prompt=wanted["prompt"], size=wanted["size"])
    assert (made["aspect_ratio"], made["resolution"], "size" in made) == ("1:1", "1k", False)
    with pytest.raises(UnsupportedError, match="has no size"):
        plan("grok-imagine-image-3", size=wanted["size"])


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (NEW, {}, {"quality": "auto", "resolution": "1k", "n": 1, "response_format": "b64_json"}),
        (NEW, {"quality": "high"}, {"quality": "medium"}),
        (NEW, {"aspect_ratio": "18:39"}, {"aspect_ratio": "9:19.5"}),
        (NEW, {"aspect_ratio": "13:6"}, {"aspect_ratio": "19.5:9"}),
        (NEW, {"aspect_ratio": "5:2", "resolution": "2K"}, {"aspect_ratio": "5:2", "resolution": "2k"}),
        (NEW, {"end_user_id": "u1"}, {"user": "u1"}),
        (NEW, {"options": {"xai": {"storage_options": {"filename": "a"}}}}, {"storage_options": {"filename": "a"}}),
    ],
)
def test_request_in_xais_words(model, fields, sent):
    """The hidden defaults of quality and tier are stated, since both are billed."""
    assert sent.items() <= body(model, **fields).items()


def test_older_model_has_no_quality():
    """It is not sent, and its being left out is told."""
    found = plan(OLD, quality="low")
    assert "quality" not in found.wires[0].json
    assert [(each.field, each.sent) for each in found.adaptations] == [("quality", None)]


def test_one_picture_and_several_have_their_own_fields():
    """Never both; an edit follows its input unless a ratio is asked."""
    one, two = body(images=[png()]), body(images=[png(), png()])
    assert ("image" in one, "images" in one, "aspect_ratio" in one) == (True, False, False)
    assert ("image" in two, len(two["images"])) == (False, 2)


def test_many_pictures_are_split():
    """Three to a call."""
    assert [each.json["n"] for each in plan(n=7).wires] == [3, 3, 1]


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (NEW, {"images": [png()], "mask": png()}, "no mask"),
        (NEW, {"negative_prompt": "rain"}, "negative_prompt"),
        (NEW, {"background": "transparent"}, "background"),
        (NEW, {"resolution": "4K"}, "it has 1K, 2K"),
        (NEW, {"images": [png()] * 6}, "at most 5"),
        (OLD, {"aspect_ratio": "5:2"}, "nearest"),
        ("grok-imagine-image-quality", {}, "shut down on 2026-11-02: use xai:grok-imagine-image-2.0"),
        ("grok-imagine-image-pro", {}, "shut down on 2026-05-15"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_sending(model, fields, words):
    """Nothing is sent, so nothing is paid; a name that another model answers to is told first."""
    with pytest.raises(UnsupportedError, match=words):
        plan(model, **fields)


def test_options_that_do_not_exist_are_refused():
    """A typo cannot pass."""
    with pytest.raises(ConfigurationError):
        plan(options={"xai": {"sync_mode": True}})


def test_sample_answer():
    """Two pictures, the cost in ticks, the model that answered; an empty revised prompt is none."""
    output = PROVIDER.parse(reply_of("xai", "generate_b64"), TASK)
    assert [type(each) for each in output.images] == [PictureData, PictureData]
    assert (output.cost_usd, output.model) == (Decimal("0.12"), NEW)
    assert output.revised_prompts == [None, None]


def test_sample_answer_with_a_link():
    """Fetched later, without the key."""
    output = PROVIDER.parse(reply_of("xai", "edit_multi_reference_url"), TASK)
    assert output.images == [ImageUrl("https://imgen.x.ai/xai-imgen/xai-tmp-imgen-00000000.jpeg", "image/jpeg")]
    assert output.cost_usd == Decimal("0.08")


def test_silent_refusal_sample():
    """HTTP 200 and a flag."""
    (refused,) = PROVIDER.parse(reply_of("xai", "refusal_respect_moderation_false"), TASK).images
    assert isinstance(refused, ModerationError)
    assert (refused.stage, refused.billed) == ("output", Billed.YES)


def test_flag_is_looked_at_before_the_picture():
    """A refused picture may bear a placeholder; its sibling is whole; a broken one takes nothing with it."""
    data = base64.b64encode(png()).decode()
    items = [{"b64_json": data, "respect_moderation": False}, {"b64_json": data, "revised_prompt": "a"}, {}, 5]
    output = PROVIDER.parse(Reply.of({"data": items}), TASK)
    kinds = [ModerationError, PictureData, BadOutputError, BadOutputError]
    assert [type(each) for each in output.images] == kinds
    assert output.revised_prompts == [None, "a", None, None]


def test_picture_that_could_not_be_stored_is_still_one():
    """Only that is said."""
    data = base64.b64encode(png()).decode()
    output = PROVIDER.parse(Reply.of({"data": [{"b64_json": data, "storage_error": "full"}]}), TASK)
    assert isinstance(output.images[0], PictureData)
    assert output.warnings == ["xAI could not keep a picture: full"]


def test_answer_without_pictures_is_bad_output():
    """Paid, and empty."""
    with pytest.raises(BadOutputError):
        PROVIDER.parse(Reply.of({"data": []}), TASK)


def test_refusal_sample_is_billed():
    """HTTP 400, and every picture of the call is refused, at the cost that stands there."""
    output = PROVIDER.parse_billed_error(reply_of("xai", "refusal_400_billed"), TASK)
    assert isinstance(output, Output)
    assert (len(output.images), output.cost_usd) == (2, Decimal("0.09"))
    assert isinstance(output.images[0], ModerationError)
    assert (output.images[0].billed, output.images[0].code) == (Billed.YES, "imagine:content-moderated")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            {
                "code": "Client specified an invalid argument",
                "error": "Generated image rejected by content moderation.",
            },
            1,
        ),
        ({"error": {"message": "no", "code": "imagine:content-moderated"}}, 1),
        ({"code": "Client specified an invalid argument", "error": "about content moderation"}, 0),
    ],
)
def test_refusals_of_other_shapes(answer, kind):
    """The older code with the same sentence too; a sentence of the like is not searched for words."""
    error = PROVIDER.read_error(Reply.of(answer, status=400))
    assert type(error) is (ModerationError if kind else ProviderError)
    assert PROVIDER.parse_billed_error(Reply.of(answer, status=400), TASK) is None


def test_refusal_that_cost_nothing():
    """Its own figure is believed."""
    answer = {"code": "imagine:content-moderated", "error": "no", "usage": {"cost_in_usd_ticks": 0}}
    error = PROVIDER.read_error(Reply.of(answer, status=400))
    assert error is not None
    assert error.billed is Billed.NO


@pytest.mark.parametrize(
    ("name", "words"),
    [("error_400_flat_shape", "Argument not supported: size"), ("error_400_invalid", "Invalid prompt")],
)
def test_error_samples(name, words):
    """Both shapes."""
    with pytest.raises(InvalidRequestError, match=words):
        checked(reply_of("xai", name), PROVIDER.read_error)


@pytest.mark.parametrize(
    ("model", "fields", "least", "most"),
    [
        (NEW, {"quality": "low"}, "0.04", "0.04"),
        (NEW, {"quality": "medium", "n": 2}, "0.12", "0.12"),
        (NEW, {}, "0.04", "0.04"),
        (NEW, {"resolution": "2K", "quality": "medium"}, "0.08", "0.08"),
        (NEW, {"images": [png()], "quality": "low"}, "0.04", None),
        (NEW, {"images": [png()]}, "0.06", None),
        (OLD, {"resolution": "2K"}, "0.02", "0.02"),
        (OLD, {"images": [png(), png()]}, "0.024", "0.024"),
    ],
)
def test_published_prices(model, fields, least, most):
    """By quality and tier; auto as it is served; what an input picture costs nobody knows for the newer model."""
    cost = plan(model, **fields).cost
    assert cost.known_usd == Decimal(least)
    assert cost.at_most_usd == (None if most is None else Decimal(most))


def test_every_fact_has_its_source():
    """And the day it was read."""
    models = models_of("xai").values()
    for model in models:
        rules = [*model.capabilities.parameters.values(), *model.capabilities.options.values(), *model.prices]
        for fact in (model, *rules):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)
    named = {name for model in models for name in model.capabilities.options}
    assert named == set(XAIOptions.model_fields)
    assert (imagegen_provider("xai"), imagegen_provider("grok")) == (XAI, None)
