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
class Good(Provider):
    name = "good"
    async def submit(self, task, call):
        {submit}
    async def poll(self, job, call):
        {poll}
@imagegen.hookimpl
def imagegen_provider(name):
    return Good if name == "good" else None
"""
ASK = """
import imagegen, json, sys
connections = {"good": imagegen.Connection(api_key="canary-4f9d1c7e-key", base_url="http://127.0.0.1:9")}
said = {}
with imagegen.Client(connections=connections, ledger=sys.argv[1], timeout_s=30) as client:
    for model in ("good:x", "good:x", "stub:painter"):
        given = {"timeout_s": float(sys.argv[2])} if model == "good:x" else {}
        try:
            said.setdefault(model, []).append(len(client.generate("a star", model=model, size="64x64", **given).images))
        except imagegen.ImageGenError as error:
            said.setdefault(model, []).append([type(error).__name__, error.message, error.billed.value])
    said["open"] = [unit.state for unit in client.jobs()]
print(json.dumps(said))
"""
JOB = "return RemoteJob('j')"


def ask(folder, plugin, timeout_s):
    """Two calls to a plugin and one to the stub after it, in a process of their own."""
    distribution(folder, "broken-dist", {"good": "broken"}, broken=plugin)
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(folder / "ledger.sqlite"), str(timeout_s)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("submit", "named"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("raise TimeoutError('its own clock')", "its own clock"),
        ("sys.exit(3)", "SystemExit"),
        ("await asyncio.sleep(60)", "before the deadline"),
        ("return None", "NoneType"),
        ("return 7", "int"),
        ("return Output(images=[7])", "int"),
        ("return Output(images=None)", "TypeError"),
        ("return Running('x')", "Running"),
        ("import nothing_like_this", "nothing_like_this"),
        ("raise imagegen.OutcomeUnknownError(call.endpoint.api_key.reveal() * 2)", "[key]"),
    ],
)
def test_F45_a_plugin_that_fails_in_the_paid_step(tmp_path, submit, named):
    """Whatever it does, money may have moved: its units are unknown, the error names it, and others work."""
    said = ask(tmp_path, PLUGIN.format(submit=submit, poll=JOB), timeout_s=0.5)
    for kind, message, billed in said["good:x"]:
        assert (kind, billed) == ("OutcomeUnknownError", "unknown")
        assert named in message
    assert said["stub:painter"] == [1]
    assert rows(tmp_path, "SELECT state FROM units") == [("unknown",), ("unknown",), ("stored",)]
    assert said["open"] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    "poll",
    [
        "raise RuntimeError('no licence')",
        "sys.exit(3)",
        "await asyncio.sleep(60)",
        "return None",
        "return Output(images=[7])",
        JOB,
    ],
)
def test_F45_a_plugin_that_fails_when_it_is_asked_for_a_job(tmp_path, poll):
    """The job was accepted: it stays open, to be collected with a plugin that works, and others work."""
    said = ask(tmp_path, PLUGIN.format(submit=JOB, poll=poll), timeout_s=0.5)
    assert {(kind, billed) for kind, _, billed in said["good:x"]} == {("DeadlineExceededError", "yes")}
    assert said["stub:painter"] == [1]
    assert rows(tmp_path, "SELECT state FROM units") == [("submitted",), ("submitted",), ("stored",)]


@pytest.mark.parametrize(
    "code", ["raise RuntimeError('no licence')", "import nothing_like_this", "import sys; sys.exit(3)", "x = 1"]
)
def test_F45_a_plugin_that_cannot_be_loaded(tmp_path, code):
    """Nothing was sent and nothing is booked; the distribution is named, and others work."""
    said = ask(tmp_path, code, timeout_s=5)
    for kind, message, billed in said["good:x"]:
        assert (kind, billed) == ("ConfigurationError", "no")
        assert "broken-dist 1.0" in message
    assert said["stub:painter"] == [1]
    assert rows(tmp_path, "SELECT state FROM units") == [("stored",)]
