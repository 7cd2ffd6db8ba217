"""Input pictures against what a model takes: what is refused before any money, what is turned, what is said."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from core import broken
from core.serving import png
from PIL import Image

from imagegen import ImageRequest, UnsupportedError
from imagegen.catalogue import find_model
from imagegen.intake import take_in
from imagegen.types.inputs import ImageInput

MODEL = find_model("openai", "gpt-image-2")


def model(**capabilities):
    """The model with other capabilities."""
    return replace(MODEL, capabilities=replace(MODEL.capabilities, **capabilities))


def repr_short(source):
    """A test's name."""
    return f"{type(source).__name__} {repr(source)[:12]}"


def as_file(picture, kind="PNG", **how):
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def turned(kind, orientation, size=(30, 20)):
    """A picture that EXIF turns."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return as_file(Image.new("RGB", size, "red"), kind, exif=exif)


def request(*images, mask=None):
    return ImageRequest(prompt="a", images=images, mask=mask)


def test_good_pictures_stay_the_very_objects():
    """Nothing is read anew or written anew that can go as it is."""
    asked = request(png(), as_file(Image.new("RGB", (8, 8)), "JPEG"), "https://pictures.example/a.png")
    taken, entries, warnings = take_in(asked, MODEL)
    assert all(one is other for one, other in zip(asked.images, taken.images, strict=True))
    assert (entries, warnings) == ((), ())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_picture_is_put_upright_and_told(kind, orientation):
    """EXIF's eight orientations: what is sent needs no EXIF, and an entry says what was done."""
    taken, entries, _ = take_in(request(turned(kind, orientation)), MODEL)
    facts = taken.images[0].facts
    assert (facts.width, facts.height) == ((20, 30) if orientation >= 5 else (30, 20))
    assert [each.field for each in entries] == (["images"] if orientation > 1 else [])


def test_mask_is_compared_with_the_upright_picture():
    """A mask is drawn over what one sees."""
    mask = Image.new("L", (20, 30))
    mask.paste(255, (0, 0, 5, 5))
    _, _, warnings = take_in(request(turned("JPEG", 6), mask=mask), MODEL)
    assert warnings == ()
    with pytest.raises(UnsupportedError, match="30x20.*20x30"):
        take_in(request(turned("JPEG", 6), mask=mask.transpose(Image.Transpose.ROTATE_90)), MODEL)


@pytest.mark.parametrize(
    ("images", "changes", "words"),
    [
        ([b"no picture"], {}, "picture 1 is not a picture"),
        ([png(), b""], {}, "picture 2 is not a picture"),
        ([png()[:-4]], {}, "cut short"),
        ([png()] * 3, {"references": 2}, "at most 2 pictures, not 3"),
        ([png()], {"input_formats": ("webp",)}, "takes webp"),
        ([png()], {"input_max_bytes": 100}, "at most 100"),
        (["https://pictures.example/a.png"], {"input_urls": False}, "fetches no pictures"),
    ],
)
def test_what_the_model_does_not_take_is_refused(images, changes, words):
    """One sentence that names the picture and the limit."""
    with pytest.raises(UnsupportedError, match=words) as caught:
        take_in(request(*images), model(**changes))
    assert caught.value.message.endswith("nothing was sent")


def test_turned_picture_counts_as_it_is_sent():
    """Turning writes it anew as a png: that is what has to fit."""
    noise = Image.effect_noise((200, 100), 90).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    small = as_file(noise, "JPEG", exif=exif, quality=10)
    with pytest.raises(UnsupportedError, match="at most"):
        take_in(request(small), model(input_max_bytes=len(small) + 1))


def test_damaged_picture_is_refused_and_not_a_crash():
    """A container that is whole around data that is not."""
    whole = turned("PNG", 6)
    start = whole.index(b"IDAT") + 4
    broken = whole[:start] + bytes(len(whole) - start - 16) + whole[-16:]
    with pytest.raises(UnsupportedError):
        take_in(request(broken), MODEL)


@pytest.mark.parametrize(
    ("mask", "changes", "words"),
    [
        (Image.new("L", (64, 64)), {"mask": False}, "takes no mask"),
        (Image.new("L", (32, 64)), {}, "one size"),
        (Image.effect_noise((64, 64), 200), {"mask_max_bytes": 300}, "takes 300"),
        (b"no picture", {}, "the mask is not a picture"),
        (png()[:-4], {}, "the mask is cut short"),
        ("https://pictures.example/mask.png", {}, "file or bytes"),
    ],
)
def test_masks_that_do_not_fit_are_refused(mask, changes, words):
    """Its size in bytes is that of what is sent, not of what was given."""
    with pytest.raises(UnsupportedError, match=words):
        take_in(request(png(), mask=mask), model(**changes))


@pytest.mark.parametrize(("shade", "what"), [(0, "nothing"), (255, "everything")])
def test_mask_of_one_shade_is_warned_of(shade, what):
    """It may be meant; it is probably the wrong way round."""
    _, _, (warning,) = take_in(request(png(), mask=Image.new("L", (64, 64), shade)), MODEL)
    assert what in warning


def test_unknown_model_still_gets_whole_pictures():
    """Without a catalogue nothing is known of limits, but a cut picture is one for nobody."""
    assert take_in(request(*[png()] * 40), None)[0].images
    with pytest.raises(UnsupportedError, match="cut short"):
        take_in(request(png()[:-4]), None)


def test_request_without_pictures_passes():
    """Most requests."""
    asked = ImageRequest(prompt="a")
    assert take_in(asked, MODEL)[0].asked() == asked.asked()


@pytest.mark.parametrize(
    "source",
    [
        bytes(50_000_001),
        bytearray(50_000_001),
        "data:image/png;base64," + "A" * 66_666_672,
        "DATA:image/png;base64,A!",
        "data:image/png,%89PNG",
        "data:image/png;base64,\u00e9",
        "A" * 5000,
        "no\0name",
        "",
        "/dev/zero",
        7,
    ],
    ids=repr_short,
)
def test_what_is_no_picture_of_ours_is_a_value_error(source):
    """Too large, unreadable or nothing: one error, which does not repeat a megabyte of what it was given."""
    with pytest.raises(ValueError) as caught:
        ImageInput(source)
    assert len(str(caught.value)) < 300


def test_large_file_is_refused_unread(tmp_path):
    """Its size is enough."""
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(10 << 30)
    with pytest.raises(ValueError, match="at most 50,000,000"):
        ImageInput(tmp_path / "a.png")


def test_bomb_is_refused_before_it_is_decoded():
    """In the picture's place and in the mask's."""
    bomb = dict(broken.png_bombs())["20000x20000"]
    for asked in (request(bomb), request(png(), mask=bomb)):
        with pytest.raises(UnsupportedError, match="64 megapixels"):
            take_in(asked, MODEL)


def test_vector_picture_is_never_drawn():
    """As an input it goes as it is, or not at all."""
    vector = ImageInput(b'<svg width="9" height="9"><script>alert(1)</script></svg>')
    assert vector.upright() is vector
    with pytest.raises(ValueError, match="cannot decode"):
        vector.pil()
