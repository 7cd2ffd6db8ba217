"""The one place where pictures are decoded, behind a fence."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from imagegen.pictures.facts import FORMATS, MAX_BYTES, MAX_PIXELS
from imagegen.pictures.reading import read_facts

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_ORIENTATION = 0x0112  # EXIF tag


def decode(view: memoryview, media_type: str, *, suffices_px: int | None = None) -> Image:
    """The picture, decoded whole by the one decoder of its type; of an animation or a collection the first picture.

    Args:
        suffices_px: Where each side needs no more than this, a JPEG is decoded at a half, a quarter or an eighth.

    Raises:
        ValueError: Not a readable raster picture of this type, or one of more than 64 megapixels or 50 MB.
    """
    _check(view, media_type)
    try:
        image = _opened(view, media_type)
        _check_area(*image.size)
        if suffices_px is not None:
            image.draft(None, (suffices_px, suffices_px))
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


def orientation(view: memoryview, media_type: str) -> int:
    """How EXIF says the picture is turned: 1 upright, 2 to 8 turned or mirrored. 1 where nothing says.

    Raises:
        ValueError: As `decode`.
    """
    if media_type not in ("image/jpeg", "image/png", "image/webp"):
        return 1
    _check(view, media_type)
    from PIL import Image

    try:
        with _opened(view, media_type) as image:
            found = Image.Image.getexif(image).get(_ORIENTATION, 1)  # a PNG's own would decode the whole picture
    except Exception as error:  # the fence: decoders raise anything
        raise ValueError(f"not a readable {FORMATS[media_type]} picture: {error}") from error
    return found if found in range(1, 9) else 1


def _check(view: memoryview, media_type: str) -> None:
    """Before any decoder sees a byte: what the header says, and whether the container is whole.

    Pillow's own guard only warns, and from 89 megapixels on; a warning is no error in a thread without making it one
    in all. So nothing that could set it off comes so far.
    """
    if len(view) > MAX_BYTES:
        raise ValueError(f"a picture of {len(view):,} bytes, more than {MAX_BYTES // 10**6} MB")
    facts = read_facts(view)
    if facts.media_type != media_type or facts.width is None or facts.height is None or media_type == "image/svg+xml":
        raise ValueError(f"cannot decode {facts.media_type} as {media_type}")
    _check_area(facts.width, facts.height)
    if not facts.whole:
        raise ValueError(f"not a readable {FORMATS[media_type]} picture: cut short, or of too many parts")


def _check_area(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} is more than {MAX_PIXELS // 10**6} megapixels")


def _opened(view: memoryview, media_type: str) -> ImageFile:
    """By the one decoder of its type. Phones put several pictures into one JPEG (MPO): it is read as the first."""
    from PIL import Image, JpegImagePlugin

    file = io.BufferedReader(_View(view))
    if media_type == "image/jpeg":
        return JpegImagePlugin.JpegImageFile(file)
    return Image.open(file, formats=[FORMATS[media_type].upper()])


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
