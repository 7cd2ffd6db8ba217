"""Probes by name: first-party ones, strangers', broken ones; and what importing them costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagegen.errors import ConfigurationError
from imagegen.probes import probe

ASK = """
import json
from imagegen import probes
found = [each.name for each in probes.probes()]
try:
    probes.probe("none")
except Exception as error:
    said = str(error)
print(json.dumps([found, list(probes.broken()), said]))
"""
OWN = ["colour", "count", "grid", "locality", "relation", "technical", "text"]
SHARP = """
import imagegen
from imagegen.probes import Finding, Probe
class Sharp(Probe):
    name = "sharp"
    def expects(self, expectation): pass
    def look(self, subject): return self.found("pass", "sharp")
@imagegen.hookimpl
def imagegen_probes():
    return [Sharp]
"""


def ask(folder: Path) -> tuple[list[str], list[str], str]:
    """Names of probes, broken plugins, and what an unknown name says, in a process that sees ``folder``."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found, broken, said = json.loads(done.stdout)
    return found, broken, said


def distribution(folder: Path, code: str) -> None:
    """A small installed distribution with a plugin of probes."""
    (folder / "sharp_probes.py").write_text(code)
    info = folder / "sharp_dist-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sharp-dist\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[imagegen.probes]\nsharp = sharp_probes\n")


def test_a_strangers_probe_is_found(tmp_path):
    """A plugin named in its own entry-point group adds to the first-party probes."""
    distribution(tmp_path, SHARP)
    found, broken, _ = ask(tmp_path)
    assert found == sorted([*OWN, "sharp"])
    assert broken == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        (SHARP.replace("return [Sharp]", "return Sharp"), "not a list"),
        (SHARP.replace("return [Sharp]", "return [7]"), "not a Probe class"),
        (SHARP.replace("return [Sharp]", "raise ValueError('hook')"), "hook"),
        (SHARP.replace("def look", "def gaze"), "lacks look"),
        (SHARP.replace('name = "sharp"', 'name = "text"'), "so has another plugin"),
    ],
)
def test_a_broken_plugin_is_named_and_breaks_nothing(tmp_path, code, said):
    """The first-party probes stay; the plugin is named in `broken` and where a name is not found."""
    distribution(tmp_path, code)
    found, broken, unknown = ask(tmp_path)
    assert found == OWN
    assert len(broken) == 1
    assert said in broken[0]
    assert "sharp-dist 1.0" in broken[0]
    assert broken[0] in unknown


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(ConfigurationError, match="did you mean count"):
        probe("counts")


def test_finding_probes_loads_no_imaging():
    """Names, needs and error rates are read without numpy, OpenCV, Pillow or a provider."""
    code = (
        "import sys, imagegen.probes as p; [each.missing() for each in p.probes()]\n"
        "print(sorted({'numpy', 'cv2', 'PIL', 'rapidocr', 'imagegen_providers', 'imagegen.client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_names_the_extra(monkeypatch):
    """A probe whose package is not there says how to get it."""
    monkeypatch.setattr(probe("count"), "needs", ("numpy", "no_such_package"))
    said = probe("count").missing()
    assert said is not None
    assert "no_such_package" in said
    assert "imagegen-hub[probes]" in said


@pytest.mark.parametrize(
    ("name", "expectation", "said"),
    [
        ("text", {}, "strings"),
        ("text", {"strings": ["A"], "angel": 3}, "angel"),
        ("count", [{"count": 3, "colour": "reddish"}], "reddish"),
        ("count", [{"count": 3, "shape": "blob"}], "blob"),
        ("count", [], "nothing is expected"),
        ("colour", [{"shape": "circle"}], "colour"),
        ("relation", {"of": {"shape": "circle"}}, "left, right, above, below"),
        ("relation", {"left": {}, "of": {"shape": "circle"}}, "name a colour"),
        ("grid", {"tictactoe": "XO"}, "nine of X"),
        ("grid", {"chess": "8/8"}, "8 rows"),
        ("grid", {"chess": "9/8/8/8/8/8/8/8"}, "no piece"),
        ("grid", {"chess": "7/8/8/8/8/8/8/8"}, "7 squares"),
        ("grid", {"rows": 2}, "rows, columns and cells"),
        ("locality", {"allow": ["anything"]}, "allow"),
        ("technical", {"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_expectation_is_one_line(name, expectation, said):
    """Before any picture is bought: which probe, where and what."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        probe(name)().expects(expectation)
    assert f"probe {name!r}" in str(caught.value)
    assert "\n" not in str(caught.value)
