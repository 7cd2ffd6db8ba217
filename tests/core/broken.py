"""Pictures that are broken, hostile or something else, made from a seed; run, this shows them all to the library.

``python broken.py`` prints as JSON what escaped, how many files of each kind there were, and what the worst took.
"""

from __future__ import annotations

import io
import json
import random
import resource
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import Image

File: TypeAlias = tuple[str, bytes]
KINDS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
MEDIA_TYPES = {kind: f"image/{kind.lower()}" for kind in KINDS}
PAGE = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
_MUTATIONS = 40


def noise(size: tuple[int, int] = (61, 37), seed: int = 1) -> Image.Image:
    """A picture that no encoder can make small."""
    return Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3))


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def animated(kind: str, count: int, size: tuple[int, int] = (16, 16)) -> bytes:
    frames = [noise(size, seed) for seed in range(count)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


GOOD = {kind: saved(noise(), kind) for kind in KINDS}
PNG, JPEG, WEBP, GIF, AVIF = GOOD.values()


# Cut at every boundary of the container


def boundaries(kind: str, data: bytes) -> Iterator[int]:
    """Where a part of the container begins, and one byte before and after."""
    for place in PARTS[kind](data):
        yield from (place - 1, place, place + 1, place + 4, place + 8)


def png_parts(data: bytes) -> Iterator[int]:
    place = 8
    while place < len(data):
        yield place
        place += 12 + int.from_bytes(data[place : place + 4])


def jpeg_parts(data: bytes) -> Iterator[int]:
    return (place for place in range(len(data) - 1) if data[place] == 0xFF and data[place + 1] not in (0, 0xFF))


def riff_parts(data: bytes) -> Iterator[int]:
    place = 12
    while place < len(data):
        yield place
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        place += 8 + size + size % 2


def gif_parts(data: bytes) -> Iterator[int]:
    yield from (6, 10, 13, 13 + 768)
    yield from (place for place in range(13 + 768, len(data)) if data[place] in b"\x21\x2c\x3b")


def box_parts(data: bytes) -> Iterator[int]:
    names = (b"ftyp", b"meta", b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ispe", b"av1C", b"mdat")
    return (place - 4 for name in names if (place := data.find(name)) > 0)


PARTS: dict[str, Callable[[bytes], Iterator[int]]] = {
    "PNG": png_parts,
    "JPEG": jpeg_parts,
    "WEBP": riff_parts,
    "GIF": gif_parts,
    "AVIF": box_parts,
}


def truncations(kind: str) -> Iterator[File]:
    data = GOOD[kind]
    for length in sorted({place for place in boundaries(kind, data) if 0 <= place < len(data)})[:120]:
        yield f"cut at {length}", data[:length]


# Changed at random, and by rule


def mutations(kind: str) -> Iterator[File]:
    """Bytes exchanged, pieces doubled, dropped and overwritten, most of them near the head, where lengths stand."""
    chance = random.Random(f"broken {kind}")
    for number in range(_MUTATIONS):
        data = bytearray(GOOD[kind])
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(data) if chance.random() < 0.4 else 200)
            piece = chance.choice([chance.randbytes(1), b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            match chance.randrange(4):
                case 0 | 1:
                    data[place : place + len(piece)] = piece
                case 2:
                    del data[place : place + chance.randint(1, 40)]
                case _:
                    data[place:place] = data[place : place + chance.randint(1, 400)]
        yield f"mutation {number}", bytes(data)


def lengths_that_lie(kind: str) -> Iterator[File]:
    """Every length and count of the container in turn says nothing, too much, and the most it can."""
    data = GOOD[kind]
    width = {"JPEG": 2, "GIF": 1}.get(kind, 4)
    order: Literal["little", "big"] = "little" if kind in ("WEBP", "GIF") else "big"
    shift = {"JPEG": 2, "WEBP": 4, "GIF": 1}.get(kind, 0)
    for place in list(PARTS[kind](data))[:12]:
        for value in (0, 1, (1 << 8 * width - 1) - 1, (1 << 8 * width) - 1):
            start = place + shift
            changed = bytearray(data)
            changed[start : start + width] = value.to_bytes(width, order)
            yield f"length {value} at {start}", bytes(changed[: len(data)])


# Bombs


def png_bombs() -> Iterator[File]:
    yield "20000x20000", header(20_000, 20_000, 1, 0) + pressed(2501 * 20_000) + chunk(b"IEND", b"")
    yield "13000x13000", header(13_000, 13_000, 1, 0) + pressed(1626 * 13_000) + chunk(b"IEND", b"")
    yield "2^31 x 1", header(2**31 - 1, 1) + pressed(100) + chunk(b"IEND", b"")
    yield "no width", header(0, 5) + pressed(100) + chunk(b"IEND", b"")
    yield "more data than pixels", PNG[:33] + pressed(80_000_000) + chunk(b"IEND", b"")
    for kind, start in (
        (b"iCCP", b"k\0\0"),
        (b"zTXt", b"k\0\0"),
        (b"iTXt", b"k\0\1\0\0\0"),
    ):
        bomb = chunk(kind, start + zlib.compress(bytes(100_000_000)))
        yield f"{kind.decode()} of 100 MB", PNG[:33] + bomb + PNG[33:]
        yield f"{kind.decode()} of 100 MB behind", PNG[:-12] + bomb + PNG[-12:]
        many = chunk(kind, start + zlib.compress(bytes(1_000_000))) * 1000
        yield f"1000 {kind.decode()} of 1 MB", PNG[:33] + many + PNG[33:]
    yield "endless chunks", PNG[:33] + chunk(b"tEXt", b"k\0v") * 290_000 + PNG[33:]
    yield "many chunks", PNG[:33] + chunk(b"prVt", b"") * 59_000 + PNG[33:]
    control = struct.pack(">IIIIIHHBB", 0, 61, 37, 0, 0, 1, 1, 0, 0)
    yield "animation of 2^31 frames", PNG[:33] + chunk(b"acTL", b"\x7f\xff\xff\xff\0\0\0\0") + PNG[33:]
    yield "frames outside", PNG[:33] + chunk(b"fcTL", control.replace(b"\0\0\0\x3d", b"\x7f\xff\xff\xff")) + PNG[33:]
    yield "500 frames", animated("PNG", 500)


def pressed(length: int) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes(length), 9))


def jpeg_bombs() -> Iterator[File]:
    frame = JPEG.index(b"\xff\xc0") + 5
    yield "65500x65500", JPEG[:frame] + struct.pack(">HH", 65_500, 65_500) + JPEG[frame + 4 :]
    scans = saved(Image.new("RGB", (2000, 2000), "red"), "JPEG", progressive=True)
    last = scans[scans.rindex(b"\xff\xda") : -2]
    yield "2000 scans", scans[:-2] + last * 2000 + scans[-2:]
    yield "40 scans", scans[:-2] + last * 40 + scans[-2:]
    for name, start in (
        ("exif", b"\xe1\xff\xffExif\0\0"),
        ("photoshop", b"\xed\xff\xffPhotoshop 3.0\0"),
        ("icc", b"\xe2\xff\xffICC_PROFILE\0\1\xff"),
    ):
        segment = b"\xff" + start + b"8BIM\0\1\0\0\0\0\0\0" * 5461
        yield f"400 segments of {name}", JPEG[:2] + segment[:65_537].ljust(65_537) * 400 + JPEG[2:]
    yield "endless comments", JPEG[:2] + b"\xff\xfe\0\3a" * 290_000 + JPEG[2:]
    yield "endless markers", JPEG[:2] + b"\xff\x01" * 400_000 + JPEG[2:]
    yield "a collection that lies", JPEG[:2] + b"\xff\xe2\xff\xffMPF\0" + b"a" * 65_529 + JPEG[2:]
    yield "two frames", JPEG[:frame] + struct.pack(">HH", 8, 8) + JPEG[frame + 4 : -2] + JPEG[frame - 5 :]


def webp_bombs() -> Iterator[File]:
    extended = saved(noise(), "WEBP", xmp=b"<x/>")
    sides = extended.index(b"VP8X") + 12
    for side in (16_383, 8_001, 4_000):
        yield f"a canvas of {side}", extended[:sides] + struct.pack("<I", side)[:3] * 2 + extended[sides + 6 :]
    lossless = bytearray(saved(noise(), "WEBP", lossless=True))
    struct.pack_into("<I", lossless, 21, 16_383 | 16_383 << 14)
    yield "16384x16384", bytes(lossless)
    yield "300 frames", animated("WEBP", 300)
    body = WEBP[12:] + b"abcd\0\0\0\0" * 400_000
    yield "endless parts", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    body = extended[12:] + b"EXIF\0\0\x10\0" + bytes(1 << 20)
    yield "a second EXIF", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def gif_bombs() -> Iterator[File]:
    yield "a screen of 65535x65535", GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:]
    place = GIF.index(b"\x2c", 13 + 768) + 5
    yield "a frame beyond the screen", GIF[:place] + b"\xff\x3f\xff\x3f" + GIF[place + 4 :]
    yield "a frame far beyond the screen", GIF[:place] + b"\xff\xff\xff\xff" + GIF[place + 4 :]
    yield "500 frames", animated("GIF", 500)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 61, 37, 0) + b"\x08\x01\x00\x00"
    yield "30000 empty frames", GIF[:-1] + frame * 30_000 + b";"
    yield "endless comments", GIF[:781] + b"\x21\xfe\x01a\0" * 140_000 + GIF[781:]
    yield "a comment of 20 MB", GIF[:781] + b"\x21\xfe" + (b"\xff" + b"a" * 255) * 80_000 + b"\0" + GIF[781:]


def avif_bombs() -> Iterator[File]:
    place = AVIF.index(b"ispe") + 8
    for side in (30_000, 65_535, 2**31 - 1, 8_001, 3_000):
        yield f"{side}x{side}", AVIF[:place] + struct.pack(">II", side, side) + AVIF[place + 8 :]
    yield "20 frames", animated("AVIF", 20)
    yield "endless boxes", AVIF + b"\0\0\0\x08free" * 400_000
    located = AVIF.index(b"iloc") + 8
    for count in (2, 0xFFFF):
        yield f"{count} places", AVIF[: located + 2] + struct.pack(">H", count) + AVIF[located + 4 :]
        extents = located + 4 + 4
        yield f"{count} extents", AVIF[:extents] + struct.pack(">H", count) + AVIF[extents + 2 :]


# Something else


def polyglots(kind: str) -> Iterator[File]:
    """Two kinds of file in one: what a browser, an unpacker or a script engine might make of it is not our affair."""
    data, packed = GOOD[kind], io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("evil.html", PAGE)
    yield "a page", PAGE
    yield "a page behind the first bytes", data[:16] + PAGE
    yield "a page behind", data + PAGE
    yield "a page before", PAGE + data
    yield "an archive behind", data + packed.getvalue()
    yield "an archive before", packed.getvalue() + data
    yield "another picture behind", data + GOOD["GIF" if kind != "GIF" else "PNG"]
    yield (
        "a script in its head",
        {
            "GIF": b"GIF89a=1;/*" + data[11:] + b"*/alert(1)",
            "JPEG": data[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(PAGE)) + PAGE + data[2:],
            "PNG": data[:33] + chunk(b"tEXt", b"k\0" + PAGE) + data[33:],
        }.get(kind, data[:8] + PAGE + data[8:]),
    )
    yield "a vector picture behind", data + b"<svg width='1' height='1'></svg>"


def others() -> Iterator[File]:
    """What is no picture of ours at all, though Pillow may know it."""
    for kind in ("TIFF", "BMP", "ICO", "PPM", "TGA", "PCX", "EPS", "PDF", "DDS", "JPEG2000"):
        yield kind, saved(noise(), kind)
    yield "PSD", b"8BPS\0\1" + bytes(6) + b"\0\3" + struct.pack(">II", 30_000, 30_000) + b"\0\x08\0\3" + bytes(100)
    yield "FITS", b"SIMPLE  =                    T".ljust(2880)
    yield "nothing", b""
    yield "zeros", bytes(1000)
    yield (
        "svg of entities",
        b"<!DOCTYPE svg [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><svg width='1' height='1'>&b;</svg>",
    )
    yield "svg that never ends", b"<svg " + b"a='" * 200_000
    yield "svg as deep as it goes", b"<svg width='1' height='1'>" + b"<g>" * 100_000 + b"</svg>"


BOMBS: dict[str, Callable[[], Iterator[File]]] = {
    "PNG": png_bombs,
    "JPEG": jpeg_bombs,
    "WEBP": webp_bombs,
    "GIF": gif_bombs,
    "AVIF": avif_bombs,
}


def corpus() -> Iterator[tuple[str, str, bytes]]:
    """Kind, name and bytes of every file."""
    for kind in KINDS:
        for made in (truncations(kind), mutations(kind), lengths_that_lie(kind), BOMBS[kind](), polyglots(kind)):
            yield from ((kind, name, data) for name, data in made)
    yield from (("other", name, data) for name, data in others())


def look(kind: str, data: bytes) -> tuple[list[str], float]:
    """Show one file to everything that reads pictures: what escaped as another error than ours, the slowest's time."""
    from imagegen import pictures
    from imagegen.types.inputs import ImageInput

    media_type, view = MEDIA_TYPES.get(kind, "image/png"), memoryview(data)
    escaped, slowest = [], 0.0
    for way in (
        lambda: pictures.read_facts(view),
        lambda: pictures.full_check(view, media_type),
        lambda: pictures.orientation(view, media_type),
        lambda: ImageInput(data).facts,
        lambda: ImageInput(data).upright(),
        lambda: ImageInput(data).pil(),
    ):
        began = time.process_time()
        try:
            way()
        except ValueError:
            pass
        except BaseException as error:
            escaped.append(f"{type(error).__name__}: {error}")
        slowest = max(slowest, time.process_time() - began)
    return escaped, slowest


def main() -> None:
    """Look at everything, in this one process."""
    counts: dict[str, int] = {}
    escaped: dict[str, list[str]] = {}
    slowest, before = (0.0, ""), peak_mb()
    for kind, name, data in corpus():
        counts[kind] = counts.get(kind, 0) + 1
        found, took_s = look(kind, data)
        if found:
            escaped[f"{kind} {name}"] = found
        slowest = max(slowest, (took_s, f"{kind} {name}"))
    print(json.dumps({"counts": counts, "escaped": escaped, "slowest": slowest, "mb": peak_mb() - before}))


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
