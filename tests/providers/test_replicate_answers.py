"""From Replicate: what its answers mean, against samples."""

from __future__ import annotations

from typing import Any

import pytest
from samples import reply_of, sample

import imagegen
from imagegen import (
    AuthenticationError,
    BadOutputError,
    Billed,
    DeadlineExceededError,
    ImageRequest,
    ImageUrl,
    InvalidRequestError,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    QuotaError,
    RateLimitError,
    RemoteJob,
    Reply,
    Running,
    Task,
)
from imagegen.http.status import checked
from imagegen_providers.replicate import Replicate

PROVIDER = Replicate()
MODEL = "black-forest-labs/flux-schnell"
TASK = Task(ImageRequest(prompt="x"), MODEL, "generate")
JOB = RemoteJob("s7x1", data={"model": MODEL, "n": 1})


def prediction(status: str, **members: Any) -> Reply:
    return Reply.of({"id": "s7x1", "model": MODEL, "version": "dp-4d", "status": status, "output": None, **members})


def test_accepted_sample_is_a_job():
    """With the addresses it was given, and what is needed to read its end."""
    job = PROVIDER.parse(reply_of("replicate", "create_starting"), TASK)
    assert isinstance(job, RemoteJob)
    given = sample("replicate", "create_starting")["response"]["body"]
    assert (job.id, job.url, job.cancel_url) == (given["id"], given["urls"]["get"], given["urls"]["cancel"])
    assert job.data == {"model": MODEL, "n": 1}


def test_waited_output_counts_before_the_status_does():
    """The status may still say processing: what is there is the picture."""
    link = PROVIDER.parse(reply_of("replicate", "sync_wait_output_while_processing"), TASK)
    inline = PROVIDER.parse(reply_of("replicate", "sync_data_uri_output"), TASK)
    assert isinstance(link, Output)
    assert link.images == [ImageUrl("https://replicate.delivery/xezq/abc/out-0.webp")]
    assert isinstance(inline, Output)
    assert isinstance(inline.images[0], PictureData)
    assert inline.images[0].read().startswith(b"\x89PNG")


def test_wait_that_ended_too_soon_leaves_a_job():
    """No output yet, or not all of it."""
    several = Task(ImageRequest(prompt="x", n=2), MODEL, "generate", n=2)
    assert isinstance(PROVIDER.parse(prediction("processing"), TASK), RemoteJob)
    assert isinstance(PROVIDER.parse(prediction("processing", output=["https://a.example/1"]), several), RemoteJob)


def test_finished_sample_names_its_picture_seed_and_model():
    """The seed stands in the log only; of a pinned model the version that answered is told."""
    asked = "stability-ai/sdxl:39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b"
    output = PROVIDER.parse_poll(reply_of("replicate", "get_succeeded"), RemoteJob("v", data={"model": asked, "n": 1}))
    assert isinstance(output, Output)
    (wanted,) = sample("replicate", "get_succeeded")["response"]["body"]["output"]
    assert (output.images, output.seed, output.model) == ([ImageUrl(wanted)], 42069, asked)


def test_single_output_is_one_picture():
    """A text where others give a list."""
    output = PROVIDER.parse_poll(prediction("succeeded", output="https://replicate.delivery/a.webp"), JOB)
    assert isinstance(output, Output)
    assert (output.images, output.model) == ([ImageUrl("https://replicate.delivery/a.webp")], MODEL)


@pytest.mark.parametrize(
    ("reply", "running"),
    [
        (prediction("starting"), Running("starting", queued=True)),
        (prediction("processing"), Running("processing")),
        (prediction("processing", output=["https://a.example/preview"]), Running("processing")),
        (prediction("dreaming"), Running("dreaming", known=False)),
    ],
)
def test_states_that_go_on(reply, running):
    """At a poll the status decides: some models show unfinished pictures as output."""
    assert PROVIDER.parse_poll(reply, JOB) == running


def test_refused_sample_is_moderation():
    """There is no code for it: the words are known."""
    with pytest.raises(ModerationError, match="NSFW content detected") as raised:
        PROVIDER.parse_poll(reply_of("replicate", "failed_safety"), JOB)
    assert raised.value.billed is Billed.UNKNOWN


@pytest.mark.parametrize("words", ["The input was flagged as sensitive. (E005)", "flagged by the provider"])
def test_other_words_of_a_refusal(words):
    """As other models put it."""
    with pytest.raises(ModerationError):
        PROVIDER.parse_poll(prediction("failed", error=words), JOB)


@pytest.mark.parametrize(
    ("status", "error", "billed"),
    [
        ("failed", "CUDA out of memory", Billed.UNKNOWN),
        ("failed", {"code": 7}, Billed.UNKNOWN),
        ("canceled", None, Billed.UNKNOWN),
        ("aborted", None, Billed.NO),
    ],
)
def test_job_that_ended_without_pictures(status, error, billed):
    """Aborted is before its start; what ran is charged for its time."""
    with pytest.raises(ProviderError) as raised:
        PROVIDER.parse_poll(prediction(status, error=error), JOB)
    assert (type(raised.value), raised.value.billed, raised.value.code) == (ProviderError, billed, status)


def test_results_are_gone_after_an_hour():
    """Said so by the job itself, whose output is then empty."""
    with pytest.raises(DeadlineExceededError) as raised:
        PROVIDER.parse_poll(prediction("succeeded", data_removed=True), JOB)
    assert raised.value.expired


def test_what_the_safety_checker_took_out():
    """Older models succeed with fewer pictures, or none, and the log says why."""
    two = RemoteJob("j", data={"model": MODEL, "n": 2})
    logs = "NSFW content detected in image 1"
    output = PROVIDER.parse_poll(prediction("succeeded", output=["https://a.example/1"], logs=logs), two)
    assert isinstance(output, Output)
    whole, refused = output.images
    assert isinstance(whole, ImageUrl)
    assert isinstance(refused, ModerationError)
    none = PROVIDER.parse_poll(prediction("succeeded", output=[], logs=logs), JOB)
    assert isinstance(none, Output)
    assert isinstance(none.images[0], ModerationError)


@pytest.mark.parametrize("output", [[], None])
def test_success_without_a_picture_is_bad_output(output):
    """Where nothing says why."""
    with pytest.raises(BadOutputError) as raised:
        PROVIDER.parse_poll(prediction("succeeded", output=output), JOB)
    assert raised.value.reason == "empty"


@pytest.mark.parametrize(
    ("status", "answer", "kind", "words"),
    [
        (402, {"title": "Insufficient credit", "detail": "You have insufficient credit"}, QuotaError, "insufficient"),
        (404, {"detail": "Not found."}, InvalidRequestError, "Not found"),
        (422, {"detail": "bad", "invalid_fields": [{"field": "input.seed"}]}, InvalidRequestError, r"input\.seed"),
        (500, {"detail": "oops"}, imagegen.OutcomeUnknownError, "oops"),
        (502, "bad gateway", imagegen.OutcomeUnknownError, "502"),
    ],
)
def test_errors_by_status(status, answer, kind, words):
    """In Replicate's own words."""
    with pytest.raises(kind, match=words):
        checked(Reply.of(answer, status=status), PROVIDER.read_error)


def test_error_samples():
    """A bad token; and a pace that stands in a header of Replicate's own, or only in its words."""
    with pytest.raises(AuthenticationError, match="valid authentication token"):
        checked(reply_of("replicate", "error_401"), PROVIDER.read_error)
    with pytest.raises(RateLimitError) as raised:
        checked(reply_of("replicate", "error_429"), PROVIDER.read_error)
    assert raised.value.retry_after_s == 30
    told = sample("replicate", "error_429")["response"]["body"]
    with pytest.raises(RateLimitError) as raised:
        checked(Reply.of(told, status=429), PROVIDER.read_error)
    assert raised.value.retry_after_s == 30
