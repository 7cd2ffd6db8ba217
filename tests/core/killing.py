"""Processes that are killed while they pay, and what must hold of a ledger after it.

``python killing.py 1000``, with the folder of tests on the path, kills a thousand times and prints the summary.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import signal
import sqlite3
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from core.serving import B64, KEY, PNG, client

from imagegen.testing.faults import Answer, FaultServer, Late

JOBS, SYNC = "acme-jobs:sketch", "acme:sketch"
PROMPT = "canary prompt of a fox"
KEYS_A_ROUND = 8


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of so many kills."""

    seed: int
    kills: int
    keys: int
    charges: int
    charged_twice: int
    charged_without_row: int
    calls_without_end: int
    results: int
    unknown: int


class Provider:
    """A server of both kinds: a job is done at the first poll, its picture lies behind a link."""

    def __init__(self, latency_s=lambda: 0.0):
        self.server = FaultServer(self.answer, lambda number: Late(latency_s()))

    async def __aenter__(self):
        return await self.server.__aenter__()

    async def __aexit__(self, *exception):
        await self.server.__aexit__(*exception)

    def answer(self, received):
        if received.path.startswith("/picture"):
            return Answer(PNG)
        if received.path.startswith("/jobs/") and received.method == "GET":
            return Answer({"state": "done", "pictures": [{"url": f"{self.server.url}/picture"}]})
        number = self.server.submits
        accepted = {"id": f"j{number}", "poll": f"{self.server.url}/jobs/{number}", "price": "0.03"}
        return Answer({**accepted, "pictures": [{"data": B64}]}, 202)


async def process(server, ledger, acme, keys, model, point=None):
    """Start a process that makes one call a key."""
    given = {
        "url": server.url, "ledger": str(ledger), "model": model, "point": point, "keys": keys, "acme": str(acme),
        "prompt": PROMPT, "secret": KEY, "names": ["acme", "acme-jobs"],
    }  # fmt: skip
    script = Path(__file__).with_name("crashing.py")
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, script, json.dumps(given), stdout=pipe, stderr=pipe)


def rows(ledger, query):
    """Rows of the ledger's database, read from outside."""
    connection = sqlite3.connect(ledger / "ledger.sqlite")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def check_invariants(ledger, charges):
    """I2, I3, I4 and I7, from the files alone."""
    units = rows(ledger, "SELECT state, billed, reserved, reported, computed FROM units")
    charged = [unit for unit in units if unit[1] != "no"]
    assert len(charged) >= charges
    files = ledger / "ledger.files" / "pictures"
    for sha256, name in rows(ledger, "SELECT sha256, file FROM pictures"):
        assert hashlib.sha256((files / name).read_bytes()).hexdigest() == sha256
    for (state_id,) in rows(ledger, "SELECT id FROM units WHERE state = 'stored'"):
        assert rows(ledger, f"SELECT count(*) FROM pictures WHERE unit_id = {state_id}") != [(0,)]
    open_states = ("intent", "submitted", "ready", "unknown")
    reserved = sum(unit[2] or 0 for unit in units if unit[0] in open_states)
    assert rows(ledger, "SELECT coalesce(sum(reserved), 0) FROM totals WHERE scope LIKE 'day:%'") == [(reserved,)]
    for path in ledger.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
            assert path.stat().st_mode & 0o077 == 0, path


async def collect_everything(server, ledger):
    """What a person would do: collect all that can be collected."""
    async with client(server, ledger=ledger) as asking:
        for unit in await asking.jobs():
            if unit.collectable:
                await asking.resume(unit.job)
        return [unit.state for unit in await asking.jobs()]


async def kill_at_random(ledger, acme, kills, seed):
    """Two workers at a time go through the same keys and are killed; then one ends their work."""
    chance, done, number = random.Random(seed), 0, 0
    async with Provider(lambda: chance.random() * 0.15) as server:
        keys = []
        while done < kills:
            model = chance.choice([JOBS, SYNC])
            fresh = [f"{model.partition(':')[0]}-{number + index}" for index in range(KEYS_A_ROUND)]
            number += KEYS_A_ROUND
            keys.append((model, fresh))
            for _ in range(3):
                done += await _kill_two(server, ledger, acme, fresh, model, chance)
        for model, fresh in keys:
            last = await process(server, ledger, acme, fresh, model)
            await last.communicate()
        charges = Counter(each.json()["prompt"] for each in server.received if each.method == "POST" and each.complete)
        await collect_everything(server, ledger)
        check_invariants(ledger, sum(charges.values()))
        return _summary(ledger, seed, done, number, charges)


async def _kill_two(server, ledger, acme, keys, model, chance):
    working = [await process(server, ledger, acme, keys, model) for _ in range(2)]
    await asyncio.sleep(0.45 + chance.random() * 0.6)
    killed = 0
    for child in working:
        if child.returncode is None:
            child.send_signal(signal.SIGKILL)
            killed += 1
        await child.communicate()
    return killed


def _summary(ledger, seed, kills, number, charges):
    known = {key for (key,) in rows(ledger, "SELECT key FROM calls JOIN units ON call_id = calls.id")}
    without_row = [prompt for prompt in charges if prompt.removeprefix(f"{PROMPT} ") not in known]
    query = "SELECT count(*) FROM {} WHERE {}"
    return Summary(
        seed=seed,
        kills=kills,
        keys=number,
        charges=sum(charges.values()),
        charged_twice=sum(count > 1 for count in charges.values()),
        charged_without_row=len(without_row),
        calls_without_end=rows(ledger, query.format("calls", "ended_at IS NULL"))[0][0],
        results=rows(ledger, query.format("calls", "result IS NOT NULL"))[0][0],
        unknown=rows(ledger, query.format("units", "state = 'unknown'"))[0][0],
    )


def _main() -> None:
    import subprocess
    import tempfile

    kills, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**8)
    plugin = Path(__file__).parent.parent / "plugin"
    with tempfile.TemporaryDirectory() as folder:
        acme, ledger = Path(folder) / "acme", Path(folder) / "ledger"
        ledger.mkdir()
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*install, "--target", str(acme), str(plugin)], check=True)
        sys.path.append(str(acme))
        for name, value in asdict(asyncio.run(kill_at_random(ledger, acme, kills, seed))).items():
            print(f"{name.replace('_', ' ')}: {value:,}")


if __name__ == "__main__":
    _main()
