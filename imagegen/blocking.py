"""The thin edge for code that is not async: one event loop in a thread of its own, for the whole process."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any, Self, TypeVar, Unpack

from imagegen.client import AsyncClient
from imagegen.errors import ConfigurationError
from imagegen.eventstream import EventStream
from imagegen.provider import Judgement
from imagegen.types.events import Event
from imagegen.types.job import Job, OpenUnit, Plan, Reconciled
from imagegen.types.request import ImageRequest
from imagegen.types.result import ImageResult
from imagegen.types.run import CallFields, ClientSettings

T = TypeVar("T")
_LOOK_UP_S = 0.2
"""A signal that comes just before a wait does not end it: the wait is broken up, so that Ctrl-C is never lost."""
_lock = threading.Lock()
_running: tuple[int, asyncio.AbstractEventLoop] | None = None


class Client:
    """`AsyncClient` for code that is not async. Thread-safe; works inside a running loop too (a notebook)."""

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        """The settings of `AsyncClient`."""
        self._async = AsyncClient(**settings)
        self._process = os.getpid()

    @property
    def asynchronous(self) -> AsyncClient:
        """The client underneath; it belongs to the background loop."""
        return self._async

    def generate(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> ImageResult:
        """New pictures of ``prompt``; see `AsyncClient.generate`."""
        return self._run(self._async.generate(prompt, **keywords))

    def edit(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> ImageResult:
        """Changed pictures; see `AsyncClient.edit`."""
        return self._run(self._async.edit(prompt, **keywords))

    def stream(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> BlockingStream:
        """Events as they happen: ``with client.stream(...) as events``; see `AsyncClient.stream`."""
        return BlockingStream(self._async.stream(prompt, **keywords))

    def judge(self, pictures: Sequence[Any], question: str, *, model: str, timeout_s: float | None = None) -> Judgement:
        """What a model says of pictures; see `AsyncClient.judge`."""
        return self._run(self._async.judge(pictures, question, model=model, timeout_s=timeout_s))

    def submit(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> Job:
        """Pay now, collect later; see `AsyncClient.submit`."""
        return self._run(self._async.submit(prompt, **keywords))

    def cancel(self, job: Job | str) -> None:
        """Stop a job at its provider; see `AsyncClient.cancel`."""
        self._run(self._async.cancel(job))

    def plan(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> Plan:
        """What `generate` would do and cost; see `AsyncClient.plan`."""
        return self._async.plan(prompt, **keywords)

    def resume(self, job: Job | str, **keywords: Unpack[CallFields]) -> ImageResult:
        """Collect accepted work; see `AsyncClient.resume`."""
        return self._run(self._async.resume(job, **keywords))

    def jobs(self) -> tuple[OpenUnit, ...]:
        """What is paid, or may be, and not settled; see `AsyncClient.jobs`."""
        return self._run(self._async.jobs())

    def reconcile(self, job: str | None = None, *, billed: bool | None = None) -> tuple[Reconciled, ...]:
        """Settle unknown outcomes; see `AsyncClient.reconcile`."""
        return self._run(self._async.reconcile(job, billed=billed))

    def close(self, grace_s: float = 10.0) -> tuple[str, ...]:
        """Drain, then park and name what is parked; see `AsyncClient.close`."""
        return self._run(self._async.close(grace_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        if self._process != os.getpid():
            work.close()
            raise ConfigurationError("this client was made before a fork: make one in the new process")
        return run(work)


class BlockingStream:
    """`EventStream` for code that is not async: ``with`` starts the call, the loop over it gives its events."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        run(self._stream.__aenter__())
        return self

    def __exit__(self, *exception: object) -> None:
        run(self._stream.__aexit__(*exception))

    def __iter__(self) -> Iterator[Event]:
        events = aiter(self._stream)
        while (event := run(_next(events))) is not None:
            yield event


async def _next(events: AsyncIterator[Event]) -> Event | None:
    return await anext(events, None)


def run(work: Coroutine[object, object, T]) -> T:
    """Do ``work`` on the background loop and wait for it; Ctrl-C cancels it there and comes through here.

    Works inside a running loop too (a notebook), where it blocks that loop.
    """
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        while not future.done():
            concurrent.futures.wait([future], timeout=_LOOK_UP_S)
        return future.result()
    except (KeyboardInterrupt, SystemExit):
        future.cancel()
        concurrent.futures.wait([future], timeout=1.0)
        raise


def _loop() -> asyncio.AbstractEventLoop:
    """The loop of this process; a fork leaves its parent's behind and makes its own."""
    global _running
    with _lock:
        if _running is None or _running[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="imagegen", daemon=True).start()
            _running = (os.getpid(), loop)
        return _running[1]


def _forget() -> None:
    global _lock, _running
    _lock, _running = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
