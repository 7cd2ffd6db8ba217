"""Suites: ours read and are understood by their probes; what is wrong in one is said in one line, with its place."""

from __future__ import annotations

import runpy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from imagegen.comparison.judge import NAME as JUDGE
from imagegen.comparison.judge import questions_of
from imagegen.comparison.looking import Looker
from imagegen.comparison.suites import read_suite
from imagegen.errors import ConfigurationError

SUITES = Path(__file__).parents[2] / "benchmarks/suites"
MAKER = SUITES / "make_weaknesses.py"
KINDS = {
    *("language", "small-type", "rotated-type", "colours", "styles", "counting", "relations"),
    *("chess", "tictactoe", "locality"),
}


@pytest.fixture(scope="module")
def maker() -> dict[str, Any]:
    return runpy.run_path(str(MAKER))


@pytest.mark.skipif(find_spec("cv2") is None, reason="the extra [probes] is not installed")
@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yaml")), ids=lambda each: each.stem)
def test_suite_is_understood_by_its_probes(path):
    """Every case reads, its inputs are pictures, every expectation is one that its probe knows, and each has one."""
    suite = read_suite(path)
    looker = Looker.of(suite, None)
    looker.close()
    assert set(looker.missing) <= {JUDGE}
    assert all(case.expect and case.tags for case in suite)
    assert all(each.facts.width for case in suite for each in case.request.images)
    assert all(questions_of(case) for case in suite if JUDGE in case.expect)


def test_weaknesses_are_all_there():
    """Enough cases of each kind that is published as weak; what the stub or a probe cannot do is tagged."""
    suite = read_suite(SUITES / "weaknesses.yaml")
    counts = {kind: sum(kind in case.tags for case in suite) for kind in KINDS}
    assert 60 <= len(suite.cases) <= 120
    assert min(counts.values()) >= 5, counts
    judged = {case.id for case in suite if set(case.expect) == {JUDGE}}
    assert judged == {case.id for case in suite if "needs-judge" in case.tags}


def test_generator_gives_the_committed_files(maker):
    """Text to the letter; pictures to the pixel, for compressors differ."""
    assert (SUITES / "weaknesses.yaml").read_text("utf-8") == maker["text_of"](maker["SEED"])
    for name, picture in maker["inputs_of"](maker["SEED"]).items():
        with Image.open(SUITES / "inputs" / f"{name}.png") as kept:
            assert ImageChops.difference(kept.convert("RGB"), picture.convert("RGB")).getbbox() is None


def test_other_seed_asks_other_things(maker, tmp_path):
    """As many cases of the same kinds, which read; hardly a prompt is the same."""
    maker["write"](tmp_path, 7)
    one, other = read_suite(SUITES / "weaknesses.yaml"), read_suite(tmp_path / "weaknesses.yaml")
    assert [case.tags[0] for case in one] == [case.tags[0] for case in other]
    same = {case.request.prompt for case in one} & {case.request.prompt for case in other}
    assert len(same) < 0.4 * len(one.cases)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cases"),
        ("cases: []", "cases"),
        ("cases: 5", "cases"),
        ("- a fox", "cases"),
        ("cases: [a fox", "not YAML"),
        ("cases: [a: b: c]", "not YAML"),
        ("case: []\ncases: [a fox]", "'case'"),
        ("defaults: 5\ncases: [a fox]", "defaults"),
        ("defaults: {sise: 1x1}\ncases: [a fox]", "'sise'"),
        ("cases: [{prompt: a fox, promt: b}]", "case 1: unknown key 'promt'"),
        ("cases: [a fox, {id: fox}]", "case 2: a case has a prompt"),
        ("cases: [a fox, 5]", "case 2"),
        ("cases: [{id: fox, prompt: a}, {id: fox, prompt: b}]", "'fox'"),
        ("cases: [{id: a/b, prompt: a}]", "'a/b'"),
        ("cases: [{id: fox, prompt: a, tags: red}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, tags: 5}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, expect: HELLO}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, size: large}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, images: [no.png]}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, images: 5}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, images: [fox.png], mask: no.png}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, operation: edit}]", "case fox: "),
        ("cases: [{id: fox, prompt: a, operation: paint}]", "case fox: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, said):
    """The file, the case and the key; nothing is guessed."""
    Image.new("RGB", (64, 64)).save(tmp_path / "fox.png")
    path = tmp_path / "suite.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_suite(path)
    assert str(path) in raised.value.message
    assert said in raised.value.message
    assert "\n" not in raised.value.message


def test_suite_that_is_no_file(tmp_path):
    """Missing, a folder, or no text."""
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("no.yaml", "", "bytes.yaml"):
        with pytest.raises(ConfigurationError, match=name or "directory"):
            read_suite(tmp_path / name)


def test_case_that_is_only_a_prompt_gets_a_number(tmp_path):
    """And the suite's defaults."""
    path = tmp_path / "small.yaml"
    path.write_text("defaults: {size: 512x512, tags: [all]}\ncases: [a fox, {prompt: an owl, tags: [own]}]")
    fox, owl = read_suite(path).cases
    assert (fox.id, str(fox.request.size), fox.tags, owl.id, owl.tags) == ("001", "512x512", ("all",), "002", ("own",))
