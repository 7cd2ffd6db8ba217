"""Budgets over real HTTP: whatever many callers in many processes do at once, the server never charges more."""

from __future__ import annotations

import asyncio
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from core.ledger.making import usd
from core.serving import B64, acme_answer, client

import imagegen
from imagegen.ledger import Store
from imagegen.ledger.reading import Reader
from imagegen.ledger.spending import spending
from imagegen.testing.faults import Answer, CloseAnswerless, FaultServer, Late

pytestmark = pytest.mark.anyio
MODEL, PRICE = "acme:sketch", Decimal("0.03")
TESTS = Path(__file__).parents[2]
BUYER = """
import asyncio, collections, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import imagegen
from core.serving import client
url, ledger, callers, budget = sys.argv[3:]

async def main():
    ended = collections.Counter()
    async with client(url, ledger=ledger, label="shop", budget_usd=float(budget) or None) as asking:
        async def buy():
            for _ in range(2):
                try:
                    await asking.generate("a fox", model="acme:sketch")
                    ended["came"] += 1
                except imagegen.ImageGenError as error:
                    ended[type(error).__name__] += 1
        await asyncio.gather(*(buy() for _ in range(int(callers))))
    print(__import__("json").dumps(ended))

asyncio.run(main())
"""


async def buyers(acme, server, ledger, budget="0", processes=4, callers=(13, 13, 12, 12)):
    """How the calls of several processes ended: each process has so many callers, each asks twice."""
    arguments = [sys.executable, "-c", BUYER, str(TESTS), str(acme), server.url, str(ledger)]
    started = [
        await asyncio.create_subprocess_exec(*arguments, str(count), budget, stdout=asyncio.subprocess.PIPE)
        for count in callers[:processes]
    ]
    outputs = await asyncio.gather(*(each.communicate() for each in started))
    assert [each.returncode for each in started] == [0] * processes
    total: dict[str, int] = {}
    for found in (json.loads(output) for output, _ in outputs):
        total = {name: total.get(name, 0) + found.get(name, 0) for name in {*total, *found}}
    return total


def totals(path, scope):
    """What a scope came to."""
    reader = Reader.open(path)
    try:
        return next(each for each in reader.totals() if each.scope.startswith(scope))
    finally:
        reader.close()


async def test_fifty_callers_of_four_processes_share_a_label(acme, tmp_path):
    """Fifty callers ask a hundred times for what one dollar pays 33 times: 33 submits, and not one more."""
    path = tmp_path / "ledger.sqlite"
    async with FaultServer(acme_answer, lambda number: Late(0.05)) as server:
        ended = await buyers(acme, server, path, budget="1")
    assert ended == {"came": 33, "BudgetExceededError": 67}
    assert server.submits == 33
    shop = totals(path, "label:shop")
    assert (shop.settled_usd, shop.reserved_usd) == (33 * PRICE, 0)


async def test_with_faults_nothing_is_free(acme, tmp_path):
    """Outcomes that nobody knows keep their money: the server never charges above the budget."""
    path = tmp_path / "ledger.sqlite"
    async with FaultServer(acme_answer, lambda number: CloseAnswerless() if number % 3 == 0 else Late(0.02)) as server:
        ended = await buyers(acme, server, path, budget="0.5", processes=2, callers=(6, 6))
    assert server.submits * PRICE <= Decimal("0.5")
    assert server.submits == ended["came"] + ended.get("OutcomeUnknownError", 0)
    shop = totals(path, "label:shop")
    assert shop.settled_usd == ended["came"] * PRICE
    assert shop.reserved_usd == ended.get("OutcomeUnknownError", 0) * PRICE


async def test_the_day_has_a_budget_of_the_ledger(acme, tmp_path):
    """A day's budget that was set on the ledger holds for clients that know nothing of it."""
    path = tmp_path / "ledger.sqlite"
    store = Store(path, "w")
    store.set_budget("day", usd("0.2"))
    store.close()
    async with FaultServer(acme_answer) as server:
        ended = await buyers(acme, server, path, processes=2, callers=(5, 5))
    assert (ended["came"], server.submits) == (6, 6)


async def test_an_overrun_is_seen_and_stops(tmp_path):
    """A price above the list's is booked as it is; nothing more is sent until somebody says so."""
    path, dear = tmp_path / "ledger.sqlite", Answer({"pictures": [{"data": B64}], "price": "0.05"})
    async with FaultServer(dear) as server:
        async with client(server, ledger=path, label="shop", budget_usd="1") as asking:
            result = await asking.generate("a fox", model=MODEL)
            assert result.cost.amount_usd == Decimal("0.05")
            with pytest.raises(imagegen.BudgetExceededError, match=r"\$0\.02.*--accept-overrun"):
                await asking.generate("a fox", model=MODEL)
            assert server.submits == 1
            store = Store(path, "w")
            assert totals(path, "label:shop").overrun_usd == Decimal("0.02")
            assert store.accept_overrun() == 2  # the label's and the day's
            store.close()
            await asking.generate("a fox", model=MODEL)
    assert server.submits == 2
    reader = Reader.open(path)
    estimates = spending(reader).total.estimates
    reader.close()
    assert estimates is not None
    assert (estimates.units, estimates.outside) == (2, 2)


async def test_what_nobody_knows_stays_reserved(tmp_path):
    """An answer that was cut keeps its money from being spent again, also after a restart."""
    path = tmp_path / "ledger.sqlite"
    async with FaultServer(acme_answer, [CloseAnswerless()]) as server:
        for expected in (imagegen.OutcomeUnknownError, None, imagegen.BudgetExceededError):
            async with client(server, ledger=path, label="shop", budget_usd="0.06") as asking:
                if expected is None:
                    await asking.generate("a fox", model=MODEL)
                    continue
                with pytest.raises(expected):
                    await asking.generate("a fox", model=MODEL)
    assert server.submits == 2
    assert totals(path, "label:shop").reserved_usd == PRICE


@pytest.mark.filterwarnings("ignore:.*catalogue")
async def test_an_unknown_price_needs_a_ceiling(tmp_path):
    """Under a budget a model without a price is refused, unless the caller says what a picture may cost."""
    async with FaultServer(acme_answer) as server:
        async with client(server, ledger=tmp_path / "ledger.sqlite", label="shop", budget_usd="0.1") as asking:
            with pytest.raises(imagegen.BudgetExceededError, match="max_usd_per_image"):
                await asking.generate("a fox", model="acme:newest")
            assert server.submits == 0
            await asking.generate("a fox", model="acme:newest", max_usd_per_image="0.06")
            with pytest.raises(imagegen.BudgetExceededError, match=r"\$0\.04"):
                await asking.generate("a fox", model="acme:newest", max_usd_per_image="0.06")
    assert server.submits == 1
