"""Edits: what is told happens, and outside the mask nothing does."""

import io
import math

import pytest
from PIL import Image, ImageChops, ImageDraw
from pixels import blobs

from imagegen import Call, ImageInput, ImageRequest, InvalidRequestError, Task, Usage
from imagegen_providers.stub import RIGHT, Stub, StubOptions, edited, scene_of
from imagegen_providers.stub.instructions import (
    GRADES,
    Add,
    Grade,
    NewBackground,
    Paste,
    Recolour,
    Remove,
    Replace,
    Restyle,
    Target,
    instructions_of,
)
from imagegen_providers.stub.paint import picture_of
from imagegen_providers.stub.scene import Group, Lettering, Scene
from imagegen_providers.stub.words import rgb

pytestmark = pytest.mark.anyio

CALL = Call(endpoint=None, http=None, deadline=math.inf)
SIZE = (240, 200)
SHAPES = "three red circles above two blue stars on a white background"


def painting(prompt=SHAPES, size=SIZE, seed=1):
    return picture_of(scene_of(prompt), prompt, seed, size, transparent=False)


def mask_of(size=SIZE):
    """An ellipse in the upper left and a corner: the same neither turned nor mirrored."""
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((10, 5, 150, 110), fill=255)
    ImageDraw.Draw(mask).polygon([(239, 199), (239, 120), (180, 199)], fill=255)
    return mask


async def output_of(prompt, *pictures, mask=None, model="painter", options=None, **fields):
    images = tuple(each if isinstance(each, ImageInput) else ImageInput(each) for each in pictures or (painting(),))
    request = ImageRequest(
        prompt=prompt, images=images, mask=ImageInput(mask) if mask else None, **{"seed": 1, **fields}
    )
    return await Stub().submit(Task(request, model, "edit", options=options), CALL)


async def edit(*args, **kwargs):
    output = await output_of(*args, **kwargs)
    return Image.open(io.BytesIO(output.images[0].read()))


def changed(one, other):
    return ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox()


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("make it night", [Grade("night")]),
        ("darker", [Grade("darker")]),
        ("Make it black and white", [Grade("black and white")]),
        ("make the background yellow", [NewBackground("yellow")]),
        ("change the background to light blue", [NewBackground("light blue")]),
        (
            "replace the red circle with a blue star",
            [Replace(Target("circle", "red", every=False), Group(1, "star", "blue"))],
        ),
        ("turn all red circles into squares", [Replace(Target("circle", "red"), Group(1, "square", "red"))]),
        ("make the circle green", [Recolour(Target("circle", None, every=False), "green")]),
        (
            "make the red circles green and the background pink",
            [Recolour(Target("circle", "red"), "green"), NewBackground("pink")],
        ),
        ("change the colour of the star to red", [Recolour(Target("star", None, every=False), "red")]),
        ("remove the circles", [Remove(Target("circle"))]),
        ("remove the dog", [Remove(None)]),
        ("add three blue stars in the top left corner", [Add(Scene((Group(3, "star", "blue", "top left"),)))]),
        (
            'add the text "SALE" in red, then blur',
            [Add(Scene((Lettering("SALE", "red"),))), Grade("blurred")],
        ),
        ("put the heart from the second picture at the top", [Paste(1, Target("heart", None, every=False), "top")]),
        ("turn it into a watercolour", [Restyle("watercolour")]),
        ("something nicer", []),
        ('write "make it night"', [Add(Scene((Lettering("make it night"),)))]),
    ],
)
def test_instructions_are_read(prompt, expected):
    """Verbs, targets, colours, texts; several in one prompt."""
    assert list(instructions_of(prompt)) == expected


PROMPTS = [
    "make it night",
    "make the background yellow",
    "replace the red circles with green squares",
    "make the circles green",
    "add a purple heart",
    'add the text "SALE"',
    "remove the circles",
    "remove the dog",
    "turn it into an oil painting",
    "a fox in a forest",
    "three hearts on a black background",
    "put it from the second picture",
]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("base", [SHAPES, "a lighthouse at dusk"])
async def test_outside_the_mask_every_pixel_stays(prompt, base):
    """Whatever is done inside, and inside something is done where it can be."""
    before, mask = painting(base), mask_of()
    after = await edit(prompt, before, painting("a purple heart"), mask=mask)
    inside, outside = (ImageChops.difference(after, before) for _ in range(2))
    outside.paste((0, 0, 0), mask=mask)
    assert outside.getbbox() is None
    assert inside.getbbox() is not None


@pytest.mark.parametrize("output_format", ["png", "webp"])
async def test_transparency_outside_the_mask_stays_too(output_format):
    """Every channel of every pixel, where the format keeps it; inside, what is painted can be seen."""
    before = painting()
    before.putalpha(Image.linear_gradient("L").resize(SIZE))
    mask = mask_of()
    after = await edit("a fox in a forest", before, mask=mask, output_format=output_format)
    apart = ImageChops.difference(after, before)
    apart.paste((0, 0, 0, 0), mask=mask)
    assert after.mode == "RGBA"
    assert apart.getbbox(alpha_only=False) is None
    assert after.getpixel((80, 20))[3] == 255


async def test_a_mask_in_transparency_means_the_same():
    """Transparent repaints: the same picture as with white repaints."""
    clear = Image.new("RGBA", SIZE, (0, 0, 0, 255))
    clear.putalpha(ImageChops.invert(mask_of()))
    assert changed(await edit("make it night", mask=clear), await edit("make it night", mask=mask_of())) is None


async def test_things_are_recoloured_in_place():
    """Three green circles where three red ones were; the stars and the ground stay."""
    before = painting()
    after = await edit("make the circles green", before)
    assert len(blobs(after, rgb("red"))) == 0
    middles = zip(sorted(blobs(before, rgb("red"))), sorted(blobs(after, rgb("green"))), strict=True)
    assert all(math.dist(one, other) < 1 for one, other in middles)
    assert len(blobs(after, rgb("blue"))) == 2
    assert {pixel[0] > 200 and pixel[1] < 100 for _, pixel in after.getcolors(100_000)} == {False}  # no reddish rim


async def test_one_thing_is_replaced_or_all():
    """In the singular one, in the plural each, at the same place."""
    one = await edit("replace the red circle with a green square")
    every = await edit("replace the red circles with green squares")
    assert (len(blobs(one, rgb("red"))), len(blobs(one, rgb("green")))) == (2, 1)
    assert (len(blobs(every, rgb("red"))), len(blobs(every, rgb("green")))) == (0, 3)


async def test_things_are_removed_without_a_trace():
    """Only ground is where they were."""
    after = await edit("remove the red circles")
    assert after.crop((0, 0, 240, 90)).getcolors() == [(240 * 90, (255, 255, 255))]
    assert len(blobs(after, rgb("blue"))) == 2


async def test_things_are_found_after_jpeg():
    """Colours that are nearly flat are flat enough."""
    file = io.BytesIO()
    painting(size=(480, 400)).save(file, "JPEG", quality=85)
    after = await edit("make the circles green", file.getvalue())
    assert sum(count for count, (r, g, b) in after.getcolors(200_000) if g > r + 60 and g > b + 40) > 3_000
    assert sum(count for count, (r, g, b) in after.getcolors(200_000) if r > g + 100 and r > b + 100) < 50


async def test_the_background_changes_and_the_things_do_not():
    """Every corner is yellow, the shapes are as many as before."""
    after = await edit("make the background yellow")
    assert {after.getpixel(corner) for corner in ((0, 0), (239, 0), (0, 199), (239, 199))} == {rgb("yellow")}
    assert (len(blobs(after, rgb("red"))), len(blobs(after, rgb("blue")))) == (3, 2)


async def test_things_are_added_where_there_is_room():
    """What was there is still there, all of it."""
    before = painting()
    after = await edit("add two purple hearts", before)
    assert len(blobs(after, rgb("purple"))) == 2
    assert len(blobs(after, rgb("red"))) == 3
    assert len(blobs(after, rgb("blue"))) == 2


async def test_things_are_added_at_their_place():
    """In the third that was named."""
    ((x, y),) = blobs(await edit("add a green cross in the bottom right corner"), rgb("green"))
    assert x > 160
    assert y > 133


@pytest.mark.parametrize("grade", GRADES)
async def test_every_grade_shows(grade):
    """Each changes the picture, each in its own way."""
    before = painting("a lighthouse at dusk")
    others = {name: await edit(name, before) for name in ("night", "inverted") if name != grade}
    after = await edit({"vivid": "more vivid", "contrast": "more contrast"}.get(grade, grade), before)
    assert changed(after, before)
    assert all(changed(after, other) for other in others.values())


async def test_black_and_white_has_no_colour():
    """Red, green and blue are equal everywhere."""
    red, green, blue = (await edit("make it black and white")).split()
    assert ImageChops.difference(red, green).getbbox() is None
    assert ImageChops.difference(green, blue).getbbox() is None


async def test_something_of_the_second_picture_is_pasted():
    """The heart, without its background, at the place named."""
    heart = painting("a purple heart on a yellow background", size=(300, 300))
    after = await edit("put the heart from the second picture in the bottom left", painting("a star"), heart)
    ((x, y),) = blobs(after, rgb("purple"))
    assert x < 120
    assert y > 100
    assert blobs(after, rgb("yellow")) == []


async def test_other_references_can_be_seen():
    """A picture that no instruction mentions is there as a small print."""
    reference = Image.new("RGB", (50, 50), (12, 200, 34))
    assert len(blobs(await edit("make it brighter", painting(), reference), (12, 200, 34))) == 1


async def test_what_is_not_understood_changes_the_picture_by_the_seed():
    """Visibly, the same for the same seed, and otherwise for some other."""
    before = painting("a lighthouse at dusk")
    first, again = [await edit("something nicer", before, seed=1) for _ in range(2)]
    others = [await edit("something nicer", before, seed=seed) for seed in range(2, 8)]
    assert changed(first, before)
    assert changed(first, again) is None
    assert any(changed(first, other) for other in others)


async def test_what_is_not_found_is_a_warning():
    """The picture comes as it was, and the result says why."""
    output = await output_of("remove the green heart")
    assert changed(Image.open(io.BytesIO(output.images[0].read())), painting()) is None
    assert "no green heart" in output.warnings[0]


async def test_the_size_is_that_of_the_first_picture():
    """Unless another is asked: then picture and mask are scaled first."""
    before, mask = painting(), mask_of()
    assert (await edit("blur", before, painting(size=(64, 64)))).size == SIZE
    after = await edit("make it night", before, mask=mask, size="480x400")
    assert after.size == (480, 400)
    apart = ImageChops.difference(after, before.resize((480, 400), Image.Resampling.LANCZOS))
    apart.paste((0, 0, 0), mask=mask.resize((480, 400), Image.Resampling.NEAREST))
    assert apart.getbbox() is None


async def test_a_turned_photo_is_edited_upright():
    """Its EXIF orientation is heeded."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    painting().save(file, "JPEG", exif=exif)
    assert (await edit("make it night", file.getvalue())).size == (200, 240)


async def test_a_plain_background_can_be_made_transparent():
    """The ground is clear, the things are not."""
    after = await edit("make the circles green", background="transparent")
    assert after.getpixel((0, 0))[3] == 0
    ((_, box),) = [(colour, after.getchannel("A").getbbox()) for colour in ("any",)]
    assert box != (0, 0, *SIZE)


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp", "gif"])
async def test_the_format_is_as_asked(output_format):
    """Of a picture with transparency too."""
    before = painting()
    before.putalpha(128)
    assert (await edit("make it night", before, output_format=output_format)).format == output_format.upper()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"images": (b"no picture",)}, "bad_images"),
        ({"images": ("https://example.com/a.png",)}, "bad_images"),
        ({"images": (painting(),), "mask": Image.new("L", (10, 10))}, "bad_mask"),
        ({"images": (Image.new("RGB", (8, 8)),)}, "bad_size"),
        ({"images": (painting(),) * 9}, "bad_images"),
    ],
)
async def test_what_cannot_be_edited_is_refused(fields, code):
    """As a provider would: nothing is guessed."""
    with pytest.raises(InvalidRequestError) as caught:
        await Stub().submit(Task(ImageRequest(prompt="blur", **fields), "painter", "edit"), CALL)
    assert caught.value.code == code


async def test_metered_counts_the_pictures_that_go_in():
    """The mask is one of them."""
    output = await output_of("blur", painting(), painting(), mask=mask_of(), model="metered", size="1024x1024")
    assert output.usage == Usage(text_input_tokens=1, image_input_tokens=600, image_output_tokens=1056)


async def test_sloppy_errs_in_edits_too():
    """Told to add three red circles it adds others, as its own ground truth says."""
    prompt, right = "add three red circles", {**dict.fromkeys(RIGHT, 1.0), "count": 0.0}
    truth = edited(Scene(), prompt, 1, "sloppy", right)
    after = await edit(prompt, Image.new("RGB", SIZE, "white"), model="sloppy", options=StubOptions(right=right))
    assert truth.groups[0].count in (2, 4)
    assert len(blobs(after, rgb("red"))) == truth.groups[0].count


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("make the circles green", [(3, "circle", "green"), (2, "star", "blue")]),
        ("replace the circle with a pink heart", [(2, "circle", "red"), (2, "star", "blue"), (1, "heart", "pink")]),
        ("remove the stars", [(3, "circle", "red")]),
        ("add a cross", [(3, "circle", "red"), (2, "star", "blue"), (1, "cross", None)]),
        ("make it night", [(3, "circle", "red"), (2, "star", "blue")]),
    ],
)
def test_the_ground_truth_of_an_edit_is_known(prompt, expected):
    """What the picture shows afterwards, from what it showed before."""
    after = edited(scene_of(SHAPES), prompt)
    assert [(group.count, group.shape, group.colour) for group in after.groups] == expected
