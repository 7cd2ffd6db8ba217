"""Edits and streams under faults: what each ends as, and never a submit too many."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections import defaultdict
from typing import Any

import pytest
from core.serving import ERRORS, KEY, client, png, states

import imagegen
from imagegen import Billed, Done
from imagegen.testing.faults import (
    Answer,
    CloseAnswerless,
    CloseAtOnce,
    CutAnswer,
    Damage,
    Drip,
    FaultServer,
    Garbage,
    Hang,
    HangAnswer,
    Instead,
    Late,
    Received,
    ResetReading,
    unused_port,
)

pytestmark = pytest.mark.anyio
MODEL = "openai:gpt-image-2"
URL = "https://pictures.example/a.png"
GIVEN = {"form": png(64, 64, "blue"), "json": URL}
own_error = ERRORS[MODEL]
SSE = {"content-type": "text/event-stream"}


def number_of(received: Received) -> int:
    """Which call a request belongs to: its prompt ends with the number."""
    found = re.search(rb"picture (\d+)", received.body)
    return int(found[1]) if found else 0


def answer(received: Received) -> Answer:
    """A picture that bears its call's number in its width; as a stream where one was asked for."""
    data = base64.b64encode(png(16 + number_of(received) % 40, 16)).decode()
    if b'"stream":' not in received.body and b'name="stream"' not in received.body:
        return Answer({"created": 1, "data": [{"b64_json": data}]})
    partial = json.dumps({"type": "image_edit.partial_image", "b64_json": data, "partial_image_index": 0})
    final = json.dumps({"type": "image_edit.completed", "b64_json": data})
    return Answer(f"data: {partial}\n\ndata: {final}\n\n".encode(), headers=SSE)


async def made(asking: imagegen.AsyncClient, way: str, number: int = 0, **more: Any) -> imagegen.ImageResult:
    """One call: ``edit form``, ``edit json``, ``stream form``, ``stream json`` or ``stream new``."""
    verb, _, form = way.partition(" ")
    asked: dict[str, Any] = {"model": MODEL, **({"images": [GIVEN[form]]} if form in GIVEN else {}), **more}
    if verb == "edit":
        return await asking.edit(f"picture {number}", **asked)
    async with asking.stream(f"picture {number}", partial_images=1, **asked) as events:
        seen = [event async for event in events]
    assert [type(event) for event in seen].count(Done) == 1
    return seen[-1].result


WAYS = ["edit form", "edit json", "stream form", "stream json", "stream new"]
EVERY_WAY = pytest.mark.parametrize("way", WAYS)
STREAMS = pytest.mark.parametrize("way", [way for way in WAYS if way.startswith("stream")])


async def failing(server: FaultServer | str, way: str, **more: Any) -> imagegen.ImageGenError:
    """The error of a call that must fail, in whatever way it is made."""
    async with client(server) as asking:
        with pytest.raises(imagegen.ImageGenError) as caught:
            await made(asking, way, **more)
    assert KEY not in str(caught.value)
    assert "\n" not in caught.value.message
    return caught.value


def status(code: int, error: Any = b"", **headers: str) -> Instead:
    return Instead(Answer(error, code, headers))


@EVERY_WAY
async def test_good_answer_is_one_submit(way):
    """Without a fault there is one submit and one picture."""
    async with FaultServer(answer) as server, client(server) as asking:
        result = await made(asking, way, 7)
    assert (server.submits, states(result.attempts), result.image.width) == (1, ["billed"], 23)


@pytest.mark.parametrize("way", ["edit form", "stream new"])
async def test_refused_connection_is_not_sent(way):
    """Where nobody listens nothing is sent; it is tried again within the quota."""
    error = await failing(f"http://127.0.0.1:{unused_port()}", way)
    assert isinstance(error, imagegen.ConnectionFailedError)
    assert (set(states(error.attempts)), error.billed) == ({"not_sent"}, Billed.NO)


REPEATED = {
    "429": status(429, own_error("rate_limit_exceeded"), **{"retry-after-ms": "1"}),
    "paced 503 of the provider": status(503, own_error("busy"), **{"retry-after-ms": "1"}),
}


@EVERY_WAY
@pytest.mark.parametrize("fault", list(REPEATED.values()), ids=list(REPEATED))
async def test_rejection_is_waited_for(way, fault):
    """Nothing was done: the same is sent again at the stated pace, files and all."""
    async with FaultServer(answer, [fault]) as server, client(server) as asking:
        result = await made(asking, way, 3)
    assert (server.submits, states(result.attempts)) == (2, ["rejected", "billed"])
    first, second = (re.sub(rb"[0-9a-f]{32}", b"", each.body) for each in server.received)
    assert first == second


RAISED = {
    "400": (status(400, own_error("invalid_value")), imagegen.InvalidRequestError, "rejected"),
    "401": (status(401, own_error("invalid_api_key")), imagegen.AuthenticationError, "rejected"),
    "no credit": (status(429, own_error("insufficient_quota")), imagegen.QuotaError, "rejected"),
    "moderation": (status(400, own_error("moderation_blocked")), imagegen.ModerationError, "refused"),
    "redirect": (status(307, location="https://elsewhere.example/"), imagegen.ConfigurationError, "rejected"),
}


@EVERY_WAY
@pytest.mark.parametrize("name", list(RAISED))
async def test_refusal_is_raised_at_once(way, name):
    """An answer that says no is not asked for again."""
    fault, kind, state = RAISED[name]
    async with FaultServer(answer, lambda number: fault) as server:
        error = await failing(server, way)
    assert type(error) is kind
    assert (server.submits, states(error.attempts)) == (1, [state])


UNKNOWN = {
    "reset while sending": ResetReading(1),
    "closed without an answer": CloseAnswerless(),
    "reset without an answer": CloseAnswerless(reset=True),
    "no HTTP": Garbage(),
    "cut after the head": CutAnswer(0),
    "cut in the body": CutAnswer(60),
    "reset in the body": CutAnswer(60, reset=True),
    **{str(code): status(code, own_error("busy")) for code in (408, 409, 500, 502, 504)},
    "503 without a pace": status(503, own_error("busy")),
    "503 of a proxy with a pace": status(503, b"<html>busy</html>", **{"retry-after": "0"}),
}


@pytest.mark.parametrize("way", ["edit form", "stream form", "stream new"])
@pytest.mark.parametrize("fault", list(UNKNOWN.values()), ids=list(UNKNOWN))
async def test_unknown_outcome_is_not_repeated(way, fault):
    """Whatever leaves open whether the picture was made is one submit, and stops a fallback."""
    async with FaultServer(answer, lambda number: fault) as server:
        error = await failing(server, way, model=[MODEL, "stub:painter"])
    assert isinstance(error, imagegen.OutcomeUnknownError)
    assert (states(error.attempts), len(server.received), error.billed) == (["unknown"], 1, Billed.UNKNOWN)
    assert error.possibly_billed_usd > 0


@pytest.mark.parametrize("way", ["edit form", "stream form", "stream new"])
@pytest.mark.parametrize("fault", [Hang(), HangAnswer(60)], ids=["no answer", "half an answer"])
async def test_deadline_in_the_paid_step_is_unknown(way, fault):
    """At the deadline a request that was sent is of unknown outcome."""
    async with FaultServer(answer, [fault]) as server, client(server) as asking:
        with pytest.raises(imagegen.OutcomeUnknownError) as caught:
            await made(asking, way, timeout_s=1.5)
    assert (server.submits, states(caught.value.attempts)) == (1, ["unknown"])


# In the middle of a stream.

PARTIAL = json.dumps({"type": "x.partial_image", "b64_json": base64.b64encode(png()).decode()}).encode()
FINAL = json.dumps({"type": "x.completed", "b64_json": base64.b64encode(png()).decode()}).encode()
FIRST = b"data: " + PARTIAL + b"\n\n"


def stream(*rest: bytes) -> Instead:
    """An unfinished picture and what follows it."""
    return Instead(Answer(FIRST + b"".join(rest), headers=SSE))


@STREAMS
@pytest.mark.parametrize("after", [1, len(FIRST) // 2, len(FIRST) - 1, len(FIRST), len(FIRST) + 40])
@pytest.mark.parametrize("reset", [False, True])
async def test_stream_that_is_cut_is_unknown(way, after, reset):
    """In an event or between two: what was shown comes with the error, and nothing is asked for again."""
    whole = Answer(FIRST + b"data: " + FINAL + b"\n\n", headers=SSE)
    async with FaultServer(whole, lambda number: CutAnswer(after, reset=reset)) as server:
        error = await failing(server, way, model=[MODEL, "stub:painter"])
    assert isinstance(error, imagegen.OutcomeUnknownError)
    assert (server.submits, states(error.attempts)) == (1, ["unknown"])
    if not reset:
        assert len(error.partials) == (1 if after >= len(FIRST) else 0)


@STREAMS
@pytest.mark.parametrize(
    "fault",
    [stream(), stream(b"data: [DONE]\n\n"), stream(b"data: " + FINAL[:50]), stream(b": still at it\n\n")],
    ids=["ended", "done", "half an event", "comment"],
)
async def test_stream_without_its_picture_is_unknown(way, fault):
    """It ended by its framing; the picture did not come."""
    async with FaultServer(answer, lambda number: fault) as server:
        error = await failing(server, way, model=[MODEL, "stub:painter"])
    assert isinstance(error, imagegen.OutcomeUnknownError)
    assert (server.submits, states(error.attempts), len(error.partials)) == (1, ["unknown"], 1)


@STREAMS
@pytest.mark.parametrize(
    ("rest", "kind", "state"),
    [
        (b'data: {"type": "x.comp\n\n', imagegen.BadOutputError, "billed"),
        (b'data: {"type": "x.completed", "b64_json": ""}\n\n', imagegen.BadOutputError, "billed"),
        (b'data: {"type": "x.completed", "b64_json": "AAAA"}\n\n', imagegen.BadOutputError, "billed"),
        (b'data: {"error": {"code": "moderation_blocked"}}\n\n', imagegen.ModerationError, "refused"),
        (b'event: error\ndata: {"code": "moderation_blocked"}\n\n', imagegen.ModerationError, "refused"),
        (b'data: {"error": {"code": "rate_limit_exceeded"}}\n\n', imagegen.ProviderError, "unknown"),
        (b'data: {"error": {"type": "server_error"}}\n\n', imagegen.ProviderError, "unknown"),
    ],
)
async def test_bad_event_is_told_and_not_repeated(way, rest, kind, state):
    """Garbage and errors after the first unfinished picture: one submit, whatever they say."""
    async with FaultServer(answer, lambda number: stream(rest)) as server:
        error = await failing(server, way, model=[MODEL, "stub:painter"])
    assert type(error) is kind
    assert (server.submits, states(error.attempts), len(error.partials)) == (1, [state], 1)


@pytest.mark.parametrize("way", ["stream form", "stream new"])
async def test_stream_that_hangs_ends_at_the_deadline(way):
    """With what it had shown."""
    whole = Answer(FIRST + b"data: " + FINAL + b"\n\n", headers=SSE)
    async with FaultServer(whole, lambda number: HangAnswer(len(FIRST) + 10)) as server:
        error = await failing(server, way, timeout_s=1.5)
    assert isinstance(error, imagegen.OutcomeUnknownError)
    assert (server.submits, len(error.partials)) == (1, 1)


@STREAMS
async def test_stream_in_single_bytes_is_a_stream(way):
    """However slowly it drips."""
    async with FaultServer(answer, lambda number: Drip(pause_s=0)) as server, client(server) as asking:
        result = await made(asking, way, 5)
    assert (result.image.width, server.submits) == (21, 1)


@STREAMS
@pytest.mark.parametrize("fault", [CutAnswer, HangAnswer])
async def test_picture_that_came_is_kept_whatever_becomes_of_the_connection(way, fault):
    """The finished picture is the end: neither a cut nor silence after it takes it away."""
    whole = Answer(FIRST + b"data: " + FINAL + b"\n\n" + b"data: [DONE]\n\n", headers=SSE)
    after = len(whole.body) - 8
    async with FaultServer(whole, lambda number: fault(after)) as server, client(server) as asking:
        result = await made(asking, way, timeout_s=10)
    assert (result.image.data, server.submits) == (png(), 1)


# All of it at once.

CALLS, AT_ONCE, SEED = 320, 16, random.randrange(10**6)
ENDED = {"unknown", "refused", "billed"}


def a_fault(chance: random.Random) -> Any:
    """One of the faults of the schedule, or none."""
    html = b"<html>busy</html>"
    return chance.choice(
        [
            None,
            None,
            None,
            status(429, own_error("rate_limit_exceeded"), **{"retry-after": "0"}),
            status(500, own_error("busy")),
            status(502, html),
            status(503, own_error("busy"), **{"retry-after-ms": "1"}),
            status(503, html, **{"retry-after": "0"}),
            status(400, own_error("moderation_blocked")),
            stream(b'data: {"error": {"code": "moderation_blocked"}}\n\n'),
            stream(b'event: error\ndata: {"code": "server_error"}\n\n'),
            stream(),
            CloseAtOnce(),
            ResetReading(chance.randrange(400)),
            CloseAnswerless(reset=chance.random() < 0.5),
            CutAnswer(chance.randrange(250), reset=chance.random() < 0.5),
            HangAnswer(chance.randrange(100)),
            Garbage(),
            Drip(pause_s=0, piece=chance.randrange(1, 50)),
            Late(chance.random() * 0.05),
            Damage(lambda body: body[: len(body) * 2 // 3]),
            Damage(lambda body: body.replace(b"iVBOR", b"iVB*R")),
        ]
    )


async def test_hundreds_of_calls_under_faults():
    """Edits and streams, call by call against the server's log: nothing after unknown, refused or billed."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    schedule = [a_fault(chance) for _ in range(4 * CALLS)]
    ways = [chance.choice(WAYS) for _ in range(CALLS)]
    outcomes: dict[int, imagegen.ImageResult | imagegen.ImageGenError] = {}
    async with FaultServer(answer, schedule) as server, client(server, timeout_s=4, spool=None) as asking:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                try:
                    outcomes[number] = await made(asking, ways[number], number)
                except imagegen.ImageGenError as error:
                    outcomes[number] = error

        await asyncio.gather(*(one(number) for number in range(CALLS)))
        submits = defaultdict(list)
        for received in server.received:
            if received.complete:
                submits[number_of(received)].append(received)
    assert len(outcomes) == CALLS, f"seed {SEED}"
    repeated = 0
    for number, outcome in outcomes.items():
        ended = states(outcome.attempts)
        assert not ENDED & set(ended[:-1]), (SEED, number, ended)
        assert len(submits[number]) <= len(ended), (SEED, number)
        repeated += len(ended) - 1
        last = submits[number][-1].fault if submits[number] else None
        if submits[number] and isinstance(last, None | Drip | Late):
            assert isinstance(outcome, imagegen.ImageResult), (SEED, number, ways[number], last, outcome)
        if isinstance(outcome, imagegen.ImageResult):
            assert outcome.image.width == 16 + number % 40
    assert repeated <= 3 + CALLS // 10
