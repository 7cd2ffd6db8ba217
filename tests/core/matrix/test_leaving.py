"""The fault matrix, rows F38, F39 and F47: callers who leave, processes that fork, loops and threads that share."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from core.killing import JOBS, SYNC, rows
from core.matrix.test_submit import units
from core.serving import B64, KEY, PNG, client, png
from core.test_jobs import Jobs
from PIL import Image

import imagegen
from imagegen.testing.faults import Answer, FaultServer, Late

pytestmark = pytest.mark.anyio

# F38

LEFT = {
    "an accepted job": ("stub:slow", "stub.render_s=0.6", "ended billed"),
    "a step under way": ("stub:sloppy", "stub.latency_s=0.6", "submitting"),
}


def command(folder, *arguments, **settings):
    """``imagegen`` in ``folder``, with a ledger there."""
    state = {"IMAGEGEN_STATE_DIR": str(folder / "state"), "IMAGEGEN_CONFIG_DIR": str(folder / "config")}
    return subprocess.Popen(
        [sys.executable, "-m", "imagegen", *arguments],
        cwd=folder,
        env={**os.environ, **state, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell ignores it for all below
        **settings,
    )


def finished(folder, *arguments):
    """What a command that is left alone says."""
    process = command(folder, *arguments)
    said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def pixels(path):
    with Image.open(path) as picture:
        return picture.convert("RGB").tobytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", list(LEFT))
def test_F38_interrupted_once(tmp_path, name, number, code):
    """Paid work ends or is parked, and is named; resume gives what a run that was left alone gives, for one submit."""
    model, option, sign = LEFT[name]
    asked = ["generate", "a star", "-m", model, "--size", "64x64", "--seed", "5", "--option", option]
    with command(tmp_path, *asked, "-o", "left.png", "--debug") as process:
        next(line for line in process.stderr if sign in line)
        process.send_signal(number)
        said = process.stderr.read()
        assert process.wait(timeout=30) == code
    (job,) = set(re.findall(r"parked: .* job (\w{8})", said))
    assert not (tmp_path / "left.png").exists()
    listed = finished(tmp_path, "jobs")[0]
    assert (job in listed) == (name == "an accepted job")
    finished(tmp_path, "resume", job, "-o", "resumed.png")
    finished(tmp_path, *asked, "-o", "alone.png")
    assert pixels(tmp_path / "resumed.png") == pixels(tmp_path / "alone.png")
    assert units(tmp_path / "state") == ["stored", "stored"]


def test_F38_interrupted_twice(tmp_path):
    """The second time it stops at once; what was under way is unknown afterwards, and told by ``jobs``."""
    asked = ["generate", "a star", "-m", "stub:sloppy", "--option", "stub.latency_s=30", "--debug"]
    with command(tmp_path, *asked) as process:
        next(line for line in process.stderr if "submitting" in line)
        process.send_signal(signal.SIGINT)
        next(line for line in process.stderr if "interrupted" in line)
        process.send_signal(signal.SIGINT)
        assert "may have been billed" in process.stderr.read()
        assert process.wait(timeout=10) == 130
    (unit,) = json.loads(finished(tmp_path, "jobs", "--json")[0])
    assert unit["state"] == "unknown"


# F39


class Held(Jobs):
    """Answers a POST when it is told to."""

    def __init__(self, *states):
        super().__init__(*states)
        self.release, self.server._meet = asyncio.Event(), self._meet

    async def _meet(self, received, writer):
        if received.method == "POST":
            await self.release.wait()
        await FaultServer._meet(self.server, received, writer)

    def answer(self, received):
        if received.method == "POST":
            accepted = super().answer(received)
            return Answer({**accepted.body, "pictures": [{"data": B64}]})
        return super().answer(received)


@pytest.mark.parametrize("model", [SYNC, JOBS])
@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_F39_cancelled_in_the_middle_of_the_post(tmp_path, model, how):
    """The caller is free at once; the step ends in the background, and the key gives its result for nothing more."""
    async with Held({"state": "done", "pictures": [{"data": B64}]}) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            call = asyncio.create_task(asking.generate("a fox", model=model, key="k"))
            while not server.server.submits:
                await asyncio.sleep(0.01)
            began = time.monotonic()
            if how == "cancel":
                call.cancel()
            with pytest.raises((asyncio.CancelledError, TimeoutError)):
                await asyncio.wait_for(call, 0.01)
            assert time.monotonic() - began < 0.2
            assert units(tmp_path) == ["intent"]
            server.release.set()
            result = await asking.generate("a fox", model=model, key="k")
            assert result.image.data == PNG
        async with client(server.server, ledger=tmp_path) as other:
            assert (await other.generate("a fox", model=model, key="k")).image.data == PNG
        assert (server.server.submits, units(tmp_path)[-1:]) == (1, ["stored"])


# F47

FORK = """
import imagegen, os, sys
url, ledger, acme, key = sys.argv[1:]
sys.path.append(acme)
def made():
    connections = {"acme": imagegen.Connection(api_key=key, base_url=url)}
    return imagegen.Client(connections=connections, ledger=ledger)
client = made()
client.generate("a fox", model="acme:sketch", key="parent")
child = os.fork()
if child == 0:
    try:
        client.generate("a fox", model="acme:sketch", key="child")
    except imagegen.ConfigurationError as error:
        print(error, flush=True)
    with made() as own:
        print(len(own.generate("a fox", model="acme:sketch", key="own").images), flush=True)
        print([unit.state for unit in own.jobs()], flush=True)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
print(client.generate("a fox", model="acme:sketch", key="parent").replayed, flush=True)
client.generate("a fox", model="acme:sketch", key="later")
client.close()
"""


async def test_F47_a_fork_after_the_client_was_made(tmp_path, acme):
    """The child is told to make its own, which works on the same ledger; the parent's goes on."""
    async with FaultServer(Answer({"pictures": [{"data": B64}]})) as server:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-c", FORK, server.url, str(tmp_path), str(acme), KEY,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said = (await asyncio.wait_for(child.communicate(), 60))[0].decode().splitlines()
    assert "before a fork" in said[0]
    assert said[1:] == ["1", "[]", "0", "True"]
    assert (server.submits, units(tmp_path)) == (3, ["stored"] * 3)


def test_F47_two_event_loops(tmp_path):
    """A client belongs to one loop and says so in another; a client for each shares the ledger."""

    async def scene():
        async with FaultServer(Answer({"pictures": [{"data": B64}]})) as server:
            one = client(server, ledger=tmp_path)
            await one.generate("a fox", model=SYNC, key="k")
            await asyncio.to_thread(lambda: asyncio.run(_in_another_loop(one, server, tmp_path)))
            await one.close()
            return server.submits

    assert asyncio.run(scene()) == 1
    assert units(tmp_path) == ["stored"]


async def _in_another_loop(one, server, ledger):
    with pytest.raises(imagegen.ConfigurationError, match="another event loop"):
        await one.generate("a fox", model=SYNC, key="k")
    async with client(server, ledger=ledger) as two:
        assert (await two.generate("a fox", model=SYNC, key="k")).replayed


COLOURS = {f"{red:02x}0040": png(colour=f"#{red:02x}0040") for red in range(0, 240, 6)}


async def test_F47_threads(tmp_path):
    """Many threads on one client: each has the picture that it asked for, one charge each."""

    def answer(received):
        colour = received.json()["prompt"].split()[-1]
        return Answer({"pictures": [{"data": base64.b64encode(COLOURS[colour]).decode()}]})

    found, wrong = {}, []

    def ask(client, colour):
        try:
            found[colour] = client.generate(f"a fox in {colour}", model=SYNC, key=colour).image.data
        except Exception as error:
            wrong.append(error)

    def all_at_once(url):
        connections = {"acme": imagegen.Connection(api_key=KEY, base_url=url)}
        with imagegen.Client(connections=connections, ledger=tmp_path) as client:
            threads = [threading.Thread(target=ask, args=(client, colour)) for colour in COLOURS]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    async with FaultServer(answer, lambda number: Late(number % 7 / 100)) as server:
        await asyncio.to_thread(all_at_once, server.url)
    assert wrong == []
    assert found == COLOURS
    assert server.submits == len(COLOURS)
    files = {name: key for key, name in rows(tmp_path, "SELECT key, file FROM calls JOIN units ON call_id = calls.id "
        "JOIN pictures ON unit_id = units.id")}  # fmt: skip
    for name, colour in files.items():
        assert Image.open(io.BytesIO((tmp_path / "ledger.files" / "pictures" / name).read_bytes())).getpixel(
            (0, 0)
        ) == tuple(bytes.fromhex(colour))
