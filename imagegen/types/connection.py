"""How a provider is reached: as a caller says it, and as it was resolved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from imagegen.secrets import Secret
from imagegen.types.limits import Limits

if TYPE_CHECKING:
    import ssl

    from imagegen.catalogue import ProviderFacts


KeySource: TypeAlias = Callable[[], str | Awaitable[str]]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Connection:
    """One way to one provider: its key and its address. What is not given comes from the environment or the catalogue.

    Several connections may lead to one provider; ``model="azure-eu:my-deployment"`` names the connection.
    """

    provider: str | None
    """The provider's name; None: the name that the connection itself is given."""
    api_key: Secret | KeySource | None
    """Never printed. A callable is asked before each submit (rotating keys, tokens); it may be async."""
    base_url: str | None
    organization: str | None
    """Whom the provider bills, where it knows organisations."""
    project: str | None
    api_version: str | None
    """Of a provider that dates its API (Azure: ``2025-04-01-preview``)."""
    proxy: str | None
    """``http://user:password@proxy:8080``; result URLs are still fetched directly."""
    tls_verify: bool | str | ssl.SSLContext
    """True: the system's trust. A path: further certificates, in a file or a folder. False: none is checked."""
    headers: Mapping[str, str]
    """Sent with every request to the provider, never to result URLs."""
    allow_private: bool
    """Result URLs may lead to private addresses: for engines in one's own network."""
    limits: Limits | None
    """How fast it may be asked; None: what the catalogue knows of the provider."""

    def __init__(
        self,
        provider: str | None = None,
        *,
        api_key: str | Secret | KeySource | None = None,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        api_version: str | None = None,
        proxy: str | None = None,
        tls_verify: bool | str | ssl.SSLContext = True,
        headers: Mapping[str, str] | None = None,
        allow_private: bool = False,
        limits: Limits | None = None,
    ) -> None:
        set_field = object.__setattr__
        set_field(self, "provider", provider)
        set_field(self, "api_key", Secret(api_key) if isinstance(api_key, str) else api_key)
        set_field(self, "base_url", base_url)
        set_field(self, "organization", organization)
        set_field(self, "project", project)
        set_field(self, "api_version", api_version)
        set_field(self, "proxy", proxy)
        set_field(self, "tls_verify", tls_verify)
        set_field(self, "headers", dict(headers or {}))
        set_field(self, "allow_private", allow_private)
        set_field(self, "limits", limits)

    def __repr__(self) -> str:
        """Without key, headers and proxy: all three may hold secrets."""
        return f"Connection({self.provider!r}, base_url={self.base_url!r})"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A connection with every setting resolved."""

    name: str
    """The connection's name."""
    provider: str
    base_url: str | None
    api_key: Secret | KeySource | None
    facts: ProviderFacts
    organization: str | None = None
    project: str | None = None
    api_version: str | None = None
    proxy: str | None = field(default=None, repr=False)
    tls_verify: bool | str | ssl.SSLContext = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = False
    limits: Limits = field(default_factory=Limits)
    own_base_url: bool = False
    """True when the base URL is not the provider's own: the catalogue's dates and key hosts do not apply."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Which setting won: ``{"api_key": "environment OPENAI_API_KEY"}``; never a value of a key."""
