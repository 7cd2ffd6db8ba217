"""The fault matrix, rows F01 to F22: what may happen to a paid submit, at the server's count and in the ledger's rows.

The server counts a charge once a body arrived whole. Every row runs for a provider over an SDK and for a plain one.
"""

from __future__ import annotations

import asyncio
import base64
import sqlite3
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest
from core.serving import ANSWERS, ERRORS, PNG, client, states

import imagegen
from imagegen import Billed
from imagegen.testing.faults import (
    Answer,
    CloseAnswerless,
    CloseAtOnce,
    CutAnswer,
    Damage,
    Drip,
    FaultServer,
    Hang,
    HangAnswer,
    Instead,
    ResetReading,
    StallReading,
    unused_port,
)

pytestmark = pytest.mark.anyio
BIG = "\N{FOX FACE}" * 30_000
UNKNOWN, BAD, LIMITED = imagegen.OutcomeUnknownError, imagegen.BadOutputError, imagegen.RateLimitError
REFUSED = {"openai:gpt-image-2": "moderation_blocked", "acme:sketch": "unsafe"}
NO_CREDIT = {"openai:gpt-image-2": "insufficient_quota", "acme:sketch": "no_credit"}
HTML = b"<html>busy</html>"


@pytest.fixture(params=list(ANSWERS))
def model(request):
    return request.param


def answered(code: int, body: Any = HTML, headers: dict[str, str] | None = None) -> Instead:
    return Instead(Answer(body, code, headers or {}))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the matrix: what the requests meet, and what must come of it."""

    faults: Any
    """A list of faults, or a function of the model to one."""
    submits: int
    units: list[str]
    """The last states of the ledger's rows, in order."""
    error: type[imagegen.ImageGenError] | None = None
    prompt: str = "a fox"
    n: int = 1
    timeout_s: float = 10.0
    images: int = 1
    check: Any = field(default=lambda outcome: True)


def _with_pace(pace: dict[str, str]) -> Any:
    return lambda model: [answered(429, ERRORS[model]("rate_limit_exceeded"), pace)]


def _pictures(change):
    """The answer with its pictures' base64 written differently."""
    plain = base64.b64encode(PNG)
    return [Damage(lambda body: body.replace(plain, change(plain)))]


def _newlines(text: bytes) -> bytes:
    return b"\\n".join(text[start : start + 76] for start in range(0, len(text), 76))


ROWS = {
    "F03 reset while the body is written": Row([ResetReading(20_000)], 0, ["unknown"], UNKNOWN, prompt=BIG),
    "F04 the server reads nothing": Row([StallReading()], 0, ["unknown"], UNKNOWN, prompt=BIG, timeout_s=1.0),
    "F05 closed without an answer": Row([CloseAnswerless()], 1, ["unknown"], UNKNOWN),
    "F06 no answer in time": Row([Hang()], 1, ["unknown"], UNKNOWN, timeout_s=0.5),
    "F08 body cut": Row([CutAnswer(60)], 1, ["unknown"], UNKNOWN),
    "F08 body reset": Row([CutAnswer(60, reset=True)], 1, ["unknown"], UNKNOWN),
    "F09 body hangs": Row([HangAnswer(60)], 1, ["unknown"], UNKNOWN, timeout_s=0.7),
    "F09 body drips": Row([Drip(0.05, 1)], 1, ["unknown"], UNKNOWN, timeout_s=0.7),
    "F10 a page": Row([answered(200, b"<html>welcome</html>")], 1, ["unreadable"], BAD),
    "F10 broken JSON": Row([answered(200, b'{"data": [')], 1, ["unreadable"], BAD),
    "F11 no picture": Row([answered(200, {"data": [], "pictures": []})], 1, ["unreadable"], BAD),
    "F13 a picture cut short": Row(_pictures(lambda text: text[: len(text) // 8 * 4]), 1, ["unreadable"], BAD),
    "F13 a picture without its end": Row(_pictures(lambda text: base64.b64encode(PNG[:-8])), 1, ["unreadable"], BAD),
    "F14 newlines": Row(_pictures(_newlines), 1, ["stored"]),
    "F14 a data URL": Row(_pictures(lambda text: b"data:image/png;base64," + text), 1, ["stored"]),
    "F14 the other alphabet": Row(_pictures(lambda text: text.replace(b"+", b"-").replace(b"/", b"_")), 1, ["stored"]),
    "F14 no padding": Row(_pictures(lambda text: text.rstrip(b"=")), 1, ["stored"]),
    "F15 seconds": Row(_with_pace({"retry-after": "1"}), 2, ["rejected", "stored"]),
    "F15 milliseconds": Row(_with_pace({"retry-after-ms": "30"}), 2, ["rejected", "stored"]),
    "F15 a date": Row(
        lambda model: _with_pace({"retry-after": formatdate(usegmt=True)})(model), 2, ["rejected", "stored"]
    ),
    "F15 the past": Row(_with_pace({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), 2, ["rejected", "stored"]),
    "F15 negative": Row(_with_pace({"retry-after": "-5"}), 2, ["rejected", "stored"]),
    "F15 garbage": Row(_with_pace({"retry-after": "soon"}), 2, ["rejected", "stored"]),
    "F15 an hour": Row(
        _with_pace({"retry-after": "3600"}), 1, ["rejected"], LIMITED, check=lambda error: error.retry_after_s == 3600
    ),
    "F16 no credit": Row(
        lambda model: [answered(429, ERRORS[model](NO_CREDIT[model]))], 1, ["rejected"], imagegen.QuotaError
    ),
    **{
        f"F17 {code}": Row([answered(code)], 1, ["unknown"], UNKNOWN)
        for code in (500, 502, 504, 520, 521, 522, 523, 524)
    },
    "F18 the provider's own 503 with a pace": Row(
        lambda model: [answered(503, ERRORS[model]("overloaded"), {"retry-after-ms": "10"})], 2, ["rejected", "stored"]
    ),
    "F18 a bare 503": Row([answered(503)], 1, ["unknown"], UNKNOWN),
    "F18 a page's 503 with a pace": Row([answered(503, HTML, {"retry-after": "0"})], 1, ["unknown"], UNKNOWN),
    **{f"F19 {code}": Row([answered(code)], 1, ["unknown"], UNKNOWN) for code in (408, 409, 425)},
    **{
        f"F20 {code}": Row([answered(code, b"{}")], 1, ["rejected"], imagegen.ProviderError)
        for code in (400, 401, 403, 404, 413, 415, 422)
    },
    "F21 refused": Row(
        lambda model: [answered(400, ERRORS[model](REFUSED[model]))], 1, ["refused"], imagegen.ModerationError
    ),
    **{
        f"F22 {code}": Row(
            [answered(code, b"", {"location": "http://169.254.169.254/"})], 1, ["rejected"], imagegen.ConfigurationError
        )
        for code in (301, 302, 307)
    },
}  # fmt: skip


def units(folder) -> list[str]:
    """The states of the ledger's rows, read from outside."""
    connection = sqlite3.connect(folder / "ledger.sqlite")
    try:
        return [state for (state,) in connection.execute("SELECT state FROM units ORDER BY id")]
    finally:
        connection.close()


async def outcome_of(asking, **call) -> Any:
    """The result, or the error that was raised."""
    try:
        return await asking.generate(call.pop("prompt"), **call)
    except imagegen.ImageGenError as error:
        return error


@pytest.mark.parametrize("name", list(ROWS))
async def test_row(tmp_path, model, name):
    """The charges at the server, the rows of the ledger and what the caller gets are as the matrix says."""
    row = ROWS[name]
    faults = row.faults(model) if callable(row.faults) else row.faults
    async with FaultServer(ANSWERS[model], faults) as server:
        async with client(server, ledger=tmp_path, timeout_s=row.timeout_s) as asking:
            outcome = await outcome_of(asking, prompt=row.prompt, model=model, n=row.n)
            if row.error is None:
                assert len(outcome.images) == row.images, outcome
                assert all(image.data == PNG for image in outcome.images)
            else:
                assert isinstance(outcome, row.error), outcome
                billed = {"unknown": Billed.UNKNOWN, "unreadable": Billed.YES, "rejected": Billed.NO}
                assert outcome.billed == billed.get(row.units[-1], outcome.billed)
        assert server.submits == row.submits
    assert units(tmp_path) == row.units
    assert row.check(outcome)


async def test_F01_nobody_listens_and_then_somebody_does(tmp_path, model):
    """A refused connection is tried again until it is there; one charge."""
    port = unused_port()
    async with client(f"http://127.0.0.1:{port}", ledger=tmp_path) as asking:
        call = asyncio.create_task(asking.generate("a fox", model=model))
        await asyncio.sleep(0.05)
        async with FaultServer(ANSWERS[model], port=port) as server:
            result = await call
    assert (server.submits, states(result.attempts)[-1]) == (1, "billed")
    assert units(tmp_path) == ["not_sent"] * (len(result.attempts) - 1) + ["stored"]


async def test_F01_a_name_that_does_not_resolve(tmp_path, model):
    """No address is no connection: nothing is reserved any more."""
    async with client("http://no-such-host.invalid", ledger=tmp_path) as asking:
        error = await outcome_of(asking, prompt="a fox", model=model)
    assert isinstance(error, imagegen.ConnectionFailedError)
    assert set(units(tmp_path)) == {"not_sent"}


async def test_F02_a_handshake_that_fails(tmp_path, model):
    """A server that ends the handshake got nothing of the request."""
    async with FaultServer(ANSWERS[model], lambda number: CloseAtOnce()) as server:
        async with client(server.url.replace("http:", "https:"), ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=model)
    assert isinstance(error, imagegen.ConnectionFailedError)
    assert (server.submits, set(units(tmp_path))) == (0, {"not_sent"})


async def test_F07_an_idle_connection_that_the_server_closed(tmp_path, model):
    """A kept connection that was closed meanwhile is not used for money: both calls are one charge each."""
    async with FaultServer(ANSWERS[model]) as server, client(server, ledger=tmp_path) as asking:
        await asking.generate("a fox", model=model)
        for task in list(server._connections):
            task.cancel()
        await asyncio.sleep(0.05)
        await asking.generate("a fox", model=model)
    assert (server.submits, units(tmp_path)) == (2, ["stored", "stored"])


async def test_F16_no_credit_opens_the_breaker(tmp_path, model):
    """After an answer that says there is no credit nothing more is sent for a while."""
    broke = answered(429, ERRORS[model](NO_CREDIT[model]))
    async with FaultServer(ANSWERS[model], lambda number: broke) as server, client(server, ledger=tmp_path) as asking:
        errors = [await outcome_of(asking, prompt="a fox", model=model) for _ in range(3)]
    assert [type(error) for error in errors] == [imagegen.QuotaError] * 3
    assert server.submits == 1
    assert "nothing was sent" in errors[1].message


async def test_F12_three_of_four(tmp_path, model):
    """One of four pictures is broken: the other three are kept, and the fourth is told, not bought again."""
    spoilt = Damage(lambda body: body.replace(base64.b64encode(PNG), b"AAAA", 1))
    async with FaultServer(ANSWERS[model], [spoilt]) as server, client(server, ledger=tmp_path) as asking:
        result = await asking.generate("a fox", model=model, n=4)
    assert ([image.data for image in result.images], len(result.failures)) == ([PNG] * 3, 1)
    assert isinstance(result.failures[0].error, BAD)
    assert server.submits == len(units(tmp_path)) == len(result.attempts)
    assert set(units(tmp_path)) <= {"stored", "unreadable"}


async def test_F21_a_refusal_does_not_count_for_the_breaker(tmp_path, model):
    """Ten refusals are ten answers about ten prompts: the eleventh call is sent."""
    refused = answered(400, ERRORS[model](REFUSED[model]))
    async with FaultServer(ANSWERS[model], [refused] * 10) as server, client(server, ledger=tmp_path) as asking:
        for _ in range(10):
            assert isinstance(await outcome_of(asking, prompt="a fox", model=model), imagegen.ModerationError)
        await asking.generate("a fox", model=model)
    assert server.submits == 11
