"""Fetches pictures from URLs that a reply named: never with a key, never to a private address, never without end."""

from __future__ import annotations

import asyncio
from functools import cache, partial
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urljoin

import httpcore2

from imagegen.http.base64_text import Base64Text, NotBase64Error
from imagegen.http.guard import Guard, GuardedBackend, Resolve, UnsafeUrlError
from imagegen.http.sinks import PictureTooLargeError
from imagegen.pictures import MAX_BYTES

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from imagegen.http.guard import Target
    from imagegen.http.sinks import Sink, SinkFactory
    from imagegen.types.picture import PictureData

__all__ = ["ExpiredError", "FetchError", "Fetcher", "UnsafeUrlError"]

_MAX_REDIRECTS = 3
_CONNECT_S = 10.0
_IDLE_S = 5.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429})
"""4xx that are worth another try."""
_HEADERS = [("Accept", "image/*, */*;q=0.1"), ("Accept-Encoding", "identity"), ("User-Agent", "imagegen")]


class FetchError(Exception):
    """It did not work this time: 5xx, cut, too slow, no connection. Another try costs nothing."""


class ExpiredError(FetchError):
    """The link is of no use any more: a 4xx."""


class Fetcher:
    """Fetches over its own pool of connections, which knows no key and no cookie.

    ``own_origin`` is the connection's base URL: its origin may be private, and plain http. A fetch ends when less than
    ``min_bytes_per_s`` comes for ``window_s``.
    """

    def __init__(
        self,
        own_origin: str | None,
        allow_private: bool,
        *,
        resolve: Resolve | None = None,
        min_bytes_per_s: float = 1000.0,
        window_s: float = 30.0,
    ) -> None:
        self._guard = Guard(own_origin, allow_private, resolve)
        self._window_s = window_s
        self._window_bytes = min_bytes_per_s * window_s
        self._pool: httpcore2.AsyncConnectionPool | None = None

    async def fetch(self, url: str, new_sink: SinkFactory) -> PictureData:
        """The picture behind ``url``, redirects followed and each one checked; ``data:`` URLs are decoded here.

        Raises:
            UnsafeUrlError: It leads where it must not.
            PictureTooLargeError: It has more than 50 MB.
            ExpiredError: It leads nowhere any more.
            FetchError: It did not work this time.
        """
        if url[:5].lower() == "data:":
            return _decoded(url, new_sink)
        for _ in range(1 + _MAX_REDIRECTS):
            target = self._guard.check(url)
            found = await self._get(target, new_sink)
            if not isinstance(found, str):
                return found
            url, old = _joined(url, found), target
            if old.scheme == "https" and not url.lower().startswith("https:"):
                raise UnsafeUrlError("a redirect from https to something else")
        raise UnsafeUrlError(f"more than {_MAX_REDIRECTS} redirects")

    async def _get(self, target: Target, new_sink: SinkFactory) -> PictureData | str:
        """The picture, or where it is said to be."""
        url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        headers = [("Host", target.host_header), *_HEADERS]
        try:
            async with (
                asyncio.timeout(self._window_s) as patience,
                self._connections().stream(
                    "GET", url, headers=headers, extensions={"timeout": {"connect": _CONNECT_S}}
                ) as response,
            ):
                return await self._read(response, patience, new_sink)
        except TimeoutError:
            raise FetchError("it came too slowly") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            raise FetchError(str(error) or type(error).__name__) from None

    async def _read(
        self, response: httpcore2.Response, patience: asyncio.Timeout, new_sink: SinkFactory
    ) -> PictureData | str:
        headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in _REDIRECTS and b"location" in headers:
            return headers[b"location"]
        _check_status(response.status)
        if headers.get(b"content-encoding", "identity") != "identity":
            raise FetchError("it came compressed though that was not asked for")
        size = int(length) if (length := headers.get(b"content-length", "")).isdigit() else None
        if size is not None and size > MAX_BYTES:
            raise PictureTooLargeError(f"a picture of {size} bytes")
        sink = new_sink(size)
        try:
            await self._pour(response.aiter_stream(), patience, sink)
            return sink.finish()
        except BaseException:
            sink.abort()
            raise

    async def _pour(self, chunks: AsyncIterator[bytes], patience: asyncio.Timeout, sink: Sink) -> None:
        """Into the sink, with patience for as long as enough comes."""
        now = asyncio.get_running_loop().time
        missing = 0.0
        async for chunk in chunks:
            sink.write(chunk)
            missing -= len(chunk)
            if missing <= 0:
                missing = self._window_bytes
                patience.reschedule(now() + self._window_s)

    def _connections(self) -> httpcore2.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=_trusted(),
                max_connections=None,
                keepalive_expiry=_IDLE_S,
                network_backend=GuardedBackend(self._guard),
            )
        return self._pool

    async def aclose(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.aclose()


@cache
def _trusted() -> ssl.SSLContext:
    """The system's certificates, which take 0.1 s to load."""
    return httpcore2.default_ssl_context()


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise UnsafeUrlError("a redirect that cannot be read") from None


def _check_status(status: int) -> None:
    if 400 <= status < 500 and status not in _BUSY:
        raise ExpiredError(f"HTTP {status}")
    if status != 200:
        raise FetchError(f"HTTP {status}")


def _decoded(url: str, new_sink: SinkFactory) -> PictureData:
    head, comma, body = url.partition(",")
    data = unquote_to_bytes(body)
    if not comma:
        raise UnsafeUrlError("a data URL without data")
    if head.lower().endswith(";base64"):
        return _from_base64(data.translate(None, b" \t\r\n"), new_sink)
    sink = new_sink(len(data))
    try:
        sink.write(data)
        return sink.finish()
    except BaseException:
        sink.abort()
        raise


def _from_base64(data: bytes, new_sink: SinkFactory) -> PictureData:
    text = Base64Text(partial(new_sink, len(data) * 3 // 4))
    try:
        text.feed(data, 0, len(data))
        return text.finish()
    except NotBase64Error:
        text.abort()
        raise UnsafeUrlError("a data URL whose data is no base64") from None
    except BaseException:
        text.abort()
        raise
