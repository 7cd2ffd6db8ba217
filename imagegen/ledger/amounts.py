"""Money as the ledger keeps it: whole billionths of a dollar, so that sums are exact."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

_NANO = Decimal(10) ** 9


def to_nano(usd: Decimal | None) -> int | None:
    """Billionths of a dollar, to the nearest; unknown stays None."""
    return None if usd is None else int((usd * _NANO).to_integral_value(ROUND_HALF_EVEN))


def to_nano_up(usd: Decimal | None) -> int | None:
    """Billionths of a dollar, rounded up: what is set aside is never less than what it may cost."""
    return None if usd is None else int((usd * _NANO).to_integral_value(ROUND_CEILING))


def to_usd(nano: int | None) -> Decimal | None:
    """Dollars; unknown stays None."""
    return None if nano is None else usd(nano)


def usd(nano: int) -> Decimal:
    """Dollars."""
    return Decimal(nano) / _NANO


def shown(nano: int) -> str:
    """``$0.0125``, for a message."""
    return f"${usd(nano):f}"
