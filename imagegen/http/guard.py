"""Where a URL from a reply may lead: checked before connecting, and connected to the very address that was checked."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast
from urllib.parse import quote, urlsplit

import httpcore2

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "100.64.0.0/10",  # carriers, overlay networks
    "::1/128",
    "fc00::/7",
)
"""One's own networks: reached where the connection allows it."""
_METADATA = (
    "168.63.129.16/32",  # Azure
    "100.100.100.200/32",  # Alibaba
    "fd00:ec2::254/128",  # Amazon
    "fd20:ce::254/128",  # Google
)
"""Services that hand out a machine's credentials, at addresses that are public or private: never reached."""
_SPECIAL = (
    "0.0.0.0/8",
    "169.254.0.0/16",  # link-local, with most clouds' metadata
    "192.0.0.0/24",
    "192.0.2.0/24",  # documentation, as are 198.51.100.0 and 203.0.113.0
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",  # 6to4 relays
    "192.175.48.0/24",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
    "2001::/23",  # protocols: Teredo, ORCHID, benchmarks
    "2001:db8::/32",  # documentation, as is 3fff::
    "2002::/16",  # 6to4: holds any IPv4 address
    "2620:4f:8000::/48",
    "3fff::/20",
)
"""Neither public nor anybody's own. Source: IANA's special-purpose registries, read 2026-11-22."""
_GLOBAL_6 = ip_network("2000::/3")
_HOLD_IPV4 = tuple(map(ip_network, ("::ffff:0:0/96", "64:ff9b::/96")))  # mapped; NAT64
_PRIVATE_NETWORKS, _METADATA_NETWORKS, _SPECIAL_NETWORKS = (
    tuple(map(ip_network, names)) for names in (_PRIVATE, _METADATA, _SPECIAL)
)
_PORTS = {"https": 443, "http": 80}
_MOST_DIALLED = 4
_LONGEST_NAME = 253
_UNSAFE_CHARACTERS = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))

Resolve: TypeAlias = Callable[[str, int], Awaitable["Iterable[str]"]]
"""The addresses of a host, as text."""


class UnsafeUrlError(ValueError):
    """A URL that is not fetched: where it leads, or how."""


class Target(NamedTuple):
    """A URL that passed, in parts, so that nobody parses it again and reads it otherwise."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""

    @property
    def host_header(self) -> str:
        """The host as HTTP writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Guard:
    """Says where requests may go: to public addresses over https, and to the connection's own origin."""

    def __init__(self, own_origin: str | None, allow_private: bool, resolve: Resolve | None = None) -> None:
        self._own = _origin(own_origin) if own_origin else None
        self._allow_private = allow_private
        self._resolve = resolve or _resolved

    def check(self, url: str) -> Target:
        """The parts of ``url``, whose address is not looked up yet.

        Raises:
            UnsafeUrlError: Not https, a port of its own, a password in it, or no URL at all.
        """
        target = _split(url)
        if target[:3] == self._own or self._allow_private:
            return target
        if target.scheme != "https":
            raise UnsafeUrlError("a link that is not https")
        if target.port != _PORTS[target.scheme]:
            raise UnsafeUrlError(f"a link to port {target.port}")
        return target

    def check_unresolved(self, url: str) -> None:
        """As `check`, for a URL that somebody else fetches: an address in it is checked, a name is not looked up.

        Raises:
            UnsafeUrlError: It must not be handed on.
        """
        host = self.check(url).host.strip("[]")
        try:
            literal = socket.inet_ntoa(socket.inet_aton(host)) if ":" not in host else host
        except OSError:  # a name
            if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
                raise UnsafeUrlError("a link to a private name") from None
            return
        self._check_address(literal)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, every one of them checked.

        Raises:
            UnsafeUrlError: One of them is not for us.
            OSError: It has none.
        """
        found = list(dict.fromkeys(await self._resolve(host, port)))
        if not found:
            raise OSError(f"{host} has no address")
        if self._own is None or (host, port) != self._own[1:]:
            for address in found:
                self._check_address(address)
        return found

    def _check_address(self, text: str) -> None:
        address = _unwrapped(text)
        if _is_within(address, _METADATA_NETWORKS) or _is_within(address, _SPECIAL_NETWORKS):
            raise UnsafeUrlError("a link to a reserved address")
        if _is_within(address, _PRIVATE_NETWORKS):
            if not self._allow_private:
                raise UnsafeUrlError("a link to a private address")
        elif isinstance(address, IPv6Address) and address not in _GLOBAL_6:
            raise UnsafeUrlError("a link to a reserved address")


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Dials the addresses that the guard checked; the name stays in the Host header and in TLS."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._dial = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failed: Exception = httpcore2.ConnectError(f"cannot reach {host}")
        try:
            addresses = await self._guard.addresses(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(f"cannot find {host}: {error}") from error
        for address in addresses[:_MOST_DIALLED]:
            try:
                return await self._dial.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed


def _split(url: str) -> Target:
    """The parts of an http or https URL."""
    if _UNSAFE_CHARACTERS.search(url):
        raise UnsafeUrlError("a link with characters that no link has")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()  # of ASCII it checks the lengths
        port = parts.port
    except ValueError:
        raise UnsafeUrlError("a link that cannot be read") from None
    if len(host) > _LONGEST_NAME or ("[" in parts.netloc and ":" not in host):
        raise UnsafeUrlError("a link to what is no host")
    if parts.scheme not in _PORTS or not host:
        raise UnsafeUrlError(f"a link with the scheme {parts.scheme[:20]!r}")
    if "@" in parts.netloc or "%" in host or host.endswith("."):
        raise UnsafeUrlError("a link with a user, a zone or a last dot in its host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = _PORTS[parts.scheme] if port is None else port
    return Target(parts.scheme, host, port, quote(path, safe=_ASCII))  # the path may be signed


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        return _split(url)[:3]
    except UnsafeUrlError:  # a base URL that cannot be read fails where it is used
        return None


async def _resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _unwrapped(text: str) -> IPv4Address | IPv6Address:
    """The address that packets go to in the end."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        raise UnsafeUrlError("a link to something that is no address") from None
    if isinstance(address, IPv6Address) and _is_within(address, _HOLD_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_within(address: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)
