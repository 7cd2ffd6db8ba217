"""The fault matrix, rows F33 to F35: clocks that jump, disks that fail, ledgers that are locked, damaged or newer."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from core.killing import JOBS, SYNC, rows
from core.matrix.test_submit import answered, outcome_of, units
from core.serving import ANSWERS, B64, ERRORS, KEY, PNG, client
from core.test_files import failing
from core.test_jobs import Jobs
from core.test_saving import PICTURE, big, break_step, files_of_at_most

import imagegen
from imagegen.ledger import Store, schema
from imagegen.testing.faults import Answer, FaultServer

pytestmark = pytest.mark.anyio
OPENAI = "openai:gpt-image-2"
HOUR_S = 3600.0


class Clock:
    """The wall clock, which may jump."""

    def __init__(self, monkeypatch):
        self.ahead_s, self._real = 0.0, time.time
        monkeypatch.setattr(time, "time", lambda: self._real() + self.ahead_s)


# F33


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
async def test_F33_a_jump_while_a_job_is_made(tmp_path, monkeypatch, jump_s):
    """Waits and the deadline run on a clock that does not jump: the picture comes, and so does the next one."""
    clock = Clock(monkeypatch)

    class Jumping(Jobs):
        def answer(self, received):
            clock.ahead_s += jump_s
            return super().answer(received)

    async with Jumping({"state": "drawing"}, {"state": "done", "pictures": [{"data": B64}]}) as server:
        async with client(server.server, ledger=tmp_path, timeout_s=5) as asking:
            for _ in range(2):
                assert (await asking.generate("a fox", model=JOBS)).image.data == PNG
        assert (server.server.submits, units(tmp_path)) == (2, ["stored"] * 2)


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
async def test_F33_a_jump_while_a_pace_is_waited_for(tmp_path, monkeypatch, jump_s):
    """A pace or an open breaker of before the jump holds nobody up for an hour."""
    clock = Clock(monkeypatch)
    paced = answered(429, ERRORS[SYNC]("slow"), {"retry-after": "20"})
    broke = answered(429, ERRORS[SYNC]("no_credit"))
    async with FaultServer(ANSWERS[SYNC], [paced, None, broke]) as server:
        async with client(server, ledger=tmp_path, timeout_s=5) as asking:
            for expected in (imagegen.RateLimitError, imagegen.QuotaError):
                assert type(await outcome_of(asking, prompt="a fox", model=SYNC)) is expected
                clock.ahead_s += jump_s
                result = await outcome_of(asking, prompt="a fox", model=SYNC)
                if isinstance(result, imagegen.QuotaError):  # set back, it waits out its half minute and no more
                    assert jump_s < 0
                    clock.ahead_s += 31
                    result = await outcome_of(asking, prompt="a fox", model=SYNC)
                assert result.image.data == PNG


async def test_F33_another_process_lives_on_through_a_jump(tmp_path, monkeypatch):
    """Whether a process still makes a call is told by its lock, not by a time: nobody takes it over."""
    clock, release = Clock(monkeypatch), asyncio.Event()

    class Slow(FaultServer):
        async def _meet(self, received, writer):
            await release.wait()
            await super()._meet(received, writer)

    async with Slow(ANSWERS[SYNC]) as server:
        async with client(server, ledger=tmp_path) as one, client(server, ledger=tmp_path) as two:
            first = asyncio.create_task(one.generate("a fox", model=SYNC, key="k"))
            while not server.submits:
                await asyncio.sleep(0.01)
            clock.ahead_s += 24 * HOUR_S
            assert [unit.state for unit in await two.jobs()] == ["intent"]
            second = asyncio.create_task(two.generate("a fox", model=SYNC, key="k"))
            await asyncio.sleep(0.05)
            release.set()
            assert [(await each).image.data for each in (first, second)] == [PNG, PNG]
        assert server.submits == 1


# F34


@pytest.mark.parametrize("step", ["flush file", "replace", "flush folder", "open"])
@pytest.mark.parametrize("model", [OPENAI, JOBS])
async def test_F34_a_step_of_keeping_fails(tmp_path, monkeypatch, step, model):
    """The picture is in the result, a warning says where it is not, and no row says that it is stored."""
    link = {"state": "done", "pictures": [{"url": "HOST/picture"}]}
    async with Jobs(link, picture=PICTURE) as jobs, FaultServer(big(1)) as server:
        at = jobs.server if model == JOBS else server
        async with client(at, ledger=tmp_path) as asking:
            with monkeypatch.context() as broken:
                if step == "open":
                    broken.setattr("imagegen.ledger.files.open_temporary", failing(errno.EACCES))
                else:
                    break_step(step, broken)
                result = await asking.generate("a fox", model=model)
        assert at.submits == 1
    assert result.image.data == PICTURE
    assert "in this result only" in " ".join(result.warnings)
    assert units(tmp_path) == ["returned"]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("kind", ["pictures", "open", "quarantine"])
@pytest.mark.parametrize("good", [True, False])
async def test_F34_a_folder_that_is_none(tmp_path, kind, good):
    """A file stands where a folder of the ledger should be: what was paid reaches the caller all the same."""
    answer = big(1) if good else Answer(b"<html>welcome</html>")
    (tmp_path / "ledger.files").mkdir()
    (tmp_path / "ledger.files" / kind).write_text("in the way")
    async with FaultServer(answer) as server, client(server, ledger=tmp_path) as asking:
        outcome = await outcome_of(asking, prompt="a fox", model=OPENAI)
        assert server.submits == 1
    if good:
        assert outcome.image.data == PICTURE
        assert units(tmp_path) == ["returned" if kind == "pictures" else "stored"]
    else:
        assert (type(outcome), outcome.raw) == (imagegen.BadOutputError, b"<html>welcome</html>")
        assert units(tmp_path) == ["unreadable"]
    assert (tmp_path / "ledger.files" / kind).read_text() == "in the way"


@pytest.mark.parametrize("model", [OPENAI, JOBS])
async def test_F34_nothing_can_be_written_after_the_money(tmp_path, model):
    """The disk is full from the answer on, for ledger, spool and pictures: the picture is in the result."""
    with files_of_at_most(1 << 40):  # which puts the limit back at the end

        def full(answer):
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            return answer

        class Full(Jobs):
            def answer(self, received):
                return full(super().answer(received))

        link = {"state": "done", "pictures": [{"url": "HOST/picture"}]}
        async with Full(link, picture=PICTURE) as jobs, FaultServer(lambda received: full(big(1))) as server:
            at = jobs.server if model == JOBS else server
            async with client(at, ledger=tmp_path) as asking:
                result = await asking.generate("a fox", model=model)
            assert at.submits == 1
    assert result.image.data == PICTURE
    assert "in this result only" in " ".join(result.warnings)
    assert units(tmp_path) == ["intent"]
    async with client("http://127.0.0.1:9", ledger=tmp_path) as other:
        assert [unit.state for unit in await other.jobs()] == ["unknown"]


@pytest.mark.parametrize("broken", ["begin", "a folder in its place"])
async def test_F34_a_ledger_that_cannot_be_written_stops_spending(tmp_path, monkeypatch, broken):
    """Before the money a disk that fails is an error, and nothing is sent."""
    with monkeypatch.context() as failure:
        if broken == "begin":
            failure.setattr(Store, "begin", _full)
        else:
            (tmp_path / "ledger.sqlite").mkdir()
        async with FaultServer(ANSWERS[SYNC]) as server, client(server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=SYNC)
            assert isinstance(error, imagegen.ConfigurationError)
            assert "nothing was sent" in error.message
            assert server.submits == 0


def _full(store, intent):
    with store._change():
        raise sqlite3.OperationalError("database or disk is full")


FULL = """
import os, subprocess, sys, imagegen
from pathlib import Path
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=True)
with imagegen.Client(ledger=folder) as client:
    client.generate("a star", model="stub:painter", size="64x64")
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "rest").write_bytes(b"x" * (free - (64 << 10)))
    result = client.generate("noise", model="stub:painter", size="1536x1024", seed=5)
    print(result.image.width, "result only" in " ".join(result.warnings))
import sqlite3
print([state for (state,) in sqlite3.connect(folder / "ledger.sqlite").execute("SELECT state FROM units ORDER BY id")])
"""


def test_F34_a_disk_that_is_really_full(tmp_path):
    """On a small file system of our own: the picture is in the result, and its row does not say stored."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no right to a file system of one's own")
    (tmp_path / "small").mkdir()
    run = ["unshare", "-rm", sys.executable, "-c", FULL, str(tmp_path / "small")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "1536 True"
    assert second in ("['stored', 'returned']", "['stored', 'intent']")


# F35

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


@pytest.mark.parametrize("for_long", [False, True])
async def test_F35_a_ledger_that_another_process_has_locked(tmp_path, monkeypatch, for_long):
    """It is waited for; longer than half a minute, and nothing is spent."""
    if for_long:
        monkeypatch.setattr(schema, "LOCKED_S", 0.3)
    async with FaultServer(ANSWERS[SYNC]) as server, client(server, ledger=tmp_path) as asking:
        await asking.generate("a fox", model=SYNC)
        pipe = asyncio.subprocess.PIPE
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLD, str(tmp_path / "ledger.sqlite"), stdin=pipe, stdout=pipe
        )
        assert await holder.stdout.readline() == b"locked\n"
        call = asyncio.create_task(outcome_of(asking, prompt="a fox", model=SYNC))
        await asyncio.sleep(0.8)
        assert server.submits == 1
        assert call.done() == for_long
        await holder.communicate(b"")
        outcome = await call
        if for_long:
            assert isinstance(outcome, imagegen.ConfigurationError)
            assert "locked" in outcome.message
            assert await asking.generate("a fox", model=SYNC)
        else:
            assert outcome.image.data == PNG
        assert server.submits == 2
    assert set(units(tmp_path)) == {"stored"}


async def test_F35_a_damaged_ledger(tmp_path):
    """Nothing is spent on it, and the message says what to do."""
    (tmp_path / "ledger.sqlite").write_bytes(b"SQLite format 3\x00" + os.urandom(5000))
    async with FaultServer(ANSWERS[SYNC]) as server, client(server, ledger=tmp_path) as asking:
        error = await outcome_of(asking, prompt="a fox", model=SYNC)
        assert isinstance(error, imagegen.ConfigurationError)
        assert "move it away" in error.message
        assert server.submits == 0


async def test_F35_a_newer_ledger(tmp_path):
    """Nothing is spent on it, and what is open on it can still be seen."""
    async with Jobs({"state": "drawing"}) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            await asking.submit("a fox", model=JOBS)
        connection = sqlite3.connect(tmp_path / "ledger.sqlite")
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        connection.close()
        async with client(server.server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=JOBS)
            assert isinstance(error, imagegen.ConfigurationError)
            assert "newer" in error.message
            assert [unit.state for unit in await asking.jobs()] == ["submitted"]
        assert server.server.submits == 1
    assert KEY not in str(rows(tmp_path, "SELECT * FROM units"))
