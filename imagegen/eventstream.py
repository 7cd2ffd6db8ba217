"""The events of one call as they happen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

from imagegen.types.events import Done, Event
from imagegen.types.result import ImageResult

Tell = Callable[[Event], None]


class EventStream:
    """``async with`` starts the call; the loop over it gives its events, the last one `Done`, or raises its error."""

    def __init__(self, work: Callable[[Tell], Awaitable[ImageResult]]) -> None:
        self._work = work
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task: asyncio.Task[ImageResult] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._walk())
        self._task.add_done_callback(lambda task: self._events.put_nowait(None))
        return self

    async def _walk(self) -> ImageResult:
        return await self._work(self._events.put_nowait)

    async def __aexit__(self, *exception: object) -> None:
        """Who leaves early detaches: the call is cancelled, and what it paid for is kept."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._task

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._all()

    async def _all(self) -> AsyncIterator[Event]:
        if self._task is None:
            raise RuntimeError("a stream is entered first: async with client.stream(...) as events")
        while (event := await self._events.get()) is not None:
            yield event
        yield Done(await self._task)
