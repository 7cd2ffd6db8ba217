"""What sloppy gets wrong: as often as it says, each kind by itself, the same for the same seed."""

import itertools
import math
import tomllib
from importlib import resources

import pytest
from pixels import blobs

from imagegen_providers.stub import RIGHT, painted, scene_of
from imagegen_providers.stub.boards import Board
from imagegen_providers.stub.paint import picture_of
from imagegen_providers.stub.scene import Group, Lettering
from imagegen_providers.stub.words import rgb

PROMPT = 'three red circles left of the word "HELLO", and a tic-tac-toe board with X in the centre and O at the top'
SEEDS = 2_000


def mistakes(truth, scene):
    """The kinds of task in which a scene differs from the truth."""
    found = set()
    for right, wrong in zip(truth.things, scene.things, strict=True):
        assert type(right) is type(wrong)
        if right.colour != wrong.colour:
            found.add("colour")
        if right.place != wrong.place:
            found.add("position")
        if isinstance(right, Group) and right.count != wrong.count:
            found.add("count")
        if isinstance(right, Group) and right.shape != wrong.shape:
            found.add("shape")
        if isinstance(right, Lettering) and right.text != wrong.text:
            found.add("text")
        if isinstance(right, Board) and right.marks != wrong.marks:
            found.add("board")
    return found | ({"position"} if truth.relations != scene.relations else set())


def mistakes_of(prompt, seeds=SEEDS, **settings):
    truth = scene_of(prompt)
    return [mistakes(truth, painted(prompt, seed, "sloppy", **settings)) for seed in range(seeds)]


@pytest.fixture(scope="module")
def many():
    return mistakes_of(PROMPT)


@pytest.mark.parametrize("kind", RIGHT)
def test_each_kind_is_wrong_as_often_as_stated(many, kind):
    """Within three standard errors."""
    share, wanted = sum(kind in each for each in many) / SEEDS, 1 - RIGHT[kind]
    assert abs(share - wanted) < 3 * math.sqrt(wanted * (1 - wanted) / SEEDS)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(RIGHT, 2)))
def test_kinds_are_independent(many, one, other):
    """No pair of kinds is correlated by more than four standard errors."""
    both = sum({one, other} <= each for each in many) / SEEDS
    first, second = (sum(kind in each for each in many) / SEEDS for kind in (one, other))
    spread = math.sqrt(first * (1 - first) * second * (1 - second))
    assert abs(both - first * second) / spread < 4 / math.sqrt(SEEDS)


def test_mistakes_of_neighbouring_seeds_are_independent(many):
    """The pictures of one call, which have seeds in a row, do not fail together."""
    wrong = ["count" in each for each in many]
    share = sum(wrong) / SEEDS
    both = sum(one and other for one, other in itertools.pairwise(wrong)) / (SEEDS - 1)
    assert abs(both - share**2) / (share * (1 - share)) < 4 / math.sqrt(SEEDS)


def test_mistakes_differ_between_prompts(many):
    """A seed that is bad luck for one prompt is not for the next."""
    other = mistakes_of(PROMPT.replace("red", "blue"))
    first, second = (["count" in each for each in found] for found in (many, other))
    agreed = sum(one and two for one, two in zip(first, second, strict=True)) / SEEDS
    assert abs(agreed - (1 - RIGHT["count"]) ** 2) < 0.03


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("three red circles", "count"),
        ("a red circle", "count"),
        ("three red circles on a white background", "colour"),
        ("three red circles", "shape"),
        ("a circle above a square and left of a star", "position"),
        ("a circle in the top left corner", "position"),
        ("a circle in the centre", "position"),
        ('"HELLO"', "text"),
        ('"9 Z ΩЯ!"', "text"),
        ('"!"', "text"),
        ("a tic-tac-toe board with X in the centre", "board"),
        ("a tic-tac-toe board: X X O / O X O / O X X", "board"),
        ("a 3 by 4 grid with the second row blue", "board"),
        ("a chess board in the starting position", "board"),
    ],
)
def test_a_mistake_is_made_where_there_is_something_to_get_wrong(prompt, kind):
    """At probability 0 every picture has this mistake and no other."""
    right = {**dict.fromkeys(RIGHT, 1.0), kind: 0.0}
    assert mistakes_of(prompt, seeds=50, right=right) == [{kind}] * 50


def test_a_miscount_is_off_by_one():
    """One more or one less, and never none."""
    right = {**RIGHT, "count": 0.0}
    counts = {painted("three circles", seed, "sloppy", right).groups[0].count for seed in range(50)}
    assert counts == {2, 4}
    assert {painted("a circle", seed, "sloppy", right).groups[0].count for seed in range(20)} == {2}


def test_a_wrong_colour_is_not_one_that_is_there_already():
    """Neither another thing's colour nor the background's, so that the mistake can be seen."""
    right = {**RIGHT, "colour": 0.0}
    for seed in range(100):
        scene = painted("two red circles and two blue squares on a green background", seed, "sloppy", right)
        colours = [group.colour for group in scene.groups]
        assert len({*colours, "green"}) == 3


def test_a_misspelling_changes_one_letter():
    """The text keeps its length and its other characters."""
    for seed in range(50):
        (text,) = painted('"HELLO"', seed, "sloppy", {**RIGHT, "text": 0.0}).texts
        assert sum(a != b for a, b in zip("HELLO", text, strict=True)) == 1
        assert text.isupper()


def test_a_misput_piece_stands_on_a_neighbouring_square():
    """One piece moved by one square; nothing is lost, nothing else moves."""
    seen = set()
    for seed in range(40):
        (board,) = painted("a chess board with a white K on e4", seed, "sloppy", {**RIGHT, "board": 0.0}).boards
        (king,) = board.marks
        seen.add((king.row, king.column))
        assert (king.sign, king.colour) == ("K", "white")
    assert seen == {(3, 4), (5, 4), (4, 3), (4, 5)}


def test_a_mirrored_arrangement_is_still_possible():
    """Everything on the axis is mirrored, so that no two wishes contradict each other."""
    right = {**dict.fromkeys(RIGHT, 1.0), "position": 0.0}
    scene = painted("a circle at the left, right of it a square", 1, "sloppy", right)
    assert [thing.place for thing in scene.things] == ["right", None]
    assert [each.side for each in scene.relations] == ["left"]


@pytest.mark.parametrize("model", ["painter", "slow", "metered"])
def test_other_models_are_always_right(model):
    """Only sloppy errs."""
    assert all(painted(PROMPT, seed, model) == scene_of(PROMPT) for seed in range(50))


def test_the_same_seed_makes_the_same_mistakes(many):
    """Nothing but seed and prompt decides."""
    assert mistakes_of(PROMPT, seeds=100) == many[:100]


def test_the_picture_shows_what_was_painted():
    """The flat areas in the picture are as many as the painted scene says, right or wrong."""
    prompt, seen = "five red circles and two blue squares", set()
    for seed in range(12):
        scene = painted(prompt, seed, "sloppy", {**RIGHT, "count": 0.4, "colour": 0.4})
        image = picture_of(scene, prompt, seed, (160, 160), transparent=False)
        assert [len(blobs(image, rgb(group.colour))) for group in scene.groups] == [each.count for each in scene.groups]
        seen |= mistakes(scene_of(prompt), scene)
    assert {"count", "colour"} <= seen


def test_the_catalogue_states_the_rates():
    """What the catalogue says of sloppy is what it does."""
    models = tomllib.loads((resources.files("imagegen_providers") / "stub.toml").read_text())["models"]
    stated = ", ".join(f"{kind} {share:g}" for kind, share in RIGHT.items())
    assert models["sloppy"]["notes"] == [f"right with probability: {stated}; each by itself"]
