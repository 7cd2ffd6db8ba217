"""One endpoint's HTTP: its key, its pool of connections, and answers read through the splitter."""

from __future__ import annotations

import contextlib
import fnmatch
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import httpx2

from imagegen.errors import BadOutputError, ImageGenError, OutcomeUnknownError
from imagegen.http.events import EventReader
from imagegen.http.fetch import Fetcher
from imagegen.http.messages import Exchange, Reply
from imagegen.http.multipart import MultipartBody
from imagegen.http.sinks import MemorySink, PictureTooLargeError
from imagegen.http.splitter import Splitter, TextTooLargeError, TruncatedBodyError
from imagegen.http.transport import GuardedTransport
from imagegen.secrets import Secret, clean, without_key

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from imagegen.http.messages import ServerEvent, Wire
    from imagegen.http.sinks import Sink, SinkFactory
    from imagegen.types.connection import Endpoint

_IDLE_S = 5.0
"""A connection idle for longer may be closed by the server just as a paid request goes out."""
_CONNECT_S = 20.0
Auth: TypeAlias = "Callable[[Secret, Endpoint], dict[str, str]]"


class HttpConnection:
    """HTTP to one endpoint. Keys go to the endpoint's own hosts only; redirects are never followed."""

    def __init__(self, endpoint: Endpoint, auth: Auth | None = None) -> None:
        self.endpoint = endpoint
        self._auth = auth
        self.base_url = (endpoint.base_url or "").rstrip("/")
        self._own = httpx2.URL(self.base_url)
        self._last_key = endpoint.api_key if isinstance(endpoint.api_key, Secret) else None
        self.fetcher = Fetcher(self.base_url or None, endpoint.allow_private)
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=_IDLE_S)
        inner = httpx2.AsyncHTTPTransport(limits=limits, verify=_trust(endpoint.tls_verify), proxy=endpoint.proxy)
        self.client = httpx2.AsyncClient(
            transport=GuardedTransport(inner, self._may_have_key),
            timeout=httpx2.Timeout(None, connect=_CONNECT_S),
            follow_redirects=False,
            headers={"accept-encoding": "identity"},
        )
        """For a module that brings an SDK: every safeguard is in its transport."""

    async def key(self) -> Secret | None:
        """The key of now; a callable is asked each time. None where the endpoint has none."""
        source = self.endpoint.api_key
        if source is not None and not isinstance(source, Secret):
            found = source()
            source = Secret(await found if inspect.isawaitable(found) else found)
        self._last_key = source
        return source

    async def send(self, wire: Wire, exchange: Exchange) -> Reply:
        """Send one request with the endpoint's key and read the whole answer, whatever its status.

        Raises:
            ConnectionFailedError: Nothing of the body was sent.
            OutcomeUnknownError: Something was sent, and no whole answer came.
        """
        response = await self.client.send(await self._request(wire, exchange), stream=True)
        try:
            return await self.read(response, exchange)
        finally:
            await response.aclose()

    @contextlib.asynccontextmanager
    async def send_events(self, wire: Wire, exchange: Exchange) -> AsyncIterator[AsyncIterator[ServerEvent] | Reply]:
        """Send one request and read its events as they come; a `Reply` where the answer is no event stream.

        Raises:
            ImageGenError: As `send`; a stream that breaks off raises where it does.
        """
        response = await self.client.send(await self._request(wire, exchange), stream=True)
        try:
            yield await self.read_events(response, exchange)
        finally:
            await response.aclose()

    async def read_events(self, response: httpx2.Response, exchange: Exchange) -> AsyncIterator[ServerEvent] | Reply:
        """The events of an open answer, or the whole answer where it is no event stream."""
        if response.is_success and response.headers.get("content-type", "").startswith("text/event-stream"):
            self._note(Reply(response.status_code, dict(response.headers), b""), exchange)
            return self._events(response, exchange)
        return await self.read(response, exchange)

    async def _events(self, response: httpx2.Response, exchange: Exchange) -> AsyncIterator[ServerEvent]:
        reader = EventReader(exchange.new_sink or MemorySink, dict(response.headers))
        try:
            async for chunk in response.aiter_bytes():
                for event in reader.feed(chunk):
                    event.data.body = self._without_key(event.data.body)
                    yield event
            last = reader.finish()
            if last is not None and _is_json(last.data.body):  # it lacks no more than the empty line at its end
                last.data.body = self._without_key(last.data.body)
                yield last
        except (PictureTooLargeError, TextTooLargeError) as error:
            raise BadOutputError(str(error), reason="corrupt", status=response.status_code) from None
        finally:
            reader.abort()

    async def _request(self, wire: Wire, exchange: Exchange) -> httpx2.Request:
        """The request on the wire, with the endpoint's key and headers."""
        headers = {**await self.headers(), **wire.headers, **exchange.headers}
        url = wire.path if "://" in wire.path else self.base_url + wire.path
        if wire.form is None:
            return self.client.build_request(
                wire.method, url, json=wire.json, params=dict(wire.query) or None, headers=headers
            )
        body = MultipartBody(wire.form, wire.files)
        address = httpx2.URL(url, params=dict(wire.query)) if wire.query else httpx2.URL(url)
        host = {"host": address.netloc.decode()}
        return httpx2.Request(
            wire.method, address, headers={**host, **self.client.headers, **headers, **body.headers}, stream=body
        )

    async def read(self, response: httpx2.Response, exchange: Exchange) -> Reply:
        """The whole answer, its pictures already decoded into sinks.

        Raises:
            OutcomeUnknownError: It was cut; what came of it is kept.
            BadOutputError: It came whole and is no answer: a picture above the cap, or text without end.
        """
        try:
            reply = await self._read(response, exchange.new_sink or MemorySink)
        except PictureTooLargeError as error:
            raise BadOutputError(str(error), reason="corrupt", status=response.status_code) from None
        self._note(reply, exchange)
        return reply

    def _note(self, reply: Reply, exchange: Exchange) -> None:
        exchange.status, exchange.request_id = reply.status, reply.request_id
        exchange.server_s = _seconds(reply.headers.get(self.endpoint.facts.server_ms_header or "", ""))

    async def _read(self, response: httpx2.Response, new_sink: SinkFactory) -> Reply:
        status, headers = response.status_code, dict(response.headers)
        if not response.is_success:
            body = b"".join([chunk async for chunk in response.aiter_bytes()])
            return Reply(status, headers, self._without_key(body))
        length = headers.get("content-length", "") if "content-encoding" not in headers else ""
        size = int(length) if length.isdigit() else None
        if headers.get("content-type", "").startswith("image/"):
            return await self._picture(response, headers, new_sink(size))
        splitter = Splitter(new_sink, size)
        try:
            async for chunk in response.aiter_bytes():
                splitter.feed(chunk)
            split = splitter.finish()
        except (TruncatedBodyError, TextTooLargeError) as error:
            raise self._not_an_answer(error, splitter, headers, status) from None
        except BaseException as error:
            if isinstance(error, OutcomeUnknownError):
                error.raw, error.status = self._without_key(splitter.original()), status
            splitter.abort()
            raise
        return Reply(status, headers, self._without_key(split.rest), split=split)

    async def _picture(self, response: httpx2.Response, headers: dict[str, str], sink: Sink) -> Reply:
        try:
            async for chunk in response.aiter_bytes():
                sink.write(chunk)
            return Reply(response.status_code, headers, b"", picture=sink.finish())
        except BaseException:
            sink.abort()
            raise

    def _not_an_answer(
        self, error: ValueError, splitter: Splitter, headers: dict[str, str], status: int
    ) -> ImageGenError:
        """Whole by its framing and not by its content is a bad answer; without framing nobody knows."""
        raw = self._without_key(splitter.original())
        splitter.abort()
        if "content-length" in headers or "transfer-encoding" in headers or isinstance(error, TextTooLargeError):
            return BadOutputError(f"paid, and unreadable: {error}", reason="unreadable", raw=raw, status=status)
        return OutcomeUnknownError("the answer was cut; it may have been billed", raw=raw, status=status)

    def _without_key(self, body: bytes) -> bytes:
        return without_key(body, self._last_key)

    def clean(self, text: str) -> str:
        """Foreign text fit to be shown, without the endpoint's key."""
        return clean(text, self._last_key)

    async def headers(self) -> dict[str, str]:
        """What every request to the endpoint bears: the caller's own headers, and the key as the provider wants it."""
        key = await self.key()
        return {**self.endpoint.headers, **(self._auth(key, self.endpoint) if key and self._auth else {})}

    def _may_have_key(self, url: httpx2.URL) -> bool:
        """The endpoint's own origin; and the provider's hosts, unless the base URL is somebody else's.

        A base URL at one of the provider's hosts (a region) is the provider's: its jobs may be kept at another.
        """
        if (url.scheme, url.host, url.port) == (self._own.scheme, self._own.host, self._own.port):
            return True
        return self._is_providers(url) and (not self.endpoint.own_base_url or self._is_providers(self._own))

    def _is_providers(self, url: httpx2.URL) -> bool:
        facts = self.endpoint.facts
        hosts = (*facts.key_hosts, *facts.poll_hosts)
        return url.scheme == "https" and any(fnmatch.fnmatch(url.host, pattern) for pattern in hosts)

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.fetcher.aclose()


def _trust(tls_verify: bool | str | ssl.SSLContext) -> bool | ssl.SSLContext:
    """A path is a file (or folder) of certificates to trust besides the system's own."""
    if not isinstance(tls_verify, str):
        return tls_verify
    context = httpx2.create_ssl_context()
    folder = Path(tls_verify).is_dir()
    context.load_verify_locations(**({"capath": tls_verify} if folder else {"cafile": tls_verify}))
    return context


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _seconds(milliseconds: str) -> float | None:
    return float(milliseconds) / 1000 if milliseconds.replace(".", "", 1).isdigit() else None
