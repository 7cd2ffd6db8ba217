"""Pictures that a fake answers with, whole or spoilt, and where they stand in an answer's body."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image

SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"<svg", b"<?xml")
_SHORTEST = 64
_DATA_URL = re.compile(r"data:[\w/+.-]+;base64,")


def picture(width: int = 64, height: int = 64, colour: str = "red", output_format: str = "PNG") -> bytes:
    """A whole picture of one colour."""
    return encoded(Image.new("RGB", (width, height), colour), output_format)


def encoded(drawn: Image.Image, output_format: str = "PNG") -> bytes:
    """``drawn`` as a file."""
    file = io.BytesIO()
    drawn.save(file, output_format)
    return file.getvalue()


def halves(width: int = 512, height: int = 384) -> Image.Image:
    """A picture to edit: dark on the left, light on the right, so that a shift or a flip shows."""
    drawn = Image.new("RGB", (width, height), (40, 60, 90))
    drawn.paste((220, 210, 190), (width // 2, 0, width, height))
    return drawn


def corner_mask(width: int = 512, height: int = 384) -> Image.Image:
    """White, which repaints, in the upper left quarter less a strip: no flip or turn leaves it as it is."""
    drawn = Image.new("L", (width, height), 0)
    drawn.paste(255, (width // 16, 0, width // 2, height // 4))
    return drawn


def truncated(data: bytes) -> bytes:
    """A picture whose second half is missing."""
    return data[: len(data) // 2]


def huge() -> bytes:
    """A few bytes that say they are 100,000 by 100,000 pixels."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return SIGNATURES[0] + b"".join(chunks)


def pictures_in(body: bytes) -> list[bytes]:
    """Every picture of an answer: the body itself, or base64 in its JSON."""
    if is_picture(body):
        return [body]
    try:
        return [found for text in _texts(json.loads(body)) if (found := _decoded(text)) is not None]
    except ValueError:
        return []


def with_pictures(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The same answer with every picture changed."""
    if is_picture(body):
        return change(body)

    def changed(text: str) -> str:
        found = _decoded(text)
        head = _DATA_URL.match(text)
        return text if found is None else (head[0] if head else "") + base64.b64encode(change(found)).decode()

    return _mapped(body, lambda value: changed(value) if isinstance(value, str) else value)


def with_unknown_members(body: bytes) -> bytes:
    """The same JSON with a member in every object that no documentation names; anything else as it is."""
    return _mapped(body, lambda value: {**value, "x_new_member": {"a": [1]}} if isinstance(value, dict) else value)


def with_text(body: bytes, change: Callable[[str, str], str]) -> bytes:
    """The same JSON with each text member replaced by what ``change(name, text)`` gives."""
    return _mapped(
        body,
        lambda value: (
            {name: change(name, each) if isinstance(each, str) else each for name, each in value.items()}
            if isinstance(value, dict)
            else value
        ),
    )


def _mapped(body: bytes, change: Callable[[Any], Any]) -> bytes:
    def walked(value: Any) -> Any:
        if isinstance(value, dict):
            value = {name: walked(each) for name, each in value.items()}
        elif isinstance(value, list):
            value = [walked(each) for each in value]
        return change(value)

    try:
        return json.dumps(walked(json.loads(body))).encode()
    except ValueError:
        return body


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _decoded(text: str) -> bytes | None:
    if len(text) < _SHORTEST:
        return None
    try:
        found = base64.b64decode("".join(_DATA_URL.sub("", text, count=1).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if is_picture(found) else None


def is_picture(data: bytes) -> bool:
    """Whether it begins as a picture does."""
    return data.startswith(SIGNATURES) or data[4:8] == b"ftyp"
