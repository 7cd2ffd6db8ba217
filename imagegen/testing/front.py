"""A server in front of a fake: it hands on what it hears, writes it down, and makes requests meet faults.

Every address of the fake that stands in its answers leads through a front too, so that polls and downloads are heard.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol, Self, TypeAlias
from urllib.parse import urlsplit

import httpx2

from imagegen.testing.faults import Answer, Answering, Fault, FaultServer, Received

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
        self._origins: dict[str, str] = {}
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        path = ""
        if callable(self._upstream):
            server = FaultServer(self._answered(self._upstream), rule=self._heard)
            self.origin = (await self._stack.enter_async_context(server)).url
        else:
            await _entered(self._stack, self._upstream)
            origin, path = _split(self._upstream.base_url)
            self._http = await self._stack.enter_async_context(httpx2.AsyncClient(timeout=_TIMEOUT_S, trust_env=False))
            self.origin = await self._front_of(origin)
        self.base_path = path.rstrip("/")
        self.base_url = self.origin + self.base_path
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    def submits(self, path: str) -> list[Received]:
        """The requests that arrived whole at ``path`` below the base URL."""
        whole = self.base_path + path
        return [each for each in self.received if each.complete and each.method == "POST" and _path(each) == whole]

    def _heard(self, received: Received) -> Fault | None:
        self.received.append(received)
        return self.rule(received)

    async def _front_of(self, origin: str) -> str:
        """The front of one address of the fake; made when the address is first seen."""
        async with self._asking:
            if origin not in self._origins:
                server = FaultServer(self._answered(self._handed_on(origin)), rule=self._heard)
                self._origins[origin] = (await self._stack.enter_async_context(server)).url
        return self._origins[origin]

    def _answered(self, answering: Answering) -> Answering:
        async def answered(received: Received) -> Answer:
            found = answering(received)
            answer = found if isinstance(found, Answer) else await found
            self.answers.append(answer.content())
            return answer

        return answered

    def _handed_on(self, origin: str) -> Answering:
        async def answer(received: Received) -> Answer:
            headers = {name: value for name, value in received.headers.items() if name not in _HOP}
            reply = await self._http.request(
                received.method, origin + received.path, headers=headers, content=received.body
            )
            kept = {name: value for name, value in reply.headers.items() if name not in _HOP | {"content-encoding"}}
            if "location" in kept:
                kept["location"] = (await self._fronted(kept["location"].encode())).decode()
            return Answer(await self._fronted(reply.content), reply.status_code, kept)

        return answer

    async def _fronted(self, content: bytes) -> bytes:
        """The same with every address of the fake replaced by that of its front."""
        if content[:1] not in b"{[hd":  # JSON, a link, an event stream; never a picture
            return content
        for origin in set(_ORIGIN.findall(content)):
            if origin.decode() not in self._origins.values():
                content = content.replace(origin, (await self._front_of(origin.decode())).encode())
        return content


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
