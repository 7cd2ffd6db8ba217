"""From fal: what its answers mean, against samples."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image
from samples import reply_of, sample

import imagegen
from imagegen import (
    BadOutputError,
    Billed,
    ImageRequest,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    Output,
    PictureData,
    ProviderError,
    RemoteJob,
    Reply,
    Running,
    Task,
    Wire,
)
from imagegen.http.status import checked
from imagegen_providers.fal import Fal

PROVIDER = Fal()
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


def found(kind: str) -> dict[str, Any]:
    """A model's finding of this kind."""
    return {"detail": [{"loc": ["body", "prompt"], "msg": "so it is", "type": kind}]}


def test_accepted_job_keeps_the_addresses_it_was_given():
    """None of them is built from the model's id."""
    wanted = sample("fal", "queue_submit_edit")["response"]["body"]
    job = accepted()
    assert (job.id, job.url) == (wanted["request_id"], wanted["status_url"])
    assert (job.result_url, job.cancel_url) == (wanted["response_url"], wanted["cancel_url"])


@pytest.mark.parametrize(
    ("state", "running"),
    [
        ({"status": "IN_QUEUE", "queue_position": 2}, Running("IN_QUEUE", queue_position=2, queued=True)),
        ({"status": "IN_QUEUE", "queue_position": "?"}, Running("IN_QUEUE", queued=True)),
        ({"status": "IN_PROGRESS"}, Running("IN_PROGRESS")),
        ({"status": "IN_PROGRESS", "logs": [{"message": "a"}, {"message": "b"}]}, Running("b")),
        ({"status": "FAILED"}, Running("FAILED", known=False)),
    ],
)
def test_states_that_go_on(state, running):
    """The last word of the log is the progress; a state that the queue does not have goes on, and is told."""
    assert PROVIDER.parse_poll(Reply.of(state, status=202), accepted()) == running


def test_sample_in_progress():
    """Its log says how far it is."""
    assert PROVIDER.parse_poll(reply_of("fal", "queue_status_in_progress"), accepted()) == Running("step 3/20")


def test_finished_sample_names_its_picture():
    """The link, its type and the seed."""
    output = PROVIDER.parse_result(reply_of("fal", "queue_result_success"), accepted())
    assert output.images == [ImageUrl("https://v3b.fal.media/files/b/tiger/abc123.png", "image/png")]
    assert output.seed == 7


def test_black_picture_is_a_refusal():
    """HTTP 200 and a flag: the picture was made, and billed, and is none."""
    output = PROVIDER.parse(reply_of("fal", "result_200_black_nsfw"), TASK)
    assert isinstance(output, Output)
    (refused,) = output.images
    assert isinstance(refused, ModerationError)
    assert (refused.stage, refused.billed) == ("output", Billed.YES)


@pytest.mark.parametrize("flag", ["has_nsfw_concepts", "nsfw_content_detected"])
def test_one_refused_picture_does_not_take_its_siblings(flag):
    """By index, whatever the flag is called."""
    pictures = [{"url": "https://v3.fal.media/a.png"}, {"url": "https://v3.fal.media/b.png"}]
    whole, refused = PROVIDER.parse_result(Reply.of({"images": pictures, flag: [False, True]}), accepted()).images
    assert whole == ImageUrl("https://v3.fal.media/a.png")
    assert isinstance(refused, ModerationError)


def test_pictures_of_other_shapes():
    """A single one, one inside the answer, one without a link, flags that are too many or none."""
    single = PROVIDER.parse_result(Reply.of({"image": {"url": "https://v3.fal.media/a.png"}}), accepted())
    inline = {"url": "data:image/png;base64," + base64.b64encode(png()).decode()}
    several = {"images": [inline, {"file_name": "x"}], "has_nsfw_concepts": [False, False, True]}
    whole, broken = PROVIDER.parse_result(Reply.of(several), accepted()).images
    assert single.images == [ImageUrl("https://v3.fal.media/a.png")]
    assert isinstance(whole, PictureData)
    assert whole.read() == png()
    assert isinstance(broken, BadOutputError)


@pytest.mark.parametrize("made", [{}, {"images": []}, {"images": None, "description": "I cannot"}, {"images": "no"}])
def test_result_without_a_picture_is_bad_output(made):
    """Done, and empty; what came is kept."""
    with pytest.raises(BadOutputError) as raised:
        PROVIDER.parse_result(Reply.of(made), accepted())
    assert raised.value.reason == "empty"


def end(status: int, answer: Any, headers: dict[str, str] | None = None, of_status: bool = False) -> Any:
    """How a job ended whose result, or status, answered so."""
    job = accepted()
    wire = PROVIDER.poll(job) if of_status else Wire.get(job.result_url or "")
    return PROVIDER.read_end(Reply.of(answer, status=status, headers=headers), wire, job)


def test_refusal_sample_ends_the_job():
    """422 with fal's code for it."""
    answer = sample("fal", "result_422_content_policy")["response"]
    error = end(answer["status"], answer["body"], answer["headers"])
    assert isinstance(error, ModerationError)
    assert (error.stage, error.billed, error.code) == ("input", Billed.UNKNOWN, "content_policy_violation")


@pytest.mark.parametrize(
    ("status", "answer", "billed", "code"),
    [
        (422, found("no_media_generated"), "unknown", "no_media_generated"),
        (504, {"detail": "Request timed out", "error_type": "request_timeout"}, "no", "request_timeout"),
        (500, found("downstream_service_error"), "no", "downstream_service_error"),
        (503, {"message": "no runner"}, "no", None),
        (499, {"detail": "cancelled", "error_type": "client_cancelled"}, "unknown", "client_cancelled"),
        (400, {"detail": "bad", "error_type": "bad_request"}, "unknown", "bad_request"),
    ],
)
def test_failed_result_ends_the_job(status, answer, billed, code):
    """In any of fal's shapes; a 5xx is never billed, anything else may be."""
    error = end(status, answer)
    assert (type(error), error.billed.value, error.code) == (ProviderError, billed, code)


@pytest.mark.parametrize(
    ("status", "answer", "of_status"),
    [
        (401, {"detail": "no key"}, False),
        (404, {"detail": "Request not found"}, False),
        (429, {"detail": "slow down"}, False),
        (502, "<html>", False),
        (504, {"detail": "Request timed out", "error_type": "request_timeout"}, True),
        (422, found("content_policy_violation"), True),
    ],
)
def test_failed_question_is_not_the_jobs_end(status, answer, of_status):
    """A key, a pace, a proxy's page, or trouble with the status: the job may go on."""
    assert end(status, answer, of_status=of_status) is None


def test_timeout_sample_is_an_unknown_outcome():
    """At the submit: a job may have been queued all the same, so it is not sent again."""
    with pytest.raises(OutcomeUnknownError, match="Request timed out"):
        checked(reply_of("fal", "error_504_timeout"), PROVIDER.read_error)


def test_webhook_sample_holds_the_same_findings():
    """Its payload is the result's own body."""
    payload = sample("fal", "webhook_error_payload")["request"]["body"]["payload"]
    with pytest.raises(InvalidRequestError, match=r"body\.prompt: field required") as raised:
        checked(Reply.of(payload, status=422), PROVIDER.read_error)
    assert raised.value.code == "value_error.missing"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, imagegen.AuthenticationError), (402, imagegen.QuotaError), (403, imagegen.AuthenticationError)],
)
def test_errors_by_status(status, kind):
    """In fal's words."""
    with pytest.raises(kind, match="sorry"):
        checked(Reply.of({"detail": "sorry"}, status=status), PROVIDER.read_error)
