"""The way onto the network for paid requests: what failed before the body left is told from what failed after."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx2

from imagegen.errors import ConfigurationError, ConnectionFailedError, OutcomeUnknownError
from imagegen.http.messages import current_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from imagegen.http.messages import Exchange

ERROR_BODY_BYTES = 64 * 1024
"""An answer that is no success is read so far and no further."""
_PACKED_ERROR_BYTES = 8 * 1024
"""The same where it came compressed, though that was not asked for: it may unpack to a thousand times as much."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends the key to the connection's own hosts only, and raises errors of our tree that say what was sent."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, may_have_key: Callable[[httpx2.URL], bool]) -> None:
        self._inner = inner
        self._may_have_key = may_have_key

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not self._may_have_key(request.url):
            raise ConfigurationError(f"{request.url.host} is not one of this connection's hosts: nothing was sent")
        exchange = current_exchange.get()
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        body = _Body(request.stream, exchange)
        request.stream = body
        try:
            response = await self._inner.handle_async_request(request)
        except (httpx2.TransportError, OSError) as error:
            raise _failed(error, request.url.host, body.started) from None
        if exchange is not None:
            exchange.answered = time.monotonic()
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        limit = None if response.is_success else ERROR_BODY_BYTES
        if limit and "content-encoding" in response.headers:
            limit = _PACKED_ERROR_BYTES
        response.stream = _Answer(response.stream, exchange, request.url.host, limit)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _failed(
    error: httpx2.TransportError | OSError, host: str, started: bool
) -> ConnectionFailedError | OutcomeUnknownError:
    """By what was handed to the socket, not by the exception's kind: that alone has let paid work be sent twice."""
    what = str(error) or type(error).__name__
    if not started:
        return ConnectionFailedError(f"no connection to {host}: {what}; nothing was sent")
    return OutcomeUnknownError(f"{host} took the request and gave no usable answer ({what}); it may have been billed")


class _Body(httpx2.AsyncByteStream):
    """A request's body that remembers whether any of it was asked for by the connection."""

    def __init__(self, stream: httpx2.AsyncByteStream, exchange: Exchange | None) -> None:
        self._stream = stream
        self._exchange = exchange
        self.started = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self.started = self.started or bool(chunk)
            if self._exchange is not None:
                self._exchange.started = self.started
            yield chunk
        if self._exchange is not None:
            self._exchange.sent = time.monotonic()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Answer(httpx2.AsyncByteStream):
    """An answer's body; a cut is an unknown outcome, an error body is capped."""

    def __init__(self, stream: httpx2.AsyncByteStream, exchange: Exchange | None, host: str, limit: int | None) -> None:
        self._stream = stream
        self._exchange = exchange
        self._host = host
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        try:
            async for chunk in self._stream:
                yield chunk if self._limit is None else chunk[: self._limit - seen]
                seen += len(chunk)
                if self._limit is not None and seen >= self._limit:
                    break
        except (httpx2.TransportError, OSError) as error:
            raise _failed(error, self._host, started=True) from None
        if self._exchange is not None:
            self._exchange.finished = time.monotonic()

    async def aclose(self) -> None:
        await self._stream.aclose()
