"""The fault matrix, rows F40 to F42: many calls at a budget, a provider that is down, a chain of models."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import pytest
from core.killing import SYNC, check_invariants, rows
from core.matrix.test_submit import answered, outcome_of, units
from core.serving import ANSWERS, ERRORS, KEY, PNG, client

import imagegen
from imagegen.testing.faults import CloseAnswerless, FaultServer, Instead, Late, unused_port

pytestmark = pytest.mark.anyio
CENTS = 30_000_000
"""Of one picture, in the ledger's billionths."""


def spent(ledger, scope="day:%"):
    """What is reserved and settled."""
    return rows(ledger, f"SELECT coalesce(sum(reserved + settled), 0) FROM totals WHERE scope LIKE '{scope}'")[0][0]


# F40


@pytest.mark.parametrize("fault", [Late(0.02), CloseAnswerless()], ids=["answered", "unknown"])
@pytest.mark.parametrize("processes", [1, 2])
async def test_F40_many_calls_at_a_budget(tmp_path, fault, processes):
    """Fifty calls at once, the money for ten: at no moment is more reserved and settled than there is."""
    seen = []

    def met(number):
        seen.append(spent(tmp_path, "label:%"))
        return fault

    async with FaultServer(ANSWERS[SYNC], met) as server:
        # five unknown outcomes in a minute would open the breaker, which is another row
        limits = imagegen.Limits(breaker=False)
        connections = {"acme": imagegen.Connection(api_key=KEY, base_url=server.url, limits=limits)}
        settings = {"connections": connections, "ledger": tmp_path, "budget_usd": "0.30", "label": "a"}
        clients = [client(server, **settings) for _ in range(processes)]
        asked = (outcome_of(clients[number % processes], prompt=f"fox {number}", model=SYNC) for number in range(50))
        outcomes = await asyncio.gather(*asked)
        for each in clients:
            await each.close()
    refused = [each for each in outcomes if isinstance(each, imagegen.BudgetExceededError)]
    assert (server.submits, len(refused)) == (10, 40)
    assert max(seen) <= 10 * CENTS
    assert spent(tmp_path, "label:%") == 10 * CENTS
    check_invariants(tmp_path, 10)


# F41


async def test_F41_a_provider_that_says_503(tmp_path):
    """Two hundred calls to a provider that is busy: no more submits than calls and a tenth."""
    busy = Instead(answered(503, ERRORS[SYNC]("busy"), {"retry-after-ms": "10"}).answer)
    async with FaultServer(ANSWERS[SYNC], lambda number: busy) as server:
        async with client(server, ledger=tmp_path, timeout_s=30) as asking:
            outcomes = await asyncio.gather(*(outcome_of(asking, prompt="a fox", model=SYNC) for _ in range(200)))
    assert {type(each) for each in outcomes} == {imagegen.RateLimitError}
    assert server.submits <= 200 + 20 + 3
    assert len(units(tmp_path)) == server.submits
    assert spent(tmp_path) == 0


async def test_F41_a_provider_that_does_not_listen(tmp_path):
    """The same for connections that are refused: nothing is reserved afterwards."""
    async with client(f"http://127.0.0.1:{unused_port()}", ledger=tmp_path, timeout_s=6) as asking:
        outcomes = await asyncio.gather(*(outcome_of(asking, prompt="a fox", model=SYNC) for _ in range(200)))
    assert {type(each) for each in outcomes} == {imagegen.ConnectionFailedError}
    assert 200 <= len(units(tmp_path)) <= 200 + 20 + 3
    assert set(units(tmp_path)) == {"not_sent"}
    assert spent(tmp_path) == 0


async def test_F41_one_try_in_half_a_minute(tmp_path, monkeypatch):
    """A provider that gives no answers is down for ten minutes: five submits open the breaker, then one a try."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    up = False
    async with FaultServer(ANSWERS[SYNC], lambda number: None if up else CloseAnswerless()) as server:
        async with client(server, ledger=tmp_path) as asking:
            for _ in range(5):
                await outcome_of(asking, prompt="a fox", model=SYNC)
            assert server.submits == 5
            for minute in range(20):
                now += 31
                await asyncio.gather(*(outcome_of(asking, prompt="a fox", model=SYNC) for _ in range(5)))
                assert server.submits == 6 + minute
            now, up = now + 31, True
            first = await outcome_of(asking, prompt="a fox", model=SYNC)
            assert first.image.data == PNG
            assert (await outcome_of(asking, prompt="a fox", model=SYNC)).image.data == PNG
            assert server.submits == 27


# F42

CHAIN = ["acme:sketch", "second:sketch", "third:sketch"]


@pytest.mark.parametrize(
    ("first", "second", "submits", "last"),
    [
        (answered(429, ERRORS[SYNC]("busy"), {"retry-after": "3600"}), CloseAnswerless(), (1, 1, 0), "unknown"),
        (answered(429, ERRORS[SYNC]("busy"), {"retry-after": "3600"}), answered(500), (1, 1, 0), "unknown"),
        (answered(429, ERRORS[SYNC]("busy"), {"retry-after": "3600"}), None, (1, 1, 0), "stored"),
        (answered(429, ERRORS[SYNC]("no_credit")), None, (1, 1, 0), "stored"),
        (answered(503, b"<html>"), None, (1, 0, 0), "unknown"),
        (answered(400, ERRORS[SYNC]("size")), None, (1, 0, 0), "rejected"),
        (answered(400, ERRORS[SYNC]("unsafe")), None, (1, 0, 0), "refused"),
    ],
)
async def test_F42_a_chain_of_models(tmp_path, first, second, submits, last):
    """The next model is asked only where nothing can have been paid: an unknown outcome ends the chain."""
    async with (
        FaultServer(ANSWERS[SYNC], [first]) as one,
        FaultServer(ANSWERS[SYNC], [second]) as two,
        FaultServer(ANSWERS[SYNC]) as three,
    ):
        names = dict(zip(("acme", "second", "third"), (one, two, three), strict=True))
        connections = {
            name: imagegen.Connection("acme", api_key=KEY, base_url=each.url) for name, each in names.items()
        }
        async with client(one, connections=connections, ledger=tmp_path) as asking:
            outcome = await outcome_of(asking, prompt="a fox", model=CHAIN)
        assert (one.submits, two.submits, three.submits) == submits
    assert units(tmp_path)[-1] == last
    if last == "stored":
        assert (outcome.model, outcome.image.data) == ("second:sketch", PNG)
        assert outcome.cost.amount_usd == Decimal("0.03")
    else:
        assert isinstance(outcome, imagegen.ImageGenError)
