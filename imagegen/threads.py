"""Work that blocks, off the event loop, also while the interpreter is shutting down.

The standard library's pools refuse work once the main thread has ended; what was paid for must be written even then.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_AT_ONCE = 4


class Pool:
    """Some daemon threads and the work they share; started when work comes."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Do ``work`` in a thread, in the order in which it comes where there is only one."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # noqa: BLE001 - it is whoever waits who hears of it
                    future.set_exception(error)

        self._work.put(run)
        self._start_one()
        return future

    def _start_one(self) -> None:
        with self._lock:
            if len(self._threads) < self._size:
                thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def close(self) -> None:
        """Let the threads end once the work that was given is done."""
        with self._lock:
            for _ in self._threads:
                self._work.put(None)
            self._threads = []


_shared = Pool(_AT_ONCE, "imagegen-work")


async def in_thread(work: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Do ``work`` off the event loop; it goes on if the caller leaves."""
    return await asyncio.shield(asyncio.wrap_future(_shared.submit(lambda: work(*args, **keywords))))


def _after_fork() -> None:
    """A child has none of its parent's threads."""
    global _shared
    _shared = Pool(_AT_ONCE, "imagegen-work")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
