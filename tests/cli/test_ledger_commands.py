"""`spend`, `budget` and `ledger`, run as a person runs them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = [("spend",), ("budget",), ("ledger",), ("ledger", "check"), ("ledger", "purge"), ("ledger", "path")]


@pytest.fixture
def run(tmp_path):
    """Runs ``imagegen`` with a ledger of its own; gives the finished process."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "imagegen", *arguments],
            env={**os.environ, "COLUMNS": "80", "IMAGEGEN_STATE_DIR": str(tmp_path)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def spent(tmp_path) -> Path:
    """A ledger on which one picture for a label was paid, and one without."""
    import imagegen

    path = tmp_path / "ledger.sqlite"
    for label, prompt in (("shop", "a star"), (None, "a secretword")):
        with imagegen.Client(ledger=path, label=label, store_prompts="full") as client:
            client.generate(prompt, model="stub:metered", size="1024x1024")
    return path


@pytest.mark.parametrize(
    "arguments",
    [("spend",), ("spend", "--csv"), ("budget",), ("ledger", "check"), ("ledger", "purge", "--before", "2027-01-01")],
)
def test_no_ledger_yet_is_one_line(run, arguments, tmp_path):
    """Where nothing was ever spent, that is said, and is no error; no ledger is made by looking."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("no ledger yet at")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_no_ledger_yet_is_an_empty_list(run):
    """A program gets JSON all the same."""
    assert json.loads(run("spend", "--json").stdout) == []
    assert json.loads(run("budget", "--json").stdout) == []


def test_spend_as_a_table(run, spent):
    """Groups, their sum, and no column that is empty; it fits a terminal."""
    done = run("spend", "--by", "label", "--by", "model")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.strip(" ─")]
    assert lines[0] == ["label", "model", "pictures", "spent", "estimates"]
    assert [line[0] for line in lines[1:]] == ["-", "shop", "all"]
    assert lines[3][1] == "2"
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_spend_as_json_and_csv(run, spent):
    """Both have the same fields; money is text, and what is not known is null."""
    (row, shop) = json.loads(run("spend", "--by", "label", "--json").stdout)
    assert (row["label"], shop["label"], shop["pictures"], shop["unknown"]) == (None, "shop", 1, 0)
    assert isinstance(shop["amount_usd"], str)
    table = list(csv.DictReader(run("spend", "--by", "label", "--csv").stdout.splitlines()))
    assert list(table[0]) == list(row)
    assert table[1]["amount_usd"] == shop["amount_usd"]


def test_spend_within_dates(run, spent):
    """Days that saw nothing give nothing."""
    assert json.loads(run("spend", "--until", "2020-01-01", "--json").stdout) == []
    assert len(json.loads(run("spend", "--since", "2020-01-01", "--json").stdout)) == 1


def test_budget_is_set_kept_and_lifted(run, spent):
    """A budget set here stops a call of another process, until it is lifted."""
    rows = {row["scope"]: row for row in json.loads(run("budget", "--label", "shop", "0.05", "--json").stdout)}
    assert rows["label:shop"]["budget_usd"] == "0.05"
    assert rows["label:shop"]["settled_usd"] > "0"
    assert buy(spent).startswith("BudgetExceededError: it may cost")
    assert run("budget", "--lift", "label:shop").returncode == 0
    assert buy(spent) == "1 picture"


def test_budget_of_a_day(run, spent):
    """It holds for every call of this day, and is listed with what the day has cost."""
    (today, *_) = json.loads(run("budget", "--day", "0.01", "--json").stdout)
    assert (today["scope"][:4], today["budget_usd"]) == ("day:", "0.01")
    assert today["settled_usd"] > "0"
    assert buy(spent, label=None).startswith("BudgetExceededError")


def buy(path: Path, label: str | None = "shop") -> str:
    """One picture more."""
    import imagegen

    with imagegen.Client(ledger=path, label=label) as client:
        try:
            return f"{len(client.generate('a', model='stub:metered', size='1024x1024').images)} picture"
        except imagegen.ImageGenError as error:
            return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("budget", "--day", "much"), "amount in USD"),
        (("budget", "--day", "-1"), "amount in USD"),
        (("budget", "--label", "shop"), "2 arguments"),
        (("budget", "--lift", "shop"), "label:NAME"),
        (("spend", "--since", "yesterday"), "2026-11-22"),
        (("spend", "--by", "mood"), "connection"),
        (("ledger", "purge"), "--before"),
    ],
)
def test_bad_usage(run, arguments, said):
    """Bad usage is exit code 2, with what is right."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_purge_asks_first(run, spent):
    """Nothing goes without a yes; then rows and files go, and totals stay."""
    refused = run("ledger", "purge", "--before", "2999-01-01", stdin="n\n")
    assert (refused.returncode, refused.stdout) == (0, "")
    assert "?" in refused.stderr
    assert len(json.loads(run("spend", "--json").stdout)) == 1
    done = run("ledger", "purge", "--before", "2999-01-01", "--yes")
    assert done.stdout.startswith("removed 2 calls; 2 files")
    assert json.loads(run("spend", "--json").stdout) == []
    assert [row["scope"][:5] for row in json.loads(run("budget", "--json").stdout)] == ["day:2", "label"]
    assert run("ledger", "check").returncode == 0


def test_prompts_are_erased(run, spent):
    """Only the words go."""
    assert b"secretword" in spent.read_bytes()
    done = run("ledger", "purge", "--before", "2999-01-01", "--prompts", "--yes")
    assert done.stdout.startswith("prompts erased of 2 calls; 0 files")
    assert b"secretword" not in spent.read_bytes()
    assert json.loads(run("spend", "--json").stdout)[0]["pictures"] == 2


def test_check_finds_a_missing_picture(run, spent):
    """What is wrong is a line on standard output, and the exit code is 1."""
    assert run("ledger", "check").stdout == ""
    next(spent.with_suffix(".files").glob("pictures/*")).unlink()
    done = run("ledger", "check")
    assert done.returncode == 1
    assert "gone" in done.stdout


def test_path_and_another_ledger(run, spent, tmp_path):
    """``--ledger`` takes a file or a folder."""
    assert run("ledger", "path").stdout.strip() == str(spent)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run("ledger", "path", "--ledger", str(elsewhere)).stdout.strip() == str(elsewhere / "ledger.sqlite")
    assert "no ledger yet" in run("spend", "--ledger", str(elsewhere)).stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(run, command):
    """Every command shows how it is used."""
    done = run(*command, "--help")
    assert done.returncode == 0
    assert f"  imagegen {' '.join(command)}" in done.stdout
