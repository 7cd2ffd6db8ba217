"""A process that dies at any point of the order of writes: nothing is charged twice, nothing charged is without a row.

The invariants are those of the ledger: I1 one charge a unit, I2 a row for every charge, I3 every stored row's file
opens and hashes right, I4 totals are the sums over rows, I6 collecting twice is collecting once, I7 no key in any file.
"""

from __future__ import annotations

import asyncio

import pytest
from core.crashing import DIED, POINTS
from core.killing import JOBS, PROMPT, SYNC, Provider, check_invariants, collect_everything, kill_at_random, process
from core.serving import PNG, client

import imagegen

pytestmark = pytest.mark.anyio
BEYOND_SYNC = {"before the handle", "after the handle", "before the first poll"}
"""Points that only a provider with jobs comes by."""


@pytest.mark.parametrize("point", list(POINTS))
@pytest.mark.parametrize("model", [JOBS, SYNC])
async def test_death_at_a_point(tmp_path, acme, model, point):
    """After a crash there is one way on, and it never pays twice."""
    if model == SYNC and point in BEYOND_SYNC:
        pytest.skip("a synchronous provider has no handle")
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    async with Provider() as server:
        child = await process(server, ledger, acme, ["k"], model, point)
        said = await child.communicate()
        assert child.returncode == DIED, said
        charges = server.submits
        left = await collect_everything(server, ledger)
        assert await collect_everything(server, ledger) == left
        async with client(server, ledger=ledger) as asking:
            again = await asyncio.gather(asking.generate(f"{PROMPT} k", model=model, key="k"), return_exceptions=True)
        expected_unknown = left == ["unknown"]
        assert isinstance(again[0], imagegen.OutcomeUnknownError) == expected_unknown, again
        if not expected_unknown:
            assert again[0].image.data == PNG
        assert server.submits <= max(1, charges)
        check_invariants(ledger, server.submits)


@pytest.mark.parametrize("model", [JOBS, SYNC])
async def test_what_a_crash_leaves_can_be_paid_again_with_consent(tmp_path, acme, model):
    """An unknown outcome is listed with its money; ``retry_unknown`` pays once more, and the old row stays."""
    async with Provider() as server:
        child = await process(server, tmp_path, acme, ["k"], model, "after the answer")
        await child.communicate()
        async with client(server, ledger=tmp_path) as asking:
            (unit,) = await asking.jobs()
            assert unit.state == "unknown"
            result = await asking.resume(unit.job, retry_unknown=True)
            assert (result.image.data, server.submits) == (PNG, 2)
            assert [each.state for each in await asking.jobs()] == ["unknown"]
            await asking.reconcile(unit.job, billed=False)
            assert await asking.jobs() == ()
            again = await asking.generate(f"{PROMPT} k", model=model, key="k")
            assert (again.replayed, server.submits) == (True, 2)


async def test_random_kills(tmp_path, acme):
    """Workers are killed at random and started again over the same keys; in the end every key is settled, paid once."""
    summary = await kill_at_random(tmp_path, acme, kills=50, seed=20261122)
    print(summary)
    assert summary.kills >= 50
    assert summary.charges > 10
    assert (summary.charged_twice, summary.charged_without_row, summary.calls_without_end) == (0, 0, 0)
