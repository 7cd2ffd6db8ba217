"""``make live`` over loopback: the program as a process of its own, our strict fakes in the providers' places."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fakes import bfl, openai, xai

import imagegen
from imagegen import Reply, plugins
from imagegen.types.job import Task

TESTS = Path(__file__).parents[1]
OPENAI_KEY = "sk-test-0000000000000000"
KNOWN_TO_FAKE = "flux-2-klein-4b"
CATALOGUE = '[models.flux-3-image-klein]\nstatus = "deprecated"\n'
"""The cheapest of BFL's is not among the fake's models; the user's catalogue sets it aside."""
KEYS = {"OPENAI_API_KEY": OPENAI_KEY, "BFL_API_KEY": bfl.KEY, "XAI_API_KEY": xai.KEY}


def live(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program's run."""
    surroundings = {**os.environ, "PYTHONPATH": str(TESTS), "COLUMNS": "200", **environment}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "live", *arguments],
        cwd=cwd,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def fakes() -> Iterator[dict[str, Any]]:
    """Three providers, one of them with jobs."""
    with ExitStack() as stack:
        servers = {
            "openai": stack.enter_context(openai.fake_openai(key=OPENAI_KEY)),
            "bfl": stack.enter_context(bfl.FakeBFL()),
            "xai": stack.enter_context(xai.FakeXAI()),
        }
        yield servers


@pytest.fixture(scope="module")
def addresses(fakes) -> dict[str, str]:
    """Where the fakes are, as the environment says it."""
    return {f"{name.upper()}_BASE_URL": server.base_url for name, server in fakes.items()}


@pytest.fixture(scope="module")
def done(addresses, tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run over all three, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "config" / "catalogue").mkdir(parents=True)
    (folder / "config" / "catalogue" / "bfl.toml").write_text(CATALOGUE)
    (folder / "config" / "imagegen.toml").write_text("[connections.bfl]\nallow_private = true\n")
    for_state = {"IMAGEGEN_CONFIG_DIR": str(folder / "config"), "IMAGEGEN_STATE_DIR": str(folder / "state")}
    return live("--yes", cwd=folder, **KEYS, **addresses, **for_state), folder / "live"


def recordings(folder: Path) -> dict[str, dict[str, Any]]:
    """Every recording by ``provider/name``."""
    return {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in folder.glob("*/*.json")}


def test_table_says_what_happened_and_what_it_cost(done):
    """A row a provider and operation: what came, what it cost, and the exit code that follows."""
    process, _ = done
    rows = [line.split() for line in process.stdout.splitlines()[1:]]
    outcomes = {(row[0], row[1]): row[3] for row in rows}
    works = dict.fromkeys(((name, what) for name in ("bfl", "openai", "xai") for what in ("generate", "edit")), "works")
    assert outcomes == {**works, ("xai", "edit"): "differs"}, process.stdout + process.stderr
    assert all(row[4].startswith("$") for row in rows)
    assert (
        "cost: planned $0.022 to $0.022, $0.02 by the provider" in process.stdout
    )  # the fake takes nothing for inputs
    assert process.returncode == 1


def test_no_key_and_no_signature_is_written_or_said(done):
    """No key is in any file or line, and of a result's address neither signature nor name."""
    process, folder = done
    written = "".join(path.read_text() for path in folder.rglob("*.json"))
    for key in KEYS.values():
        assert key not in written + process.stdout + process.stderr
    assert "sig=TEST" in written
    assert "127.0.0.1" not in "".join(str(each["request"]["url"]) for each in recordings(folder).values())


@pytest.mark.parametrize("name", ["openai/generate", "openai/edit", "xai/generate", "xai/edit"])
def test_recording_of_a_picture_replaces_a_sample(done, name):
    """What was recorded is read by the provider's module as a sample is: one whole picture, its usage or cost."""
    provider, _, operation = name.partition("/")
    recorded = recordings(done[1])[name]
    task = Task(imagegen.ImageRequest(prompt="a"), "m", operation, 1, None)
    answer = recorded["response"]
    reply = Reply.of(answer["body"], status=answer["status"], headers=answer["headers"])
    output = plugins.provider_class(provider)().parse(reply, task)
    assert len(output.images) == 1
    assert output.usage is not None or output.cost_usd is not None
    assert len(json.dumps(recorded)) < 8000
    assert set(recorded) == {"meta", "request", "response"}
    assert recorded["request"]["headers"]["authorization"] == "Bearer TEST_KEY"


def test_recording_of_a_job_replaces_its_samples(done):
    """A job is two samples, its submit and its last state; their ids are others, and still the same in both."""
    found = recordings(done[1])
    provider = plugins.provider_class("bfl")()
    task = Task(imagegen.ImageRequest(prompt="a"), KNOWN_TO_FAKE, "generate", 1, None)
    job = provider.parse(Reply.of(found["bfl/generate"]["response"]["body"]), task)
    assert found["bfl/generate_2"]["request"]["url"] == job.url
    assert "00000000-0000-4000-8000-" in job.url
    output = provider.parse_poll(Reply.of(found["bfl/generate_2"]["response"]["body"]), job)
    assert isinstance(output.images[0], imagegen.ImageUrl)
    assert found["bfl/generate"]["request"]["url"] == f"https://api.bfl.ai/v1/{KNOWN_TO_FAKE}"


def test_recorded_request_is_what_the_plan_says(done):
    """The request of a recording is the plan's own, word for word."""
    asked = recordings(done[1])["xai/generate"]["request"]
    plan = imagegen.plan(asked["body"]["prompt"], model="xai:grok-imagine-image", n=1, resolution="1K")
    (wire,) = plan.wires
    assert asked["body"] == wire.json
    assert asked["url"].endswith(wire.path)


def test_without_keys_it_says_what_it_would_run(tmp_path):
    """Without a key: a table with the price of each, unknown said so; nothing sent, exit code 0."""
    process = live(cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert "nothing was sent" in process.stdout
    rows = {tuple(line.split()[:2]): line for line in process.stdout.splitlines()}
    assert "OPENAI_API_KEY" in rows["openai", "generate"]
    assert rows["together", "generate"].rstrip().endswith("unknown")
    assert "$" in rows["xai", "edit"]
    assert ("stub", "generate") not in rows


def test_without_yes_nothing_is_sent(fakes, addresses, tmp_path):
    """Nobody to ask and no --yes: it stops before the first request, exit code 2."""
    before = len(fakes["xai"].received)
    process = live("--provider", "xai", cwd=tmp_path, XAI_API_KEY=xai.KEY, **addresses)
    assert process.returncode == 2
    assert "nothing was sent" in process.stderr
    assert len(fakes["xai"].received) == before


def test_limit_holds_for_the_whole_run(fakes, addresses, tmp_path):
    """What could pass --max-usd together with what ran before is skipped, and says so."""
    before = len(fakes["xai"].received)
    process = live("--yes", "--max-usd", "0.03", "--provider", "xai", cwd=tmp_path, XAI_API_KEY=xai.KEY, **addresses)
    assert len(fakes["xai"].received) == before + 1
    assert "skipped" in process.stdout


def test_failure_is_told_and_recorded(addresses, tmp_path):
    """A refused key is a failure with its reason and exit code 1; the answer is kept as an error's sample."""
    wrong = "wrong-key-000000000000000000000"
    process = live("--yes", "--provider", "xai", cwd=tmp_path, XAI_API_KEY=wrong, **addresses)
    assert process.returncode == 1
    assert "AuthenticationError" in process.stdout
    kept = recordings(tmp_path / "live")["xai/generate"]
    assert (kept["meta"]["kind"], kept["response"]["status"]) == ("error", 401)
    assert wrong not in json.dumps(kept)
