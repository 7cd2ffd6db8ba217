"""Which processes are alive: each holds a lock on a file of its own, which ends with it however it ends."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # the branches that use it are not taken there


class Worker:
    """This process, as the ledger's other processes see it."""

    def __init__(self, folder: Path | None) -> None:
        self.name = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._folder = folder
        self._handle: int | None = None
        if folder is not None and fcntl is not None:
            self._handle = os.open(folder / self.name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            os.register_at_fork(after_in_child=self._let_go)

    def _let_go(self) -> None:
        """A child is not its parent: it must not keep the parent's lock alive."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def close(self) -> None:
        """Give the lock back and remove its file."""
        if self._handle is not None and self._folder is not None:
            (self._folder / self.name).unlink(missing_ok=True)
            self._let_go()

    def alive(self, name: str) -> bool:
        """Whether the worker of that name still runs on this machine."""
        if name == self.name:
            return True
        if self._folder is None or fcntl is None:
            return _process_runs(int(name.partition("-")[0]))
        try:
            handle = os.open(self._folder / os.path.basename(name), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            (self._folder / os.path.basename(name)).unlink(missing_ok=True)
            return False
        finally:
            os.close(handle)


def _process_runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
