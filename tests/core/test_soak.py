"""A thousand calls under a random schedule of faults: no submit too many, no whole picture lost."""

from __future__ import annotations

import asyncio
import base64
import random
import re
from collections import defaultdict

import pytest
from core.serving import ANSWERS, ERRORS, client, png

import imagegen
from imagegen.testing.faults import (
    Answer,
    CloseAnswerless,
    CloseAtOnce,
    CutAnswer,
    Damage,
    Drip,
    FaultServer,
    Garbage,
    HangAnswer,
    Instead,
    Late,
    ResetReading,
)

pytestmark = pytest.mark.anyio
CALLS, AT_ONCE, SEED = 1000, 32, 20261122
ENDED = {"unknown", "refused", "billed"}


def a_fault(model, chance):
    """One of the faults of the schedule, or none."""
    refused = {"openai:gpt-image-2": "moderation_blocked", "acme:sketch": "unsafe"}[model]
    own, html = ERRORS[model]("busy"), b"<html>busy</html>"
    return chance.choice(
        [
            None,
            None,
            None,
            Instead(Answer(own, 429, {"retry-after": "0"})),
            Instead(Answer(own, 500)),
            Instead(Answer(html, 502)),
            Instead(Answer(own, 503, {"retry-after-ms": "1"})),
            Instead(Answer(html, 503, {"retry-after": "0"})),
            Instead(Answer(html, 504)),
            Instead(Answer(ERRORS[model](refused), 400)),
            CloseAtOnce(),
            ResetReading(chance.randrange(40)),
            CloseAnswerless(reset=chance.random() < 0.5),
            CutAnswer(chance.randrange(200), reset=chance.random() < 0.5),
            HangAnswer(chance.randrange(100)) if chance.random() < 0.2 else CutAnswer(chance.randrange(200)),
            Garbage(),
            Drip(pause_s=0, piece=chance.randrange(20, 200)),
            Late(chance.random() * 0.05),
            Damage(lambda body: body[: len(body) * 2 // 3]),
            Damage(lambda body: body.replace(b"iVBOR", b"iVB*R")),
            Damage(lambda body: re.sub(rb'(iVBOR[^"]{40})[^"]{8}', rb"\1", body)),
        ]
    )


@pytest.mark.parametrize("model", list(ANSWERS))
async def test_thousand_calls_under_faults(model):
    """Against the server's log, call by call: nothing after unknown, refused or billed; all that came is returned."""
    chance = random.Random(SEED)
    schedule = [a_fault(model, chance) for _ in range(4 * CALLS)]

    def answer(received):
        # Each picture bears its call's number in its size, so that cross-talk would show.
        number = int(received.json()["prompt"].split()[-1])
        data = base64.b64encode(png(16 + number % 40, 16)).decode()
        return Answer({"created": 1, "data": [{"b64_json": data}], "pictures": [{"data": data}]})

    outcomes = {}
    async with FaultServer(answer, schedule) as server, client(server, timeout_s=15) as asking:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number):
            async with gate:
                try:
                    outcomes[number] = await asking.generate(f"picture {number}", model=model)
                except imagegen.ImageGenError as error:
                    outcomes[number] = error

        await asyncio.gather(*(one(number) for number in range(CALLS)))
        log = list(server.received)

    submits = defaultdict(list)
    for received in log:
        if received.complete:
            submits[int(received.json()["prompt"].split()[-1])].append(received)
    assert len(outcomes) == CALLS
    repeated = 0
    for number, outcome in outcomes.items():
        ended = [attempt.state.value for attempt in outcome.attempts]
        assert not ENDED & set(ended[:-1]), (number, ended)
        assert len(submits[number]) <= len(ended)
        repeated += len(ended) - 1
        last = submits[number][-1].fault if submits[number] else None
        whole = submits[number] and isinstance(last, None | Drip | Late)
        assert isinstance(outcome, imagegen.ImageResult) == bool(whole), (number, last, outcome)
        if whole:
            assert outcome.image.width == 16 + number % 40
    assert repeated <= 3 + CALLS // 10
