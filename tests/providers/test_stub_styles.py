"""Styles: told from the prompt, different from each other, with the things still there."""

import itertools

import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat
from pixels import blobs

from imagegen_providers.stub.paint import picture_of
from imagegen_providers.stub.reading import scene_of
from imagegen_providers.stub.words import STYLES, rgb

SIZE = (192, 192)


def picture(prompt, **settings):
    return picture_of(scene_of(prompt), prompt, 1, settings.pop("size", SIZE), transparent=False)


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("a watercolor of a boat", "watercolour"),
        ("pixel art of a star", "pixel art"),
        ("a city, 8-bit", "pixel art"),
        ("a sketch of a lighthouse", "line drawing"),
        ("a pencil sketch of a lighthouse", "pencil"),
        ("a boat in coloured pencil", "pencil"),
        ("an oil painting of a boat", "oil"),
        ("a flat illustration of hills", "flat"),
        ("a neon sign that says 'OPEN'", "neon"),
        ("the blueprint of a house", "blueprint"),
        ("three flat red circles beside an oil lamp", None),
        ('the word "watercolour"', None),
    ],
)
def test_the_style_is_read(prompt, style):
    """From the words, not from a quoted text."""
    assert scene_of(prompt).style == style


@pytest.mark.parametrize("subject", ["a lighthouse at dusk", "three red circles and two blue stars"])
def test_styles_differ_from_each_other(subject):
    """Any two of them, and each from no style; flat things are in the flat style as always."""
    pictures = {style: picture(f"{subject}, {style} {_NOUN.get(style, '')}") for style in STYLES}
    if "lighthouse" in subject:
        pictures["none"] = picture(subject)
    for (_, one), (_, other) in itertools.combinations(pictures.items(), 2):
        assert sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) > 2


_NOUN = {"oil": "painting", "flat": "design", "pencil": "drawing"}


@pytest.mark.parametrize("style", ["pixel art", "flat design", "line drawing", "pencil drawing"])
def test_shapes_keep_number_and_colour(style):
    """As many areas of exactly the colour as before, where the style keeps flat colours."""
    image = picture(f"three red circles on a white background, {style}", size=(320, 320))
    apart = ImageChops.difference(image, Image.new("RGB", image.size, rgb("red")))
    assert areas(apart.convert("L").point(lambda value: 255 if value < 2 else 0)) == 3


@pytest.mark.parametrize("style", ["watercolour", "oil painting", "neon"])
def test_soft_styles_keep_the_hue(style):
    """In three places, and only there, red prevails."""
    red, green, blue = picture(f"three red circles on a white background, {style}", size=(320, 320)).split()
    more = ImageChops.subtract(red, ImageChops.lighter(green, blue))
    assert areas(more.point(lambda value: 255 if value > 50 else 0)) == 3


def areas(mask):
    """How many there are in a mask, small gaps closed."""
    return len(blobs(mask.filter(ImageFilter.MaxFilter(7)).convert("RGB"), (255, 255, 255)))


def test_a_blueprint_is_white_on_blue():
    """Its own ground, and the text on it can be read."""
    image = picture('three red circles and "PLAN", blueprint')
    assert image.getpixel((0, 0))[2] > 100
    assert image.getpixel((0, 0))[0] < 60
    assert any(colour == (255, 255, 255) for _, colour in image.getcolors(100_000))


def test_a_style_leaves_what_is_clear_clear():
    """A transparent ground stays transparent."""
    for style in STYLES:
        prompt = f"a blue circle, {style} {_NOUN.get(style, '')}"
        assert picture_of(scene_of(prompt), prompt, 1, (96, 96), transparent=True).getpixel((0, 0))[3] == 0
