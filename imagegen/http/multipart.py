"""A multipart body that is streamed: its length is known before, and no picture is copied whole."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from imagegen.types.inputs import ImageInput

_PIECE = 256 * 1024


class MultipartBody(httpx2.AsyncByteStream):
    """Form fields first, then files, as every server reads it. Format: RFC 7578."""

    def __init__(self, form: Mapping[str, str], files: tuple[tuple[str, ImageInput], ...]) -> None:
        self._boundary = secrets.token_hex(16)
        self._fields = b"".join(self._head(name) + value.encode() + b"\r\n" for name, value in form.items())
        self._files = [(self._file_head(name, picture), picture) for name, picture in files]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """Content type and length."""
        files = sum(len(head) + picture.size_bytes + 2 for head, picture in self._files)
        return {
            "content-type": f"multipart/form-data; boundary={self._boundary}",
            "content-length": str(len(self._fields) + files + len(self._end)),
        }

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._fields:
            yield self._fields
        for head, picture in self._files:
            yield head
            with picture.open() as file:
                while piece := file.read(_PIECE):
                    yield piece
            yield b"\r\n"
        yield self._end

    def _head(self, name: str, more: str = "") -> bytes:
        disposition = f'form-data; name="{_quoted(name)}"{more}'
        return f"--{self._boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()

    def _file_head(self, name: str, picture: ImageInput) -> bytes:
        head = self._head(name, f'; filename="{_quoted(picture.filename)}"')
        return head[:-2] + f"Content-Type: {picture.media_type}\r\n\r\n".encode()


def _quoted(text: str) -> str:
    """A name for a header: what could end it is percent-encoded, as browsers do; what is no text is replaced."""
    readable = text.encode("utf-8", "replace").decode()
    return readable.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
