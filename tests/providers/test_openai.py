"""OpenAI's translation, in both directions, and its sending through the SDK to a strict fake of the API."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import imagegen
from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    ImageRequest,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    ProviderError,
    QuotaError,
    Reply,
    Task,
    UnsupportedError,
    Usage,
)
from imagegen.catalogue import find_model
from imagegen.http.status import checked
from imagegen.money import price_after
from imagegen_providers.openai import OpenAI, OpenAIOptions, imagegen_provider

OWN = Path(__file__).parent / "wire" / "openai"
COLLECTED = Path(__file__).parents[3] / "shared" / "wire" / "openai"
"""Recordings and quotations of others, which are not part of the project."""
RENAMED = {"safety_identifier": "end_user_id"}
PROVIDER = OpenAI()


def sample(name: str) -> dict[str, Any]:
    """A request and its answer."""
    return json.loads((OWN / name).read_text())


def collected(name: str) -> dict[str, Any]:
    """One from the folder beside the project, where it is there."""
    if not (COLLECTED / name).is_file():
        pytest.skip(f"no collected samples beside the project: {name}")
    return json.loads((COLLECTED / name).read_text())


def task_of(body: dict[str, Any]) -> Task:
    """The task that a sample's body is the translation of."""
    asked = {RENAMED.get(name, name): value for name, value in body.items() if name not in ("model", "n")}
    given = {name: asked.pop(name) for name in OpenAIOptions.model_fields if name in asked}
    request = ImageRequest(**asked, n=body.get("n", 1), options={"openai": given} if given else {})
    return Task(request, body["model"], "generate", n=body.get("n"), options=OpenAIOptions(**given) if given else None)


def task(prompt: str = "a fox", *, n: int | None = None, options: OpenAIOptions | None = None, **fields: Any) -> Task:
    """A task for gpt-image-2."""
    return Task(ImageRequest(prompt=prompt, n=n or 1, **fields), "gpt-image-2", "generate", n=n, options=options)


def parsed(body: Any, asked: Task | None = None, status: int = 200) -> imagegen.Output:
    """What an answer comes to, or the error that it means."""
    reply = Reply.of(body, status=status, headers={"content-type": "application/json", "x-request-id": "req_1"})
    return PROVIDER.parse(checked(reply, PROVIDER.read_error), asked or task())


OWN_SAMPLES = sorted(path.name for path in OWN.glob("generate_*.json"))
COLLECTED_SAMPLES = ("generate_png.json", "generate_gif.json", "generate_svg.json")


# To OpenAI.


@pytest.mark.parametrize("name", OWN_SAMPLES)
def test_request_is_written_in_openais_words(name):
    """The body is the sample's, to the last member."""
    wanted = sample(name)["request"]
    wire = PROVIDER.wire(task_of(wanted["body"]))
    assert (wire.method, wire.path, wire.json) == (wanted["method"], wanted["path"], wanted["body"])


@pytest.mark.parametrize("name", COLLECTED_SAMPLES)
def test_request_is_that_of_the_collected_sample(name):
    """The same for samples that others made."""
    wanted = collected(name)["request"]
    wire = PROVIDER.wire(task_of(wanted["body"]))
    assert (wire.method, wire.json) == (wanted["method"], wanted["body"])
    assert wanted["url"].endswith(wire.path)


def test_nothing_is_sent_that_nobody_asked_for():
    """The model and the prompt are enough; a single picture needs no n."""
    assert PROVIDER.generate(task()).json == {"model": "gpt-image-2", "prompt": "a fox"}


def test_hidden_defaults_are_sent_and_never_win():
    """What planning wants stated is stated, unless the caller said otherwise."""
    asked = Task(
        ImageRequest(prompt="a fox", quality="high"), "m", "generate", defaults={"quality": "low", "moderation": "auto"}
    )
    assert PROVIDER.generate(asked).json == {"model": "m", "prompt": "a fox", "quality": "high", "moderation": "auto"}


def test_words_that_are_not_openais_go_to_servers_that_may_know_them():
    """For a model that the catalogue does not know nothing is dropped in silence."""
    body = PROVIDER.generate(task(seed=7, negative_prompt="rain", aspect_ratio="16:9", resolution="2K")).json
    assert {"seed": 7, "negative_prompt": "rain", "aspect_ratio": "16:9", "resolution": "2K"}.items() <= body.items()


@pytest.mark.parametrize(
    ("options", "fields", "words"),
    [
        ({"frame_count": 4}, {}, "gif"),
        ({"frame_duration_ms": 100}, {"output_format": "png"}, "gif"),
        ({"svg": {"model": "author-1"}}, {"output_format": "gif"}, "svg"),
        ({}, {"output_format": "svg", "n": 2}, "n=1"),
        ({"input_fidelity": "high"}, {}, "edit"),
        ({"markup": b"picture"}, {}, "edit"),
        ({"image_file_ids": ["file-1"]}, {}, "edit"),
        ({"mask_file_id": "file-1"}, {}, "edit"),
    ],
)
def test_fields_that_do_not_go_together_are_refused_before_sending(options, fields, words):
    """Nothing is sent, so nothing is paid."""
    with pytest.raises(UnsupportedError, match=words):
        PROVIDER.generate(task(options=OpenAIOptions(**options), **fields))


@pytest.mark.parametrize(
    "options",
    [{"moderate": "low"}, {"moderation": "none"}, {"svg": {"model": "a", "effort": "low"}}, {"frame_count": 0}],
)
def test_options_that_do_not_exist_are_refused(options):
    """A typo cannot pass."""
    with pytest.raises(ValueError, match="validation error"):
        OpenAIOptions(**options)


def test_plugin_offers_openai_alone():
    """The hook answers to its own name."""
    assert (imagegen_provider("openai"), imagegen_provider("azure")) == (OpenAI, None)


# From OpenAI: success.


@pytest.mark.parametrize(
    ("name", "magic", "usage"),
    [
        ("generate_png.json", b"\x89PNG", Usage(11, 0, 0, 343)),
        ("generate_two.json", b"\x89PNG", Usage(11, 0, None, 392)),
        ("generate_with_text.json", b"\x89PNG", Usage(11, 0, 209, 4160)),
        ("generate_gif.json", b"GIF8", Usage(12, 0, 0, 1520)),
        (
            "generate_svg.json",
            b"<svg",
            Usage(10, 0, 0, 1756, {"svg_author_input_tokens": 900, "svg_author_output_tokens": 2100}),
        ),
    ],
)
def test_answer_gives_pictures_counts_and_echo(name, magic, usage):
    """Every picture, every count, and how the request was taken."""
    made = sample(name)
    asked, body = task_of(made["request"]["body"]), made["response"]["body"]
    output = parsed(body, asked)
    assert [picture.read()[:4] for picture in output.images] == [magic] * asked.count
    assert output.usage == usage
    echoed = {each: body.get(each) for each in ("size", "quality", "background", "output_format")}
    assert output.echo == {each: got for each, got in echoed.items() if got not in (None, "auto")}


@pytest.mark.parametrize(
    ("name", "amount"),
    [("generate_png.json", "0.013245"), ("generate_gif.json", "0.075395"), ("generate_svg.json", None)],
)
def test_collected_answers_have_their_golden_cost(name, amount):
    """The answer's counts at the catalogue's prices."""
    made = collected(name)
    asked = task_of(made["request"]["body"])
    output = parsed(made["response"]["body"], asked)
    cost = price_after(find_model("openai", asked.model), output.usage, None, 1, asked)
    assert len(output.images) == 1
    assert (cost.amount_usd, cost.source) == (None if amount is None else Decimal(amount), "usage")


def test_recorded_answer_without_usage():
    """A recording: two pictures, one revised prompt, nothing counted."""
    output = parsed(collected("generate_n2_recorded_ai-sdk.json")["response"]["body"], task(n=2))
    assert [picture.read()[:4] for picture in output.images] == [b"\x89PNG"] * 2
    assert [bool(text) for text in output.revised_prompts] == [True, False]
    assert (output.usage, output.echo) == (None, {})


def test_revised_prompt_stays_with_its_picture():
    """One text a picture, None where none came."""
    assert parsed(sample("generate_with_text.json")["response"]["body"]).revised_prompts == [
        "A tall lighthouse in thick fog"
    ]


def test_picture_behind_a_url_is_named():
    """Compatible servers may answer with URLs; they are fetched by the core."""
    output = parsed({"created": 1, "data": [{"url": "https://files.example/a.png"}]})
    assert output.images == [ImageUrl("https://files.example/a.png")]


def test_url_counts_where_the_base64_is_empty():
    """An empty text beside a URL is not the picture."""
    output = parsed({"data": [{"b64_json": "", "url": "https://files.example/a.png"}]})
    assert output.images == [ImageUrl("https://files.example/a.png")]


def test_answer_that_is_the_file_itself():
    """A server may send the picture without any JSON."""
    picture = imagegen.PictureData(b"\x89PNG")
    assert PROVIDER.parse(Reply(200, {"content-type": "image/png"}, b"", picture=picture), task()).images == [picture]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
        {"input_tokens": 5},
        {"output_tokens": "many"},
        "none",
    ],
)
def test_unusable_usage_costs_no_picture(usage):
    """Counts that cannot be are as if absent; the picture stays."""
    output = parsed({"data": [{"b64_json": "AAAA"}], "usage": usage})
    assert (len(output.images), output.usage) == (1, None)


def test_output_without_details_counts_as_picture():
    """The dearer reading, where the answer does not split it."""
    output = parsed({"data": [{"b64_json": "AAAA"}], "usage": {"input_tokens": 9, "output_tokens": 639}})
    assert output.usage == Usage(text_input_tokens=9, image_output_tokens=639)


def test_auto_is_no_echo():
    """The answer `auto` says nothing of what was done."""
    assert parsed({"data": [{"b64_json": "AAAA"}], "quality": "auto", "size": "64x64"}).echo == {"size": "64x64"}


def test_one_broken_picture_does_not_take_its_siblings():
    """The whole one is kept, the other is an error of its own."""
    whole, broken = parsed({"data": [{"b64_json": "AAAA"}, {"b64_json": "???"}]}, task(n=2)).images
    assert whole.read() == b"\0\0\0"
    assert isinstance(broken, BadOutputError)


def test_one_filtered_picture_does_not_take_its_siblings():
    """Azure may filter one of several."""
    filters = {"violence": {"filtered": True, "severity": "high"}, "hate": {"filtered": False}}
    whole, refused = parsed({"data": [{"b64_json": "AAAA"}, {"content_filter_results": filters}]}, task(n=2)).images
    assert whole.read() == b"\0\0\0"
    assert (type(refused), refused.stage, refused.categories) == (ModerationError, "output", ("violence",))


def test_verdicts_beside_a_picture_are_no_refusal():
    """Azure sends its filters' results with every success."""
    filters = {"violence": {"filtered": False, "severity": "safe"}}
    body = {
        "data": [{"b64_json": "AAAA", "content_filter_results": filters}],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": filters}],
    }
    assert len(parsed(body).images) == 1


def test_members_nobody_knows_are_passed_over():
    """An API may grow."""
    assert len(parsed({"object": "list", "data": [{"b64_json": "AAAA", "score": 1}], "new": {}}).images) == 1


# From OpenAI: nothing came.


@pytest.mark.parametrize("data", [[], None])
def test_answer_without_pictures_is_paid_and_empty(data):
    """It is never asked for again by itself; what came is kept."""
    with pytest.raises(BadOutputError) as raised:
        parsed({"created": 1, "data": data})
    error = raised.value
    assert (error.reason, error.billed, error.status, error.request_id) == ("empty", Billed.YES, 200, "req_1")
    assert b"created" in error.raw


@pytest.mark.parametrize(
    ("body", "stage"),
    [
        ({"prompt_filter_results": [{"content_filter_results": {"sexual": {"filtered": True}}}]}, "input"),
        ({"content_filter_results": {"sexual": {"filtered": True}}}, "unknown"),
    ],
)
def test_empty_answer_that_says_it_was_refused(body, stage):
    """A refusal with status 200 is a refusal."""
    with pytest.raises(ModerationError) as raised:
        parsed({"data": [], **body})
    assert (raised.value.stage, raised.value.categories, raised.value.status) == (stage, ("sexual",), 200)


def test_html_is_no_answer():
    """A proxy's page with status 200 is not a picture."""
    with pytest.raises(BadOutputError) as raised:
        parsed(b"<html>busy</html>")
    assert (raised.value.reason, raised.value.raw) == ("unreadable", b"<html>busy</html>")


@pytest.mark.parametrize(
    ("error", "kind", "billed"),
    [
        ({"code": "moderation_blocked", "message": "no"}, ModerationError, Billed.UNKNOWN),
        ({"code": "insufficient_quota", "message": "no"}, QuotaError, Billed.NO),
        ({"code": "invalid_api_key", "message": "no"}, AuthenticationError, Billed.NO),
        ({"code": "invalid_value", "type": "invalid_request_error", "message": "no"}, InvalidRequestError, Billed.NO),
        ({"code": "rate_limit_exceeded", "message": "no"}, ProviderError, Billed.UNKNOWN),
        ({"type": "server_error", "message": "no"}, ProviderError, Billed.UNKNOWN),
        ("no", ProviderError, Billed.UNKNOWN),
        ([], None, None),
    ],
)
def test_error_in_a_success(error, kind, billed):
    """It is the error that it says; without a refusing status nothing of it is taken for unpaid and tried again."""
    if kind is None:
        assert len(parsed({"data": [{"b64_json": "AAAA"}], "error": error}).images) == 1
        return
    with pytest.raises(ProviderError, match="no") as raised:
        parsed({"error": error})
    assert (type(raised.value), raised.value.billed, raised.value.request_id) == (kind, billed, "req_1")
