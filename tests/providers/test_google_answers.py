"""From Google: what its answers mean, against samples."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image
from samples import reply_of, sample

from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    ImageRequest,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    PictureData,
    RateLimitError,
    Reply,
    Task,
    Usage,
)
from imagegen.http.status import checked
from imagegen_providers.google import Google

PROVIDER = Google()
NANO = "gemini-nano-banana-2.1"
TASK = Task(ImageRequest(prompt="x"), NANO, "generate")


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def test_sample_answer():
    """One picture, tokens by kind with thoughts as text, the model that answered; the signature as it came."""
    output = PROVIDER.parse(reply_of("google", "generate_content_text_to_image"), TASK)
    part = sample("google", "generate_content_text_to_image")["response"]["body"]["candidates"][0]["content"]["parts"][
        0
    ]
    (picture,) = output.images
    assert isinstance(picture, PictureData)
    assert picture.read() == base64.b64decode(part["inlineData"]["data"])
    assert (output.usage, output.model) == (Usage(9, 0, 212, 1680), NANO)
    assert output.raw["candidates"][0]["content"]["parts"][0]["thoughtSignature"] == part["thoughtSignature"]


def test_drafts_are_no_results():
    """A part that is a thought is skipped; words are counted as what is left beside the picture."""
    output = PROVIDER.parse(reply_of("google", "generate_content_edit_two_references"), TASK)
    assert (len(output.images), output.usage) == (1, Usage(14, 2240, 276, 1120))


def test_vertex_sample_answer():
    """A JPEG, and no thoughts counted."""
    output = PROVIDER.parse(reply_of("google", "vertex_generate_content"), TASK)
    assert output.images[0].read()[:3] == b"\xff\xd8\xff"
    assert output.usage == Usage(5, 0, 0, 1120)


@pytest.mark.parametrize(
    ("name", "stage", "code"),
    [
        ("refusal_prompt_blocked", "input", "PROHIBITED_CONTENT"),
        ("refusal_output_image_safety", "output", "IMAGE_SAFETY"),
    ],
)
def test_refusal_samples(name, stage, code):
    """HTTP 200 without a picture; the prompt's tokens are billed and counted."""
    output = PROVIDER.parse(reply_of("google", name), TASK)
    (refused,) = output.images
    assert isinstance(refused, ModerationError)
    assert (refused.stage, refused.code, refused.billed) == (stage, code, Billed.YES)
    assert output.usage == Usage(12, 0, 0, 0)


def ended(reason: str, **more: Any) -> Any:
    """What is in place of a picture after this end."""
    (found,) = PROVIDER.parse(Reply.of({"candidates": [{"finishReason": reason, **more}]}), TASK).images
    return found


@pytest.mark.parametrize(
    "reason",
    ["SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "BLOCKLIST", "SPII", "RECITATION", "MODEL_ARMOR"],
)
def test_refused_outputs(reason):
    """Every way to say it, with the categories that stood in the way."""
    ratings = [{"category": "A", "blocked": True}, {"category": "B", "probability": "LOW"}]
    error = ended(reason, safetyRatings=ratings)
    assert isinstance(error, ModerationError)
    assert (error.stage, error.categories) == ("output", ("A",))


def test_limited_account_is_told_apart():
    """It is no verdict on this prompt, and another try does not help."""
    error = ended("PUP_LIMITED_DISABLED")
    assert isinstance(error, ModerationError)
    assert error.stage == "unknown"


@pytest.mark.parametrize("reason", ["NO_IMAGE", "IMAGE_OTHER", "MALFORMED_RESPONSE", "MAX_TOKENS", "SOMETHING_NEW"])
def test_model_that_did_not_draw_is_not_a_refusal(reason):
    """It was billed, and it is no picture."""
    error = ended(reason, content={"parts": []})
    assert isinstance(error, BadOutputError)
    assert (error.reason, error.code, error.billed) == ("empty", reason, Billed.YES)


def test_words_instead_of_a_picture_are_shown():
    """Also where the sample ends with STOP."""
    output = PROVIDER.parse(reply_of("google", "no_image_text_only"), TASK)
    assert isinstance(output.images[0], BadOutputError)
    assert "Tell me what to draw" in output.images[0].message
    assert output.usage == Usage(7, 0, 14, 0)


def test_odd_members_take_nothing_with_them():
    """A part, a count or a rating that is not as documented is as if absent; several pictures are all kept."""
    data = base64.b64encode(png()).decode()
    picture = {"inlineData": {"mimeType": "image/png", "data": data}}
    parts = [17, {"text": 5}, {"inlineData": {"mimeType": "image/png"}}, picture, {"executableCode": {}}, picture]
    answer = {"candidates": [{"content": {"parts": parts}, "safetyRatings": "none"}], "usageMetadata": {"x": 1}}
    output = PROVIDER.parse(Reply.of(answer), TASK)
    assert [each.read() for each in output.images] == [png(), png()]
    assert output.usage is None


def test_pace_stands_in_the_body():
    """RetryInfo says how long to wait, no header does."""
    with pytest.raises(RateLimitError) as raised:
        checked(reply_of("google", "error_429_retry_info"), PROVIDER.read_error)
    assert (raised.value.retry_after_s, raised.value.code) == (34.4, "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize(
    ("status", "failure", "kind"),
    [
        (400, {"message": "bad", "status": "INVALID_ARGUMENT"}, InvalidRequestError),
        (400, {"message": "bad", "details": [{"reason": "API_KEY_INVALID"}]}, AuthenticationError),
        (403, {"message": "bad", "status": "PERMISSION_DENIED"}, AuthenticationError),
        (429, {"message": "bad", "details": [{"retryDelay": "soon"}]}, RateLimitError),
        (503, {"message": "bad", "status": "UNAVAILABLE"}, OutcomeUnknownError),
        (504, {"message": "bad", "status": "DEADLINE_EXCEEDED"}, OutcomeUnknownError),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_errors_by_status(status, failure, kind, wrapped):
    """In Google's words, which Vertex may put into a list; a bad key comes with 400."""
    answer: Any = {"error": {"code": status, **failure}}
    with pytest.raises(kind, match="bad"):
        checked(Reply.of([answer] if wrapped else answer, status=status), PROVIDER.read_error)


def test_error_of_another_shape_is_not_googles():
    """A proxy's page is told by its status alone."""
    assert PROVIDER.read_error(Reply.of(b"<html>", status=502)) is None
    assert PROVIDER.read_error(Reply.of({"error": "no"}, status=400)) is None
