"""A plugin from nothing: written, installed, green at once, red when it is broken, and trusted by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def run(tmp_path):
    """Runs Python in an empty folder with empty settings; plugins installed in ``site`` are seen."""

    def started(*arguments: str) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(tmp_path / "site"),
            "IMAGEGEN_CONFIG_DIR": str(tmp_path / "config"),
            "IMAGEGEN_STATE_DIR": str(tmp_path / "state"),
        }
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, timeout=240)

    return started


def install(run, folder: Path) -> None:
    found = run(
        *("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"),
        *("--upgrade", "--target", "site", str(folder)),
    )
    assert found.returncode == 0, found.stderr


def test_new_plugin_is_green_at_once_and_red_when_broken(run, tmp_path):
    """Written, installed, tested by its own tests; then its mask is dropped, and `plugin check` says so."""
    made = run("imagegen", "plugin", "new", "my-pics")
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "imagegen-my-pics"
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {
        *("pyproject.toml", "README.md", "my-pics.toml", "__init__.py", "testing.py", "test_my_pics.py")
    }
    install(run, folder)
    tests = run("pytest", "-q", "-p", "no:cacheprovider", str(folder))
    assert tests.returncode == 0, tests.stdout
    assert "passed" in tests.stdout
    module = folder / "imagegen_my_pics" / "__init__.py"
    module.write_text(module.read_text().replace('{"mask": task.request.mask.base64()}', "{}"))
    install(run, folder)
    checked = run("imagegen", "plugin", "check", "my-pics", "--json")
    assert checked.returncode == 1, checked.stderr
    failed = {each["check"] for each in json.loads(checked.stdout) if each["verdict"] == "failed"}
    assert failed == {"mask_is_sent", "mask_repaints_what_is_white"}


def test_new_plugin_is_written_as_our_own_code_is(run, tmp_path):
    """Formatted and linted by the same rules."""
    run("imagegen", "plugin", "new", "acme2")
    rules = ["--config", str(Path(__file__).parents[2] / "pyproject.toml"), "--no-cache", "imagegen-acme2"]
    assert run("ruff", "format", "--check", *rules).returncode == 0
    found = run("ruff", "check", *rules, "--ignore", "S101,I001")
    assert found.returncode == 0, found.stdout


def test_plugin_without_a_suite_is_checked_as_far_as_it_goes(run):
    """What needs no fake runs against the catalogue; the rest is listed as skipped, with the reason."""
    checked = run("imagegen", "plugin", "check", "xai")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "no field is dropped in silence" in checked.stdout
    assert "skipped needs a fake" in checked.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("new", "My Pics"), "cannot be a provider's name"),
        (("new", "acme", "-o", "taken"), "is not empty"),
        (("check", "nobody"), "unknown provider"),
        (("check", "xai", "--suite", "nowhere"), "module:Class"),
        (("check", "xai", "--suite", "nowhere:Suite"), "cannot be loaded"),
        (("check", "xai", "--suite", "json:JSONDecoder"), "not a ProviderSuite"),
        (("trust", "nobody"), "no installed plugin"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, tmp_path, arguments, words):
    """And nothing is written."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("mine")
    before = sorted(tmp_path.rglob("*.py"))
    found = run("imagegen", "plugin", *arguments)
    assert (found.returncode, found.stdout) == (1, "")
    assert words in found.stderr
    assert found.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*.py")) == before


@pytest.mark.parametrize(
    "before",
    [
        None,
        '# mine\nmodel = "stub:painter"\n',
        "[plugins]\ndeny = ['evil'] # never\n",
        '[plugins]\nallow = [\n  "other",\n]\n\n[connections.a]\nprovider = "stub"\n',
    ],
)
def test_trusted_plugins_are_written_down(run, tmp_path, before):
    """Nothing else in the file changes, comments included; twice is once."""
    path = tmp_path / "config" / "imagegen.toml"
    if before is not None:
        path.parent.mkdir()
        path.write_text(before)
    for _ in range(2):
        found = run("imagegen", "plugin", "trust", "xai")
        assert found.returncode == 0, found.stderr
    text = path.read_text()
    assert text.count('"xai"') == 1
    assert ("other" in text) == ("other" in (before or ""))
    for line in (before or "").splitlines():
        assert "allow" in line or "other" in line or line == "]" or line in text
    assert run("imagegen", "doctor").returncode == 0
