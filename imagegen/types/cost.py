"""What a call costs, and where that is known from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

from imagegen.errors import ConfigurationError

CostSource: TypeAlias = Literal["provider", "usage", "price_list", "estimate"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Money in USD. Unknown is None, never 0."""

    amount_usd: Decimal | None
    """What it costs; None where any part of it is unknown."""
    known_usd: Decimal = Decimal(0)
    """The part that is known: never more than the whole."""
    at_most_usd: Decimal | None = None
    """The most it can be, unknown attempts included; None where no price is known."""
    source: CostSource | None = None
    """The provider's own figure, usage times price, the price list, or an estimate; the weakest of the parts."""

    def __str__(self) -> str:
        if self.amount_usd is not None:
            return f"${_short(self.amount_usd)} ({self.source or 'free'})"
        most = f"at most ${_short(self.at_most_usd)}" if self.at_most_usd is not None else "no upper bound known"
        return f"unknown (${_short(self.known_usd)} known, {most})"


def _short(amount: Decimal) -> str:
    return f"{amount.normalize():f}" if amount == amount.quantize(Decimal("0.000001")) else f"{amount:.6f}"


def read_money(name: str, value: Any) -> Decimal | None:
    """An amount in USD that a caller gave; None stays None.

    Raises:
        ConfigurationError: It is none.
    """
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ConfigurationError(f"{name} is an amount in USD, not {value!r}")
    return amount
