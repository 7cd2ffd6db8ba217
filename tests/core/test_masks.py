"""What a mask means: white repaints, black stays; a mask whose transparency varies repaints where it is clear."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagegen import ImageInput, masks

SIZE = (3, 2)
WANTED = [255, 0, 0, 0, 255, 255]
"""No turning or mirroring of it gives the same."""


def grey(values=WANTED, size=SIZE):
    return Image.frombytes("L", size, bytes(values))


def with_alpha(colour, alpha):
    picture = colour.convert("RGBA")
    picture.putalpha(alpha)
    return picture


def clear_where():
    """Transparent where it is to be repainted, over one colour."""
    return with_alpha(Image.new("RGB", SIZE, "white"), grey([255 - value for value in WANTED]))


def as_file(picture, kind="PNG", **how):
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def palette_with_alpha(bytewise):
    """White over two palette entries, of which one is clear: said as bytes for each entry, or as the one that is."""
    picture = Image.frombytes("P", SIZE, bytes(0 if value else 1 for value in WANTED))
    picture.putpalette([255, 255, 255] * 2)
    return as_file(picture, transparency=b"\x00\xff" if bytewise else 0)


def grey_with_clear_shade():
    """A grey PNG that names black as its transparent shade: tRNS."""
    return as_file(grey([0 if value else 1 for value in WANTED]), transparency=0)


FORMS = {
    "grey": grey,
    "one bit": lambda: grey().convert("1"),
    "colour": lambda: grey().convert("RGB"),
    "palette": lambda: grey().convert("RGB").quantize(2),
    "16 bits": lambda: Image.frombytes("I;16", SIZE, b"".join(bytes([0, value]) for value in WANTED)),
    "16 bits, dark is not white": lambda: Image.frombytes(
        "I;16", SIZE, b"".join(b"\xff\xff" if value else b"\xff\x0f" for value in WANTED)
    ),
    "not quite white, not quite black": lambda: grey([128 if value else 127 for value in WANTED]),
    "opaque alpha": lambda: grey().convert("RGBA"),
    "alpha that never varies": lambda: with_alpha(grey(), Image.new("L", SIZE, 200)),
    "clear in white": clear_where,
    "clear in black": lambda: with_alpha(Image.new("RGB", SIZE), grey([255 - value for value in WANTED])),
    "clear, grey and alpha": lambda: clear_where().convert("LA"),
    "clear over colours that cannot be seen": lambda: with_alpha(grey(), grey([255 - value for value in WANTED])),
    "clear entry of a palette": lambda: palette_with_alpha(False),
    "clear entries of a palette": lambda: palette_with_alpha(True),
    "clear shade": grey_with_clear_shade,
    "webp": lambda: as_file(grey().convert("RGB"), "WEBP", lossless=True),
    "half clear counts as clear": lambda: with_alpha(
        Image.new("RGB", SIZE), grey([127 if value else 128 for value in WANTED])
    ),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_says_the_same(form):
    """However a mask is drawn, its white (or its clear part) is what is repainted."""
    found = masks.repaint_area(ImageInput(FORMS[form]()))
    assert (found.mode, found.size, list(found.tobytes())) == ("L", SIZE, WANTED)


def test_exif_turns_a_mask_like_any_picture():
    """A mask is read as it is seen."""
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = as_file(grey().rotate(180), exif=exif)
    assert list(masks.repaint_area(ImageInput(turned)).tobytes()) == WANTED


@pytest.mark.parametrize(
    "mask",
    [
        with_alpha(grey([255, 255, 0, 0, 255, 0]), grey([0, 255, 255, 255, 255, 255])),
        with_alpha(grey([255, 0, 255, 0, 255, 0]), grey([255, 255, 255, 0, 0, 0])),
    ],
)
def test_mask_that_could_mean_two_things_is_refused(mask):
    """Where both colour and transparency vary nobody can tell which is meant."""
    with pytest.raises(ValueError, match="both"):
        masks.repaint_area(ImageInput(mask))


@pytest.mark.parametrize("mask", [b"hello", b"<svg xmlns='http://www.w3.org/2000/svg' width='3' height='2'/>"])
def test_mask_that_is_no_raster_picture_is_refused(mask):
    """A text is no mask, and neither is a drawing in words."""
    with pytest.raises(ValueError):
        masks.repaint_area(ImageInput(mask))


@pytest.mark.parametrize("form", ["grey", "clear in white"])
def test_each_polarity_says_it_its_own_way(form):
    """White repaints, black repaints, transparent repaints: three files, one meaning."""
    mask = ImageInput(FORMS[form]())
    white, black, clear = (
        convert(mask) for convert in (masks.white_repaints, masks.black_repaints, masks.transparent_repaints)
    )
    opposite = [255 - value for value in WANTED]
    assert (white.pil().mode, list(white.pil().tobytes())) == ("L", WANTED)
    assert (black.pil().mode, list(black.pil().tobytes())) == ("L", opposite)
    assert (clear.pil().mode, list(clear.pil().getchannel("A").tobytes())) == ("RGBA", opposite)
    assert {each.media_type for each in (white, black, clear)} == {"image/png"}


@given(st.lists(st.integers(0, 255), min_size=6, max_size=6))
def test_polarities_agree_about_every_mask(values):
    """What one of them repaints, all repaint; read again, each is itself."""
    mask = ImageInput(grey(values))
    wanted = [255 if value >= 128 else 0 for value in values]
    assert list(masks.repaint_area(mask).tobytes()) == wanted
    assert list(masks.repaint_area(masks.white_repaints(mask)).tobytes()) == wanted
    clear = masks.transparent_repaints(mask)
    if len(set(wanted)) > 1:
        assert list(masks.repaint_area(clear).tobytes()) == wanted
