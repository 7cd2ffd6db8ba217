"""What was spent, by day, connection, model or label: what is known, what is not, and how good the estimates were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from imagegen.errors import Billed
from imagegen.ledger.amounts import usd
from imagegen.ledger.rows import UnitState

if TYPE_CHECKING:
    import sqlite3

    from imagegen.ledger.reading import Reader

By: TypeAlias = Literal["day", "connection", "model", "label"]
GROUPS: tuple[By, ...] = ("day", "connection", "model", "label")
_FAILED = (
    *(UnitState.NOT_SENT, UnitState.REJECTED, UnitState.UNREADABLE),
    *(UnitState.FAILED, UnitState.EXPIRED, UnitState.CANCELLED),
)
_COLUMNS = (
    "id, call_id, day, connection, model, state, billed, pictures, came, reported, computed, reserved, "
    "estimated_least, estimated_most"
)


@dataclass(frozen=True, slots=True)
class Estimates:
    """Estimates beside what was billed in the end, over units that gave every picture and have both."""

    units: int
    least_usd: Decimal
    most_usd: Decimal
    actual_usd: Decimal
    outside: int
    """Units that cost less or more than their estimate said: where there are many, a price row is wrong."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one group of units cost. Money in USD; unknown is None, never 0."""

    group: Mapping[By, str | None]
    pictures: int
    """Those that came."""
    failures: int
    """Submits that ended without a picture, refusals and unknown outcomes apart."""
    refusals: int
    known_usd: Decimal
    """What was billed for certain: the provider's own figure, else usage or list price."""
    unknown: int
    """Units whose outcome or price nobody knows, those under way among them."""
    unknown_at_most_usd: Decimal
    """What those may have cost, as far as there is a bound."""
    unbounded: int
    """How many of them have none."""
    estimates: Estimates | None
    """None where no unit has both estimate and price."""

    @property
    def amount_usd(self) -> Decimal | None:
        """What it cost; None where any part of it is unknown."""
        return None if self.unknown else self.known_usd

    @property
    def at_most_usd(self) -> Decimal | None:
        """The most it can have cost; None where something has no bound."""
        return None if self.unbounded else self.known_usd + self.unknown_at_most_usd

    def to_dict(self) -> dict[str, Any]:
        """Flat, so that it fits a table too; money as text, so that no digit is lost."""
        of_all = ("pictures", "failures", "refusals", "amount_usd", "known_usd", "at_most_usd")
        of_unknown = ("unknown", "unknown_at_most_usd", "unbounded")
        of_estimates = ("units", "least_usd", "most_usd", "actual_usd", "outside")
        return {
            **{str(name): value for name, value in self.group.items()},
            **{name: _plain(getattr(self, name)) for name in (*of_all, *of_unknown)},
            **{f"estimated_{name}": _plain(getattr(self.estimates, name, None)) for name in of_estimates},
        }


@dataclass(frozen=True, slots=True)
class Spent:
    """Every group, in order, and all of them together."""

    groups: Sequence[Spending]
    total: Spending
    damaged: bool
    """Some rows could not be read: the sums are too low."""


def spending(
    reader: Reader, by: Sequence[By] = ("model",), *, since: date | None = None, until: date | None = None
) -> Spent:
    """What was spent on those days (UTC; both may be left open, both are included), grouped by any of `GROUPS`.

    Raises:
        ConfigurationError: Nothing of the ledger can be read.
    """
    units, units_damaged = reader.salvage(_COLUMNS, "units")
    calls, calls_damaged = reader.salvage("id, label", "calls")
    labels = {row["id"]: row["label"] for row in calls}
    groups: dict[tuple[str | None, ...], _Sum] = defaultdict(_Sum)
    total = _Sum()
    for unit in units:
        if (since and unit["day"] < since.isoformat()) or (until and unit["day"] > until.isoformat()):
            continue
        names = tuple(_NAMES[each](unit, labels) for each in by)
        for each in (groups[names], total):
            each.add(unit)
    ordered = sorted(groups.items(), key=lambda item: [name or "" for name in item[0]])
    return Spent(
        [found.spending(dict(zip(by, names, strict=True))) for names, found in ordered],
        total.spending({}),
        units_damaged or calls_damaged,
    )


_NAMES: dict[By, Callable[[sqlite3.Row, Mapping[str, str | None]], str | None]] = {
    "day": lambda unit, labels: unit["day"],
    "connection": lambda unit, labels: unit["connection"],
    "model": lambda unit, labels: f"{unit['connection']}:{unit['model']}",
    "label": lambda unit, labels: labels.get(unit["call_id"]),
}


@dataclass(slots=True)
class _Sum:
    """Sums in billionths of a dollar."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    compared: list[tuple[int, int, int]] = field(default_factory=list)
    """Least, most, actual."""

    def add(self, unit: sqlite3.Row) -> None:
        counts, actual = self.counts, unit["reported"] if unit["reported"] is not None else unit["computed"]
        counts["pictures"] += unit["came"]
        counts["failures"] += unit["state"] in _FAILED
        counts["refusals"] += unit["state"] == UnitState.REFUSED
        if unit["billed"] == Billed.NO:
            return
        if unit["billed"] == Billed.YES and actual is not None:
            counts["known"] += actual
            self._compare(unit, actual)
            return
        bound = actual if actual is not None else unit["reserved"]
        counts["unknown"] += 1
        counts["unbounded"] += bound is None
        counts["unknown_at_most"] += bound or 0

    def _compare(self, unit: sqlite3.Row, actual: int) -> None:
        least, most = unit["estimated_least"], unit["estimated_most"]
        if least is not None and most is not None and unit["came"] == unit["pictures"]:
            self.compared.append((least, most, actual))

    def spending(self, group: Mapping[By, str | None]) -> Spending:
        counts = self.counts
        return Spending(
            group,
            pictures=counts["pictures"],
            failures=counts["failures"],
            refusals=counts["refusals"],
            known_usd=usd(counts["known"]),
            unknown=counts["unknown"],
            unknown_at_most_usd=usd(counts["unknown_at_most"]),
            unbounded=counts["unbounded"],
            estimates=_estimates(self.compared) if self.compared else None,
        )


def _estimates(compared: Iterable[tuple[int, int, int]]) -> Estimates:
    least, most, actual = zip(*compared, strict=True)
    outside = sum(not low <= paid <= high for low, high, paid in zip(least, most, actual, strict=True))
    return Estimates(len(actual), usd(sum(least)), usd(sum(most)), usd(sum(actual)), outside)


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value
