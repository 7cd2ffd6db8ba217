"""A loopback proxy for plain http and for tunnels, whose every destination is one server."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """The proxy; an async context manager. Wherever a request wants to go, it goes to ``upstream``."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self.heads: list[str] = []
        """The head of every request, as it came."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            task.uncancel()
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The first request by its own form; everything after it flows both ways."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        there, to_there = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        try:
            if head.startswith("CONNECT "):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
            else:
                first, rest = head.split("\r\n", 1)
                method, url, version = first.split(" ")
                address = urlsplit(url)
                target = address.path + (f"?{address.query}" if address.query else "")
                lines = [line for line in rest.split("\r\n") if not line.lower().startswith(("proxy-", "connection:"))]
                head = "\r\n".join([f"{method} {target} {version}", "Connection: close", *lines])
                to_there.write(head.encode("latin-1"))
            await asyncio.gather(_flow(reader, to_there), _flow(there, writer))
        finally:
            to_there.close()
            with contextlib.suppress(ConnectionError):
                await to_there.wait_closed()


async def _flow(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, OSError):
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
        target.write_eof()
