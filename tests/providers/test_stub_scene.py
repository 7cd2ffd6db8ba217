"""What the stub reads in a prompt, and where it puts it."""

import itertools
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pixels import blobs

from imagegen_providers.stub.layout import boxes_of, spots_of
from imagegen_providers.stub.paint import picture_of
from imagegen_providers.stub.reading import scene_of
from imagegen_providers.stub.scene import Group, Lettering, Relation, Scene
from imagegen_providers.stub.words import COLOURS, PLACES, SHAPES, rgb


def things(prompt):
    return scene_of(prompt).things


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("three red circles", [Group(3, "circle", "red")]),
        ("exactly 7 solid red circles, no shadows, not touching", [Group(7, "circle", "red")]),
        ("a blue star", [Group(1, "star", "blue")]),
        ("an orange hexagon", [Group(1, "hexagon", "orange")]),
        ("the golden heart", [Group(1, "heart", "yellow")]),
        ("twenty small grey diamonds", [Group(20, "diamond", "gray")]),
        ("half a dozen big dots", [Group(6, "circle")]),
        ("a dozen teal ovals", [Group(12, "ellipse", "dark cyan")]),
        ("a couple of light-blue rectangles", [Group(2, "rectangle", "light blue")]),
        ("five circles in red", [Group(5, "circle", "red")]),
        ("five circles, all in dark green", [Group(5, "circle", "dark green")]),
        ("green crosses", [Group(3, "cross", "green")]),
        ("two red and three blue circles", [Group(2, "circle", "red"), Group(3, "circle", "blue")]),
        ("a square, a circle and a triangle", [Group(1, "square"), Group(1, "circle"), Group(1, "triangle")]),
        ("no red circles, just two purple pentagons", [Group(2, "pentagon", "purple")]),
        ("one red circle. The circle is round.", [Group(1, "circle", "red")]),
        ("137 black squares", [Group(137, "square", "black")]),
    ],
)
def test_counts_colours_and_shapes_are_read(prompt, expected):
    """Numbers in words and digits, colours before and after the noun, adjectives in between."""
    assert list(things(prompt)) == expected


@pytest.mark.parametrize(
    "prompt",
    ["a lighthouse at dusk", "a town square under the stars", "a heart-shaped balloon", "the stars", "redcircles", "a"],
)
def test_what_is_not_counted_is_not_a_scene(prompt):
    """A shape mentioned in passing is no thing to paint."""
    assert scene_of(prompt) == Scene()


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ('a sign that says "OPEN"', [Lettering("OPEN")]),
        ("a sign that says 'It's me'", [Lettering("It's me")]),
        ("the dog's 'bone' isn't here", [Lettering("bone")]),
        ("“ПРИВЕТ, мир” in red", [Lettering("ПРИВЕТ, мир", "red")]),
        ("«ΑΘΗΝΑ» und „Grüße“", [Lettering("ΑΘΗΝΑ"), Lettering("Grüße")]),
        ('dark blue letters "A  b"', [Lettering("A b", "dark blue")]),
        ('"cafe\u0301"', [Lettering("caf\u00e9")]),
        ('the word "three red circles"', [Lettering("three red circles")]),
        ("the word HELLO", [Lettering("HELLO")]),
        ("the text OPEN 24 hours", [Lettering("OPEN")]),
        ('a sign says "the word HELLO"', [Lettering("the word HELLO")]),
        ('"A" and "B", the "A" again', [Lettering("A"), Lettering("B")]),
        ('an empty "" quote and an open " one', []),
    ],
)
def test_quoted_text_is_read_exactly(prompt, expected):
    """Every kind of quote, apostrophes, case and accents kept; what is said twice is one text."""
    assert list(things(prompt)) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ('a red circle left of "A"', [(0, "left", 1)]),
        ("a red circle to the right of a blue square", [(0, "right", 1)]),
        ("a red circle on the left side of a blue square", [(0, "left", 1)]),
        ("a red circle above a blue square below a green star", [(0, "above", 1), (1, "below", 2)]),
        ("a red circle on top of a blue square", [(0, "above", 1)]),
        ("a red circle left of a blue square and above a star", [(0, "left", 1), (0, "above", 2)]),
        ("to the left of the blue square there is a red heart", [(1, "left", 0)]),
        ("a red circle with a green triangle below it", [(1, "below", 0)]),
        ('three circles; below them the word "OK"', [(1, "below", 0)]),
        ("two circles and two squares, the circles above the squares", [(0, "above", 1)]),
        ("a star; left of the star a heart, right of the star a cross", [(1, "left", 0), (2, "right", 0)]),
        ("a circle, a square and a star, from left to right", [(0, "left", 1), (1, "left", 2)]),
        ("hearts all over the picture, and a star", []),
        ("a circle at the left of the picture and a star", []),
    ],
)
def test_sides_are_read(prompt, expected):
    """Who is on which side of whom, in the orders in which people say it."""
    assert scene_of(prompt).relations == tuple(Relation(*each) for each in expected)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red circle in the top left corner", ["top left"]),
        ("in the bottom-right corner a red circle", ["bottom right"]),
        ("a red circle at the top and a blue square at the bottom", ["top", "bottom"]),
        ("a red circle at the top and at the bottom a blue square", ["top", "bottom"]),
        ("on the left a circle, on the right a square", ["left", "right"]),
        ("a star, in the middle of the picture", ["centre"]),
        ('"A" in the upper right', ["top right"]),
        ("a star in the center left of a heart", ["centre", None]),
        ("a star", [None]),
    ],
)
def test_places_are_read(prompt, expected):
    """A place belongs to the thing beside it."""
    assert [thing.place for thing in things(prompt)] == expected


@pytest.mark.parametrize(
    ("prompt", "colour"),
    [
        ("a star on a white background", "white"),
        ("on a plain light gray background, a star", "light gray"),
        ("a star, background: blue", "blue"),
        ("a white star", None),
    ],
)
def test_the_background_is_read(prompt, colour):
    """The background's colour is none of the things'."""
    assert scene_of(prompt).background == colour
    assert len(things(prompt)) == 1


@pytest.mark.parametrize("piece", ["solid ", "'a ", "red words abc ", "'a'b", '"', "a red circle left of ", "three "])
def test_long_and_odd_prompts_are_read_fast(piece):
    """Reading takes time in proportion to the prompt."""
    start = time.process_time()
    scene_of(piece * (32_000 // len(piece)))
    assert time.process_time() - start < 3


WORDS = [
    *COLOURS,
    *SHAPES,
    "circles",
    "three",
    "a",
    "no",
    "the",
    "left of",
    "above",
    "below",
    "it",
    "at the top",
    ",",
    ".",
]
WORDS += [
    "in the centre",
    "and",
    '"A"',
    "'it's'",
    "«Я»",
    "你",
    "“",
    "from left to right",
    "on a red background",
    "12",
    "⟦7⟧",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=20), st.tuples(st.integers(16, 90), st.integers(16, 90)))
def test_any_sentence_can_be_painted(words, size):
    """Whatever is said, a picture of the asked size comes."""
    prompt = " ".join(words)
    assert picture_of(scene_of(prompt), prompt, 1, size, transparent=len(words) % 2 == 0).size == size


def bounds(thing_index, spots, boxes, scene):
    """The box around all shapes of a thing, or a text's own box."""
    own = [spot for spot in spots if spot.thing == thing_index]
    if not own:
        return boxes[thing_index]
    return (
        min(spot.x - spot.diameter / 2 for spot in own),
        min(spot.y - spot.diameter / 2 for spot in own),
        max(spot.x + spot.diameter / 2 for spot in own),
        max(spot.y + spot.diameter / 2 for spot in own),
    )


def arranged(prompt, size, seed=1):
    scene = scene_of(prompt)
    boxes = boxes_of(scene, *size)
    return scene, boxes, spots_of(scene, boxes, min(size), Random(seed))


ARRANGEMENTS = [
    'three red circles left of the word "HELLO"',
    "seven blue stars above two green squares",
    "twenty hearts and a dozen dots and nine crosses",
    "a red circle left of a blue square and above a green star",
    "a red circle above a blue square; the square left of a star; the star above a heart",
    "a red circle in the top left corner, a blue square at the bottom and seven stars",
    'a red circle at the top and "TITLE" at the top and two hearts',
    "a circle, a square, a star, a heart, a cross, a hexagon, from left to right",
    'in the centre a star; below it "A", left of the star a heart, right of the star a cross',
    "a circle left of a square and left of a star, the square above the star",
    "99 pentagons",
]


@pytest.mark.parametrize("size", [(1024, 1024), (512, 1536), (2048, 640)])
@pytest.mark.parametrize("prompt", ARRANGEMENTS)
def test_nothing_touches_and_all_is_inside(prompt, size):
    """Between any two shapes there is a gap of a tenth of the smaller one, and none leaves the picture."""
    scene, boxes, spots = arranged(prompt, size)
    assert len(spots) == sum(group.count for group in scene.groups)
    for spot in spots:
        half = spot.diameter / 2
        assert half <= spot.x <= size[0] - half
        assert half <= spot.y <= size[1] - half
    for one, other in itertools.combinations(spots, 2):
        apart = max(abs(one.x - other.x), abs(one.y - other.y)) - (one.diameter + other.diameter) / 2
        assert apart > 0.1 * min(one.diameter, other.diameter)
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("size", [(1024, 1024), (512, 1536), (2048, 640)])
@pytest.mark.parametrize("prompt", ARRANGEMENTS)
def test_sides_are_kept(prompt, size):
    """Everything of the first thing is on its side of everything of the second."""
    scene, boxes, spots = arranged(prompt, size)
    for relation in scene.relations:
        first, second = (bounds(index, spots, boxes, scene) for index in (relation.first, relation.second))
        gap = {
            "left": second[0] - first[2],
            "right": first[0] - second[2],
            "above": second[1] - first[3],
            "below": first[1] - second[3],
        }[relation.side]
        assert gap >= 0


@pytest.mark.parametrize("place", PLACES)
def test_places_are_kept(place):
    """A thing stands in its third of the picture, whatever else is there."""
    across, down = PLACES[place]
    _, _, spots = arranged(f"seven stars and a red circle in the {place}", (900, 900))
    assert (int(spots[-1].x // 300), int(spots[-1].y // 300)) == (across + 1, down + 1)


def test_contradictions_still_give_a_picture():
    """What cannot be is painted as well as it can be, without searching for ever."""
    start = time.process_time()
    prompt = "a circle left of a square left of a star; the star left of the circle; " + ", ".join(["a heart"] * 20)
    assert len(arranged(prompt, (512, 512))[2]) == 23
    assert time.process_time() - start < 3


@pytest.mark.parametrize(("count", "colour"), [(1, "red"), (7, "blue"), (13, "green"), (20, "purple"), (5, "black")])
def test_the_picture_shows_the_count(count, colour):
    """As many flat areas of exactly the colour as were asked for."""
    prompt = f"{count} {colour} circles on a white background"
    image = picture_of(scene_of(prompt), prompt, count, (256, 256), transparent=False)
    assert len(blobs(image, rgb(colour))) == count
    assert image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_one_flat_area(shape):
    """Whatever the shape, it is filled with its colour and in one piece."""
    prompt = f"a blue {shape}"
    image = picture_of(scene_of(prompt), prompt, 1, (256, 256), transparent=False)
    ((x, y),) = blobs(image, rgb("blue"))
    assert abs(x - 128) < 25
    assert abs(y - 128) < 25


def test_the_picture_shows_the_sides():
    """Blue areas are above, green ones below."""
    prompt = "three blue stars above two green squares"
    image = picture_of(scene_of(prompt), prompt, 1, (256, 256), transparent=False)
    above, below = blobs(image, rgb("blue")), blobs(image, rgb("green"))
    assert (len(above), len(below)) == (3, 2)
    assert max(y for _, y in above) < min(y for _, y in below)


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_shows_on_every_ground(colour):
    """A thing never has the ground's colour without a rim around it."""
    for background in ("", " on a white background", f" on a {colour} background"):
        prompt = f"two {colour} circles{background}"
        image = picture_of(scene_of(prompt), prompt, 3, (128, 128), transparent=False)
        ground = image.getpixel((0, 0))
        areas = len(blobs(image, rgb(colour)))
        assert areas == (3 if ground == rgb(colour) else 2)


def test_text_is_written_in_latin_greek_and_cyrillic():
    """Each script leaves its own marks, and the letters' colour is the one asked for."""
    pictures = []
    for text in ("NOON", "ΝΟΟΝ!", "ЖЯФ"):
        prompt = f'red letters "{text}" on a white background'
        image = picture_of(scene_of(prompt), prompt, 1, (256, 256), transparent=False)
        assert len(blobs(image, rgb("red"))) >= len(text)
        pictures.append(image.tobytes())
    assert len(set(pictures)) == 3
