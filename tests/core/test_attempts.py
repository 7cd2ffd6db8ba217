"""The table of attempt states, row by row: what an attempt ends as, what the caller hears, and how often was submitted.

Each row runs against an SDK-based provider and a plain one, over real sockets; the server counts what arrived whole.
"""

from __future__ import annotations

import asyncio

import pytest
from core.serving import ANSWERS, ERRORS, KEY, PNG, acme_answer, client, states

import imagegen
from imagegen import Billed
from imagegen.testing.faults import (
    Answer,
    CloseAnswerless,
    CloseAtOnce,
    CutAnswer,
    Damage,
    FaultServer,
    Garbage,
    Hang,
    HangAnswer,
    Instead,
    ResetReading,
    unused_port,
)

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("model", list(ANSWERS))]


async def failing(server, model, **keywords):
    """The error of a call that must fail."""
    async with client(server) as asking:
        with pytest.raises(imagegen.ImageGenError) as caught:
            await asking.generate("a fox", **{"model": model, **keywords})
    assert KEY not in str(caught.value)
    assert "\n" not in caught.value.message
    return caught.value


def status(code, error=None, **headers):
    """A fault that answers with a status."""
    return Instead(Answer(error if error is not None else b"", code, headers))


# not_sent


async def test_refused_connection_is_not_sent(model):
    """Where nobody listens nothing is sent; it is tried again within the quota, and said so."""
    error = await failing(f"http://127.0.0.1:{unused_port()}", model)
    assert isinstance(error, imagegen.ConnectionFailedError)
    assert states(error.attempts) == ["not_sent"] * 4
    assert (error.billed, error.possibly_billed_usd) == (Billed.NO, 0)


async def test_connection_that_comes_up_is_used(model):
    """A server that starts to listen a moment later is reached by the retry, and paid once."""
    port = unused_port()
    async with client(f"http://127.0.0.1:{port}") as asking:
        call = asyncio.create_task(asking.generate("a fox", model=model))
        await asyncio.sleep(0.05)
        async with FaultServer(ANSWERS[model], port=port) as server:
            result = await call
    assert server.submits == 1
    assert states(result.attempts)[-1] == "billed"


async def test_failed_handshake_is_not_sent(model):
    """A server that does not speak TLS gets no byte of the request."""
    async with FaultServer(ANSWERS[model], lambda number: CloseAtOnce()) as server:
        error = await failing(server.url.replace("http:", "https:"), model)
    assert isinstance(error, imagegen.ConnectionFailedError)
    assert server.received == []


async def test_unknown_host_is_not_sent(model):
    """A name that does not resolve is no connection."""
    error = await failing("http://no-such-host.invalid", model)
    assert isinstance(error, imagegen.ConnectionFailedError)


# rejected


@pytest.mark.parametrize("pace", ["0", "0.01", "-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", None])
async def test_rate_limit_is_waited_for(model, pace):
    """A 429 is tried again at the stated pace; nonsense and the past are no pace."""
    headers = {"retry-after": pace} if pace is not None else {}
    limited = Instead(Answer(ERRORS[model]("rate_limit_exceeded"), 429, headers))
    async with FaultServer(ANSWERS[model], [limited]) as server, client(server) as asking:
        result = await asking.generate("a fox", model=model)
    assert states(result.attempts) == ["rejected", "billed"]
    assert server.submits == 2
    assert result.latency.wait_s <= 2


async def test_pace_beyond_the_deadline_fails_at_once(model):
    """A pace that the deadline does not allow is told instead of waited for."""
    limited = Instead(Answer(ERRORS[model]("rate_limit_exceeded"), 429, {"retry-after": "3600"}))
    async with FaultServer(ANSWERS[model], [limited]) as server:
        error = await failing(server, model)
    assert isinstance(error, imagegen.RateLimitError)
    assert error.retry_after_s == 3600
    assert server.submits == 1


async def test_paced_503_of_the_provider_is_waited_for(model):
    """A 503 with a pace and the provider's own error body is a rejection."""
    busy = Instead(Answer(ERRORS[model]("server_is_overloaded"), 503, {"retry-after-ms": "10"}))
    async with FaultServer(ANSWERS[model], [busy]) as server, client(server) as asking:
        result = await asking.generate("a fox", model=model)
    assert states(result.attempts) == ["rejected", "billed"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, imagegen.InvalidRequestError),
        (401, imagegen.AuthenticationError),
        (402, imagegen.QuotaError),
        (403, imagegen.AuthenticationError),
        (404, imagegen.InvalidRequestError),
        (413, imagegen.InvalidRequestError),
        (415, imagegen.InvalidRequestError),
        (422, imagegen.InvalidRequestError),
    ],
)
async def test_other_4xx_raises_at_once(model, code, kind):
    """An answer that the request is wrong is not asked for again, and cost nothing."""
    async with FaultServer(ANSWERS[model], lambda number: status(code, ERRORS[model]("wrong", f"bad {KEY}"))) as server:
        error = await failing(server, model)
    assert type(error) is kind
    assert (server.submits, error.billed, error.status) == (1, Billed.NO, code)


async def test_no_credit_is_not_waited_for(model):
    """A 429 that means no credit is not a matter of time."""
    code = {"openai:gpt-image-2": "insufficient_quota", "acme:sketch": "no_credit"}[model]
    broke = Instead(Answer(ERRORS[model](code), 429, {"retry-after": "0"}))
    async with FaultServer(ANSWERS[model], [broke]) as server:
        error = await failing(server, model)
    assert isinstance(error, imagegen.QuotaError)
    assert server.submits == 1


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_redirect_is_never_followed(model, code):
    """A redirected POST goes nowhere: neither the request nor the key reaches the other host."""
    async with FaultServer(ANSWERS[model]) as other:
        async with FaultServer(ANSWERS[model], [status(code, location=f"{other.url}/v1")]) as server:
            error = await failing(server, model)
    assert isinstance(error, imagegen.ConfigurationError)
    assert f"127.0.0.1:{other.port}" in error.message
    assert (server.submits, other.received) == (1, [])


# refused


async def test_refusal_is_never_repeated(model):
    """Moderation is its own error and ends the call, also before a fallback."""
    code = {"openai:gpt-image-2": "moderation_blocked", "acme:sketch": "unsafe"}[model]
    refused = status(400, ERRORS[model](code))
    async with FaultServer(ANSWERS[model], [refused]) as server:
        error = await failing(server, [model, "stub:painter"])
    assert isinstance(error, imagegen.ModerationError)
    assert (server.submits, states(error.attempts)) == (1, ["refused"])


async def test_refusal_falls_back_when_asked(model):
    """Another model is tried after a refusal only on the caller's word."""
    code = {"openai:gpt-image-2": "moderation_blocked", "acme:sketch": "unsafe"}[model]
    refused = status(400, ERRORS[model](code))
    async with FaultServer(ANSWERS[model], [refused]) as server, client(server) as asking:
        result = await asking.generate("a fox", model=[model, "stub:painter"], fallback_on_refusal=True)
    assert result.model == "stub:painter"


# unknown

CUT = 40
UNKNOWN = {
    "reset while sending": ResetReading(1),
    "closed without an answer": CloseAnswerless(),
    "reset without an answer": CloseAnswerless(reset=True),
    "no HTTP": Garbage(),
    "cut after the head": CutAnswer(0),
    "cut in the body": CutAnswer(CUT),
    "reset in the body": CutAnswer(CUT, reset=True),
    **{str(code): status(code) for code in (408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524)},
    "503 of a proxy with a pace": status(503, b"<html>busy</html>", **{"retry-after": "0"}),
}


@pytest.mark.parametrize("fault", list(UNKNOWN.values()), ids=list(UNKNOWN))
async def test_unknown_outcome_is_not_repeated(model, fault):
    """Whatever leaves open whether the picture was made is told as such, after one submit, and stops a fallback."""
    async with FaultServer(ANSWERS[model], lambda number: fault) as server:
        error = await failing(server, [model, "stub:painter"])
    assert isinstance(error, imagegen.OutcomeUnknownError)
    assert states(error.attempts) == ["unknown"]
    assert len(server.received) == 1
    assert error.billed is Billed.UNKNOWN
    assert error.possibly_billed_usd is not None
    assert error.possibly_billed_usd > 0


async def test_chunked_answer_that_is_cut_is_unknown(model):
    """A chunked answer without its end was cut, however much came."""

    def chunked(received):
        good = ANSWERS[model](received)
        return Answer(good.body, chunked=True)

    async with FaultServer(chunked, [CutAnswer(10_000)]) as server:
        error = await failing(server, model)
    assert isinstance(error, imagegen.OutcomeUnknownError)
    assert error.raw.startswith(b"{")


@pytest.mark.parametrize("fault", [Hang(), HangAnswer(CUT)], ids=["no answer", "half an answer"])
async def test_deadline_in_the_paid_step_is_unknown(model, fault):
    """One clock over everything: at the deadline a request that was sent is of unknown outcome."""
    async with FaultServer(ANSWERS[model], [fault]) as server:
        error = await failing(server, model, timeout_s=3)
    assert isinstance(error, imagegen.OutcomeUnknownError)
    assert (server.submits, states(error.attempts)) == (1, ["unknown"])


async def test_unknown_is_repeated_on_the_callers_word(model):
    """``retry_unknown`` submits again, and the money that may be lost stays in the cost."""
    async with FaultServer(ANSWERS[model], [status(500)]) as server, client(server) as asking:
        result = await asking.generate("a fox", model=model, retry_unknown=True)
    assert server.submits == 2
    assert states(result.attempts) == ["unknown", "billed"]
    assert result.cost.amount_usd is None
    assert result.cost.at_most_usd is not None
    assert result.cost.known_usd < result.cost.at_most_usd


async def test_retry_on_the_callers_word_respects_max_usd(model):
    """A second submit is a second price: it is not made where both do not fit."""
    async with client("http://127.0.0.1:9") as asking:
        most = asking.plan("a fox", model=model).cost.at_most_usd
    async with FaultServer(ANSWERS[model], [status(500)]) as server:
        error = await failing(server, model, retry_unknown=True, max_usd=most)
    assert server.submits == 1
    assert isinstance(error, imagegen.BudgetExceededError)
    assert error.billed is Billed.UNKNOWN


# billed


def not_json(content):
    return content[: len(content) // 2]


BILLED = {
    "a page": (Instead(Answer(b"<html>hello</html>", headers={"content-type": "text/html"})), "unreadable"),
    "half a JSON": (Damage(not_json), "unreadable"),
    "another JSON": (Instead(Answer({"data": 1, "pictures": 1})), "unreadable"),
    "no pictures": (Instead(Answer({"data": [], "pictures": []})), "empty"),
}


@pytest.mark.parametrize("fault", list(BILLED), ids=list(BILLED))
async def test_complete_answer_that_is_no_picture_is_paid(model, fault):
    """A complete 200 is never asked for again; what came is kept."""
    fault, reason = BILLED[fault]
    async with FaultServer(ANSWERS[model], [fault]) as server:
        error = await failing(server, [model, "stub:painter"])
    assert isinstance(error, imagegen.BadOutputError)
    assert (error.reason, error.billed, server.submits) == (reason, Billed.YES, 1)
    if reason == "unreadable":
        assert error.raw


@pytest.mark.parametrize("stop", [30, len(PNG) - 12, len(PNG) - 1])
async def test_picture_cut_short_is_corrupt(model, stop):
    """A picture without its end is not handed out as good; its bytes are kept."""
    import base64

    half = base64.b64encode(PNG[:stop]).decode()
    body = {"data": [{"b64_json": half}], "pictures": [{"data": half}], "created": 1}
    async with FaultServer(Answer(body)) as server:
        error = await failing(server, model)
    assert isinstance(error, imagegen.BadOutputError)
    assert (error.reason, error.raw, server.submits) == ("corrupt", PNG[:stop], 1)


async def test_good_answer_is_one_submit(model):
    """Without a fault there is one submit, one state, and the very bytes that were sent."""
    async with FaultServer(ANSWERS[model]) as server, client(server) as asking:
        result = await asking.generate("a fox", model=model)
    assert (server.submits, states(result.attempts)) == (1, ["billed"])
    assert result.image.data == PNG


async def test_quota_ends_a_storm(model):
    """When every answer says to wait a moment, a client repeats 10 % of its calls and 3, and no more."""
    limited = Instead(Answer(ERRORS[model]("rate_limit_exceeded"), 429, {"retry-after": "0"}))
    async with FaultServer(ANSWERS[model], lambda number: limited) as server, client(server) as asking:
        for _ in range(20):
            with pytest.raises(imagegen.RateLimitError):
                await asking.generate("a fox", model=model)
    assert server.submits == 20 + 3 + 2


async def test_documented_free_failure_is_repeated(model):
    """A failure that the catalogue says is free, with a source, is submitted again and costs nothing."""
    if model != "acme:sketch":
        return  # OpenAI documents none
    free = status(507, ERRORS[model]("storage"))
    async with FaultServer(acme_answer, [free]) as server, client(server) as asking:
        result = await asking.generate("a fox", model=model)
    assert (server.submits, states(result.attempts)) == (2, ["unknown", "billed"])
    assert result.attempts[0].billed is Billed.NO
    assert str(result.cost.amount_usd) == "0.03"
