"""A picture's bytes on their way in: decoded already, or still behind a URL."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from imagegen.files import is_temporary

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema, core_schema

TICKETS = "imagegen.tickets"
"""Where `Reply.parse` hands the splitter's tickets to pydantic's validation context."""


class Tickets(Protocol):
    """What the splitter took out of a JSON text and left a ticket for."""

    def claim(self, ticket: str) -> PictureData | None:
        """The picture behind ``ticket``; None if the text is no ticket."""


class PictureData:
    """The bytes of one picture as they came, in memory or in a file; never re-encoded.

    Declared as a field of a wire model, it takes what the splitter has already decoded out of the JSON.
    """

    __slots__ = ("_memory", "path", "size_bytes")

    def __init__(self, data: bytes | None = None, *, path: Path | None = None, size_bytes: int | None = None) -> None:
        if (data is None) == (path is None):
            raise ValueError("a picture is in memory or in a file")
        self._memory = data
        self.path = path
        """The file that holds the picture; None while it is in memory."""
        self.size_bytes = len(data) if data is not None else size_bytes if size_bytes is not None else _size(path)

    def read(self) -> bytes:
        """All bytes. In memory: the very object, not a copy."""
        if self._memory is not None:
            return self._memory
        assert self.path is not None
        return self.path.read_bytes()

    def view(self) -> memoryview:
        """The bytes for random access, without reading a file whole."""
        if self._memory is not None:
            return memoryview(self._memory)
        assert self.path is not None
        if not self.size_bytes:
            return memoryview(b"")
        with self.path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def discard(self) -> None:
        """Remove the temporary file of a picture that nobody will use; a file that has its name is the caller's."""
        if self.path is not None and is_temporary(self.path):
            self.path.unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"PictureData({self.path or 'memory'}, {self.size_bytes} bytes)"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.with_info_plain_validator_function(_claimed)


def _claimed(value: Any, info: core_schema.ValidationInfo) -> PictureData:
    """The picture that stood where this text stands now. Short base64 the splitter left alone is decoded here."""
    import base64
    import binascii

    if isinstance(value, PictureData):
        return value
    if not isinstance(value, str):
        raise ValueError("not a picture")
    tickets: Tickets | None = (info.context or {}).get(TICKETS)
    if tickets is not None and (picture := tickets.claim(value)) is not None:
        return picture
    text = value.partition(",")[2] if value.startswith("data:") else value
    text = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return PictureData(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except binascii.Error:
        raise ValueError("not base64") from None


def _size(path: Path | None) -> int:
    assert path is not None
    return path.stat().st_size


@dataclass(frozen=True, slots=True)
class ImageUrl:
    """A picture behind a URL that a reply named. Untrusted: fetched through the guard, never with a key."""

    url: str
    media_type: str | None = None
    """What the provider says it is; the bytes decide."""
