"""What a caller may ask for, and the fingerprint of it."""

from __future__ import annotations

import base64
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imagegen.errors import ConfigurationError
from imagegen.types.inputs import ImageInput
from imagegen.types.request import ImageRequest, ProviderOptions, request_of
from imagegen.types.run import POLICIES, CallFields, RequestFields, RunSettings, read_call

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a", "n": 0}, "n"),
        ({"prompt": "a", "size": "big"}, "size"),
        ({"prompt": "a", "size": "0x10"}, "size"),
        ({"prompt": "a", "size": "64x64", "aspect_ratio": "1:1"}, "size excludes"),
        ({"prompt": "a", "aspect_ratio": "3/2"}, "aspect_ratio"),
        ({"prompt": "a", "quality": "ultra"}, "quality"),
        ({"prompt": "a", "background": "transparent", "output_format": "jpeg"}, "no transparency"),
        ({"prompt": "a", "mask": PIXEL}, "a mask needs images"),
        ({"prompt": "a", "images": ["no-such-file.png"]}, "no such picture"),
        ({"prompt": "a", "colour": "red"}, "colour"),
    ],
)
def test_bad_field_is_one_line(fields, said):
    """A bad value is told in one line that names the field, and not as a pydantic report."""
    with pytest.raises(ConfigurationError) as caught:
        request_of(fields)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_request_is_immutable():
    """A request cannot be changed after it was made."""
    request = ImageRequest(prompt="a")
    with pytest.raises(ValidationError):
        request.prompt = "b"


def test_options_are_the_requests_own():
    """What the caller does to a mapping later does not reach the request."""
    given_options = {"openai": {"moderation": "low"}}
    request = ImageRequest(prompt="a", options=given_options)
    given_options["openai"]["moderation"] = "auto"
    assert request.options["openai"]["moderation"] == "low"


def test_typed_options_mean_the_same_as_a_mapping():
    """A list of typed options gives the same request as a mapping by provider."""

    class Mine(ProviderOptions):
        provider = "mine"
        steps: int | None = None

    typed = ImageRequest(prompt="a", options=[Mine(steps=4)])
    assert typed.fingerprint == ImageRequest(prompt="a", options={"mine": {"steps": 4}}).fingerprint


@pytest.mark.parametrize(
    ("fields", "golden"),
    [
        ({"prompt": "a red fox"}, "r1:8580d60439313925558e1bf13b3d4e10d1a83fba4b563907321c32680ace1dca"),
        (
            {"prompt": "ein Fuchs im Schnee ❄", "n": 4, "size": "1536x1024", "seed": 7},
            "r1:fc4b6a17179bdc94a601716c9dd414d48fe8030f91e6819985617696901a1b38",
        ),
        (
            {"prompt": "a", "options": {"openai": {"moderation": "low"}}},
            "r1:d14646b3066ce68ea3d69e073858a3789acaa578c4d19ca7265721a78997d0e4",
        ),
        ({"prompt": "a", "images": [PIXEL]}, "r1:36fbe7190ba79bb4d18d73f9e22e2e9f776f6f419b68f1ce042a6ab9c66b6146"),
    ],
)
def test_fingerprint_is_golden(fields, golden):
    """A fingerprint never changes with a release: stored results are found by it."""
    assert ImageRequest(**fields).fingerprint == golden


def test_fingerprint_leaves_the_user_out():
    """Whose request it is does not change the picture."""
    assert ImageRequest(prompt="a", end_user_id="u1").fingerprint == ImageRequest(prompt="a").fingerprint


def test_default_said_aloud_is_the_same_request():
    """A field set to its default is not another request."""
    assert ImageRequest(prompt="a", n=1, seed=None).fingerprint == ImageRequest(prompt="a").fingerprint


@given(
    st.dictionaries(
        st.sampled_from(["seed", "n", "quality", "negative_prompt", "end_user_id"]),
        st.integers(1, 9),
        max_size=4,
    )
)
def test_fingerprint_tells_requests_apart(chosen):
    """Two requests that differ in a picture field differ in their fingerprint, and equal ones agree."""
    words = {
        "quality": ["low", "medium", "high"],
        "negative_prompt": list("abcdefghij"),
        "end_user_id": list("abcdefghij"),
    }
    fields = {name: words[name][value % len(words[name])] if name in words else value for name, value in chosen.items()}
    one, again = ImageRequest(prompt="p", **fields), ImageRequest(prompt="p", **dict(reversed(fields.items())))
    assert one.fingerprint == again.fingerprint
    other = ImageRequest(prompt="p", **{**fields, "seed": fields.get("seed", 0) + 1})
    assert other.fingerprint != one.fingerprint


def test_inputs_count_by_content(tmp_path):
    """The same picture as a file, as bytes and as a data URL is the same request."""
    file = tmp_path / "pixel.png"
    file.write_bytes(PIXEL)
    data_url = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
    prints = {ImageRequest(prompt="a", images=[each]).fingerprint for each in (file, str(file), PIXEL, data_url)}
    assert len(prints) == 1


def test_a_url_counts_as_its_text():
    """A picture on the web is not fetched to tell requests apart."""
    assert ImageInput("https://example.invalid/a.png").digest == "https://example.invalid/a.png"


def test_request_survives_pickling():
    """A request can go to a worker process."""
    request = ImageRequest(prompt="a", n=3, options={"openai": {"moderation": "low"}})
    assert pickle.loads(pickle.dumps(request)).fingerprint == request.fingerprint


def test_verbs_take_every_field_of_the_request():
    """The keywords of a verb are the fields of the model, no more and no less."""
    assert set(RequestFields.__annotations__) == set(ImageRequest.model_fields) - {"prompt"}
    assert set(CallFields.__annotations__) == {*RequestFields.__annotations__, *RunSettings.__annotations__}


def test_keywords_go_over_a_request():
    """A verb takes a request and keywords; the keywords win."""
    request, run = read_call(ImageRequest(prompt="a", n=2, seed=1), {"seed": 5, "model": "stub:painter"}, {})
    assert (request.prompt, request.n, request.seed) == ("a", 2, 5)
    assert run.models == ("stub:painter",)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({}, "say which model"),
        ({"model": "stub:painter", "timeout_s": 0}, "timeout_s"),
        ({"model": "stub:painter", "policy": "loose"}, POLICIES[0]),
        ({"model": "stub:painter", "max_usd": "much"}, "max_usd"),
        ({"model": "stub:painter", "max_usd": -1}, "max_usd"),
        ({"model": "stub:painter", "max_usd": "nan"}, "max_usd"),
        ({"model": "stub:painter", "verify": "hope"}, "verify"),
        ({"model": "stub:painter", "resolutoin": "1K"}, "resolutoin"),
    ],
)
def test_bad_run_setting_is_one_line(keywords, said):
    """A run setting that cannot be is refused before anything happens."""
    with pytest.raises(ConfigurationError, match=said):
        read_call("a", keywords, {})
