"""Pictures that a caller hands in: path, bytes, PIL image, data URL or https URL, made one immutable thing."""

from __future__ import annotations

import base64
import hashlib
import io
import mimetypes
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from pydantic_core import core_schema

from imagegen import pictures
from imagegen.secrets import clean
from imagegen.types.picture import PictureData

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from pydantic import GetCoreSchemaHandler

    from imagegen.pictures import Facts

_DIGEST_PIECE = 1 << 20


class ImageInput:
    """One input picture. Its bytes are read only when they are needed, and never copied whole.

    Accepts a path (text or `Path`), bytes, a PIL image, a ``data:`` URL or an ``https://`` URL.
    """

    def __init__(self, source: Any) -> None:
        self.url: str | None = None
        """Where the provider fetches it, for a picture on the web; everything else is unknown then."""
        self._content: PictureData | None = None
        if isinstance(source, str) and source[:8].lower().startswith(("https://", "http://")):
            self.url = source
        else:
            self._content = _content(source)

    @classmethod
    def of(cls, source: Any) -> Self:
        return source if isinstance(source, cls) else cls(source)

    @property
    def path(self) -> Path | None:
        """The file, for a picture on disk."""
        return self._content.path if self._content else None

    @property
    def size_bytes(self) -> int:
        """How many bytes the file has."""
        return self._local.size_bytes

    @property
    def _local(self) -> PictureData:
        if self._content is None:
            raise ValueError("a picture behind a URL is fetched by the provider: its bytes are not here")
        return self._content

    def read(self) -> bytes:
        """All bytes."""
        return self._local.read()

    def view(self) -> memoryview:
        """The bytes for random access, without reading a file whole."""
        return self._local.view()

    def open(self) -> IO[bytes]:
        """The bytes as a stream, to be closed by the caller."""
        return self.path.open("rb") if self.path else io.BytesIO(self.read())

    @cached_property
    def facts(self) -> Facts:
        """Media type, size and alpha, from the bytes.

        Raises:
            ValueError: It is not a picture.
        """
        return pictures.read_facts(self.view())

    @property
    def media_type(self) -> str:
        """From the bytes; for a URL by its ending."""
        if self.url is not None:
            return mimetypes.guess_type(self.url.partition("?")[0])[0] or "image/png"
        return self.facts.media_type

    @property
    def filename(self) -> str:
        """A name for a multipart part: the file's own, else ``image`` with the suffix of its type."""
        return self.path.name if self.path else f"image{pictures.SUFFIXES.get(self.media_type, '')}"

    def data_url(self) -> str:
        """The picture as a ``data:`` URL, or the URL where it is behind one."""
        return self.url if self.url is not None else f"data:{self.media_type};base64,{self.base64()}"

    def base64(self) -> str:
        """The bytes as base64, without a head."""
        import pybase64

        return pybase64.b64encode(self._local.view()).decode()

    def pil(self) -> PILImage:
        """The decoded picture, upright whatever its EXIF orientation says.

        Raises:
            ValueError: It cannot be decoded, or has more than 64 megapixels.
        """
        from PIL import ImageOps

        return ImageOps.exif_transpose(pictures.decode(self.view(), self.media_type))

    def upright(self) -> ImageInput:
        """Itself; where its EXIF orientation turns it, a PNG that is turned already: no provider must know of EXIF."""
        if self.url is not None or pictures.orientation(self.view(), self.media_type) == 1:
            return self
        return ImageInput(self.pil())

    @property
    def digest(self) -> str:
        """``sha256:`` of the content; a URL as its text."""
        return self.url if self.url is not None else self._sha256

    @cached_property
    def _sha256(self) -> str:
        found, view = hashlib.sha256(), self.view()
        for start in range(0, len(view), _DIGEST_PIECE):
            found.update(view[start : start + _DIGEST_PIECE])
        return f"sha256:{found.hexdigest()}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ImageInput) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"ImageInput({self.path or self.url or f'{self.size_bytes} bytes'})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.of)


def _content(source: Any) -> PictureData:
    """The bytes, or where they are; no more of them than a picture may have."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        _check_size(memoryview(source).nbytes)
        return PictureData(bytes(source))
    if isinstance(source, str) and source[:5].lower() == "data:":
        return PictureData(_decoded(source))
    if isinstance(source, (str, Path)):
        return _file(source)
    if hasattr(source, "save") and hasattr(source, "mode"):
        buffer = io.BytesIO()
        source.save(buffer, format="PNG")
        return PictureData(buffer.getvalue())
    raise ValueError(f"not a picture: {type(source).__name__}")


def _file(source: str | Path) -> PictureData:
    try:
        found = Path(source).is_file()
    except OSError:  # a name that no file can have: somebody passed the picture itself as text
        found = False
    if not found:
        raise ValueError(f"no such picture: {clean(str(source))[:200]}")
    content = PictureData(path=Path(source))
    _check_size(content.size_bytes)
    return content


def _decoded(data_url: str) -> bytes:
    head, _, text = data_url.partition(",")
    if not head.lower().endswith(";base64"):
        raise ValueError("a data URL of a picture is base64")
    _check_size(len(text) * 3 // 4 - 2)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("a data URL whose data is no base64") from None


def _check_size(size_bytes: int) -> None:
    if size_bytes > pictures.MAX_BYTES:
        raise ValueError(f"a picture of {size_bytes:,} bytes; at most {pictures.MAX_BYTES:,} are taken")
