"""Pictures that a caller hands in: path, bytes, PIL image, data URL or https URL, made one immutable thing."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler


class ImageInput:
    """One input picture. Its bytes are read only when they are needed; its digest on first use.

    Accepts a path (text or `Path`), bytes, a PIL image, a ``data:`` URL or an ``https://`` URL.
    """

    __slots__ = ("_data", "_digest", "path", "url")

    def __init__(self, source: Any) -> None:
        self.path: Path | None = None
        """Where the bytes are, for a picture on disk."""
        self.url: str | None = None
        """Where the provider or the core fetches it, for a picture on the web."""
        self._data: bytes | None = None
        self._digest: str | None = None
        if isinstance(source, (bytes, bytearray, memoryview)):
            self._data = bytes(source)
        elif isinstance(source, str) and source.startswith("data:"):
            self._data = base64.b64decode(source.partition(",")[2], validate=True)
        elif isinstance(source, str) and source.startswith(("https://", "http://")):
            self.url = source
        elif isinstance(source, (str, Path)):
            self.path = Path(source)
            if not self.path.is_file():
                raise ValueError(f"no such picture: {self.path}")
        elif hasattr(source, "save") and hasattr(source, "mode"):
            buffer = io.BytesIO()
            source.save(buffer, format="PNG")
            self._data = buffer.getvalue()
        else:
            raise ValueError(f"not a picture: {type(source).__name__}")

    @classmethod
    def of(cls, source: Any) -> Self:
        return source if isinstance(source, cls) else cls(source)

    def read(self) -> bytes:
        """The picture's bytes. A URL has none here."""
        if self._data is not None:
            return self._data
        if self.path is None:
            raise ValueError("a URL is fetched by whoever sends it")
        return self.path.read_bytes()

    @property
    def digest(self) -> str:
        """``sha256:`` of the content; a URL as its text."""
        if self.url is not None:
            return self.url
        if self._digest is None:
            self._digest = "sha256:" + hashlib.sha256(self.read()).hexdigest()
        return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ImageInput) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"ImageInput({self.path or self.url or 'memory'})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.of)
