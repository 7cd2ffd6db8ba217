"""Jobs on the command line: listed, collected, reconciled, paid again with consent; nothing is ever sent unasked."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

UNKNOWN = ("--option", 'stub.faults=[{"kind":"unknown"}]')


@pytest.fixture
def imagegen(tmp_path):
    """Runs ``imagegen`` in an empty folder with empty settings; gives the finished process."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path),
            "IMAGEGEN_CONFIG_DIR": str(tmp_path / "config"),
            "IMAGEGEN_STATE_DIR": str(tmp_path / "state"),
        }
        command = [sys.executable, "-m", "imagegen", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=surroundings, input=stdin, capture_output=True, text=True, timeout=60
        )

    run.folder = tmp_path
    return run


def jobs(imagegen) -> list[dict]:
    """What ``imagegen jobs --json`` lists."""
    return json.loads(imagegen("jobs", "--json").stdout)


def test_submitted_jobs_are_listed_and_collected(imagegen):
    """Two jobs are listed with state, price and age, and ``resume`` without an id collects both."""
    for prompt in ("a red circle", "a blue square"):
        imagegen("submit", prompt, "-m", "stub:slow", "--size", "64x64", "--label", "tour")
    found = jobs(imagegen)
    assert [(each["state"], each["at_most_usd"], each["label"]) for each in found] == [
        ("submitted", "0.05", "tour")
    ] * 2
    table = imagegen("jobs").stdout
    assert "accepted" in table and found[0]["job"][:8] in table
    done = imagegen("resume")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
    assert jobs(imagegen) == []
    assert "no open jobs" in imagegen("resume").stderr


def test_collecting_twice_gives_the_same_picture(imagegen):
    """A job that was collected is given again from the ledger, byte for byte."""
    job = imagegen("submit", "a red circle", "-m", "stub:slow", "--size", "64x64").stdout.strip()
    first, second = (imagegen("resume", job[:8], "-o", name) for name in ("a.png", "b.png"))
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert (imagegen.folder / "a.png").read_bytes() == (imagegen.folder / "b.png").read_bytes()
    assert "nothing was sent or paid now" in second.stderr


def test_lost_answer_is_found_at_the_provider(imagegen):
    """A job whose acceptance was lost is unknown; ``reconcile`` finds it on the list, ``resume`` collects it."""
    lost = imagegen("generate", "a red circle", "-m", "stub:slow", "--size", "64x64", *UNKNOWN)
    assert lost.returncode == 1
    assert [each["state"] for each in jobs(imagegen)] == ["unknown"]
    assert imagegen("resume").stdout == ""
    said = json.loads(imagegen("reconcile", "--json").stdout)
    assert [each["outcome"] for each in said] == ["found"]
    assert imagegen("resume").returncode == 0
    assert jobs(imagegen) == []


def test_provider_without_a_list_leaves_it_to_the_user(imagegen):
    """Where no list helps, the user says what an invoice showed; the money is settled accordingly."""
    imagegen("generate", "a red circle", "-m", "stub:sloppy", "--size", "64x64", *UNKNOWN)
    (unit,) = jobs(imagegen)
    assert "does not list" in imagegen("reconcile").stdout
    assert imagegen("reconcile", unit["job"][:8]).returncode == 1
    assert imagegen("reconcile", unit["job"][:8], "--not-billed").returncode == 0
    assert jobs(imagegen) == []
    (spent,) = json.loads(imagegen("spend", "--json").stdout)
    assert (spent["amount_usd"], spent["unknown"]) == ("0", 0)


def test_paying_again_is_asked_first(imagegen):
    """``--retry-unknown`` names the cost and waits for a yes; a no sends nothing."""
    imagegen("generate", "a red circle", "-m", "stub:sloppy", "--size", "64x64", *UNKNOWN)
    refused = imagegen("resume", "--retry-unknown", stdin="n\n")
    assert "$0.02" in refused.stderr and "may have been billed" in refused.stderr
    assert [each["state"] for each in jobs(imagegen)] == ["unknown"]
    agreed = imagegen("resume", "--retry-unknown", stdin="y\n")
    assert len([each for each in jobs(imagegen) if each["state"] == "unknown"]) == 2  # the stub is told to fail again
    assert agreed.returncode == 1


def test_a_key_is_paid_once(imagegen):
    """The same key gives the stored picture; with another prompt it is an error in one line."""
    arguments = ("-m", "stub:sloppy", "--size", "64x64", "--key", "k")
    assert imagegen("generate", "a red circle", *arguments, "-o", "a.png").returncode == 0
    again = imagegen("generate", "a red circle", *arguments, "-o", "b.png")
    assert (imagegen.folder / "a.png").read_bytes() == (imagegen.folder / "b.png").read_bytes()
    assert "nothing was sent or paid now" in again.stderr
    other = imagegen("generate", "a blue circle", *arguments)
    assert other.returncode == 1
    assert other.stderr.count("\n") == 1
    (spent,) = json.loads(imagegen("spend", "--json").stdout)
    assert spent["pictures"] == 1


def test_a_job_of_another_machine_is_collected(imagegen, tmp_path):
    """A job's text is enough: a machine with an empty ledger collects it, and books it."""
    imagegen("submit", "a red circle", "-m", "stub:slow", "--size", "64x64", "-o", "job.json")
    (tmp_path / "state").rename(tmp_path / "elsewhere")
    done = imagegen("resume", "job.json", "-o", "fox.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fox.png").is_file()
    assert json.loads(imagegen("spend", "--json").stdout)[0]["pictures"] == 1


def test_a_ledger_can_be_switched_off(imagegen, tmp_path):
    """``ledger = false`` in the settings file: nothing is kept, and a key is refused."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "imagegen.toml").write_text("ledger = false\n")
    assert imagegen("generate", "a", "-m", "stub:painter", "--size", "64x64").returncode == 0
    assert not (tmp_path / "state" / "ledger.sqlite").exists()
    refused = imagegen("generate", "a", "-m", "stub:painter", "--key", "k")
    assert refused.returncode == 1
    assert "needs a ledger" in refused.stderr


def test_doctor_counts_what_is_open_on_the_ledger(imagegen, tmp_path):
    """Where the ledger is, how much is open on it; a ledger that cannot be read is told, and ends nothing."""
    imagegen("submit", "a red circle", "-m", "stub:slow", "--size", "64x64")
    found = json.loads(imagegen("doctor", "--json").stdout)
    assert (found["ledger"], found["open_jobs"]) == (str(tmp_path / "state" / "ledger.sqlite"), 1)
    (tmp_path / "state" / "ledger.sqlite").write_bytes(b"no database" * 1000)
    damaged = imagegen("doctor")
    assert "cannot be read" in damaged.stdout
    assert "connections:" in damaged.stdout
