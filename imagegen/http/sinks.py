"""Where a picture's bytes go as they arrive: to memory, or straight to a file."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from imagegen.files import open_temporary
from imagegen.pictures import MAX_BYTES
from imagegen.types.picture import PictureData

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_RESERVE = 4 << 20
_log = logging.getLogger("imagegen.sinks")


class PictureTooLargeError(ValueError):
    """A picture of more bytes than a picture may have."""


class Sink(Protocol):
    """Takes one picture piece by piece."""

    def write(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes.

        Raises:
            PictureTooLargeError: There are too many.
        """
        ...

    def finish(self) -> PictureData:
        """The picture, now that its last byte is there."""
        ...

    def abort(self) -> None:
        """Forget everything."""
        ...


SinkFactory: TypeAlias = Callable[[int | None], Sink]
"""Makes a sink for a picture of about so many bytes; None where nobody knows."""


class MemorySink:
    """Collects a picture in one block of memory, which becomes its `bytes` without a copy.

    ``expected_bytes`` may be wrong: past the first 4 MiB no more is reserved than half of what has come already. Blocks
    that grow by small steps, many at a time, take 1.5 times the memory and twice the CPU of blocks that are reserved.
    """

    def __init__(self, expected_bytes: int | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._buffer = io.BytesIO()
        self._expected = expected_bytes or 0
        self._reserved = 0
        self._max = max_bytes

    def write(self, data: bytes | memoryview, /) -> None:
        end = self._buffer.tell() + len(data)
        if end > self._max:
            raise PictureTooLargeError(f"a picture of more than {self._max} bytes")
        if self._reserved < end <= self._expected:
            self._reserve(end)
        self._buffer.write(data)

    def _reserve(self, end: int) -> None:
        here = self._buffer.tell()
        self._reserved = min(self._expected, max(_FIRST_RESERVE, end + end // 2))
        self._buffer.seek(self._reserved - 1)
        self._buffer.write(b"\0")
        self._buffer.seek(here)

    def finish(self) -> PictureData:
        self._buffer.truncate()
        return PictureData(self._buffer.getvalue())

    def abort(self) -> None:
        self._buffer.close()


class FileSink:
    """Writes a picture to a file with a temporary name in ``folder``; whoever keeps it gives it its own name.

    It is paid: when the disk fails under it, the picture goes on in memory.
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._max = max_bytes
        self._size_bytes = 0
        self._memory: MemorySink | None = None
        try:
            self._path, handle = open_temporary(folder)
        except OSError as error:
            self._in_memory(error)
        else:
            self._file = open(handle, "r+b", buffering=0)  # noqa: SIM115 - closed by finish and abort

    def write(self, data: bytes | memoryview, /) -> None:
        if self._memory is not None:
            self._memory.write(data)
            return
        self._size_bytes += len(data)
        if self._size_bytes > self._max:
            raise PictureTooLargeError(f"a picture of more than {self._max} bytes")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._file.seek(0)
            self._in_memory(error, self._file.read(), rest)
            self._drop_file()

    def _in_memory(self, error: OSError, *pieces: bytes | memoryview) -> None:
        _log.warning("a picture is kept in memory: %s", error)
        self._memory = MemorySink(max_bytes=self._max)
        for piece in pieces:
            self._memory.write(piece)

    def _drop_file(self) -> None:
        self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def finish(self) -> PictureData:
        if self._memory is not None:
            return self._memory.finish()
        self._file.close()
        return PictureData(path=self._path, size_bytes=self._size_bytes)

    def abort(self) -> None:
        if self._memory is not None:
            self._memory.abort()
        else:
            self._drop_file()
