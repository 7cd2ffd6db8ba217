"""Plugins: a stranger's distribution installed for real, and broken ones that harm nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import imagegen
from imagegen import plugins

ASK = """
import imagegen, json, sys
from imagegen.plugins import provider_class
said = {}
for name in json.loads(sys.argv[1]):
    for _ in range(2):
        try:
            said.setdefault(name, []).append(provider_class(name).__name__)
        except imagegen.ConfigurationError as error:
            said.setdefault(name, []).append(str(error))
print(json.dumps(said))
"""


def ask(folder: Path, *names: str) -> dict[str, list[str]]:
    """What two tries to load each provider give, in a fresh process that sees ``folder``'s distributions."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(names)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def distribution(folder: Path, name: str, entries: dict[str, str], **modules: str) -> None:
    """Lay a small installed distribution down: its modules and its metadata."""
    for module, code in modules.items():
        (folder / f"{module}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "\n".join(f"{provider} = {value}" for provider, value in entries.items())
    (info / "entry_points.txt").write_text(f"[imagegen]\n{lines}\n")


GOOD = """
import imagegen
class Good(imagegen.HttpProvider):
    name = "good"
@imagegen.hookimpl
def imagegen_provider(name):
    return Good if name == "good" else None
"""


def test_installed_plugin_is_found_and_used(acme):
    """A wheel built from a whole third-party distribution is found by its entry points; two names share a module."""
    assert ask(acme, "acme", "acme-jobs") == {"acme": ["Acme"] * 2, "acme-jobs": ["AcmeJobs"] * 2}


def test_its_catalogue_is_read_without_importing_it(acme):
    """The models of an installed plugin are listed from its file alone."""
    code = (
        "import imagegen, sys\n"
        "print([model.name for model in imagegen.models(provider='acme')])\n"
        "assert 'imagegen_acme' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(acme)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['acme:sketch', 'acme:batch']"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("import nothing_like_this", "nothing_like_this"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("x = 1", "not a Provider class"),
        (GOOD.replace('name = "good"', 'name = "other"'), "'other'"),
        (GOOD.replace("return Good if", "raise ValueError('hook') if"), "hook"),
        (GOOD.replace("return Good if", "return 7 if"), "not a Provider class"),
        (GOOD.replace("imagegen.HttpProvider", "imagegen.Provider"), "lacks submit"),
        (GOOD.replace('name = "good"', 'name = "good"; api_version = 9'), "contract 9"),
    ],
)
def test_broken_plugin_is_named_every_time(tmp_path, code, said):
    """Whatever is wrong with a plugin is one error naming its distribution, the same at every try; others work."""
    distribution(tmp_path, "broken-dist", {"good": "broken"}, broken=code)
    found = ask(tmp_path, "good", "stub")
    assert found["stub"] == ["Stub"] * 2
    assert found["good"][0] == found["good"][1]
    assert said in found["good"][0]
    assert "broken-dist 1.0" in found["good"][0]


def test_two_distributions_with_one_name_are_refused(tmp_path):
    """When two distributions offer one name, neither is taken and both are named."""
    distribution(tmp_path, "first", {"good": "one"}, one=GOOD)
    distribution(tmp_path, "second", {"good": "two"}, two=GOOD)
    (said,) = set(ask(tmp_path, "good")["good"])
    assert "first" in said
    assert "second" in said


def test_a_broken_catalogue_is_named(tmp_path):
    """A catalogue file with an unknown key is named with the key."""
    distribution(tmp_path, "odd", {"good": "odd"}, odd=GOOD)
    (tmp_path / "good.toml").write_text("[provider]\nbase_urll = 'x'\n")
    code = "import imagegen\ntry:\n    imagegen.models()\nexcept imagegen.ConfigurationError as e:\n    print(e)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "good.toml" in done.stdout
    assert "base_urll" in done.stdout


LISTENERS = """
import imagegen, logging, sys
logging.basicConfig(stream=sys.stderr)
class Bad:
    @imagegen.hookimpl
    def imagegen_on_attempt(self, attempt):
        raise RuntimeError("listener broke")
class Good:
    @imagegen.hookimpl
    def imagegen_on_attempt(self, attempt):
        print("attempt", attempt.model, attempt.state)
    @imagegen.hookimpl
    def imagegen_on_result(self, result):
        print("result", len(result.images))
from imagegen import plugins
plugins.register(Bad()); plugins.register(Good())
imagegen.generate("a", model="stub:painter", size="64x64")
"""


def test_a_failing_listener_silences_no_other():
    """An error in one hook is logged, the others hear of the attempt, and the call is not disturbed."""
    done = subprocess.run([sys.executable, "-c", LISTENERS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["attempt stub:painter billed", "result 1"]
    assert "listener broke" in done.stderr


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ("", True),
        ('deny = ["acme"]', False),
        ('deny = ["imagegen-acme"]', False),
        ("allow = []", False),
        ('allow = ["acme"]', True),
        ('allow = ["imagegen-acme"]', True),
    ],
)
def test_user_says_which_plugins_are_loaded(rules, allowed):
    """The settings file allows and denies plugins by name or distribution; one that is refused is not imported."""
    Path(os.environ["IMAGEGEN_CONFIG_DIR"], "imagegen.toml").write_text(f"[plugins]\n{rules}\n")
    assert plugins.provider_class("stub").name == "stub"
    if allowed:
        assert plugins.provider_class("acme").name == "acme"
    else:
        with pytest.raises(imagegen.ConfigurationError, match="does not allow it"):
            plugins.provider_class("acme")
