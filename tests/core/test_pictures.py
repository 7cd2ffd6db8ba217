"""What the bytes say of a picture, for every format, every way to cut it, and bytes that lie."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from imagegen import pictures
from imagegen.pictures import Facts, NotAPictureError, read_facts

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif", "AVIF": "image/avif"}


def noise(mode: str, size: tuple[int, int] = (61, 37), seed: int = 1) -> Image.Image:
    """A picture that no encoder can make small."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    data = random.Random(seed).randbytes(size[0] * size[1] * channels)
    return Image.frombytes(mode, size, data) if mode != "1" else Image.new("1", size)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def palette(transparent: bool) -> Image.Image:
    picture = noise("RGB").quantize(16)
    if transparent:
        picture.info["transparency"] = 3
    return picture


def frames() -> list[Image.Image]:
    return [noise("RGBA", seed=seed) for seed in range(3)]


# name: bytes, media type, alpha
SAMPLES: dict[str, tuple[bytes, str, bool]] = {
    "png": (saved(noise("RGB"), "PNG"), "image/png", False),
    "png grey": (saved(noise("L"), "PNG"), "image/png", False),
    "png bits": (saved(noise("1"), "PNG"), "image/png", False),
    "png alpha": (saved(noise("RGBA"), "PNG"), "image/png", True),
    "png grey alpha": (saved(noise("LA"), "PNG"), "image/png", True),
    "png palette": (saved(palette(False), "PNG"), "image/png", False),
    "png palette alpha": (saved(palette(True), "PNG", transparency=3), "image/png", True),
    "png colour key": (saved(noise("RGB"), "PNG", transparency=(1, 2, 3)), "image/png", True),
    "png animated": (saved(frames()[0], "PNG", save_all=True, append_images=frames()[1:]), "image/png", True),
    "jpeg": (saved(noise("RGB"), "JPEG"), "image/jpeg", False),
    "jpeg grey": (saved(noise("L"), "JPEG"), "image/jpeg", False),
    "jpeg cmyk": (saved(noise("CMYK"), "JPEG"), "image/jpeg", False),
    "jpeg progressive": (saved(noise("RGB"), "JPEG", progressive=True, quality=95), "image/jpeg", False),
    "jpeg restarts": (saved(noise("RGB"), "JPEG", restart_marker_rows=1), "image/jpeg", False),
    "jpeg exif": (saved(noise("RGB"), "JPEG", exif=b"Exif\0\0" + b"\xff\xd8\xff\xd9" * 50), "image/jpeg", False),
    "webp": (saved(noise("RGB"), "WEBP"), "image/webp", False),
    "webp alpha": (saved(noise("RGBA"), "WEBP"), "image/webp", True),
    "webp lossless": (saved(noise("RGB"), "WEBP", lossless=True), "image/webp", False),
    "webp lossless alpha": (saved(noise("RGBA"), "WEBP", lossless=True), "image/webp", True),
    "webp metadata": (saved(noise("RGB"), "WEBP", xmp=b"<x/>", exif=b"Exif\0\0x"), "image/webp", False),
    "webp animated": (saved(frames()[0], "WEBP", save_all=True, append_images=frames()[1:]), "image/webp", True),
    "gif": (saved(noise("RGB").quantize(256), "GIF"), "image/gif", False),
    "gif alpha": (saved(palette(True), "GIF", transparency=3), "image/gif", True),
    "gif animated": (saved(frames()[0], "GIF", save_all=True, append_images=frames()[1:]), "image/gif", False),
    "avif": (saved(noise("RGB"), "AVIF"), "image/avif", False),
    "avif alpha": (saved(noise("RGBA"), "AVIF"), "image/avif", True),
    "avif animated": (saved(frames()[0], "AVIF", save_all=True, append_images=frames()[1:]), "image/avif", True),
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="61" height="37"><path d="M0 0"/></svg>'


def facts(data: bytes) -> Facts:
    return read_facts(memoryview(data))


def is_good(data: bytes) -> bool:
    """Whether the bytes pass for a whole picture."""
    try:
        return facts(data).whole
    except NotAPictureError:
        return False


@pytest.mark.parametrize("name", SAMPLES)
def test_a_whole_picture(name: str) -> None:
    """Type, size and alpha are what the encoder was given."""
    data, media_type, has_alpha = SAMPLES[name]
    assert facts(data) == Facts(media_type, 61, 37, has_alpha, whole=True)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_cut_anywhere_is_not_whole(name: str) -> None:
    """Every length short of the whole is noticed."""
    data = SAMPLES[name][0]
    padding = 1 if name.startswith("webp") and data[-1] == 0 else 0
    passed = [length for length in range(len(data) - padding) if is_good(data[:length])]
    assert passed == []


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.startswith("avif")])
def test_bytes_after_the_end_do_not_matter(name: str) -> None:
    """Encoders append previews and marks; a second picture behind the first is common."""
    data = SAMPLES[name][0]
    assert facts(data + data[:100]).whole


@pytest.mark.parametrize("name", SAMPLES)
def test_a_whole_picture_decodes(name: str) -> None:
    """The decoder agrees about the size."""
    data, media_type, _ = SAMPLES[name]
    assert pictures.decode(memoryview(data), media_type).size == (61, 37)
    pictures.full_check(memoryview(data), media_type)


@pytest.mark.parametrize("name", [name for name in SAMPLES if "animated" not in name])
def test_a_half_picture_does_not_decode(name: str) -> None:
    """A picture cut in its data is an error, and always a ValueError."""
    data, media_type, _ = SAMPLES[name]
    with pytest.raises(ValueError):
        pictures.full_check(memoryview(data[: len(data) // 2]), media_type)


def test_damaged_data_do_not_decode() -> None:
    """A container may be whole around broken data; that is what decoding is for."""
    data = bytearray(SAMPLES["png"][0])
    data[200:260] = bytes(60)
    assert facts(bytes(data)).whole
    with pytest.raises(ValueError, match="png"):
        pictures.full_check(memoryview(data), "image/png")


@pytest.mark.parametrize("kind", TYPES)
def test_only_the_decoder_of_the_stated_type_is_tried(kind: str) -> None:
    """A picture passed off as another is refused."""
    data = saved(noise("RGB"), kind)
    other = "image/png" if kind != "PNG" else "image/jpeg"
    with pytest.raises(ValueError, match="cannot decode"):
        pictures.decode(memoryview(data), other)


# Vector pictures


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("<svg width='61' height='37'></svg>", (61, 37)),
        ('\ufeff<?xml version="1.0"?>\n<svg width="61px" height=" 37.4 "/>', (61, 37)),
        (
            '<!-- <svg width="1" height="1"> --><!DOCTYPE svg [ <!ENTITY a "b"> ]><svg viewBox="0 0 61 37"></svg >',
            (61, 37),
        ),
        ('<svg:svg viewBox="-5,-5,61.0,37"><svg:g/></svg:svg>\n<!-- made by hand -->\n', (61, 37)),
        ('<svg width="100%" height="100%" viewBox="0 0 61 37"></svg>', (61, 37)),
        ('<svg stroke-width="3" width="61" data-height="9" height="37"></svg>', (61, 37)),
        ('<svg title="a > b" width="61" height="37"></svg>', (61, 37)),
        ('<svg width="5em" height="3em"></svg>', (None, None)),
        ("<svg></svg>", (None, None)),
    ],
)
def test_a_vector_picture(text: str, size: tuple[int | None, int | None]) -> None:
    """Its size is what the root element says, in pixels, or unknown."""
    found = facts(text.encode())
    assert (found.media_type, found.width, found.height, found.whole) == ("image/svg+xml", *size, True)


@pytest.mark.parametrize("length", [*range(70, len(SVG))])
def test_a_vector_picture_cut_is_not_whole(length: int) -> None:
    """Its end tag is its end."""
    assert not facts(SVG[:length]).whole


def test_a_vector_picture_is_never_rendered() -> None:
    """Nothing that can hold scripts and links is opened."""
    with pytest.raises(ValueError, match="cannot decode"):
        pictures.decode(memoryview(SVG), "image/svg+xml")


def test_entities_are_not_expanded() -> None:
    """A text that would grow to gigabytes costs nothing."""
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(10)
    )
    assert facts(f'{bomb}]><svg width="2" height="2">&k;</svg>'.encode()).width == 2
