"""Which processes are alive: each holds a lock on a file of its own, which ends with it however it ends."""

from __future__ import annotations

import os
import sys
import uuid
import weakref
from pathlib import Path

_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)

if sys.platform == "win32":
    import msvcrt

    def _locked(handle: int) -> bool:
        """Take the lock if nobody has it."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(handle: int) -> bool:
        """Take the lock if nobody has it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Worker:
    """This process, as the ledger's other processes see it; without a folder nobody else does."""

    def __init__(self, folder: Path | None) -> None:
        self.name = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._folder = folder
        self._handle: int | None = None
        if folder is not None:
            self._handle = os.open(folder / self.name, _OPEN | os.O_CREAT, 0o600)
            _locked(self._handle)
            _ours.add(self)

    def let_go(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def close(self) -> None:
        """Give the lock back and remove its file."""
        self.let_go()
        if self._folder is not None:
            (self._folder / self.name).unlink(missing_ok=True)

    def alive(self, name: str) -> bool:
        """Whether the worker of that name still runs on this machine."""
        if name == self.name or self._folder is None:
            return name == self.name
        path = self._folder / os.path.basename(name)
        try:
            handle = os.open(path, _OPEN)
        except FileNotFoundError:
            return False
        try:
            dead = _locked(handle)
        finally:
            os.close(handle)
        if dead:
            path.unlink(missing_ok=True)
        return not dead


_ours: weakref.WeakSet[Worker] = weakref.WeakSet()


def _after_fork() -> None:
    """A child is not its parent: it must not keep the parent's locks alive."""
    for worker in list(_ours):
        worker.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
