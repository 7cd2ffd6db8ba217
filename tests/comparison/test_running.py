"""Cells are made once, in no model's favour, written as they come; what is stored is never paid again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from core.serving import B64, KEY, PNG, client

import imagegen
from imagegen.comparison.comparing import run_comparison
from imagegen.comparison.planning import Wanted
from imagegen.comparison.store import CellStore
from imagegen.comparison.suites import Case, Suite
from imagegen.errors import BudgetExceededError, ConfigurationError
from imagegen.testing.faults import Answer, FaultServer, Instead, Late
from imagegen.types.request import ImageRequest

pytestmark = pytest.mark.anyio
MODELS = ("openai:gpt-image-2", "acme:sketch")


def suite(cases: int = 3, **fields) -> Suite:
    made = (Case(f"c{number}", ImageRequest(prompt=f"picture {number}", **fields)) for number in range(cases))
    return Suite("a suite", tuple(made))


def answer(received) -> Answer:
    """A picture, in the shape of whichever provider is asked."""
    count = received.json().get("n") or received.json().get("count") or 1
    if "/images/" in received.path:
        return Answer({"created": 1, "data": [{"b64_json": B64}] * count})
    return Answer({"pictures": [{"data": B64}] * count, "price": "0.03"})


def asked(server: FaultServer) -> Counter[tuple[str, str]]:
    """How often each model was asked for each prompt, wholly."""
    bodies = [each.json() for each in server.received if each.complete]
    return Counter((each["model"], each["prompt"]) for each in bodies)


async def run(server, folder: Path, cases=None, **wanted):
    """A comparison of two models on one server, without probes."""
    wanted = {"models": MODELS, "probes": (), **wanted}
    async with client(server) as asking:
        return await run_comparison(asking, cases or suite(), folder, Wanted(**wanted))


async def test_every_cell_is_made_and_written(tmp_path):
    """Case x model x repeat, each with its picture, cost and latency; originals are the provider's bytes."""
    async with FaultServer(answer) as server:
        found = await run(server, tmp_path, repeats=2)
    cells = list(found.cells())
    assert {(each.case, each.model, each.repeat) for each in cells} == {
        (f"c{case}", model, repeat) for case in range(3) for model in MODELS for repeat in range(2)
    }
    assert len({each.key for each in cells}) == 12
    for cell in cells:
        (picture,) = cell.pictures
        assert (tmp_path / picture.file).read_bytes() == PNG
        assert (tmp_path / picture.thumbnail).is_file()
        assert (cell.outcome, cell.billed, cell.submits, cell.retries) == ("ok", "yes", 1, 0)
        assert cell.total_s is not None
    assert {each.cost_source for each in cells if each.model == "acme:sketch"} == {"provider"}
    assert (found.progress.done, found.progress.left_out) == (12, 0)
    assert found.report.is_file()


async def test_what_is_stored_is_not_paid_again(tmp_path):
    """The same again asks nobody; a further model, case or repeat is all that is asked for."""
    async with FaultServer(answer) as server:
        await run(server, tmp_path, models=MODELS[:1])
        first = len(server.received)
        await run(server, tmp_path, models=MODELS[:1])
        assert len(server.received) == first == 3
        await run(server, tmp_path, repeats=2)
        assert len(server.received) == 3 + 3 + 6
        await run(server, tmp_path, cases=suite(4), repeats=2)
        assert len(server.received) == 12 + 4
        found = await run(server, tmp_path, models=("acme:sketch",), cases=suite(1))
        assert len(server.received) == 16
    assert max(asked(server).values()) == 2
    assert len(list(found.cells())) == 16


async def test_changed_case_is_another_request(tmp_path):
    """Its cells are made anew, and the old ones are no part of the comparison any more."""
    async with FaultServer(answer) as server:
        await run(server, tmp_path, cases=suite(2))
        changed = Suite("a suite", (Case("c0", ImageRequest(prompt="another")), suite(2).cases[1]))
        found = await run(server, tmp_path, cases=changed)
    assert len(server.received) == 4 + 2
    assert {each.prompt for each in found.cells()} == {"another", "picture 1"}


async def test_failures_and_refusals_are_results(tmp_path):
    """They are written and not made again, unless that is asked for and they cost nothing."""
    refused = Instead(Answer({"error": {"code": "unsafe", "message": "no"}}, 400))
    lost = Instead(Answer(b"<html>busy</html>", 504))
    async with FaultServer(answer, [refused, lost]) as server:
        found = await run(server, tmp_path, models=("acme:sketch",), parallel=1)
        outcomes = Counter(each.outcome for each in found.cells())
        assert outcomes == {"refused": 1, "unknown": 1, "ok": 1}
        unknown = next(each for each in found.cells() if each.outcome == "unknown")
        assert (unknown.billed, unknown.cost_usd, unknown.error_kind) == ("unknown", None, "OutcomeUnknownError")
        await run(server, tmp_path, models=("acme:sketch",))
        assert len(server.received) == 3
        found = await run(server, tmp_path, models=("acme:sketch",), retry_failed=True)
        assert len(server.received) == 4
    assert Counter(each.outcome for each in found.cells()) == {"unknown": 1, "ok": 2}


async def test_wrong_key_is_no_result(tmp_path):
    """It says nothing of the model: nothing is written, and the next run makes the cells."""
    wrong = Instead(Answer({"error": {"code": "key", "message": "wrong key"}}, 401))
    async with FaultServer(answer, rule=lambda received: wrong) as server:
        found = await run(server, tmp_path, models=("acme:sketch",))
    assert list(found.cells()) == []
    assert found.progress.left_out == 3
    assert any("wrong key" in each for each in found.progress.problems)
    async with FaultServer(answer) as server:
        found = await run(server, tmp_path, models=("acme:sketch",))
    assert len(list(found.cells())) == 3


async def test_order_favours_no_model_and_is_bounded(tmp_path):
    """All cells in one random order that the seed fixes; so many at once for each connection."""
    busy, most = Counter(), Counter()

    async def slow(received):
        model = received.json()["model"]
        busy[model] += 1
        most[model] = max(most[model], busy[model])
        await asyncio.sleep(0.02)
        busy[model] -= 1
        return answer(received)

    orders = []
    for number in range(2):
        async with FaultServer(slow) as server:
            await run(server, tmp_path / str(number), cases=suite(10), parallel=3)
            orders.append([each.json()["prompt"] for each in server.received if "/images/" in each.path])
    assert 1 < max(most.values()) <= 3
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != sorted(orders[0])


async def test_refused_budget_sends_nothing(tmp_path):
    """Known to cost more than it may: told before the first call."""
    async with FaultServer(answer) as server:
        with pytest.raises(BudgetExceededError, match="at least"):
            await run(server, tmp_path, models=("acme:sketch",), max_usd=Decimal("0.05"))
        assert server.received == []


async def test_used_up_budget_ends_the_run(tmp_path):
    """Half way through: what was made is written, the rest is named as left out."""
    async with FaultServer(answer) as server:
        found = await run(server, tmp_path, models=("openai:gpt-image-2",), max_usd=Decimal("0.8"), parallel=1)
        assert len(server.received) == found.progress.done
    assert found.progress.left_out == 3 - found.progress.done > 0
    assert "budget" in next(iter(found.progress.problems)) or "$" in next(iter(found.progress.problems))


async def test_two_runs_in_one_folder(tmp_path):
    """The second says so; a line that a crash cut off is taken away."""
    store = CellStore(tmp_path)
    store.open()
    async with FaultServer(answer) as server:
        with pytest.raises(ConfigurationError, match="another process"):
            await run(server, tmp_path)
        store.close()
        await run(server, tmp_path)
        path = tmp_path / "results.jsonl"
        whole = path.read_bytes()
        path.write_bytes(whole + b'{"imagegen_cell": 1, "key": "cell-')
        found = await run(server, tmp_path)
        assert len(server.received) == 6
    assert path.read_bytes() == whole
    assert len(list(found.cells())) == 6


CHILD = """
import sys, asyncio, imagegen
from decimal import Decimal
from pathlib import Path
sys.path[:0] = [sys.argv[3]]
sys.path.append(sys.argv[4])
from comparison.test_running import run, suite
asyncio.run(run(sys.argv[1], Path(sys.argv[2]), cases=suite(12)))
"""


async def test_killed_at_random_and_run_again(tmp_path, acme):
    """It ends with all the cells, and no prompt was sent to a model twice."""
    chance = random.Random(20261123)
    folder = tmp_path / "out"
    arguments = [str(folder), str(Path(__file__).parents[1]), str(acme)]
    environment = {**os.environ, "IMAGEGEN_STATE_DIR": str(tmp_path / "state")}

    async def child(url: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, url, *arguments, env=environment, stderr=asyncio.subprocess.PIPE
        )

    async with FaultServer(answer, rule=lambda received: Late(0.25)) as server:
        for _ in range(4):
            running = await child(server.url)
            before = len(server.received)
            while len(server.received) == before and running.returncode is None:
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.random() * 0.8)
            if running.returncode is None:
                running.send_signal(signal.SIGKILL)
            await running.wait()
        last = await child(server.url)
        _, said = await last.communicate()
        assert last.returncode == 0, said.decode()
    cells = list(CellStore(folder).cells())
    assert len({each.key for each in cells}) == len(cells) == 24
    assert max(asked(server).values()) == 1
    assert KEY not in (folder / "results.jsonl").read_text()


def test_public_verb(tmp_path):
    """`imagegen.compare`: a prompt, models, repeats; a notebook or a script needs no more."""
    found = imagegen.compare(
        "a red circle", models=["stub:painter", "stub:sloppy"], repeats=2, folder=tmp_path, size="64x64", probes=()
    )
    assert [each.model for each in found.numbers.models] == ["stub:painter", "stub:sloppy"]
    assert len(list(found.cells())) == 4
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert all(json.loads(each)["imagegen_cell"] == 1 for each in lines)


@pytest.mark.parametrize("models", [[], ["stub:painter", "stub:painter"]])
def test_models_are_named_once_each(models, tmp_path):
    """None, or one twice, is an error before anything is asked."""
    with pytest.raises(ConfigurationError, match="each once"):
        imagegen.compare("a fox", models=models, folder=tmp_path)
