"""Which processes are alive: each holds a lock on a file of its own, which ends with it however it ends."""

from __future__ import annotations

import os
import uuid
import weakref
from pathlib import Path

from imagegen.files import try_lock

_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)


class Worker:
    """This process, as the ledger's other processes see it; without a folder nobody else does."""

    def __init__(self, folder: Path | None) -> None:
        self.name = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._folder = folder
        self._handle: int | None = None
        if folder is not None:
            self._handle = os.open(folder / self.name, _OPEN | os.O_CREAT, 0o600)
            try_lock(self._handle)
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
            dead = try_lock(handle)
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
