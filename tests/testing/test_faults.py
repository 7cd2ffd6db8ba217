"""Each fault does on the wire what it says: seen by bare sockets and by the standard library's client."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from imagegen.testing.faults import (
    Answer,
    CloseAnswerless,
    CloseAtOnce,
    CutAnswer,
    Damage,
    Drip,
    FaultServer,
    Garbage,
    Hang,
    HangAnswer,
    Instead,
    Late,
    ResetReading,
    StallReading,
    unused_port,
)

pytestmark = pytest.mark.anyio
PICTURE = bytes(range(256)) * 400
POST = b"POST /a?b HTTP/1.1\r\nHost: x\r\nX-Key: v\r\nContent-Length: 5\r\n\r\nhello"


def connected(server: FaultServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def all_of(client: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


async def outcome(server: FaultServer, sent: bytes = POST) -> bytes | type[Exception]:
    """What a client sees on a connection of its own: all bytes up to the end, or the error."""

    def talk() -> bytes | type[Exception]:
        with connected(server) as client:
            try:
                client.sendall(sent)
                return all_of(client)
            except ConnectionError as error:
                return type(error)

    return await asyncio.to_thread(talk)


async def so_far(server: FaultServer, wait_s: float = 0.2) -> bytes:
    """What has come when nothing more comes for a while, on a connection that is still open."""

    def talk() -> bytes:
        with connected(server) as client:
            client.sendall(POST)
            client.settimeout(wait_s)
            parts = []
            with pytest.raises(TimeoutError):  # noqa: PT012 - the end of the connection would be another outcome
                while True:
                    part = client.recv(65536)
                    assert part, "closed"
                    parts.append(part)
            return b"".join(parts)

    return await asyncio.to_thread(talk)


async def asked(server: FaultServer, work: Callable[[http.client.HTTPConnection], Any]) -> Any:
    """What the standard library's client makes of it."""

    def talk() -> Any:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        try:
            return work(client)
        finally:
            client.close()

    return await asyncio.to_thread(talk)


def post(client: http.client.HTTPConnection) -> tuple[int, bytes]:
    client.request("POST", "/", body=b"hello")
    response = client.getresponse()
    return response.status, response.read()


# A good answer


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_good_answer(chunked: bool) -> None:
    """Status, headers and body arrive as given, framed either way."""
    answer = Answer(PICTURE, 201, {"X-Request-Id": "r-1", "Content-Type": "image/png"}, chunked=chunked)

    def look(client: http.client.HTTPConnection) -> Any:
        client.request("GET", "/")
        response = client.getresponse()
        return response.status, dict(response.getheaders()), response.read()

    async with FaultServer(answer) as server:
        status, headers, body = await asked(server, look)
    assert (status, body) == (201, PICTURE)
    assert (headers["x-request-id"], headers["content-type"]) == ("r-1", "image/png")
    assert ("transfer-encoding" in headers, "content-length" in headers) == (chunked, not chunked)


async def test_values_are_sent_as_json() -> None:
    """A body that is not bytes is JSON, and says so."""
    async with FaultServer(Answer({"a": [1]})) as server:
        found = await outcome(server, POST.replace(b"X-Key: v", b"Connection: close"))
    assert isinstance(found, bytes)
    head, _, body = found.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert json.loads(body) == {"a": [1]}


async def test_what_arrived_is_recorded() -> None:
    """Method, path, headers and body, and that it was whole."""
    async with FaultServer(lambda got: Answer(got.body.upper())) as server:
        assert b"HELLO" in await so_far(server)
        (received,) = server.received
        assert (received.method, received.path, received.body, received.complete) == ("POST", "/a?b", b"hello", True)
        assert received.headers["x-key"] == "v"
        assert server.submits == 1


async def test_a_chunked_request_is_read_whole() -> None:
    """An upload without a length counts like any other."""
    async with FaultServer(Answer(b"ok")) as server:

        def upload(client: http.client.HTTPConnection) -> int:
            client.request("POST", "/", body=iter([b"hel", b"lo"]), encode_chunked=True)
            return client.getresponse().status

        assert await asked(server, upload) == 200
        assert server.received[0].body == b"hello"
        assert server.submits == 1


async def test_a_connection_is_kept_alive() -> None:
    """Several requests pass over one connection, and a GET is no submit."""

    def twice(client: http.client.HTTPConnection) -> list[bytes]:
        found = [post(client)[1]]
        kept = client.sock
        client.request("GET", "/again")
        found.append(client.getresponse().read())
        assert client.sock is kept
        return found

    async with FaultServer(lambda got: Answer(got.path.encode())) as server:
        assert await asked(server, twice) == [b"/", b"/again"]
        assert [received.number for received in server.received] == [0, 1]
        assert server.submits == 1


async def test_faults_are_chosen_by_the_requests_number() -> None:
    """A list serves the first requests; a function serves any."""
    async with FaultServer(Answer(b"ok"), [None, Instead(Answer(b"", 429))]) as server:
        assert [(await asked(server, post))[0] for _ in range(3)] == [200, 429, 200]
    async with FaultServer(Answer(b"ok"), lambda number: Instead(Answer(b"", 503)) if number % 2 else None) as server:
        assert [(await asked(server, post))[0] for _ in range(4)] == [200, 503, 200, 503]
        assert isinstance(server.received[1].fault, Instead)


# Before and while the request is read


async def test_closed_at_once() -> None:
    """The connection ends without an answer, and nothing was received."""
    async with FaultServer(Answer(b"ok"), [CloseAtOnce()]) as server:
        assert await outcome(server) in (b"", ConnectionResetError, BrokenPipeError)
        assert server.received == []
        assert (await asked(server, post))[0] == 200


async def test_an_idle_connection_dies_as_the_next_request_goes_out() -> None:
    """The second request of a kept connection meets a server that is gone."""

    def twice(client: http.client.HTTPConnection) -> None:
        assert post(client)[0] == 200
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            post(client)

    async with FaultServer(Answer(b"ok"), [None, CloseAtOnce()]) as server:
        await asked(server, twice)
        assert server.submits == 1


@pytest.mark.parametrize("after", [0, 3, 100_000])
async def test_reset_while_the_body_is_read(after: int) -> None:
    """The client is reset, and the request never counts as whole."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
    async with FaultServer(Answer(b"ok"), [ResetReading(after)]) as server:
        assert await outcome(server, head + bytes(3_000_000)) in (ConnectionResetError, BrokenPipeError)
        assert not server.received[0].complete
        assert server.submits == 0


async def test_reading_stalls() -> None:
    """The client cannot get rid of a large body, and the connection stays open."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n"

    def push(server: FaultServer) -> int:
        with connected(server) as client:
            client.settimeout(0.3)
            sent = client.send(head)
            with pytest.raises(TimeoutError):  # noqa: PT012 - it stops somewhere on the way
                while True:
                    sent += client.send(bytes(65536))
            return sent

    async with FaultServer(Answer(b"ok"), [StallReading()]) as server:
        assert await asyncio.to_thread(push, server) < 40_000_000
        assert not server.received[0].complete


# In place of an answer


async def test_closed_without_an_answer() -> None:
    """The whole request was read, so it may have been paid for; then the connection ends."""
    async with FaultServer(Answer(b"ok"), [CloseAnswerless()]) as server:
        assert await outcome(server) == b""
        assert server.submits == 1


async def test_reset_without_an_answer() -> None:
    """The same with a reset."""
    async with FaultServer(Answer(b"ok"), [CloseAnswerless(reset=True)]) as server:
        assert await outcome(server) is ConnectionResetError
        assert server.submits == 1


async def test_no_answer_comes() -> None:
    """The connection stays open and silent."""
    async with FaultServer(Answer(b"ok"), [Hang()]) as server:
        assert await so_far(server) == b""
        assert server.submits == 1


async def test_the_answer_is_garbage() -> None:
    """What comes is no HTTP."""
    async with FaultServer(Answer(b"ok"), [Garbage(), Garbage()]) as server:
        assert await outcome(server) == Garbage().body
        with pytest.raises(http.client.BadStatusLine):
            await asked(server, post)


# In the answer


async def test_another_answer() -> None:
    """A redirect, an error, anything proper."""
    async with FaultServer(Answer(b"ok"), [Instead(Answer(b"", 307, {"location": "http://x/"}))]) as server:
        assert await asked(server, post) == (307, b"")


async def test_a_damaged_answer_is_framed_properly() -> None:
    """Only the body's content is wrong."""
    async with FaultServer(Answer({"a": 1}), [Damage(lambda body: body[:-1] + b"!!")]) as server:
        assert await asked(server, post) == (200, b'{"a": 1!!')


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("after", [0, 1, 70_000])
async def test_an_answer_is_cut(after: int, chunked: bool) -> None:
    """The head and so many bytes of the body come; any client can tell that the rest is missing."""

    def cut(client: http.client.HTTPConnection) -> bytes:
        client.request("POST", "/", body=b"hello")
        response = client.getresponse()
        assert response.status == 200
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        return caught.value.partial

    async with FaultServer(Answer(PICTURE, chunked=chunked), [CutAnswer(after)]) as server:
        assert await asked(server, cut) == PICTURE[:after]
        assert server.submits == 1


async def test_an_answer_ends_in_a_reset() -> None:
    """The cut may be a reset."""
    async with FaultServer(Answer(PICTURE), [CutAnswer(10, reset=True)]) as server:
        assert await outcome(server) is ConnectionResetError


@pytest.mark.parametrize("after", [0, 70_000])
async def test_an_answer_hangs(after: int) -> None:
    """The head and so many bytes come, then nothing, and the connection stays open."""
    async with FaultServer(Answer(PICTURE), [HangAnswer(after)]) as server:
        head, _, body = (await so_far(server)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert body == PICTURE[:after]


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_answer_drips(chunked: bool) -> None:
    """Byte by byte, with pauses, until it is whole."""
    async with FaultServer(Answer(b"x" * 50, chunked=chunked), [Drip(pause_s=0.004)]) as server:
        began = time.monotonic()
        assert await asked(server, post) == (200, b"x" * 50)
        assert time.monotonic() - began > 0.15


async def test_an_answer_is_late() -> None:
    """It is whole when it comes."""
    async with FaultServer(Answer(b"ok"), [Late(0.2)]) as server:
        began = time.monotonic()
        assert await asked(server, post) == (200, b"ok")
        assert time.monotonic() - began > 0.15


# The server's end


@pytest.mark.parametrize("fault", [Hang(), StallReading(), HangAnswer(3), Late(60), Drip(pause_s=60)])
async def test_the_server_ends_whatever_hangs(fault: Any) -> None:
    """Every connection is closed with it, at once."""
    async with FaultServer(Answer(PICTURE), [fault]) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(POST)
        while not server.received:
            await asyncio.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    with pytest.raises(asyncio.IncompleteReadError):
        await asyncio.wait_for(reader.readexactly(1 << 20), 5)
    writer.close()


async def test_a_client_that_leaves_does_no_harm() -> None:
    """Half a request, half a head, or nothing: the next one is served."""
    async with FaultServer(Answer(PICTURE)) as server:
        for part in (b"", b"POST / HT", POST[:-2]):
            with connected(server) as client:
                client.sendall(part)
        assert await asked(server, post) == (200, PICTURE)
        assert server.submits == 1


async def test_nobody_listens_at_an_unused_port() -> None:
    """Connections are refused."""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", unused_port())
