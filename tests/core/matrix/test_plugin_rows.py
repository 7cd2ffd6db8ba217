"""The fault matrix, row F45: a plugin that is broken in any way harms only the calls to itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from core.killing import rows
from core.test_plugins import distribution

PLUGIN = """
import asyncio, sys
import imagegen
from imagegen import Output, Provider, RemoteJob, Running

{functions}
class Good(Provider):
    name = "good"
    async def submit(self, task, call):
        return await globals()["submit_" + call.endpoint.name](call)
    async def poll(self, job, call):
        return await globals()["poll_" + call.endpoint.name](call)
@imagegen.hookimpl
def imagegen_provider(name):
    return Good if name == "good" else None
"""
ASK = """
import imagegen, json, sys
names = json.loads(sys.argv[2])
key, url = "canary-4f9d1c7e-key", "http://127.0.0.1:9"
connections = {name: imagegen.Connection("good", api_key=key, base_url=url) for name in names}
said = {}
with imagegen.Client(connections=connections, ledger=sys.argv[1], timeout_s=30) as client:
    for name in names:
        for _ in range(2):
            try:
                client.generate("a star", model=f"{name}:x", timeout_s=0.5)
            except imagegen.ImageGenError as error:
                said.setdefault(name, []).append([type(error).__name__, error.message, error.billed.value])
        client.generate("a star", model="stub:painter", size="64x64")
print(json.dumps(said))
"""
JOB = "return RemoteJob('j')"
PAID = {
    "raises": ("raise RuntimeError('no licence')", "no licence"),
    "has_its_own_clock": ("raise TimeoutError('its own')", "its own"),
    "exits": ("sys.exit(3)", "SystemExit"),
    "hangs": ("await asyncio.sleep(60)", "before the deadline"),
    "gives_nothing": ("return None", "NoneType"),
    "gives_a_number": ("return 7", "int"),
    "gives_a_number_as_picture": ("return Output(images=[7])", "int"),
    "gives_no_pictures": ("return Output(images=None)", "TypeError"),
    "gives_a_state": ("return Running('x')", "Running"),
    "imports_nothing": ("import nothing_like_this", "nothing_like_this"),
    "tells_the_key": ("raise imagegen.OutcomeUnknownError(call.endpoint.api_key.reveal() * 2)", "[key]"),
}
POLLED = {
    "raises": "raise RuntimeError('no licence')",
    "exits": "sys.exit(3)",
    "hangs": "await asyncio.sleep(60)",
    "gives_nothing": "return None",
    "gives_a_number_as_picture": "return Output(images=[7])",
    "gives_a_job": JOB,
}


def function(name, code):
    return f"async def {name}(call):\n    {code}\n"


def ask(folder, plugin, names):
    """Two calls to a plugin and one to the stub after them, for each name, all in one process."""
    distribution(folder, "broken-dist", {"good": "broken"}, broken=plugin)
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(folder / "ledger.sqlite"), json.dumps(list(names))],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def states(folder, name):
    return [state for (state,) in rows(folder, f"SELECT state FROM units WHERE connection = '{name}'")]


def test_F45_a_plugin_that_fails_in_the_paid_step(tmp_path):
    """Whatever it does, money may have moved: its units are unknown, the error names it, and others work."""
    plugin = PLUGIN.format(functions="".join(function(f"submit_{name}", code) for name, (code, _) in PAID.items()))
    said = ask(tmp_path, plugin, PAID)
    for name, (_, named) in PAID.items():
        for kind, message, billed in said[name]:
            assert (kind, billed) == ("OutcomeUnknownError", "unknown"), name
            assert named in message, name
        assert states(tmp_path, name) == ["unknown", "unknown"]
    assert states(tmp_path, "stub") == ["stored"] * len(PAID)


def test_F45_a_plugin_that_fails_when_it_is_asked_for_a_job(tmp_path):
    """The job was accepted: it stays open, to be collected with a plugin that works, and others work."""
    functions = [function(f"submit_{name}", JOB) + function(f"poll_{name}", code) for name, code in POLLED.items()]
    said = ask(tmp_path, PLUGIN.format(functions="".join(functions)), POLLED)
    for name in POLLED:
        assert {(kind, billed) for kind, _, billed in said[name]} == {("DeadlineExceededError", "yes")}, name
        assert states(tmp_path, name) == ["submitted", "submitted"]
    assert states(tmp_path, "stub") == ["stored"] * len(POLLED)


@pytest.mark.parametrize(
    "code", ["raise RuntimeError('no licence')", "import nothing_like_this", "import sys; sys.exit(3)", "x = 1"]
)
def test_F45_a_plugin_that_cannot_be_loaded(tmp_path, code):
    """Nothing was sent and nothing is booked; the distribution is named, and others work."""
    said = ask(tmp_path, code, ["good"])
    for kind, message, billed in said["good"]:
        assert (kind, billed) == ("ConfigurationError", "no")
        assert "broken-dist 1.0" in message
    assert rows(tmp_path, "SELECT connection, state FROM units") == [("stub", "stored")]
