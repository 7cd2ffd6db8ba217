"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from imagegen.errors import ConfigurationError


def write_atomic(target: Path, data: bytes | memoryview, *, overwrite: bool = True, mode: int = 0o644) -> None:
    """Write to a temporary file beside ``target``, then give it its name.

    Raises:
        FileExistsError: It exists and ``overwrite`` is False.
        OSError: The disk or the folder says no; nothing is left behind.
    """
    temporary = new_temporary(target.parent, mode)
    try:
        with temporary.open("wb") as file:
            file.write(data)
        give_name(temporary, target, overwrite=overwrite)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def new_temporary(folder: Path, mode: int = 0o644) -> Path:
    """An empty file in ``folder`` under a name nobody looks for; `give_name` gives it its own."""
    handle, name = tempfile.mkstemp(prefix=".imagegen-", suffix=".part", dir=folder)
    os.close(handle)
    path = Path(name)
    path.chmod(mode)
    return path


def give_name(temporary: Path, target: Path, *, overwrite: bool) -> None:
    """Flush to disk, then rename in one step; without ``overwrite`` a file that is there already stays.

    Raises:
        FileExistsError: It exists and ``overwrite`` is False.
    """
    with temporary.open("rb") as file:
        os.fsync(file.fileno())  # a name must never stand for a file that a power cut empties
    if overwrite:
        temporary.replace(target)
    else:
        os.link(temporary, target)
        temporary.unlink()
    with contextlib.suppress(OSError):  # some file systems cannot flush a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def check_writable(folder: Path) -> None:
    """Find out now, before money is spent, whether pictures can be written here. Makes the folder.

    Raises:
        ConfigurationError: They cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new_temporary(folder).unlink()
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror or error}; nothing was sent") from None
