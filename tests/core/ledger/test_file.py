"""The ledger's file: private, of a newer version, damaged, locked, in a folder that cannot be written."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import pytest
from core.ledger.making import a_call, an_intent, begin, paid
from core.ledger.test_spending import overwrite_a_page
from core.serving import acme_answer, client

import imagegen
from imagegen.ledger import Store
from imagegen.ledger.reading import Reader
from imagegen.ledger.spending import spending
from imagegen.testing.faults import FaultServer

pytestmark = pytest.mark.anyio
MODEL = "acme:sketch"


@pytest.fixture
def path(tmp_path):
    """A ledger on which three pictures were paid."""
    path = tmp_path / "ledger.sqlite"
    store = Store(path, "w")
    for _ in range(3):
        call = a_call()
        store.settle(begin(store, call), paid())
        store.finish(call.id, (), None)
    store.close()
    return path


async def refused(path, match):
    """A call on this ledger is refused in one line, and nothing is sent."""
    async with FaultServer(acme_answer) as server, client(server, ledger=path) as asking:
        for _ in range(2):
            with pytest.raises(imagegen.ConfigurationError, match=match) as caught:
                await asking.generate("a fox", model=MODEL)
            assert caught.value.message.endswith("nothing was sent")
            assert "\n" not in caught.value.message
    assert server.submits == 0


def pictures(path):
    """How many pictures a reader finds."""
    reader = Reader.open(path)
    try:
        return spending(reader).total.pictures
    finally:
        reader.close()


async def test_only_its_owner_reads_it(tmp_path):
    """Database, journal, pictures and open requests are 0600 in folders of 0700, whatever the umask."""
    path, before = tmp_path / "new" / "ledger.sqlite", os.umask(0)
    try:
        async with FaultServer(acme_answer) as server, client(server, ledger=path) as asking:
            await asking.generate("a fox", model=MODEL)
            found = {each: each.stat().st_mode & 0o777 for each in path.parent.rglob("*")}
            found[path.parent] = path.parent.stat().st_mode & 0o777
    finally:
        os.umask(before)
    assert len([each for each in found if each.suffix == ".png"]) == 1
    assert {each for each, mode in found.items() if mode != (0o700 if each.is_dir() else 0o600)} == set()


async def test_a_newer_ledger_is_read_and_not_spent_on(path):
    """What a newer version keeps account of, this one must not guess at."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    await refused(path, "version 99.*upgrade")
    assert pictures(path) == 3


async def test_a_lost_header_stops_spending(path):
    """A file that is no database any more is named, for reading and for spending."""
    with path.open("r+b") as file:
        file.write(b"\x00" * 100)
    await refused(path, "damaged.*move it away")
    with pytest.raises(imagegen.ConfigurationError, match="cannot be read"):
        Reader.open(path)


@pytest.mark.parametrize("table", ["calls", "totals", "units"])
async def test_a_damaged_page_stops_spending(path, table):
    """Damage where a call must be written refuses it; the rest can be read."""
    overwrite_a_page(path, table)
    await refused(path, "damaged")
    if table == "totals":
        assert pictures(path) == 3


async def test_a_refusing_ledger_leaks_nothing(path):
    """Each refused call lets go of what it opened."""
    with path.open("r+b") as file:
        file.write(b"\x00" * 100)
    async with FaultServer(acme_answer) as server, client(server, ledger=path) as asking:
        for number in range(6):
            with pytest.raises(imagegen.ConfigurationError):
                await asking.generate("a fox", model=MODEL)
            if number == 1:
                before = len(os.listdir("/proc/self/fd"))
        assert len(os.listdir("/proc/self/fd")) <= before
    assert list((path.with_suffix(".files") / "workers").iterdir()) == []


async def test_a_folder_in_the_way_stops_spending(tmp_path):
    """Where there can be no ledger, nothing is paid."""
    (tmp_path / "file").write_text("")
    await refused(tmp_path / "file" / "ledger.sqlite", "file")


# Locked.

LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


@contextlib.asynccontextmanager
async def locked(path, seconds):
    """Another process holds the ledger."""
    command = [sys.executable, "-c", LOCK, str(path), str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    yield
    await process.communicate()


@contextlib.asynccontextmanager
async def heartbeat():
    """The longest time for which the event loop did not get its turn, in a list."""
    longest = [0.0]

    async def beat() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest[0] = max(longest[0], time.monotonic() - began)

    task = asyncio.create_task(beat())
    yield longest
    task.cancel()


async def test_a_lock_is_waited_for_beside_the_loop(path):
    """While another process holds the ledger for two seconds, the call waits and everything else goes on."""
    async with FaultServer(acme_answer) as server, client(server, ledger=path) as asking:
        await asking.generate("a warm fox", model=MODEL)
        async with locked(path, 2), heartbeat() as longest:
            began = time.monotonic()
            await asking.generate("a fox", model=MODEL)
            assert time.monotonic() - began > 1
            assert pictures(path) >= 4  # reading waits for nobody
    assert longest[0] < 0.5


async def test_a_lock_that_stays_is_told(path):
    """In the end it is said who must be ended; here after a moment instead of half a minute."""
    store = Store(path, "w")
    store.read("PRAGMA busy_timeout = 50")
    async with locked(path, 1):
        with pytest.raises(imagegen.ConfigurationError, match="another process has locked it"):
            store.begin(an_intent())
    begin(store)
    store.close()


# A folder that cannot be written.


@contextlib.contextmanager
def nobody():
    """As a user who owns nothing, where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_folder_is_read_and_not_spent_on(path):
    """Its ledger may be looked at, as from a backup; nothing may be spent."""
    folder = Path(tempfile.mkdtemp())
    try:
        shutil.copy(path, folder)
        (folder / path.name).chmod(0o444)
        folder.chmod(0o555)
        with nobody():
            with pytest.raises(
                imagegen.ConfigurationError, match="(Permission denied|readonly database); nothing was sent"
            ):
                Store(folder / path.name, "w")
            assert pictures(folder / path.name) == 3
        assert [each.name for each in folder.iterdir()] == [path.name]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


async def test_a_picture_that_cannot_be_kept_is_returned(path):
    """After the money no trouble with a file loses a picture: it comes, with a warning, and is booked."""
    folder = path.with_suffix(".files")
    folder.mkdir(exist_ok=True)
    (folder / "pictures").write_text("in the way")
    async with FaultServer(acme_answer) as server, client(server, ledger=path) as asking:
        result = await asking.generate("a fox", model=MODEL)
    assert bytes(result.image.data)
    assert any("could not be kept" in warning for warning in result.warnings)
    assert pictures(path) == 4
