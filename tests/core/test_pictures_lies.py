"""Files that are no pictures, or lie: bombs, endless parts, damage of every kind."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib

import pytest
from core import broken
from core.test_pictures import SAMPLES, TYPES, facts, is_good, noise, saved
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen import pictures
from imagegen.pictures import NotAPictureError, read_facts

HARMFUL = {
    "PNG": ["20000x20000", "2^31 x 1", "no width", "iCCP of 100 MB", "1000 iCCP of 1 MB", "endless chunks"],
    "JPEG": ["65500x65500", "2000 scans", "400 segments of exif", "400 segments of photoshop", "endless markers"],
    "WEBP": ["a canvas of 16383", "16384x16384", "endless parts"],
    "GIF": ["a screen of 65535x65535", "a frame far beyond the screen"],
    "AVIF": ["30000x30000", "2147483647x2147483647"],
}


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
