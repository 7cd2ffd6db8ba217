"""What a bare prompt surely asks for; a prompt that could mean something else asks for nothing."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

import imagegen
from imagegen.comparison.expecting import expected_of
from imagegen.comparison.looking import Looker
from imagegen.comparison.suites import suite_of

RED, BLUE = {"colour": "red", "shape": "circle"}, {"colour": "blue", "shape": "square"}
HELLO = {"text": {"strings": ["HELLO"]}}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("the word HELLO", HELLO),
        ('a neon sign that says "HELLO" over a bar at night', HELLO),
        ("a mug with the text: “HELLO”", HELLO),
        ('the word "HELLO" in red letters on a brick wall, no people', HELLO),
        ('the text "Hello" and the text "World"', {"text": {"strings": ["Hello", "World"]}}),
        ("a cake with the words HAPPY BIRTHDAY", {"text": {"strings": ["HAPPY BIRTHDAY"]}}),
        ("three red circles", {"count": [{**RED, "count": 3}]}),
        ("exactly 7 solid red circles on a plain white background, no shadows", {"count": [{**RED, "count": 7}]}),
        ("a star", {"count": [{"shape": "star", "count": 1}]}),
        ("five light blue crosses.", {"count": [{"colour": "light blue", "shape": "cross", "count": 5}]}),
        (
            "two red circles and a blue square",
            {"count": [{**RED, "count": 2}, {**BLUE, "count": 1}]},
        ),
        ("red circles to the left of blue squares", {"relation": [{"left": RED, "of": BLUE}]}),
        (
            "a red circle under a blue square",
            {
                "count": [{**RED, "count": 1}, {**BLUE, "count": 1}],
                "relation": [{"below": RED, "of": BLUE}],
            },
        ),
        (
            "three red circles left of the word HELLO",
            {**HELLO, "count": [{**RED, "count": 3}], "relation": [{"left": RED, "of": {"text": "HELLO"}}]},
        ),
    ],
)
def test_what_is_plain_is_read(prompt, expected):
    """Texts named as such; counts, colours and sides of flat shapes."""
    assert expected_of(prompt) == expected
    looker = Looker.of(suite_of(prompt, {}), None)
    looker.close()


@pytest.mark.parametrize(
    "prompt",
    [
        "a red fox in snow",
        "three cats left of a dog",
        "a town square under the stars",
        "about three red circles",
        "two or three red circles",
        "two stars or three circles",
        "at least three red circles",
        "no red circles",
        "three red circles on a table in a kitchen",
        "three red circle",
        "a red circles",
        "two red and three blue circles",
        "three circles and two red circles",
        "two red circles and a red circle",
        "red circles",
        "99 red circles",
        "0 red circles",
        "a white square",
        "a red circle left of it",
        "a heart-shaped box",
        'a book called "Dune"',
        "the word Hello",
        "the word A",
        "a sign that says OPEN 24 HOURS",
        'a poster without the word "SALE"',
        'a sign that does not say anything, never "HELLO"',
        'the word "HELLO" crossed out',
        'the word "HELLO", mirrored',
        'the word "hello" in French',
        'the word "YES" or the word "NO"',
        "a reading room",
        "",
    ],
)
def test_what_is_not_plain_is_not_read(prompt):
    """Hedges, negations, several meanings, things that are no flat shapes: nothing is expected."""
    assert expected_of(prompt) == {}


@pytest.mark.parametrize(
    ("prompt", "probes"),
    [
        ("a red circle and a blue square left of a green star", {"count"}),
        ("a red circle left of a blue square above a green star", {"count"}),
        ('three circles left of the word "HELLO"', {"text"}),
    ],
)
def test_half_a_meaning_is_half_read(prompt, probes):
    """Who is left of whom can be unclear where the counts are not; letters have colours too."""
    assert set(expected_of(prompt)) == probes


def test_what_is_given_is_not_read():
    """Nor of an edit, whose prompt is an instruction."""
    given = suite_of("three red circles", {}, {"technical": {}}).cases[0]
    none = suite_of("three red circles", {}, {}).cases[0]
    assert (given.expect, given.read, none.expect, none.read) == ({"technical": {}}, frozenset(), {}, frozenset())


@pytest.mark.skipif(find_spec("cv2") is None, reason="the extra [probes] is not installed")
def test_findings_say_that_they_were_read(tmp_path):
    """Those, and no others; without probes there are none."""
    asked = {"models": ["stub:painter"], "size": "256x256"}
    (cell,) = imagegen.compare("three red circles", folder=tmp_path / "some", **asked).cells()
    found = {each.probe: (each.verdict, each.values.get("read_from")) for each in cell.findings}
    assert found == {"technical": ("pass", None), "count": ("pass", "prompt")}
    assert json.loads(cell.to_json())["findings"]
    (cell,) = imagegen.compare("three red circles", folder=tmp_path / "none", probes=(), **asked).cells()
    assert cell.findings == ()
