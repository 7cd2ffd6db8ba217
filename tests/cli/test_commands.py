"""The command line, run as a person runs it: a process of its own, its files, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

COMMANDS = ["generate", "edit", "plan", "models", "providers", "doctor", "submit", "resume", "cancel", "completion"]
CANARY = "canary-4f9d1c7e-key"


@pytest.fixture
def imagegen(tmp_path):
    """Runs ``imagegen`` in an empty folder with empty settings; gives the finished process."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "IMAGEGEN_CONFIG_DIR": str(tmp_path / "config"),
            "IMAGEGEN_STATE_DIR": str(tmp_path / "state"),
            **environment,
        }
        return subprocess.run(
            [sys.executable, "-m", "imagegen", *arguments],
            cwd=tmp_path,
            env=surroundings,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    run.folder = tmp_path
    return run


def files(imagegen) -> set[str]:
    """The files in the folder where commands run, settings and state apart."""
    return {each.name for each in Path(imagegen.folder).iterdir()} - {"home", "config", "state"}


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in pixels."""
    with Image.open(path) as picture:
        return picture.size


def test_generate_writes_a_picture(imagegen):
    """The picture's path is all of standard output; cost and time are on standard error."""
    done = imagegen("generate", "a red circle", "-m", "stub:painter", "--size", "128x96", "-o", "fox.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["fox.png"]
    assert "$0" in done.stderr
    assert size_of(imagegen.folder / "fox.png") == (128, 96)


def test_suffix_follows_the_real_type(imagegen):
    """A JPEG asked for under a PNG's name is saved as what it is."""
    done = imagegen("generate", "a", "-m", "stub:painter", "--size", "64x64", "-f", "jpeg", "-o", "fox.png")
    assert done.stdout.split() == ["fox.jpg"]
    assert files(imagegen) == {"fox.jpg"}


def test_existing_file_stays_without_force(imagegen):
    """A file that is there is found before anything is made; --force replaces it."""
    (imagegen.folder / "fox.png").write_bytes(b"mine")
    arguments = ("generate", "a", "-m", "stub:painter", "--size", "64x64", "-o", "fox.png")
    refused = imagegen(*arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--force" in refused.stderr
    assert (imagegen.folder / "fox.png").read_bytes() == b"mine"
    assert imagegen(*arguments, "--force").returncode == 0
    assert size_of(imagegen.folder / "fox.png") == (64, 64)


def test_default_names_never_collide(imagegen):
    """Without a name, each run finds a free one."""
    for _ in range(2):
        assert imagegen("generate", "a", "-m", "stub:painter", "--size", "64x64", "-n", "2").returncode == 0
    assert len(files(imagegen)) == 4


def test_prompt_from_standard_input(imagegen):
    """A dash reads the prompt from standard input; --json is one document with files, cost and seeds."""
    done = imagegen("generate", "-", "-m", "stub:painter", "--size", "64x64", "--seed", "5", "--json", stdin="a star\n")
    found = json.loads(done.stdout)
    assert found["images"][0]["seed"] == 5
    assert found["files"] == ["image.png"]
    assert found["cost"]["amount_usd"] == "0"


def test_options_reach_the_provider(imagegen):
    """--option names a provider's own option."""
    done = imagegen("generate", "a", "-m", "stub:painter", "--size", "64x64", "--option", "stub.refuse=true")
    assert done.returncode == 1
    assert "refused" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("generate", "a", "-m", "openai:gpt-image-2"), "OPENAI_API_KEY"),
        (("generate", "a", "-m", "opnai:gpt-image-2"), "did you mean openai"),
        (("generate", "a", "-m", "stub:paintr"), "painter"),
        (("generate", "a", "-m", "openai:gpt-image-1"), "2026-10-23"),
        (("generate", "a", "-m", "openai:gpt-image-2", "--size", "256x256"), "nearest"),
        (("generate", "a", "-m", "stub:painter", "-o", "/proc/nothing/fox.png"), "/proc/nothing"),
        (("generate", "a", "-m", "stub:painter", "--option", "stub.colour=red"), "colour"),
        (("generate", "a", "-m", "stub:painter", "--option", "stubb.latency_s=1"), "did you mean stub"),
        (("generate", "a", "-m", "stub:painter", "--option", "latency"), "provider.name=value"),
        (("generate", "", "-m", "stub:painter"), "prompt"),
        (("generate", "a", "-m", "painter"), "connection:model"),
        (("generate", "a", "-m", "openai:gpt-image-2", "--max-usd", "0.0001"), "max_usd"),
        (("plan", "a", "-m", "openai:gpt-image-2", "--size", "9x9"), "nearest"),
        (("resume", "nothing"), "no open job"),
        (("edit", "a", "-m", "stub:painter"), "edit needs a picture"),
        (("edit", "a", "-m", "stub:painter", "-i", "gone.png"), "no such picture: gone.png"),
        (("edit", "a", "-m", "stub:painter", "-i", "/etc/hostname"), "not a picture"),
        (("submit", "a", "-m", "openai:gpt-image-2"), "no handle"),
        (("cancel", "nothing"), "no open job"),
    ],
)
def test_bad_input_is_one_line(imagegen, arguments, said):
    """Bad input gives one line on standard error and exit code 1; nothing is written."""
    done = imagegen(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr
    assert files(imagegen) == set()


def test_debug_shows_the_traceback(imagegen):
    """--debug, anywhere on the line, shows where an error came from."""
    done = imagegen("generate", "a", "-m", "opnai:x", "--debug")
    assert "Traceback" in done.stderr
    assert done.returncode == 1


def test_unknown_option_is_usage(imagegen):
    """A misspelt flag is bad usage: exit code 2, with the right one named."""
    done = imagegen("generate", "a", "-m", "stub:painter", "--sise", "64x64")
    assert done.returncode == 2
    assert "--size" in done.stderr


def test_plan_needs_no_key(imagegen):
    """A plan shows calls, changes, defaults and the cost range."""
    done = imagegen("plan", "a fox", "-m", "openai:gpt-image-2", "--size", "1920x1080", "-n", "12", "--quality", "low")
    assert done.returncode == 0, done.stderr
    for part in ("2 calls for 12 images", "$", "1904x1072", "/images/generations"):
        assert part in done.stdout


def test_plan_as_json(imagegen):
    """The plan is a document too, with every request that would be sent."""
    found = json.loads(imagegen("plan", "a fox", "-m", "openai:gpt-image-2", "--json").stdout)
    assert found["wires"][0]["json"]["prompt"] == "a fox"


def test_models_are_listed(imagegen):
    """Models come with operation, price and status; retired ones only on request."""
    rows = {row["model"]: row for row in json.loads(imagegen("models", "--json").stdout)}
    assert rows["stub:painter"]["status"] == "current"
    assert "openai:gpt-image-1" not in rows
    every = {row["model"]: row for row in json.loads(imagegen("models", "--all", "--json").stdout)}
    assert every["openai:gpt-image-1"]["shutdown"] == "2026-10-23"
    assert "openai:gpt-image-2 " in imagegen("models").stdout


def test_providers_are_listed(imagegen):
    """Each provider comes with its distribution and the variable of its key."""
    rows = {row["provider"]: row for row in json.loads(imagegen("providers", "--json").stdout)}
    assert rows["openai"]["key"] == "OPENAI_API_KEY"
    assert rows["stub"]["key"] is None


def test_doctor_names_keys_and_hides_them(imagegen):
    """Which variable holds a key is told, its value never."""
    done = imagegen("doctor", OPENAI_API_KEY=CANARY)
    assert done.returncode == 0, done.stderr
    assert "environment OPENAI_API_KEY" in done.stdout
    assert CANARY not in done.stdout + done.stderr
    found = json.loads(imagegen("doctor", "--json").stdout)
    problems = {each["name"]: each["problem"] for each in found["plugins"]}
    assert {"openai", "stub"} <= problems.keys()
    assert set(problems.values()) == {None}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(imagegen, command):
    """Every command shows how it is used."""
    done = imagegen(command, "--help")
    assert done.returncode == 0
    assert done.stdout.count(f"imagegen {command}") >= 2


def test_job_is_resumed_in_another_process(imagegen):
    """A job that was not awaited is kept; `resume` collects it later, and then it is gone."""
    left = imagegen(
        "generate",
        "a star",
        "-m",
        "stub:slow",
        "--size",
        "64x64",
        "--option",
        "stub.render_s=4",
        "--timeout-s",
        "2",
    )
    assert left.returncode == 1
    assert "imagegen resume" in left.stderr
    done = imagegen("resume", "-o", "star.png")
    assert done.returncode == 0, done.stderr
    assert size_of(imagegen.folder / "star.png") == (64, 64)
    assert "no open jobs" in imagegen("resume").stderr


def test_interrupt_is_told_and_exits_130(imagegen):
    """Ctrl-C lets paid work end, says so in a line, and exits with 130."""
    environment = {**os.environ, "IMAGEGEN_STATE_DIR": str(imagegen.folder), "PYTHONUNBUFFERED": "1"}
    arguments = [
        "generate",
        "a",
        "-m",
        "stub:painter",
        "--size",
        "64x64",
        "--option",
        "stub.latency_s=3",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "imagegen", *arguments, "--debug"],
        cwd=imagegen.folder,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell ignores it for all below
    ) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "submitting" in line)
        process.send_signal(signal.SIGINT)
        next(line for line in process.stderr if "interrupted" in line)
        process.stderr.read()
        assert process.wait(timeout=30) == 130


def test_edit_changes_what_the_mask_allows(imagegen):
    """An edit through the command line changes the picture inside the mask and nothing outside."""
    Image.new("RGB", (96, 64), "orange").save(imagegen.folder / "fox.png")
    mask = Image.new("L", (96, 64), 0)
    mask.paste(255, (0, 0, 30, 64))
    mask.save(imagegen.folder / "mask.png")
    done = imagegen(
        "edit", "make it blue", "-i", "fox.png", "--mask", "mask.png", "-m", "stub:painter", "-o", "blue.png"
    )
    assert done.returncode == 0, done.stderr
    with Image.open(imagegen.folder / "blue.png") as picture:
        changed = picture.convert("RGB")
    assert changed.getpixel((60, 30)) == (255, 165, 0)
    assert changed.getpixel((10, 30)) != (255, 165, 0)


def test_partials_are_counted_and_kept(imagegen):
    """Unfinished pictures are counted on standard error and kept where asked; the result is the same as ever."""
    done = imagegen(
        "generate",
        "a star",
        "-m",
        "stub:painter",
        "--size",
        "64x64",
        "--partial-images",
        "2",
        "--save-partials",
        "parts",
    )
    assert done.returncode == 0, done.stderr
    assert "unfinished picture 2" in done.stderr
    assert {path.name for path in (imagegen.folder / "parts").iterdir()} == {"partial-1.png", "partial-2.png"}
    assert done.stdout.split() == ["image.png"]


def test_preview_needs_a_terminal(imagegen):
    """Without a terminal a preview shows nothing, and harms nothing."""
    done = imagegen("generate", "a star", "-m", "stub:painter", "--size", "64x64", "--preview")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_submit_then_resume(imagegen):
    """A submitted job is an id and, where asked, a private file; another run collects it."""
    done = imagegen("submit", "a star", "-m", "stub:slow", "--size", "64x64", "-o", "job.json")
    assert done.returncode == 0, done.stderr
    assert (imagegen.folder / "job.json").stat().st_mode & 0o777 == 0o600
    collected = imagegen("resume", "job.json", "-o", "star.png")
    assert collected.returncode == 0, collected.stderr
    assert size_of(imagegen.folder / "star.png") == (64, 64)


def test_cancel_stops_a_job(imagegen):
    """A job that was stopped is not collected any more."""
    job = imagegen("submit", "a star", "-m", "stub:slow", "--option", "stub.render_s=30").stdout.strip()
    done = imagegen("cancel", job[:8])
    assert done.returncode == 0, done.stderr
    assert "may be billed" in done.stderr
    assert "no open jobs" in imagegen("resume").stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(imagegen, shell):
    """The completion script for a shell names the program."""
    assert "_IMAGEGEN_COMPLETE" in imagegen("completion", shell).stdout


def test_completion_completes(imagegen):
    """A shell that asks gets the commands that begin so."""
    done = imagegen(_IMAGEGEN_COMPLETE="bash_complete", COMP_WORDS="imagegen ge", COMP_CWORD="1")
    assert "generate" in done.stdout
