"""What a run with a judge may spend on pictures and answers together: set aside before, counted after."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_NOTHING = Decimal(0)


@dataclass(slots=True)
class Purse:
    """Belongs to one event loop. Without a limit it only counts."""

    limit_usd: Decimal | None = None
    spent_usd: Decimal = _NOTHING
    """What came or may come, at most."""
    held_usd: Decimal = _NOTHING
    unbounded: bool = False
    """Something was paid of which nobody knows how much: nothing more fits a limit."""

    def hold(self, amount_usd: Decimal) -> bool:
        """Set it aside for something that could cost so much; False where it does not fit."""
        if self.limit_usd is not None and (
            self.unbounded or self.spent_usd + self.held_usd + amount_usd > self.limit_usd
        ):
            return False
        self.held_usd += amount_usd
        return True

    def settle(self, held_usd: Decimal, at_most_usd: Decimal | None) -> None:
        """Count what it cost, at most; None: nobody knows."""
        self.held_usd -= held_usd
        self.spent_usd += at_most_usd or _NOTHING
        self.unbounded = self.unbounded or at_most_usd is None
