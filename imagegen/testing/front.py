"""A server in front of a fake: it hands on what it hears, writes it down, and makes requests meet faults.

Every address of the fake that stands in its answers is replaced by one below the front, so that polls and downloads are
heard too; another address than the base URL's becomes a path that begins with ``/~``.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol, Self, TypeAlias
from urllib.parse import urlsplit

import httpx2

from imagegen.testing.faults import Answer, Answering, Fault, FaultServer, Received
from imagegen.testing.pictures import is_picture

_OTHER = re.compile(r"/~(\d+)")
_ORIGIN = re.compile(rb"http://127\.0\.0\.1:\d+")
_HOP = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "keep-alive"})
_TIMEOUT_S = 30


class Fake(Protocol):
    """A fake provider: a context manager, async or not, that serves on loopback while it is open."""

    @property
    def base_url(self) -> str:
        """What stands for the provider's base URL."""
        ...


Upstream: TypeAlias = Fake | Answering
"""A fake that serves by itself, or a function from a request to its answer."""
Rule: TypeAlias = Callable[[Received], Fault | None]


class Front:
    """What a client under test asks; an async context manager."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.rule: Rule = lambda received: None
        """What a request meets, by its head."""
        self.received: list[Received] = []
        """Every request whose head arrived, at whichever address."""
        self.answers: list[bytes] = []
        """The bodies that the fake gave, as they were sent on."""
        self._origins: list[str] = []

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        path = ""
        if callable(self._upstream):
            answering: Answering = self._upstream
        else:
            answering = self._hand_on
            await _entered(self._stack, self._upstream)
            origin, path = _split(self._upstream.base_url)
            self._origins.append(origin)
            self._http = await self._stack.enter_async_context(httpx2.AsyncClient(timeout=_TIMEOUT_S, trust_env=False))
        self.origin = (await self._stack.enter_async_context(FaultServer(self._noted(answering), rule=self._heard))).url
        self.base_path = path.rstrip("/")
        self.base_url = self.origin + self.base_path
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    def submits(self, path: str) -> list[Received]:
        """The requests that arrived whole at ``path`` below the base URL."""
        whole = posixpath.normpath(self.base_path + path)
        return [each for each in self.received if each.complete and each.method != "GET" and _path(each) == whole]

    def _heard(self, received: Received) -> Fault | None:
        self.received.append(received)
        return self.rule(received)

    def _noted(self, answering: Answering) -> Answering:
        async def answered(received: Received) -> Answer:
            found = answering(received)
            answer = found if isinstance(found, Answer) else await found
            self.answers.append(answer.content())
            return answer

        return answered

    async def _hand_on(self, received: Received) -> Answer:
        headers = {name: value for name, value in received.headers.items() if name not in _HOP}
        number, path = _below(received.path)
        url = self._origins[number] + path
        reply = await self._http.request(received.method, url, headers=headers, content=received.body)
        kept = {name: value for name, value in reply.headers.items() if name not in _HOP | {"content-encoding"}}
        if "location" in kept:
            kept["location"] = self._fronted(kept["location"].encode()).decode()
        return Answer(self._fronted(reply.content), reply.status_code, kept)

    def _fronted(self, content: bytes) -> bytes:
        """The same with every address of the fake replaced by one below the front; a picture stays as it is."""
        return content if is_picture(content) else _ORIGIN.sub(self._below_front, content)

    def _below_front(self, found: re.Match[bytes]) -> bytes:
        origin = found[0].decode()
        if origin not in self._origins:
            self._origins.append(origin)
        number = self._origins.index(origin)
        return (self.origin + (f"/~{number}" if number else "")).encode()


def _below(path: str) -> tuple[int, str]:
    """Which of the fake's addresses a path is of, and the path there."""
    found = _OTHER.match(path)
    return (int(found[1]), path[found.end() :] or "/") if found else (0, path)


def _path(received: Received) -> str:
    return received.path.partition("?")[0]


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path


async def _entered(stack: AsyncExitStack, fake: Any) -> None:
    if inspect.iscoroutinefunction(getattr(type(fake), "__aenter__", None)):
        await stack.enter_async_context(fake)
    elif hasattr(fake, "__enter__"):
        stack.enter_context(fake)
