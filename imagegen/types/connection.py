"""How a provider is reached: as a caller says it, and as it was resolved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from imagegen.secrets import Secret

if TYPE_CHECKING:
    from imagegen.catalogue import ProviderFacts

KeySource: TypeAlias = Callable[[], str | Awaitable[str]]


@dataclass(frozen=True, slots=True, init=False)
class Connection:
    """One way to one provider: its key and its address. What is not given comes from the environment or the catalogue.

    Several connections may lead to one provider; ``model="azure-eu:my-deployment"`` names the connection.
    """

    provider: str | None
    """The provider's name; None: the name that the connection itself is given."""
    api_key: Secret | KeySource | None
    """Never printed. A callable is asked before each submit (rotating keys, tokens); it may be async."""
    base_url: str | None
    allow_private: bool
    """Result URLs may lead to private addresses: for engines in one's own network."""

    def __init__(
        self,
        provider: str | None = None,
        *,
        api_key: str | Secret | KeySource | None = None,
        base_url: str | None = None,
        allow_private: bool = False,
    ) -> None:
        set_field = object.__setattr__
        set_field(self, "provider", provider)
        set_field(self, "api_key", Secret(api_key) if isinstance(api_key, str) else api_key)
        set_field(self, "base_url", base_url)
        set_field(self, "allow_private", allow_private)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A connection with every setting resolved."""

    name: str
    """The connection's name."""
    provider: str
    base_url: str | None
    api_key: Secret | KeySource | None
    facts: ProviderFacts
    allow_private: bool = False
    own_base_url: bool = False
    """True when the base URL is not the provider's own: the catalogue's dates and key hosts do not apply."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Which setting won: ``{"api_key": "environment OPENAI_API_KEY"}``; never a value of a key."""
