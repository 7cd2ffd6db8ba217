"""Walks each container from part to part to its end, in constant memory, and decodes nothing.

Formats: PNG 3rd edition, ITU T.81, RFC 9649 (WebP), GIF89a, ISO/IEC 14496-12 and AV1 Image File Format 1.1.
"""

from __future__ import annotations

import contextlib
import math
import re
import struct
from itertools import islice
from typing import TYPE_CHECKING

from imagegen.pictures.facts import Facts, NotAPictureError
from imagegen.pictures.vectors import read_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MAX_PARTS = 60_000
"""Parts of a container that are looked at; 50 MB in pieces of 1 KB are 50,000. Decoders take up to 10 us for each."""
_MAX_BLOCKS = 300_000
"""The same of a GIF, which at 50 MB has 200,000."""
_MAX_SCANS = 50
"""Of a JPEG; encoders make 10. Each scan walks the whole area again, and may cost its author no more than 30 bytes."""
_MAX_NOTES = 64
"""Segments of EXIF and of Photoshop in a JPEG: decoders put them together slowly."""
_OUTSIDE = (struct.error, IndexError)


def read_facts(view: memoryview) -> Facts:
    """Type, size, alpha and wholeness of a picture, from its bytes alone.

    Raises:
        NotAPictureError: It is none.
    """
    start = bytes(view[:16])
    try:
        facts = next((read(view) for fits, read in _READERS if fits(start)), None) or read_svg(view)
    except _OUTSIDE:
        raise NotAPictureError("cut in its first bytes") from None
    if facts.width == 0 or facts.height == 0:
        raise NotAPictureError("a picture without area")
    return facts


def _png(view: memoryview) -> Facts:
    header, width, height, _, colour = struct.unpack_from(">4sIIBB", view, 12)
    if header != b"IHDR":
        raise NotAPictureError("a PNG without a header")
    has_alpha, has_data, whole, profiles = colour in (4, 6), False, False, 0
    for kind in islice(_png_chunks(view), _MAX_PARTS):
        has_alpha |= kind == b"tRNS"
        has_data |= kind == b"IDAT"
        profiles += kind == b"iCCP"  # a decoder inflates every one
        whole = kind == b"IEND" and has_data and profiles <= 1
    return Facts("image/png", width, height, has_alpha, whole)


def _png_chunks(view: memoryview) -> Iterator[bytes]:
    """The kind of every chunk that is there whole, up to the last one."""
    position, kind = 8, b""
    while position + 12 <= len(view) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", view, position)
        position += 12 + length
        if position <= len(view):
            yield kind


_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_JPEG_NOTES = frozenset({0xE1, 0xED})
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg(view: memoryview) -> Facts:
    height = width = scans = notes = 0
    whole = False
    with contextlib.suppress(*_OUTSIDE):
        for marker, position in islice(_jpeg_segments(view), _MAX_PARTS):
            if marker in _JPEG_FRAMES and not width:
                height, width = struct.unpack_from(">HH", view, position + 5)
            scans += marker == _JPEG_SCAN
            notes += marker in _JPEG_NOTES and view[position + 4] in b"EP"  # other notes of these kinds are left alone
            whole = marker == _JPEG_END and 0 < scans <= _MAX_SCANS and notes <= _MAX_NOTES
    return Facts("image/jpeg", width, height, has_alpha=False, whole=whole)


def _jpeg_segments(view: memoryview) -> Iterator[tuple[int, int]]:
    """Every marker and where it stands, up to the end of the first picture; several may follow each other."""
    position = 2
    while found := _JPEG_MARKER.search(view, position):
        marker, position = view[found.start() + 1], found.start()
        yield marker, position
        if marker == _JPEG_END:
            return
        position += 2 if marker in _JPEG_ALONE else 2 + struct.unpack_from(">H", view, position + 2)[0]


def _webp(view: memoryview) -> Facts:
    width, height, has_alpha = _webp_header(view)
    end = 8 + struct.unpack_from("<I", view, 4)[0]
    position, has_data = 12, False
    for _ in range(_MAX_PARTS):
        if position + 8 > min(end, len(view)):
            break
        kind, length = struct.unpack_from("<4sI", view, position)
        has_data |= kind in (b"VP8 ", b"VP8L", b"ANMF")
        position += 8 + length + length % 2
    whole = has_data and end <= len(view) and end <= position <= end + 1
    return Facts("image/webp", width, height, has_alpha, whole)


def _webp_header(view: memoryview) -> tuple[int, int, bool]:
    kind = bytes(view[12:16])
    if kind == b"VP8X":
        flags, low_width, high_width, low_height, high_height = struct.unpack_from("<B3xHBHB", view, 20)
        return 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16), bool(flags & 0x10)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", view, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), bool(bits >> 28 & 1)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", view, 26)
        return width & 0x3FFF, height & 0x3FFF, False
    raise NotAPictureError("a WebP without a picture")


_GIF_IMAGE, _GIF_EXTENSION, _GIF_END, _GIF_DATA = 0x2C, 0x21, 0x3B, 0x00
_GIF_CONTROL = 0xF9


def _gif(view: memoryview) -> Facts:
    width, height = struct.unpack_from("<HH", view, 6)
    has_alpha = has_image = whole = False
    with contextlib.suppress(*_OUTSIDE):
        for kind, position in islice(_gif_blocks(view), _MAX_BLOCKS):
            if kind == _GIF_EXTENSION and view[position + 1] == _GIF_CONTROL:
                has_alpha |= bool(view[position + 3] & 1)
            has_image |= kind == _GIF_IMAGE
            whole = kind == _GIF_END and has_image
    return Facts("image/gif", width, height, has_alpha, whole)


def _gif_blocks(view: memoryview) -> Iterator[tuple[int, int]]:
    """Every block and sub-block and where it stands, up to the trailer."""
    position = 13 + _gif_table_bytes(view[10])
    while (kind := view[position]) in (_GIF_IMAGE, _GIF_EXTENSION):
        yield kind, position
        position += 11 + _gif_table_bytes(view[position + 9]) if kind == _GIF_IMAGE else 2
        while length := view[position]:
            yield _GIF_DATA, position
            position += 1 + length
        position += 1
    yield kind, position


def _gif_table_bytes(flags: int) -> int:
    """The length of the colour table that the flags announce."""
    return 3 << 1 + (flags & 7) if flags & 0x80 else 0


def _avif(view: memoryview) -> Facts:
    brands = bytes(view[8 : min(struct.unpack_from(">I", view)[0], 4096)])
    if b"avif" not in brands and b"avis" not in brands:
        raise NotAPictureError("no AVIF, but a relative")
    has_data, end, metas = False, 0, []
    for kind, start, end in _boxes(view, 0, len(view)):
        has_data |= kind == b"mdat"
        if kind == b"meta":
            metas.append((start + 4, end))
    properties = _inside(view, b"ipco", _inside(view, b"iprp", metas))
    width = height = 0
    has_alpha = False
    for kind, start, stop in (each for parent in properties for each in _boxes(view, *parent)):
        if kind == b"ispe":  # of the picture, its thumbnail, its tiles
            width, height = max((width, height), struct.unpack_from(">II", view, start + 4), key=math.prod)
        has_alpha |= kind == b"auxC" and _AVIF_ALPHA.search(view[start:stop]) is not None
    return Facts("image/avif", width, height, has_alpha, has_data and end <= len(view))


_AVIF_ALPHA = re.compile(rb"auxiliary:alpha|auxid:1\0")


def _inside(view: memoryview, wanted: bytes, parents: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for parent in parents:
        for kind, start, end in _boxes(view, *parent):
            if kind == wanted:
                yield start, min(end, parent[1])


def _boxes(view: memoryview, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of every box; the last may end outside."""
    for _ in range(_MAX_PARTS):
        if start + 8 > min(end, len(view)):
            return
        length, kind = struct.unpack_from(">I4s", view, start)
        header = 8
        if length == 1:
            (length,), header = struct.unpack_from(">Q", view, start + 8), 16
        stop = end if length == 0 else start + max(length, header)
        yield kind, start + header, stop
        start = stop


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[memoryview], Facts]], ...] = (
    (lambda start: start.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda start: start.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP", _webp),
    (lambda start: start[:6] in (b"GIF87a", b"GIF89a"), _gif),
    (lambda start: start[4:8] == b"ftyp", _avif),
)
