"""Which addresses and URLs are never fetched, however they are spelled or reached."""

from __future__ import annotations

from typing import Any

import pytest
from core.test_fetch import PICTURE, refuse, to

from imagegen.http.fetch import Fetcher, UnsafeUrlError
from imagegen.http.guard import Guard
from imagegen.http.sinks import MemorySink
from imagegen.testing.faults import (
    Answer,
    FaultServer,
    unused_port,
)

pytestmark = pytest.mark.anyio


# What is refused

ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "64:ff9b:1:fffe::808:808",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fdff::1",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "not an address",
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_name_that_leads_to_a_reserved_address_is_refused(address: str) -> None:
    """Whatever a name looks like, its address decides, also if others of its addresses are public."""
    assert "a link to" in await refuse("https://127.0.0.1.nip.io/x", resolve=to(address))
    assert "a link to" in await refuse("https://cdn.example/x", resolve=to("93.184.216.34", address))


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.0",
        "172.32.0.1",
        "168.63.129.17",
        "223.255.255.255",
        "2606:2800:220:1::1",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2001:4860::8888",
    ],
)
async def test_public_addresses_pass(address: str) -> None:
    """The table refuses no more than it should, NAT64 of a public address included."""
    assert await Guard(None, False, to(address)).addresses("cdn.example", 443) == [address]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "10.1",
        "192.168.257",
        "①②⑦.⓪.⓪.①",
        "１２７.0.0.1",
        "127。0。0。1",
    ],
)
async def test_every_spelling_of_a_private_address_is_refused(host: str) -> None:
    """What the system's own resolver makes of it decides."""
    assert "a link to" in await refuse(f"https://{host}/x")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "//cdn.example/x",
        "http://cdn.example/x",
        "ftp://cdn.example/x",
        "file:///etc/passwd",
        "gopher://cdn.example:443/x",
        "https:///x",
        "https://cdn.example:22/x",
        "https://cdn.example:80/x",
        "https://cdn.example:0x1bb/x",
        "https://cdn.example:99999/x",
        "https://user@cdn.example/x",
        "https://user:password@cdn.example/x",
        "https://@cdn.example/x",
        "https://cdn.example\\@evil.example/x",
        "https://cdn.example\\.evil.example/x",
        "https://cdn.example/x y",
        "https://cdn.example/x\r\nX-Api-Key: 1",
        "https://cdn.example/\tx",
        " https://cdn.example/x",
        "https://[::1",
        "https://[fe80::1%25eth0]/x",
        "https://cdn%2eexample/x",
        f"https://{'é' * 70}.example/x",
    ],
)
async def test_a_url_of_another_kind_is_refused(url: str) -> None:
    """https to the usual port, without a password; nothing is looked up."""

    async def resolve(host: str, port: int) -> list[str]:
        raise AssertionError("looked up")

    await refuse(url, resolve=resolve)


async def test_a_private_server_gets_no_connection() -> None:
    """Refused means that not a byte is sent."""
    async with FaultServer(Answer(PICTURE)) as server:
        url = f"https://cdn.example:{server.port}/x"
        await refuse(url)
        await refuse("https://cdn.example/x", resolve=to("127.0.0.1"))
        assert server.received == []


async def test_another_port_of_the_own_host_is_refused() -> None:
    """The own origin is a host and a port."""
    async with FaultServer(Answer(PICTURE)) as server:
        await refuse(f"{server.url}/x", own_origin=f"http://127.0.0.1:{unused_port()}")
    assert server.received == []


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "168.63.129.16", "100.100.100.200", "[fd00:ec2::254]", "224.0.0.1"]
)
async def test_metadata_services_are_refused_even_where_private_addresses_are_allowed(host: str) -> None:
    """They hand out a machine's credentials, and no engine lives there."""
    await refuse(f"http://{host}/latest", own_origin=None, allow_private=True)


async def test_a_name_that_changes_its_address_is_refused() -> None:
    """Each connection is checked anew, with one look-up that is also the one dialled."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with FaultServer(Answer(PICTURE, headers={"connection": "close"})) as server:
        fetcher = Fetcher(None, True, resolve=resolve)
        url = f"http://rebinding.invalid:{server.port}/x"
        assert (await fetcher.fetch(url, MemorySink)).read() == PICTURE
        with pytest.raises(UnsafeUrlError):
            await fetcher.fetch(url, MemorySink)
        await fetcher.aclose()
    assert answers == []
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "location",
    ["https://127.0.0.1/x", "http://169.254.169.254/latest", "//10.0.0.1/x", "file:///etc/passwd", "http://[::1]:1/"],
)
async def test_a_redirect_to_a_private_address_is_refused(location: str) -> None:
    """Every step is checked as the first one was."""
    async with FaultServer(Answer(b"", 302, {"location": location})) as server:
        await refuse(f"{server.url}/x", own_origin=server.url)
    assert len(server.received) == 1


async def test_a_redirect_loop_ends() -> None:
    """After the third redirect nothing more is asked."""
    async with FaultServer(Answer(b"", 302, {"location": "/again"})) as server:
        assert "redirects" in await refuse(f"{server.url}/x", own_origin=server.url)
    assert len(server.received) == 4


async def test_no_redirect_leads_from_https_to_http() -> None:
    """Not even where http is allowed."""

    class Once(Fetcher):
        async def _get(self, target: Any, new_sink: Any) -> str:
            return "http://127.0.0.1/x"

    with pytest.raises(UnsafeUrlError, match="from https"):
        await Once(None, True).fetch("https://127.0.0.1/x", MemorySink)
