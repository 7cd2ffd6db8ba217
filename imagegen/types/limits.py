"""How fast a connection may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast a connection may be asked, for each model family by itself. None: no limit of ours.

    With a ledger its processes share them, and they outlive a restart.
    """

    concurrent: int | None = None
    """Submits and accepted jobs under way at once."""
    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    breaker: bool = True
    """After five calls of unknown outcome in a minute, or at once without credit or with a bad key, nothing is sent for
    30 s."""
    families: Mapping[str, Limits] = field(default_factory=dict)
    """Other limits for some families: ``{"flux-2-max": Limits(concurrent=4)}``."""

    def of(self, family: str) -> Limits:
        """The limits of one family of models."""
        return self.families.get(family, self)
