"""Every way to write an address that is not for us: refused, and the system is never asked to connect."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from imagegen.http.fetch import Fetcher, FetchError, UnsafeUrlError
from imagegen.http.guard import Guard
from imagegen.http.sinks import MemorySink
from imagegen.testing.faults import Answer, FaultServer

pytestmark = pytest.mark.anyio
OWN = "https://api.example/v1"

# what is reached, and how it is written
LOOPBACK = [
    "https://127.0.0.1/x",
    "https://127.0.0.53/x",
    "https://127.255.255.254/x",
    "https://localhost/x",
    "https://LocalHost/x",
    "https://127.1/x",
    "https://127.0.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0x7F.0x0.0x0.0x1/x",
    "https://0x7f.1/x",
    "https://017700000001/x",
    "https://0177.0.0.1/x",
    "https://0177.0x0.0.1/x",
    "https://[::1]/x",
    "https://[0:0:0:0:0:0:0:1]/x",
    "https://[0000::0001]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:7f00:1]/x",
    "https://[0:0:0:0:0:ffff:7f00:1]/x",
    "https://[::127.0.0.1]/x",
    "https://[::7f00:1]/x",
    "https://[::ffff:0:127.0.0.1]/x",
    "https://[64:ff9b::127.0.0.1]/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://[64:ff9b:1::7f00:1]/x",
    "https://[2002:7f00:1::]/x",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/x",
    "https://１２７.0.0.1/x",
    "https://①②⑦.⓪.⓪.①/x",
    "https://127。0。0。1/x",
    "https://𝟏𝟐𝟕.𝟎.𝟎.𝟏/x",
]
NOBODY = [
    "https://0.0.0.0/x",
    "https://0/x",
    "https://0x0/x",
    "https://0.1.2.3/x",
    "https://[::]/x",
    "https://[0::0]/x",
]
METADATA = [
    "https://169.254.169.254/latest",
    "https://2852039166/latest",
    "https://0xa9fea9fe/latest",
    "https://0251.0376.0251.0376/latest",
    "https://169.254.43518/latest",
    "https://[::ffff:169.254.169.254]/latest",
    "https://[::ffff:a9fe:a9fe]/latest",
    "https://[64:ff9b::a9fe:a9fe]/latest",
    "https://[2002:a9fe:a9fe::]/latest",
    "https://[fd00:ec2::254]/latest",
    "https://[fd20:ce::254]/latest",
    "https://168.63.129.16/machine",
    "https://[::ffff:168.63.129.16]/machine",
    "https://100.100.100.200/latest",
]
PRIVATE = [
    "https://10.0.0.1/x",
    "https://10.1/x",
    "https://167772161/x",
    "https://172.16.0.1/x",
    "https://172.31.255.255/x",
    "https://192.168.0.1/x",
    "https://192.168.257/x",
    "https://100.64.0.1/x",
    "https://100.127.255.255/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[64:ff9b::10.0.0.1]/x",
    "https://[fc00::1]/x",
    "https://[fdff:ffff::1]/x",
]
RESERVED = [
    "https://169.254.1.1/x",
    "https://192.0.0.1/x",
    "https://192.0.2.1/x",
    "https://198.18.0.1/x",
    "https://224.0.0.1/x",
    "https://239.255.255.250/x",
    "https://240.0.0.1/x",
    "https://255.255.255.255/x",
    "https://[fe80::1]/x",
    "https://[fec0::1]/x",
    "https://[ff02::1]/x",
    "https://[ff0e::1]/x",
    "https://[100::1]/x",
    "https://[2001:db8::1]/x",
    "https://[4000::1]/x",
]
WRITTEN_OTHERWISE = [
    "https://127.0.0.1./x",
    "https://localhost./x",
    "https://cdn.example./x",
    "https://127.0.0.1../x",
    "https://.127.0.0.1/x",
    "https://8.8.8.8@127.0.0.1/x",
    "https://good:pass@127.0.0.1/x",
    "https://127.0.0.1@8.8.8.8/x",
    "https://@127.0.0.1/x",
    "https://8.8.8.8%2f@127.0.0.1/x",
    "https://8.8.8.8\\@127.0.0.1/x",
    "https://%31%32%37.0.0.1/x",
    "https://127.0.0.1%00.cdn.example/x",
    "https://[::1%25lo]/x",
    "https://[fe80::1%lo]/x",
    "https://127.0.0.1:443:80/x",
    "https://[v1.127]/x",
    "https://[::1/x",
    "https://8.8.8.8:22/x",
    "https://8.8.8.8:6379/x",
    "https://8.8.8.8:80/x",
    "https://8.8.8.8:0/x",
    "http://8.8.8.8/x",
    "http://8.8.8.8:443/x",
    "http://good@127.0.0.1/",
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "ftp://8.8.8.8/x",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stat",
    "ldap://127.0.0.1/x",
    "jar:https://8.8.8.8/x!/y",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "//127.0.0.1/x",
    "https:127.0.0.1/x",
    "https:///127.0.0.1/x",
    "https://8.8.8.8/x\r\nHost: 127.0.0.1",
    f"https://{'a' * 64}.example/x",
    f"https://{'a.' * 130}example/x",
]
ADDRESSES = [*LOOPBACK, *NOBODY, *METADATA, *PRIVATE, *RESERVED]
FORMS = [*ADDRESSES, *WRITTEN_OTHERWISE]


class Connects(list[tuple[Any, ...]]):
    """Where the process asked to be connected; what is not on this machine is refused before a packet leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.watching = False
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event == "socket.connect" and arguments[0].family != socket.AF_UNIX:
            self.append(arguments[1][:2])
            if arguments[1][0] not in ("127.0.0.1", "::1"):
                raise ConnectionRefusedError("not from a test")


@pytest.fixture(scope="module")
def listening() -> Connects:
    return Connects()  # an audit hook cannot be taken away again: one for all


@pytest.fixture
def connects(listening: Connects) -> Iterator[Connects]:
    """The connections that were asked for during a test."""
    listening.clear()
    listening.watching = True
    yield listening
    listening.watching = False


async def fetch(url: str, own: str | None = OWN, **options: Any) -> bytes:
    fetcher = Fetcher(own, options.pop("allow_private", False), **options)
    try:
        return (await asyncio.wait_for(fetcher.fetch(url, MemorySink), 10)).read()
    finally:
        await fetcher.aclose()


def test_there_are_enough_forms():
    """The table names each once."""
    assert len(set(FORMS)) == len(FORMS) >= 100


@pytest.mark.parametrize("url", FORMS)
async def test_every_form_is_refused_and_nothing_connects(connects, url):
    """The system's own resolver reads the numbers; refused means that no connection was asked for."""
    with pytest.raises(UnsafeUrlError):
        await fetch(url)
    assert connects == []


RELATIVE = {"https:127.0.0.1/x", "https:///127.0.0.1/x"}
"""In a redirect these lead back to the first server."""


@pytest.mark.parametrize("url", [url for url in FORMS if url not in RELATIVE and url.isascii() and "\r" not in url])
async def test_no_redirect_leads_there(connects, url):
    """A good first step is no way around: the only connection is to the first server."""
    async with FaultServer(Answer(b"", 302, {"location": url})) as server:
        with pytest.raises((UnsafeUrlError, FetchError)):
            await fetch(f"{server.url}/x", server.url)
        assert set(connects) == {("127.0.0.1", server.port)}
        assert len(server.received) == 1


@pytest.mark.parametrize("url", [*NOBODY, *METADATA, *RESERVED])
async def test_leave_for_private_addresses_is_no_leave_for_these(connects, url):
    """Who allows his own network does not allow its metadata service, nor what is nobody's."""
    with pytest.raises(UnsafeUrlError):
        await fetch(url, allow_private=True)
    assert connects == []


@pytest.mark.parametrize("url", [*FORMS, "https://printer.local/x", "https://metadata.google.internal/x"])
def test_no_form_is_handed_on_to_a_provider(url):
    """Input pictures that the provider fetches: not into its own network either."""
    with pytest.raises(UnsafeUrlError):
        Guard(None, allow_private=False).check_unresolved(url)


async def test_a_name_that_changes_its_address_gains_nothing(connects):
    """First public, then private: what was checked is what is dialled, and the next time is checked anew."""
    answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]]
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    with pytest.raises(FetchError):
        await fetch("https://rebind.example/x", resolve=resolve)
    assert (asked, connects) == (["rebind.example"], [("93.184.216.34", 443)])
    for _ in range(2):
        with pytest.raises(UnsafeUrlError):
            await fetch("https://rebind.example/x", resolve=resolve)
    assert len(connects) == 1


async def test_the_watch_sees_a_connection(connects):
    """A table of refusals proves nothing unless a connection would be seen."""
    async with FaultServer(Answer(b"picture")) as server:
        assert await fetch(server.url, server.url) == b"picture"
        assert connects == [("127.0.0.1", server.port)]
