"""What the bytes are: type, size, alpha, and whether the container is whole.

`read_facts` trusts nothing but the bytes, decodes nothing, and walks each container from part to part to its end, in
constant memory. `decode` alone decodes, behind a fence. Formats: PNG 3rd edition, ITU T.81, RFC 9649 (WebP), GIF89a,
SVG 1.1, ISO/IEC 14496-12 and AV1 Image File Format 1.1.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import struct
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed import WriteableBuffer
    from PIL.Image import Image

FORMATS = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/svg+xml": "svg",
    "image/avif": "avif",
}
"""Media type to what a request calls the format."""
SUFFIXES = {media_type: f".{name}" for media_type, name in FORMATS.items()} | {"image/jpeg": ".jpg"}
MAX_PIXELS = 64_000_000

_MAX_PARTS = 300_000
"""Parts of a container that are looked at: a GIF of 50 MB has 200,000, a hostile file could have millions."""
_OUTSIDE = (struct.error, IndexError)

_ORIENTATION = 0x0112  # EXIF tag


class NotAPictureError(ValueError):
    """The bytes are no picture of a type we know, or are cut before they say their size."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture's bytes say of it."""

    media_type: str
    width: int | None
    """Pixels; None for a vector picture without a stated size."""
    height: int | None
    has_alpha: bool
    whole: bool
    """Whether the container goes on to its proper end; what follows the end does not matter."""


def read_facts(view: memoryview) -> Facts:
    """Type, size, alpha and wholeness of a picture, from its bytes alone.

    Raises:
        NotAPictureError: It is none.
    """
    start = bytes(view[:16])
    try:
        facts = next((read(view) for fits, read in _READERS if fits(start)), None) or _svg(view)
    except _OUTSIDE:
        raise NotAPictureError("cut in its first bytes") from None
    if facts.width == 0 or facts.height == 0:
        raise NotAPictureError("a picture without area")
    return facts


def decode(view: memoryview, media_type: str) -> Image:
    """The picture, decoded whole by the one decoder of its type.

    Raises:
        ValueError: Not a readable raster picture of this type, or one of more than 64 megapixels.
    """
    from PIL import Image

    facts = read_facts(view)
    if facts.media_type != media_type or facts.width is None or facts.height is None or media_type == "image/svg+xml":
        raise ValueError(f"cannot decode {facts.media_type} as {media_type}")
    _check_area(facts.width, facts.height)
    try:
        image = Image.open(_reader(view), formats=[FORMATS[media_type].upper()])
        _check_area(*image.size)
        image.load()
    except Exception as error:  # the fence: decoders raise anything
        raise ValueError(f"not a readable {FORMATS[media_type]} picture: {error}") from error
    return image


def full_check(view: memoryview, media_type: str) -> None:
    """Decode the picture and drop it.

    Raises:
        ValueError: It cannot be decoded.
    """
    decode(view, media_type).close()


class _View(io.RawIOBase):
    """A memoryview as a file, without a copy of it."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._view)}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        piece = self._view[self._position : self._position + len(target)]
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)


def _reader(view: memoryview) -> io.BufferedReader:
    return io.BufferedReader(_View(view))


def orientation(view: memoryview, media_type: str) -> int:
    """How EXIF says the picture is turned: 1 upright, 2 to 8 turned or mirrored. 1 where nothing says."""
    if media_type not in ("image/jpeg", "image/png", "image/webp"):
        return 1
    from PIL import Image

    try:
        with Image.open(_reader(view), formats=[FORMATS[media_type].upper()]) as image:
            found = Image.Image.getexif(image).get(_ORIENTATION, 1)  # a PNG's own would decode the whole picture
    except Exception as error:  # the fence: decoders raise anything
        raise ValueError(f"not a readable {FORMATS[media_type]} picture: {error}") from error
    return found if found in range(1, 9) else 1


def _check_area(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} is more than {MAX_PIXELS // 10**6} megapixels")


def _png(view: memoryview) -> Facts:
    header, width, height, _, colour = struct.unpack_from(">4sIIBB", view, 12)
    if header != b"IHDR":
        raise NotAPictureError("a PNG without a header")
    has_alpha, has_data, whole = colour in (4, 6), False, False
    for kind in islice(_png_chunks(view), _MAX_PARTS):
        has_alpha |= kind == b"tRNS"
        has_data |= kind == b"IDAT"
        whole = kind == b"IEND" and has_data
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
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg(view: memoryview) -> Facts:
    height = width = 0
    has_scan = whole = False
    with contextlib.suppress(*_OUTSIDE):
        for marker, position in islice(_jpeg_segments(view), _MAX_PARTS):
            if marker in _JPEG_FRAMES and not width:
                height, width = struct.unpack_from(">HH", view, position + 5)
            has_scan |= marker == _JPEG_SCAN
            whole = marker == _JPEG_END and has_scan
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
        for kind, position in islice(_gif_blocks(view), _MAX_PARTS):
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


_SVG_ROOT = re.compile(
    rb"(?s)(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>)*+"
    rb"<(?:[\w.-]+:)?svg(?=[\s/>])((?>[^>\"']+|\"[^\"]*\"|'[^']*')*)>"
)
_SVG_END = re.compile(rb"(?s)</(?:[\w.-]+:)?svg\s*>\s*(?>\s+|<!--.*?-->)*\Z")
_SVG_NUMBER = rb"(\d{1,6}(?:\.\d*)?|\.\d+)"
_SVG_SIDE = rb"(?<![\w:.-])%b\s*+=\s*+[\"']\s*+" + _SVG_NUMBER + rb"(?:px)?\s*+[\"']"
_SVG_BOX = rb"\bviewBox\s*+=\s*+[\"']\s*+(?:[^\s,\"']++[\s,]++){2}%b[\s,]++%b\s*+[\"']" % (_SVG_NUMBER, _SVG_NUMBER)


def _svg(view: memoryview) -> Facts:
    """A text whose root is ``svg``. Nothing in it is parsed, expanded or fetched."""
    found = _SVG_ROOT.match(bytes(view[:65_536]))
    if found is None:
        raise NotAPictureError("no picture of a type we know")
    root = found[1]
    width, height = (re.search(_SVG_SIDE % side, root) for side in (b"width", b"height"))
    box = re.search(_SVG_BOX, root)
    numbers = (width[1], height[1]) if width and height else (box[1], box[2]) if box else None
    whole = root.endswith(b"/") or _SVG_END.search(bytes(view[-4096:])) is not None
    size: tuple[int | None, int | None] = (None, None)
    if numbers:
        size = (round(float(numbers[0])), round(float(numbers[1])))
    return Facts("image/svg+xml", size[0], size[1], has_alpha=True, whole=whole)


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[memoryview], Facts]], ...] = (
    (lambda start: start.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda start: start.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP", _webp),
    (lambda start: start[:6] in (b"GIF87a", b"GIF89a"), _gif),
    (lambda start: start[4:8] == b"ftyp", _avif),
)
