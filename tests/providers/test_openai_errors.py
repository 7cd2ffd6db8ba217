"""OpenAI's errors, Azure's and compatible servers': each shape of body, by status and code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import imagegen
from imagegen import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    QuotaError,
    RateLimitError,
    Reply,
)
from imagegen.http.status import checked
from imagegen_providers.openai import OpenAI

COLLECTED = Path(__file__).parents[3] / "shared" / "wire" / "openai" / "errors.json"
"""Bodies quoted from public reports, which are not part of the project."""
PROVIDER = OpenAI()


def collected() -> dict[str, Any]:
    """The collected cases, where they are there."""
    if not COLLECTED.is_file():
        pytest.skip("no collected samples beside the project: errors.json")
    return json.loads(COLLECTED.read_text())["cases"]


def error_of(body: Any, status: int, headers: dict[str, str] | None = None) -> imagegen.ImageGenError:
    """The error that an answer means."""
    reply = Reply.of(body, status=status, headers={"content-type": "application/json", **(headers or {})})
    with pytest.raises(imagegen.ImageGenError) as raised:
        checked(reply, PROVIDER.read_error)
    return raised.value


def body_of(
    code: str | None, kind: str = "invalid_request_error", message: str = "words", **more: Any
) -> dict[str, Any]:
    """OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, body_of("unknown_parameter", param="response_format"), InvalidRequestError, "unknown_parameter"),
        (400, body_of("billing_hard_limit_reached"), QuotaError, "billing_hard_limit_reached"),
        (400, body_of(None, "billing_limit_user_error"), QuotaError, "billing_limit_user_error"),
        (401, body_of("invalid_api_key"), AuthenticationError, "invalid_api_key"),
        (403, body_of(None), AuthenticationError, "invalid_request_error"),
        (404, body_of("model_not_found"), InvalidRequestError, "model_not_found"),
        (429, body_of("rate_limit_exceeded", "input-images"), RateLimitError, "rate_limit_exceeded"),
        (429, body_of("slow_down"), RateLimitError, "slow_down"),
        (429, body_of("insufficient_quota", "insufficient_quota"), QuotaError, "insufficient_quota"),
        (429, body_of(None, "insufficient_quota"), QuotaError, "insufficient_quota"),
        (429, body_of("credit_balance_exhausted"), QuotaError, "credit_balance_exhausted"),
        (422, body_of(1234), InvalidRequestError, "1234"),
        (404, {"error": {"code": "DeploymentNotFound", "message": "words"}}, InvalidRequestError, "DeploymentNotFound"),
        (403, {"error": {"code": "Forbidden", "message": "words"}}, AuthenticationError, "Forbidden"),
        (400, {"error": "words"}, InvalidRequestError, None),
        (422, {"detail": "words"}, InvalidRequestError, None),
        (422, {"detail": [{"loc": ["body", "size"], "msg": "words"}]}, InvalidRequestError, None),
        (400, {"detail": {"message": "words"}}, InvalidRequestError, None),
    ],
)
def test_errors_by_status_and_code(status, body, kind, code):
    """Each shape of each server, with its own words kept."""
    error = error_of(body, status)
    assert (type(error), error.code, error.status) == (kind, code, status)
    assert "words" in error.message


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_may_have_been_billed(status):
    """A render may have been paid before the server failed."""
    assert isinstance(error_of(body_of(None, "server_error"), status), OutcomeUnknownError)


def test_overloaded_server_with_a_pace_refused_the_work():
    """A 503 in OpenAI's own shape that says when to come back."""
    error = error_of(body_of("server_is_overloaded"), 503, {"retry-after": "7"})
    assert (type(error), error.retry_after_s) == (RateLimitError, 7.0)


def test_overloaded_proxy_with_a_pace_says_nothing():
    """A page from something in between may follow paid work."""
    assert isinstance(error_of(b"<html>", 503, {"retry-after": "7"}), OutcomeUnknownError)


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation", "contentFilter", "content_filter"])
def test_refusal_by_any_of_its_names(code):
    """OpenAI's and Azure's, at whatever age."""
    error = error_of({"error": {"code": code, "message": "words"}}, 400)
    assert (type(error), error.stage, error.categories, error.code) == (ModerationError, "unknown", (), code)


@pytest.mark.parametrize("stage", ["input", "output"])
def test_refusal_says_what_was_refused_and_why(stage):
    """Prompt or picture, and the categories."""
    details = {"moderation_stage": stage, "categories": ["violence", "hate"]}
    error = error_of(body_of("moderation_blocked", "image_generation_user_error", moderation_details=details), 400)
    assert (error.stage, error.categories) == (stage, ("violence", "hate"))


@pytest.mark.parametrize("details", [None, "unknown", {"moderation_stage": "unknown"}, {"categories": None}])
def test_refusal_without_usable_details_is_still_one(details):
    """Details are a courtesy."""
    error = error_of(body_of("moderation_blocked", moderation_details=details), 400)
    assert (type(error), error.stage, error.categories) == (ModerationError, "unknown", ())


@pytest.mark.parametrize("inner", ["inner_error", "innererror"])
def test_azures_inner_error_is_read(inner):
    """The reason stands inside, with the filters that struck."""
    filters = {"sexual": {"filtered": True, "severity": "medium"}, "jailbreak": {"detected": False, "filtered": False}}
    within = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": filters}
    error = error_of(body_of("400", **{inner: within}), 400)
    assert (type(error), error.categories) == (ModerationError, ("sexual",))


def test_code_of_a_user_error_alone_is_no_refusal():
    """OpenAI uses that type for mistakes too."""
    assert type(error_of(body_of(None, "image_generation_user_error"), 400)) is InvalidRequestError


COLLECTED_ERRORS = {
    "moderation_blocked": ModerationError,
    "unknown_parameter": InvalidRequestError,
    "org_not_verified": AuthenticationError,
    "billing_hard_limit_reached": QuotaError,
    "rate_limit_images": RateLimitError,
    "insufficient_quota": QuotaError,
    "server_error": OutcomeUnknownError,
    "azure_content_policy_violation": ModerationError,
    "azure_contentFilter": ModerationError,
    "azure_resource_blocked": AuthenticationError,
}


@pytest.mark.parametrize("case", COLLECTED_ERRORS)
def test_collected_errors(case):
    """Bodies that people have met."""
    found = collected()[case]
    error = error_of(found["body"], found["status"], found.get("headers"))
    assert type(error) is COLLECTED_ERRORS[case]
    assert found["body"]["error"]["message"][:60] in error.message


def test_no_collected_error_is_left_out():
    """Whatever is added to the collection needs an entry here."""
    assert set(collected()) == set(COLLECTED_ERRORS)


def test_collected_refusal_and_pace_in_full():
    """Stage, categories and seconds."""
    cases = collected()
    refused = error_of(cases["moderation_blocked"]["body"], 400)
    limited = error_of(cases["rate_limit_images"]["body"], 429, cases["rate_limit_images"]["headers"])
    assert (refused.stage, refused.categories, limited.retry_after_s) == ("output", ("sexual",), 12.0)


def test_redirect_is_never_followed():
    """A paid request is not sent elsewhere."""
    assert isinstance(error_of(b"", 307, {"location": "https://elsewhere.example/"}), ConfigurationError)
