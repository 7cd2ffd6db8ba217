"""What the bytes say of a picture, for every format, every way to cut it, and bytes that lie."""

from __future__ import annotations

import contextlib
import io
import json
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib

import pytest
from core import broken
from hypothesis import given, settings
from hypothesis import strategies as st
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
HARMFUL = {
    "PNG": ["20000x20000", "2^31 x 1", "no width", "iCCP of 100 MB", "1000 iCCP of 1 MB", "endless chunks"],
    "JPEG": ["65500x65500", "2000 scans", "400 segments of exif", "400 segments of photoshop", "endless markers"],
    "WEBP": ["a canvas of 16383", "16384x16384", "endless parts"],
    "GIF": ["a screen of 65535x65535", "a frame far beyond the screen"],
    "AVIF": ["30000x30000", "2147483647x2147483647"],
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


# Lies


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"<!DOCTYPE html><html><body><svg width='1' height='1'></svg></body></html>",
        b'{"error": "no"}',
        b"%PDF-1.7",
        b"II*\0" + bytes(100),
        b"8BPS" + bytes(100),
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
        b"RIFF\x24\0\0\0WEBPXXXX" + bytes(100),
        b"<svgx width='1'></svgx>",
        b"GIF90a" + bytes(100),
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"words, words",
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """The bytes decide, not a name or a header."""
    with pytest.raises(NotAPictureError):
        facts(data)


def test_a_page_behind_a_pictures_first_bytes_is_not_whole() -> None:
    """Magic bytes in front do not make a picture of what follows."""
    page = b"<html><script>alert(1)</script></html>"
    for name in ("png", "jpeg", "gif", "webp", "avif"):
        assert not is_good(SAMPLES[name][0][:40] + page)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png() -> bytes:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def huge_webp() -> bytes:
    data = bytearray(SAMPLES["webp lossless"][0])
    struct.pack_into("<I", data, 21, 16_383 | 16_383 << 14)
    return bytes(data)


def huge_gif() -> bytes:
    data = bytearray(SAMPLES["gif"][0])
    struct.pack_into("<HH", data, 6, 30_000, 30_000)
    return bytes(data)


def huge_avif() -> bytes:
    data = bytearray(SAMPLES["avif"][0])
    struct.pack_into(">II", data, data.index(b"ispe") + 8, 30_000, 30_000)
    return bytes(data)


def huge_jpeg() -> bytes:
    data = bytearray(SAMPLES["jpeg"][0])
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, 30_000, 30_000)
    return bytes(data)


@pytest.mark.parametrize("bomb", [huge_png, huge_webp, huge_gif, huge_avif, huge_jpeg])
def test_a_bomb_is_refused_by_its_header(bomb: object) -> None:
    """A small file that says it is huge is never given to a decoder."""
    assert callable(bomb)
    data = bomb()
    media_type = facts(data).media_type
    tracemalloc.start()
    with pytest.raises(ValueError, match="megapixels"):
        pictures.full_check(memoryview(data), media_type)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"a", b"") * 400_000,
        SAMPLES["gif"][0][:-1] + b"\x21\xfe\x01a\0" * 400_000 + b";",
        SAMPLES["jpeg"][0][:-2] + b"\xff\x01" * 400_000 + b"\xff\xd9",
        SAMPLES["webp"][0] + b"abcd\0\0\0\0" * 400_000,
        SAMPLES["avif"][0] + b"\0\0\0\x08free" * 400_000,
        b"<svg viewBox='" + b" " * 60_000 + b"'></svg>",
        b"<svg " + b"width " * 10_000 + b"></svg>",
        b"<!--" * 16_000,
        b"<svg " + b"viewBox='0 " * 5_000 + b"></svg>",
    ],
)
def test_a_file_of_endless_parts_takes_no_time(data: bytes) -> None:
    """However a file is made up, a look at it ends soon."""
    began = time.process_time()
    is_good(data)
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize(
    "data",
    [
        SAMPLES["png"][0][:33] + chunk(b"teXt", b"") * 400_000 + SAMPLES["png"][0][33:],
        SAMPLES["gif"][0][:-1] + b"\x21\xfe\x01a\0" * 400_000 + b";",
        SAMPLES["jpeg"][0][:2] + b"\xff\x01" * 400_000 + SAMPLES["jpeg"][0][2:],
    ],
)
def test_a_picture_of_endless_parts_is_not_whole(data: bytes) -> None:
    """The walk gives up; no encoder makes so many."""
    assert not is_good(data)


def test_an_end_that_claims_more_is_not_whole() -> None:
    """The last chunk too must be there with all that it announces."""
    data = SAMPLES["png"][0]
    assert not facts(data[:-12] + b"\0\0\0\x09IEND" + bytes(8)).whole


def test_a_jpeg_may_have_its_tables_first() -> None:
    """The size is in the frame's header, whatever comes before it."""
    data = SAMPLES["jpeg"][0]
    frame, tables, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xc4"), data.index(b"\xff\xda")
    assert facts(data[:frame] + data[tables:scan] + data[frame:tables] + data[scan:]).width == 61


def test_a_relative_of_avif_is_refused() -> None:
    """The same container holds formats that we have no decoder for."""
    data = SAMPLES["avif"][0]
    start = struct.unpack_from(">I", data)[0]
    with pytest.raises(NotAPictureError, match="relative"):
        facts(data[:start].replace(b"avif", b"heic") + data[start:])


@pytest.mark.parametrize("name", ["png", "jpeg progressive", "webp", "gif", "avif"])
def test_a_look_copies_nothing(name: str) -> None:
    """The walk takes the same memory for a large file as for a small one."""
    media_type = SAMPLES[name][1]
    kind = next(kind for kind, value in TYPES.items() if value == media_type)
    data = saved(noise("RGB" if kind != "GIF" else "L", (700, 500)), kind, **({"speed": 10} if kind == "AVIF" else {}))
    assert len(data) > 100_000
    view = memoryview(data)
    tracemalloc.start()
    assert read_facts(view).whole
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
    st.integers(0, 1 << 16),
)
def test_no_damage_raises_anything_else(name: str, changes: list[tuple[int, bytes]], cut: int) -> None:
    """Whatever was done to the bytes: facts, or NotAPictureError; a picture, or ValueError."""
    data = bytearray(SAMPLES[name][0])
    for place, new in changes:
        place %= len(data) if place % 3 else 64
        data[place : place + len(new)] = new
    del data[len(data) - cut % len(data) if cut % 2 else len(data) :]
    try:
        read_facts(memoryview(data))
    except NotAPictureError:
        return
    with contextlib.suppress(ValueError):
        pictures.full_check(memoryview(data), SAMPLES[name][1])


def test_a_look_at_everything_that_is_broken() -> None:
    """Hundreds of cut, damaged, hostile and foreign files: no error but ours, none over 2 s, none over 200 MB."""
    run = [sys.executable, "-W", "error", broken.__file__]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["escaped"] == {}
    assert all(report["counts"][kind] >= 60 for kind in broken.KINDS)
    assert report["slowest"][0] < 2, report["slowest"]
    assert report["mb"] < 200


@pytest.mark.parametrize("kind", HARMFUL)
def test_bombs_are_refused(kind: str) -> None:
    """However harmless the header of some looks."""
    bombs = dict(broken.BOMBS[kind]())
    for name in HARMFUL[kind]:
        with pytest.raises(ValueError):
            pictures.full_check(memoryview(bombs[name]), broken.MEDIA_TYPES[kind])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_an_animation_is_decoded_no_further_than_its_first_picture(kind: str) -> None:
    """A hundred pictures in one file cost hardly more than one."""
    many = broken.animated(kind, 12 if kind == "AVIF" else 100, (100, 100))
    one = broken.saved(broken.noise((100, 100), 0), kind)
    times = []
    for data in (one, many):
        began = time.process_time()
        for _ in range(5):
            assert pictures.decode(memoryview(data), broken.MEDIA_TYPES[kind]).size == (100, 100)
        times.append(time.process_time() - began)
    assert times[1] < 10 * times[0] + 0.2


def test_a_collection_of_photographs_is_read_as_its_first(recwarn: pytest.WarningsRecorder) -> None:
    """Phones put a second picture behind the first (MPO): that is a JPEG, and nothing is said of the others."""
    file = io.BytesIO()
    noise("RGB").save(file, "MPO", save_all=True, append_images=[noise("RGB", (8, 8))])
    found = pictures.decode(memoryview(file.getvalue()), "image/jpeg")
    assert (found.format, found.size, list(recwarn)) == ("JPEG", (61, 37), [])


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "ICO", "PPM", "TGA", "PCX", "EPS", "PDF", "DDS", "JPEG2000"])
def test_other_decoders_are_never_asked(kind: str) -> None:
    """Pillow knows 43 formats; five are let in."""
    data = memoryview(saved(noise("RGB"), kind))
    with pytest.raises(NotAPictureError):
        read_facts(data)
    for media_type in TYPES.values():
        with pytest.raises(ValueError):
            pictures.decode(data, media_type)


def test_more_than_fifty_megabytes_are_not_decoded() -> None:
    """However few pixels they are said to hold."""
    data = SAMPLES["jpeg"][0] + bytes(pictures.MAX_BYTES)
    with pytest.raises(ValueError, match="more than 50 MB"):
        pictures.decode(memoryview(data), "image/jpeg")
    with pytest.raises(ValueError, match="more than 50 MB"):
        pictures.orientation(memoryview(data), "image/jpeg")


def test_the_module_loads_no_decoder() -> None:
    """Looking at headers costs no import of Pillow."""
    code = "import sys, imagegen.pictures; assert 'PIL' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
