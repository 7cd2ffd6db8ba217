"""One loopback HTTP server whose faults can be switched on: it cuts, stalls and corrupts at any byte.

Raw asyncio sockets, no framework, since a framework answers properly. A test says what a good answer is, and which
request meets which fault:

    async with FaultServer(answer, faults=[None, CutAnswer(after=100)]) as server:
        ...                              # ask server.url
    assert server.submits == 1           # requests that arrived whole: what a provider would charge for

A request meets its fault by its number (`faults`) or by its head (`rule`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, Literal, Self, TypeAlias

_REASONS = {
    200: "OK",
    202: "Accepted",
    302: "Found",
    307: "Temporary Redirect",
    404: "Not Found",
    429: "Too Many Requests",
}
_HEAD_BYTES = 64 * 1024
Pace: TypeAlias = Literal["seconds", "milliseconds", "date"]


@dataclass(slots=True)
class Received:
    """One request as it arrived."""

    number: int
    """From 0, over all connections."""
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""
    complete: bool = False
    """The whole body arrived: from here on a provider may charge."""
    fault: Fault | None = None
    """What this request met."""

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """A proper answer; a body that is not bytes is sent as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False
    """Without content-length, in chunks."""

    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class CloseAtOnce:
    """Closes before a byte of the request is read."""


@dataclass(frozen=True, slots=True)
class ResetReading:
    """Reads so many bytes of the body, then resets the connection."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class StallReading:
    """Reads the head and then nothing, until the server is closed."""


@dataclass(frozen=True, slots=True)
class CloseAnswerless:
    """Reads the whole request, then closes (or resets) without an answer."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Reads the whole request and says nothing, until the server is closed."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answers with something that is not HTTP."""

    body: bytes = b"\x16\x03\x01 this is no HTTP\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Instead:
    """Answers properly, with something else."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class AcceptThen:
    """Lets the server do its work, which it may charge for, and then answers something else: a gateway that gave up."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Damage:
    """Answers with a body, or headers, that were changed on the way, under a length that fits."""

    change: Callable[[bytes], bytes] = bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """In place of the answer's own."""


@dataclass(frozen=True, slots=True)
class CutAnswer:
    """Sends the head and so many bytes of the body, then closes (or resets)."""

    after: int = 0
    reset: bool = False


@dataclass(frozen=True, slots=True)
class HangAnswer:
    """Sends the head and so many bytes of the body, then nothing more."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Drip:
    """Sends the body in small pieces with pauses between them."""

    pause_s: float = 0.001
    piece: int = 1


@dataclass(frozen=True, slots=True)
class Late:
    """Waits before the answer."""

    pause_s: float


Fault: TypeAlias = (
    CloseAtOnce | ResetReading | StallReading | CloseAnswerless | Hang | Garbage | Instead | AcceptThen | Damage
    | CutAnswer | HangAnswer | Drip | Late
)  # fmt: skip
Faults: TypeAlias = Sequence[Fault | None] | Callable[[int], Fault | None]
Answering: TypeAlias = Callable[[Received], Answer | Awaitable[Answer]]


def pace(after_s: float, form: Pace = "seconds") -> dict[str, str]:
    """The header that says when to ask again, in one of the forms that providers use.

    A date has whole seconds, so one that is near may be past when it is read.
    """
    if form == "milliseconds":
        return {"retry-after-ms": str(round(after_s * 1000))}
    return {"retry-after": str(round(after_s)) if form == "seconds" else formatdate(time.time() + after_s, usegmt=True)}


class _EndedError(Exception):
    """The connection is over."""


class FaultServer:
    """The server; ``async with`` starts it on a free port of the loopback address and ends every connection after."""

    def __init__(
        self,
        answer: Answering | Answer,
        faults: Faults = (),
        *,
        rule: Callable[[Received], Fault | None] | None = None,
        port: int = 0,
    ) -> None:
        """``faults`` by the request's number: a sequence (then none), or a function of it.

        ``rule`` by the request's head (method, path, headers), for those that met none by their number.
        """
        self._answering: Answering = answer if callable(answer) else lambda received: answer
        self._faults = faults
        self._rule = rule
        self.port = port
        self.received: list[Received] = []
        """Every request whose head arrived, in order."""
        self._connections: set[asyncio.Task[None]] = set()
        self._begun = 0

    @property
    def submits(self) -> int:
        """POSTs that arrived whole."""
        return sum(each.complete and each.method == "POST" for each in self.received)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=_HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while True:
                await self._exchange(reader, writer)
        except (_EndedError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            task.uncancel()  # the server is closing; the stream's own callback wants no cancelled task
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _fault(self, number: int) -> Fault | None:
        if callable(self._faults):
            return self._faults(number)
        return self._faults[number] if number < len(self._faults) else None

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request and what it meets."""
        first = await reader.read(1)
        if not first:
            raise _EndedError
        number, self._begun = self._begun, self._begun + 1
        fault = self._fault(number)
        if isinstance(fault, CloseAtOnce):
            raise _EndedError
        received = _head(number, first + await reader.readuntil(b"\r\n\r\n"), fault)
        if fault is None and self._rule is not None:
            received.fault = self._rule(received)
            if isinstance(received.fault, CloseAtOnce):
                raise _EndedError
        self.received.append(received)
        await self._read_body(received, reader, writer)
        await self._meet(received, writer)
        if received.headers.get("connection", "").lower() == "close":
            raise _EndedError

    async def _read_body(self, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault, parts, count = received.fault, [], 0
        if isinstance(fault, StallReading):
            await asyncio.Event().wait()
        async for part in _body_parts(received, reader):
            parts.append(part)
            count += len(part)
            if isinstance(fault, ResetReading) and count >= fault.after:
                _reset(writer)
        received.body, received.complete = b"".join(parts), True
        if isinstance(fault, ResetReading):
            _reset(writer)

    async def _answer(self, received: Received) -> Answer:
        answer = self._answering(received)
        return answer if isinstance(answer, Answer) else await answer

    async def _meet(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer, or do what the fault says instead."""
        match received.fault:
            case CloseAnswerless(reset=True):
                _reset(writer)
            case CloseAnswerless():
                raise _EndedError
            case Hang():
                await asyncio.Event().wait()
            case Garbage(body=garbage):
                writer.write(garbage)
                await writer.drain()
                raise _EndedError
            case Instead(answer=other):
                await _send(writer, other)
            case AcceptThen(answer=other):
                await self._answer(received)
                await _send(writer, other)
            case Damage(change=change, headers=headers):
                answer = await self._answer(received)
                kept = {name.lower(): value for name, value in answer.headers.items()}
                if not isinstance(answer.body, bytes):
                    kept = {"content-type": "application/json"} | kept
                await _send(writer, replace(answer, body=change(answer.content()), headers={**kept, **headers}))
            case Late(pause_s=pause_s):
                await asyncio.sleep(pause_s)
                await _send(writer, await self._answer(received))
            case fault:
                await _send(writer, await self._answer(received), fault)


def _head(number: int, raw: bytes, fault: Fault | None) -> Received:
    first, *lines = raw.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    return Received(number, method, path, {name.lower(): value.strip() for name, _, value in pairs}, fault=fault)


async def _body_parts(received: Received, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    if received.headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return
    left = int(received.headers.get("content-length", "0"))
    while left:
        part = await reader.read(min(left, 65536))
        if not part:
            raise _EndedError
        left -= len(part)
        yield part


async def _send(writer: asyncio.StreamWriter, answer: Answer, fault: Fault | None = None) -> None:
    content = answer.content()
    kind = "application/octet-stream" if isinstance(answer.body, bytes) else "application/json"
    headers = {"content-type": kind, **{name.lower(): value for name, value in answer.headers.items()}}
    headers |= {"transfer-encoding": "chunked"} if answer.chunked else {"content-length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}\r\n{lines}\r\n".encode("latin-1"))
    stop = fault.after if isinstance(fault, CutAnswer | HangAnswer) else len(content)
    piece = fault.piece if isinstance(fault, Drip) else 65536
    for start in range(0, min(stop, len(content)), piece):
        part = content[start : min(start + piece, stop)]
        writer.write(b"%x\r\n%b\r\n" % (len(part), part) if answer.chunked else part)
        await writer.drain()
        if isinstance(fault, Drip):
            await asyncio.sleep(fault.pause_s)
    await writer.drain()
    if isinstance(fault, HangAnswer):
        await asyncio.Event().wait()
    if isinstance(fault, CutAnswer):
        if fault.reset:
            _reset(writer)
        raise _EndedError
    if answer.chunked:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes so that the other side sees a reset, not an end."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise _EndedError


def unused_port() -> int:
    """A port of the loopback address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
