"""A URL from a reply is fetched safely, over real sockets, or refused before a connection is opened."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from imagegen.http.fetch import ExpiredError, Fetcher, FetchError, UnsafeUrlError
from imagegen.http.sinks import FileSink, MemorySink, PictureTooLargeError
from imagegen.testing.faults import (
    Answer,
    CloseAnswerless,
    CloseAtOnce,
    CutAnswer,
    Drip,
    FaultServer,
    Garbage,
    Hang,
    HangAnswer,
    unused_port,
)

pytestmark = pytest.mark.anyio
PICTURE = random.Random(5).randbytes(200_000)


def to(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver that knows but one answer."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


async def fetched(url: str, **options: Any) -> bytes:
    """The bytes behind a URL that is at the connection's own origin."""
    fetcher = Fetcher(options.pop("own_origin", url), options.pop("allow_private", False), **options)
    try:
        return (await fetcher.fetch(url, MemorySink)).read()
    finally:
        await fetcher.aclose()


async def refuse(url: str, **options: Any) -> str:
    """Why a URL is refused."""
    options.setdefault("own_origin", "https://api.example/v1")
    with pytest.raises(UnsafeUrlError) as caught:
        await asyncio.wait_for(fetched(url, **options), 10)
    return str(caught.value)


# What works


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_picture_is_fetched(chunked: bool) -> None:
    """Its bytes arrive, and no header tells who asks for it."""
    async with FaultServer(Answer(PICTURE, chunked=chunked)) as server:
        assert await fetched(f"{server.url}/a/b.png?sig=%2Fa%20b+c[0]'") == PICTURE
    (request,) = server.received
    assert request.path == "/a/b.png?sig=%2Fa%20b+c[0]'"
    assert set(request.headers) == {"host", "accept", "accept-encoding", "user-agent"}
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == server.url.removeprefix("http://")


async def test_a_picture_goes_straight_to_disk(tmp_path: Path) -> None:
    """The sink is the caller's, and is told the size."""
    sizes = []

    def new_sink(expected: int | None) -> FileSink:
        sizes.append(expected)
        return FileSink(tmp_path)

    async with FaultServer(Answer(PICTURE)) as server:
        fetcher = Fetcher(server.url, False)
        picture = await fetcher.fetch(server.url, new_sink)
        await fetcher.aclose()
    assert picture.path is not None
    assert picture.path.read_bytes() == PICTURE
    assert sizes == [len(PICTURE)]


async def test_connections_are_used_again() -> None:
    """Four pictures of one host come over one connection."""
    ports = set()
    async with FaultServer(Answer(PICTURE)) as server:
        fetcher = Fetcher(server.url, False)
        for _ in range(4):
            await fetcher.fetch(server.url, MemorySink)
            ports |= {connection.info() for connection in fetcher._connections().connections}
        await fetcher.aclose()
    assert any("Request Count: 4" in info for info in ports)


async def test_the_checked_address_is_dialled_under_the_hosts_name() -> None:
    """The name is looked up once, goes into the Host header, and is not looked up again."""
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    async with FaultServer(Answer(PICTURE)) as server:
        url = f"http://cdn.invalid:{server.port}/x"
        assert await fetched(url, own_origin=None, allow_private=True, resolve=resolve) == PICTURE
    assert asked == [("cdn.invalid", server.port)]
    assert server.received[0].headers["host"] == f"cdn.invalid:{server.port}"


async def test_the_next_address_is_tried() -> None:
    """A host with a dead address is reached at its other one."""
    async with FaultServer(Answer(PICTURE)) as server:
        url = f"http://cdn.invalid:{server.port}/x"
        assert await fetched(url, resolve=to("127.0.0.2", "::1", "127.0.0.1")) == PICTURE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(status: int) -> None:
    """Relative, too."""
    steps = {"/a": "/b?c", "/b?c": "d"}
    async with FaultServer(
        lambda got: Answer(b"", status, {"location": steps[got.path]}) if got.path in steps else Answer(PICTURE)
    ) as server:
        assert await fetched(f"{server.url}/a") == PICTURE
    assert [request.path for request in server.received] == ["/a", "/b?c", "/d"]


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("data:image/png;base64,iVBORw0KGgo=", b"\x89PNG\r\n\x1a\n"),
        ("data:image/png;base64,iVBORw0KGgo", b"\x89PNG\r\n\x1a\n"),
        ("DATA:;Base64,_-_-", b"\xff\xef\xfe"),
        ("data:image/png;base64,iVBO\nRw0K Ggo%3D", b"\x89PNG\r\n\x1a\n"),
        ("data:image/svg+xml,%3Csvg/%3E", b"<svg/>"),
        ("data:image/svg+xml;charset=utf-8,<svg a=','/>", b"<svg a=','/>"),
    ],
)
async def test_a_data_url_is_decoded_here(url: str, data: bytes) -> None:
    """A link that holds the picture needs no network."""
    assert await fetched(url, own_origin=None) == data


@pytest.mark.parametrize("url", ["data:", "data:image/png;base64", "data:image/png;base64,a!b", "data:;base64,abcde"])
async def test_a_broken_data_url_is_refused(url: str, tmp_path: Path) -> None:
    """It is no picture, and no file stays."""
    with pytest.raises(UnsafeUrlError):
        await Fetcher(None, False).fetch(url, lambda _: FileSink(tmp_path))
    assert list(tmp_path.iterdir()) == []


# What goes wrong


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_a_link_that_is_refused_has_expired(status: int) -> None:
    """Asking again would not help; a signed link of a store may answer any of these."""
    async with FaultServer(Answer(b"gone", status)) as server:
        with pytest.raises(ExpiredError, match=str(status)):
            await fetched(server.url)


@pytest.mark.parametrize("status", [202, 204, 206, 300, 304, 408, 425, 429, 500, 502, 503, 504, 599])
async def test_other_answers_are_worth_another_try(status: int) -> None:
    """The link may still be good."""
    async with FaultServer(Answer(b"", status)) as server:
        with pytest.raises(FetchError, match=str(status)) as caught:
            await fetched(server.url)
    assert not isinstance(caught.value, ExpiredError)


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("reset", [True, False])
async def test_a_picture_cut_short_is_an_error(chunked: bool, reset: bool, tmp_path: Path) -> None:
    """A part is never taken for the whole, and leaves no file."""
    async with FaultServer(Answer(PICTURE, chunked=chunked), [CutAnswer(70_000, reset)]) as server:
        fetcher = Fetcher(server.url, False)
        with pytest.raises(FetchError):
            await fetcher.fetch(server.url, lambda _: FileSink(tmp_path))
        assert list(tmp_path.iterdir()) == []
        assert (await fetcher.fetch(server.url, MemorySink)).read() == PICTURE
        await fetcher.aclose()


@pytest.mark.parametrize("fault", [CloseAtOnce(), CloseAnswerless(), CloseAnswerless(reset=True), Garbage()])
async def test_a_broken_connection_is_worth_another_try(fault: Any) -> None:
    """The caller decides how often."""
    async with FaultServer(Answer(PICTURE), [fault]) as server:
        with pytest.raises(FetchError):
            await fetched(server.url)
        assert await fetched(server.url) == PICTURE


async def test_nobody_there_is_worth_another_try() -> None:
    """A refused connection, and a name without an address."""
    with pytest.raises(FetchError):
        await fetched(f"http://127.0.0.1:{unused_port()}/x")
    with pytest.raises(FetchError):
        await fetched("https://cdn.example/x", own_origin=None, resolve=to())


@pytest.mark.parametrize("fault", [Hang(), HangAnswer(), HangAnswer(70_000), Drip(pause_s=0.02, piece=100)])
async def test_a_picture_that_comes_too_slowly_is_given_up(fault: Any, tmp_path: Path) -> None:
    """Less than the least rate for one window is an error, however it came about."""
    async with FaultServer(Answer(PICTURE), [fault]) as server:
        fetcher = Fetcher(server.url, False, min_bytes_per_s=50_000, window_s=0.2)
        began = time.monotonic()
        with pytest.raises(FetchError, match="slowly"):
            await fetcher.fetch(server.url, lambda _: FileSink(tmp_path))
        assert time.monotonic() - began < 5
        assert list(tmp_path.iterdir()) == []
        await fetcher.aclose()


async def test_a_slow_picture_above_the_least_rate_arrives() -> None:
    """More than one window may pass as long as enough comes in each."""
    async with FaultServer(Answer(PICTURE), [Drip(pause_s=0.02, piece=10_000)]) as server:
        assert await fetched(server.url, min_bytes_per_s=50_000, window_s=0.2) == PICTURE


async def test_a_picture_past_the_cap_is_refused_by_its_length() -> None:
    """A stated length is enough to stop: nothing of the body is waited for."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 50000001\r\n\r\n"
    async with FaultServer(Answer(), [Garbage(head)]) as server:
        with pytest.raises(PictureTooLargeError):
            await fetched(server.url)


async def test_a_picture_without_end_is_stopped_at_the_cap(tmp_path: Path) -> None:
    """Without a length it stops when too much has come, and no file stays."""
    async with FaultServer(Answer(b"x" * 200_000, chunked=True)) as server:
        fetcher = Fetcher(server.url, False)
        with pytest.raises(PictureTooLargeError):
            await fetcher.fetch(server.url, lambda _: FileSink(tmp_path, max_bytes=100_000))
        await fetcher.aclose()
    assert list(tmp_path.iterdir()) == []


async def test_compressed_bytes_are_no_picture() -> None:
    """Nothing is inflated: a few bytes could become gigabytes."""
    async with FaultServer(Answer(b"x", headers={"content-encoding": "gzip"})) as server:
        with pytest.raises(FetchError, match="compressed"):
            await fetched(server.url)


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1, 2", "x"])
async def test_a_senseless_length_is_an_error(length: str) -> None:
    """Whatever a header says, the error is one of ours."""
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nxx".encode()
    async with FaultServer(Answer(), [Garbage(head)]) as server:
        with pytest.raises(FetchError):
            await fetched(server.url)


async def test_a_cancelled_fetch_leaves_nothing(tmp_path: Path) -> None:
    """No file and no connection."""
    begun = asyncio.Event()

    class Noticed(FileSink):
        def write(self, data: bytes | memoryview, /) -> None:
            super().write(data)
            begun.set()

    async with FaultServer(Answer(PICTURE), [HangAnswer(70_000)]) as server:
        fetcher = Fetcher(server.url, False)
        task = asyncio.ensure_future(fetcher.fetch(server.url, lambda _: Noticed(tmp_path)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(tmp_path.iterdir()) == []
        assert fetcher._connections().connections == []
        await fetcher.aclose()
