"""Probes judge the stub's pictures, whose truth is known: painter is right, sloppy errs by its seed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import imagegen
from imagegen.probes import Subject, probe
from imagegen_providers.stub import Scene, painted, scene_of

pytestmark = pytest.mark.skipif(find_spec("rapidocr") is None, reason="the extra [probes] is not installed")

SHAPES = "three red circles and two blue squares on a white background"
RED, BLUE = {"colour": "red", "shape": "circle"}, {"colour": "blue", "shape": "square"}
ASKED = [
    ("count", SHAPES, [{**RED, "count": 3}, {**BLUE, "count": 2}]),
    ("count", "four yellow hearts on a white background", [{"count": 4, "colour": "yellow", "shape": "heart"}]),
    ("colour", SHAPES, [RED, BLUE]),
    ("relation", "a red circle left of a blue square on a white background", {"left": RED, "of": BLUE}),
    ("relation", 'two green stars above the word "HELLO"', {"above": {"shape": "star"}, "of": {"text": "HELLO"}}),
    ("text", 'a poster with the text "Grand Opening"', {"strings": ["Grand Opening"]}),
    ("text", 'the word "HELLO" rotated 45 degrees', {"strings": ["HELLO"], "angle": 45}),
    ("grid", "tic-tac-toe with X in the centre and O in the top left corner", {"tictactoe": "O...X...."}),
    ("grid", "a chess board with a white K on g1 and a black Q on d8", {"chess": "3q4/8/8/8/8/8/8/6K1"}),
]


def truth_of(name: str, scene: Scene) -> object:
    """The part of a scene that a probe looks at."""
    if name == "count":
        return [(group.count, group.shape, group.colour) for group in scene.groups]
    if name == "colour":
        return {(group.shape, group.colour) for group in scene.groups}
    if name == "relation":
        return scene.relations, [(group.shape, group.colour) for group in scene.groups]
    return scene.texts if name == "text" else scene.boards


@pytest.mark.parametrize(("name", "prompt", "expectation"), ASKED)
def test_findings_are_the_stubs_truth(name, prompt, expectation):
    """Painter's picture passes; of sloppy's those pass that are right."""
    asked = [("painter", 1), *(("sloppy", seed) for seed in range(1, 5))]
    for model, seed in asked:
        image = imagegen.generate(prompt, model=f"stub:{model}", size="448x448", seed=seed).image
        found = probe(name)().look(Subject(image.data, image.media_type, expectation=expectation))
        right = truth_of(name, painted(prompt, seed, model)) == truth_of(name, scene_of(prompt))
        assert found.verdict == ("pass" if right else "fail"), f"{model}, seed {seed}: {found.why}"
