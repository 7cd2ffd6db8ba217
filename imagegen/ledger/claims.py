"""A key is used once: by the first who comes, or by whoever takes over what that one left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from imagegen.errors import (
    BadOutputError,
    Billed,
    ConfigurationError,
    ImageGenError,
    ModerationError,
    OutcomeUnknownError,
)
from imagegen.ledger.rows import CallRow, UnitRow, UnitState

if TYPE_CHECKING:
    from imagegen.ledger.store import Store

GIVES = (UnitState.STORED, UnitState.SUBMITTED, UnitState.READY)
_GAVE_NOTHING = (UnitState.UNREADABLE, UnitState.RETURNED, UnitState.EXPIRED, UnitState.FAILED, UnitState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Mine:
    """The call is the caller's to make. What it paid already is in `units`."""

    call: CallRow
    units: Sequence[UnitRow] = ()
    problem: ImageGenError | None = None
    """Why some of it is not made again: it was, or may have been, paid for."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The call was made; this is its result, as JSON."""

    call_id: str
    result: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else is making it."""


def claim(store: Store, call: CallRow, alive: Callable[[str], bool], *, retry_unknown: bool) -> Mine | Stored | Busy:
    """What the key of ``call`` says is to be done.

    Raises:
        ConfigurationError: The key was used for something else.
        OutcomeUnknownError: The call may have been billed, and nobody knows.
        ImageGenError: It was billed, and gave no picture.
    """
    assert call.key is not None
    if store.take_over(call, None):
        return Mine(call)
    row = store.call_by_key(call.key)
    if row is None:
        return Busy()
    if row["binding"] != call.binding:
        raise ConfigurationError(
            f"key {call.key!r} was used for another request, model or set of options, or its prompt was erased; "
            "nothing was sent"
        )
    return take_up(store, call, row["id"], alive, retry_unknown=retry_unknown)


def take_up(
    store: Store, call: CallRow, call_id: str, alive: Callable[[str], bool], *, retry_unknown: bool
) -> Mine | Stored | Busy:
    """What is to be done about a call that was begun before."""
    row = store.call(call_id)
    if row is None:
        return Busy()
    if row["result"] is not None and not (retry_unknown and _lacks_some(store.units(row["id"]))):
        return Stored(row["id"], row["result"])
    if row["ended_at"] is None:
        if alive(row["worker"]):
            return Busy()
        store.orphan([row["worker"]])
        return take_up(store, call, call_id, alive, retry_unknown=retry_unknown)
    units = store.units(row["id"])
    problem = _spent_for_nothing(units, retry_unknown)
    if problem is not None and not any(unit.state in GIVES for unit in units):
        raise problem
    if any(unit.state is UnitState.INTENT and alive(unit.worker) for unit in units):
        return Busy()
    call = replace(call, id=row["id"], label=row["label"], client=row["client"])
    return Mine(call, units, problem) if store.take_over(call, row) else Busy()


def take_left(store: Store, call_id: str, alive: Callable[[str], bool]) -> bool:
    """Make a call this worker's, to collect what it was given; not one that somebody is making now."""
    row = store.call(call_id)
    if row is not None and row["ended_at"] is None:
        if alive(row["worker"]):
            return False
        store.orphan([row["worker"]])
        row = store.call(call_id)
    return row is not None and store.take_over(CallRow(row["id"], row["binding"], "", ""), row)


def _lacks_some(units: Sequence[UnitRow]) -> bool:
    """Whether a part of the call has an unknown outcome and no later try gave its pictures."""
    given = {unit.task for unit in units if unit.state in GIVES}
    return any(unit.state is UnitState.UNKNOWN and unit.task not in given for unit in units)


def _spent_for_nothing(units: Sequence[UnitRow], retry_unknown: bool) -> ImageGenError | None:
    """Why the call is not made again: it was, or may have been, paid for already."""
    unknown = [unit for unit in units if unit.state is UnitState.UNKNOWN]
    gave_nothing = [unit for unit in units if unit.state in _GAVE_NOTHING and unit.billed is not Billed.NO]
    refused = [unit for unit in units if unit.state is UnitState.REFUSED]
    problem: ImageGenError
    if unknown and not retry_unknown:
        problem = OutcomeUnknownError(
            "an earlier call with this key may have been billed, and its outcome is not known; nothing was sent now; "
            "`imagegen reconcile` asks the provider, retry_unknown=True pays again"
        )
        problem.possibly_billed_usd = _sum(unknown)
    elif gave_nothing:
        last = gave_nothing[-1]
        problem = BadOutputError(
            f"an earlier call with this key was paid and gave no picture ({last.error or last.state}); nothing was "
            "sent now; another key pays again",
            reason="empty",
            billed=last.billed,
        )
        problem.possibly_billed_usd = _sum(gave_nothing)
    elif refused:
        problem = ModerationError(
            f"refused before: {refused[-1].error}; nothing was sent now", billed=refused[-1].billed
        )
    else:
        return None
    return problem


def _sum(units: Sequence[UnitRow]) -> Decimal | None:
    amounts = [unit.reserved_usd for unit in units]
    return None if None in amounts else sum((each for each in amounts if each is not None), Decimal(0))
