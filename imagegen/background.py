"""Paid steps that outlive whoever asked for them: they end here, and what they bring is kept."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

_log = logging.getLogger("imagegen.background")
T = TypeVar("T")


class Background:
    """The tasks that a client owns. A caller may leave at any time; a task ends by itself or at `drain`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[object, object, T], name: str) -> asyncio.Task[T]:
        """Begin ``work`` in a task of its own. ``name`` says what is lost if it is parked."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at by whoever still waits; nobody else wants a traceback at exit

    async def drain(self, grace_s: float) -> tuple[str, ...]:
        """Give the tasks time to end, stop the rest, and name those."""
        if not self._tasks:
            return ()
        await asyncio.wait(set(self._tasks), timeout=grace_s)
        parked = [task for task in self._tasks if not task.done()]
        for task in parked:
            task.cancel()
        await asyncio.gather(*parked, return_exceptions=True)
        names = tuple(sorted(task.get_name() for task in parked))
        for name in names:
            _log.warning("parked at close: %s; it may have been billed", name)
        return names
