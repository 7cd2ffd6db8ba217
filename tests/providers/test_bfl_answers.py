"""From BFL: what its answers mean, against samples."""

from __future__ import annotations

from decimal import Decimal

import pytest
from samples import reply_of, sample

import imagegen
from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    ImageRequest,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    Output,
    ProviderError,
    QuotaError,
    RateLimitError,
    RemoteJob,
    Reply,
    Running,
    Task,
)
from imagegen.http.status import checked
from imagegen_providers.bfl import BFL

PROVIDER = BFL()
JOB = RemoteJob("7c1f6a3e-0000-4000-8000-00000000b001", url="https://api.us2.bfl.ai/v1/get_result?id=7c1f")
TASK = Task(ImageRequest(prompt="x"), "flux-2-pro", "generate")


def test_accepted_job_has_its_price():
    """Credits of a cent; what was counted is kept with it."""
    accepted = PROVIDER.parse(reply_of("bfl", "submit_flux_2_pro_edit"), TASK)
    assert (accepted.id, accepted.cost_usd) == (JOB.id, Decimal("0.06"))
    assert accepted.data == {"cost": "6.0", "input_mp": "2.0", "output_mp": "1.0"}
    assert PROVIDER.parse(reply_of("bfl", "submit_flux_3_image"), TASK).cost_usd is None


@pytest.mark.parametrize("cost", [0.08, 0, -1, "much", None, {"usd": 1}])
def test_cost_that_is_no_number_of_credits_is_not_believed(cost):
    """A figure below every price is in another unit; no figure takes the job with it."""
    accepted = PROVIDER.parse(Reply.of({"id": "j", "polling_url": "https://api.bfl.ai/x?id=j", "cost": cost}), TASK)
    assert (accepted.id, accepted.cost_usd) == ("j", None)


def test_finished_job_names_its_picture():
    """The link, the seed, and the raw reply with what was counted on acceptance."""
    output = PROVIDER.parse_poll(reply_of("bfl", "poll_ready"), RemoteJob("j", data={"cost": "6.0"}))
    assert isinstance(output, Output)
    wanted = sample("bfl", "poll_ready")["response"]["body"]["result"]["sample"]
    assert (output.images, output.seed) == ([ImageUrl(wanted)], 42)
    assert output.raw["accepted"] == {"cost": "6.0"}


def test_running_job_has_its_progress():
    """As far as the service says."""
    assert PROVIDER.parse_poll(reply_of("bfl", "poll_pending"), JOB) == Running("Pending", progress=0.35)


@pytest.mark.parametrize(
    ("status", "known"), [("Pending", True), ("Reasoning", True), ("Generating", True), ("Dreaming", False)]
)
def test_states_that_go_on(status, known):
    """FLUX 3 reasons and generates; one that nobody knows goes on too, and is told."""
    assert PROVIDER.parse_poll(Reply.of({"id": "j", "status": status}), JOB) == Running(status, known=known)


def test_moderated_sample_is_a_refusal():
    """HTTP 200, and no picture: the reasons are categories, their shape being nobody's promise."""
    with pytest.raises(ModerationError) as raised:
        PROVIDER.parse_poll(reply_of("bfl", "poll_content_moderated_200"), JOB)
    error = raised.value
    assert (error.stage, error.categories, error.code) == ("output", ("Derivative Works Filter",), "Content Moderated")
    assert error.billed is Billed.UNKNOWN


@pytest.mark.parametrize("details", [None, "no", ["no"], {"a": {"b": ["no"]}}, {"a": 1}])
@pytest.mark.parametrize("status", [200, 422, 503])
def test_refused_prompt_whatever_the_status(status, details):
    """The same body comes with 422 or 503 as well, and ends the job."""
    answer = Reply.of({"id": "j", "status": "Request Moderated", "details": details}, status=status)
    error = PROVIDER.read_end(answer, PROVIDER.poll(JOB), JOB)
    assert isinstance(error, ModerationError)
    assert (error.stage, set(error.categories) <= {"no"}) == ("input", True)


@pytest.mark.parametrize("status", ["Error", "Failed"])
def test_failed_job_is_over(status):
    """Nobody says whether it is billed."""
    with pytest.raises(ProviderError, match=status) as raised:
        PROVIDER.parse_poll(Reply.of({"id": "j", "status": status, "details": {"error": "gpu"}}), JOB)
    assert (type(raised.value), raised.value.billed) == (ProviderError, Billed.UNKNOWN)


def test_unknown_job_may_not_be_there_yet():
    """It is asked for again before it is believed."""
    with pytest.raises(InvalidRequestError):
        PROVIDER.parse_poll(Reply.of({"id": "j", "status": "Task not found", "result": None}), JOB)
    assert PROVIDER.read_end(Reply.of({"detail": "Task not found"}, status=404), PROVIDER.poll(JOB), JOB) is None


@pytest.mark.parametrize("result", [None, {}, {"sample": None}, {"sample": ""}, "none"])
def test_ready_without_a_picture_is_bad_output(result):
    """Paid, and empty; the reply is kept."""
    with pytest.raises(BadOutputError) as raised:
        PROVIDER.parse_poll(Reply.of({"id": "j", "status": "Ready", "result": result}), JOB)
    assert raised.value.reason == "empty"
    assert b"Ready" in raised.value.raw


@pytest.mark.parametrize(
    ("status", "answer", "kind", "words"),
    [
        (400, {"detail": "bad input"}, InvalidRequestError, "bad input"),
        (401, {"detail": "no key"}, AuthenticationError, "no key"),
        (402, {"detail": "Insufficient credits"}, QuotaError, "Insufficient credits"),
        (403, {"detail": "Not authenticated"}, AuthenticationError, "Not authenticated"),
        (422, {"message": "no", "detail": None}, InvalidRequestError, "no"),
        (422, {"detail": [{"odd": 1}]}, InvalidRequestError, "odd"),
        (500, {"detail": "oops"}, imagegen.OutcomeUnknownError, "oops"),
    ],
)
def test_errors_by_status(status, answer, kind, words):
    """In BFL's own words, whichever shape they come in."""
    with pytest.raises(kind, match=words):
        checked(Reply.of(answer, status=status), PROVIDER.read_error)


def test_sample_of_a_bad_field_names_it():
    """Where it is, what is wrong, and the code."""
    with pytest.raises(InvalidRequestError, match=r"body\.seed: Extra inputs are not permitted") as raised:
        checked(reply_of("bfl", "error_422_validation"), PROVIDER.read_error)
    assert raised.value.code == "extra_forbidden"


def test_sample_of_too_many_jobs_states_its_pace():
    """From the body, which says it too."""
    with pytest.raises(RateLimitError, match="Too many concurrent requests") as raised:
        checked(reply_of("bfl", "error_429_concurrency"), PROVIDER.read_error)
    assert (raised.value.retry_after_s, raised.value.code) == (5, "rate_limit_exceeded")
