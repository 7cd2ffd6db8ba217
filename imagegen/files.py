"""Files that appear whole or not at all, made through a handle of their folder.

The bytes go to a temporary file in the same folder, are flushed, get their name in one step, and then the folder is
flushed. Every step goes through one handle, so nobody can put another folder in its place half-way. A platform without
such handles (Windows) works by paths.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from imagegen.errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType

_PREFIX, _SUFFIX = ".imagegen-", ".part"
_BY_HANDLE = {os.open, os.rename, os.link, os.unlink} <= os.supports_dir_fd
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL
_EXACT = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_CANNOT_FLUSH = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS})
"""What a file system says that has no way to flush a folder; anything else is a failure."""
_CANNOT_LINK = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What a file system says that has no second names: FAT, some network folders, Android."""


class _Folder:
    """An open folder, in which files are made, flushed and named."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = _opened(path) if _BY_HANDLE else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def _at(self, name: str) -> str | Path:
        return name if self._handle is not None else self._path / name

    def create(self, name: str, mode: int) -> int:
        """A new file, open for reading and writing; one that is there already, a link too, is an error."""
        return os.open(self._at(name), _CREATE | _EXACT, mode, dir_fd=self._handle)

    def flush_file(self, name: str) -> None:
        """A name must never stand for a file that a power cut empties."""
        handle = os.open(self._at(name), os.O_RDWR | _EXACT, dir_fd=self._handle)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def replace(self, old: str, new: str) -> None:
        """Another name, in place of whatever bore it."""
        os.replace(self._at(old), self._at(new), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def name_newly(self, old: str, new: str) -> None:
        """Another name, which nothing may bear yet."""
        try:
            os.link(self._at(old), self._at(new), src_dir_fd=self._handle, dst_dir_fd=self._handle)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            self._name_in_two_steps(old, new)
        else:
            self.remove(old)

    def _name_in_two_steps(self, old: str, new: str) -> None:
        """Whoever makes an empty file of that name may put another in its place."""
        os.close(self.create(new, 0o600))
        try:
            self.replace(old, new)
        except OSError:
            self.remove(new)
            raise

    def remove(self, name: str) -> None:
        os.unlink(self._at(name), dir_fd=self._handle)

    def flush(self) -> None:
        """Make the names in it last; a platform without handles of folders has no way to."""
        if self._handle is None:
            return
        try:
            os.fsync(self._handle)
        except OSError as error:
            if error.errno not in _CANNOT_FLUSH:
                raise


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # one may write here and not list
        return None


def write_atomic(target: Path, data: bytes | memoryview, *, overwrite: bool = True, mode: int = 0o644) -> None:
    """Write to a temporary file beside ``target``, then give it its name. A link at ``target`` is replaced.

    Raises:
        FileExistsError: It exists and ``overwrite`` is False.
        OSError: The disk or the folder says no; nothing is left behind, unless only the last flush failed.
    """
    with _Folder(target.parent) as folder:
        name = _temporary_name()
        try:
            with open(folder.create(name, mode), "wb") as file:
                file.write(data)
            _give_name(folder, name, target.name, overwrite=overwrite)
        except BaseException:
            _remove_if_there(folder, name)
            raise


def open_temporary(folder: Path, mode: int = 0o644) -> tuple[Path, int]:
    """An empty file in ``folder`` under a name nobody looks for, and its handle; `give_name` gives it its own name."""
    name = _temporary_name()
    with _Folder(folder) as opened:
        return folder / name, opened.create(name, mode)


def is_temporary(path: Path) -> bool:
    """Whether it is a file that was not given its name yet, and may be removed."""
    return path.name.startswith(_PREFIX) and path.name.endswith(_SUFFIX)


def give_name(temporary: Path, target: Path, *, overwrite: bool = False) -> None:
    """Flush to disk, then name in one step. Both are in one folder.

    Raises:
        FileExistsError: It exists and ``overwrite`` is False.
        OSError: The disk or the folder says no; only if the last flush failed, the file has its name all the same.
    """
    with _Folder(target.parent) as folder:
        _give_name(folder, temporary.name, target.name, overwrite=overwrite)


def _give_name(folder: _Folder, old: str, new: str, *, overwrite: bool) -> None:
    folder.flush_file(old)
    (folder.replace if overwrite else folder.name_newly)(old, new)
    folder.flush()


def _temporary_name() -> str:
    return f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"


def _remove_if_there(folder: _Folder, name: str) -> None:
    try:
        folder.remove(name)
    except OSError:  # it has its name already, or the folder is beyond help: the first error says more
        return


def free_path(target: Path) -> Path:
    """``target``, or with the first number found free: ``image-2.png``. Among 5,000 files it takes 26 looks."""

    def numbered(number: int) -> Path:
        return target if number == 1 else target.with_stem(f"{target.stem}-{number}")

    taken, free = 0, 1
    while os.path.lexists(numbered(free)):
        taken, free = free, 2 * free
    while free - taken > 1:
        middle = (taken + free) // 2
        taken, free = (middle, free) if os.path.lexists(numbered(middle)) else (taken, middle)
    return numbered(free)


def check_writable(folder: Path) -> None:
    """Find out now, before money is spent, whether pictures can be written here. Makes the folder.

    Raises:
        ConfigurationError: They cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path, handle = open_temporary(folder)
        os.close(handle)
        path.unlink()
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror or error}; nothing was sent") from None


if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: int) -> bool:
        """Take an open file's lock if nobody has it; it ends with the handle, however the process ends."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(handle: int) -> bool:
        """Take an open file's lock if nobody has it; it ends with the handle, however the process ends."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
