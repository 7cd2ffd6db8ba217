"""What stands between a call and its submit: breaker, stated pace, limits, budgets. All inside one transaction.

Paces are rows of the generic cell rate algorithm: one time a row, the one at which a rate would be used up to nothing.
They are on the wall clock, since processes share them; a clock that jumped is noticed and costs no wait.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from imagegen.errors import BudgetExceededError, ConfigurationError
from imagegen.ledger.amounts import shown
from imagegen.ledger.rows import Wait

if TYPE_CHECKING:
    import sqlite3

    from imagegen.ledger.rows import Intent, Trouble

BREAK_S = 30.0
"""How long an open breaker lets nothing through; then one call at a time tries."""
_TROUBLES, _TROUBLES_S = 5, 60.0
_RECENT = 50
"""So many submits of an account are remembered, good and bad."""
_MINUTE_S = 60.0
_LONGEST_PACE_S = 86_400.0
_ACTIVE_S = 600.0
"""An accepted job that nobody asked about for so long no longer counts as running."""
_FULL_AGAIN_S = 0.25
_ERRORS = {"credit": "credit", "key": "key"}


def closed(connection: sqlite3.Connection, intent: Intent, now: float) -> Wait | None:
    """Why the submit may not be made now; None: it may. Budgets raise: waiting does not help.

    Raises:
        BudgetExceededError: It could cost more than is left.
    """
    wait = _breaker(connection, intent, now) or _stated(connection, intent, now) or _rates(connection, intent, now)
    if wait is None:
        _check_budgets(connection, intent)
    return wait


def pass_through(connection: sqlite3.Connection, intent: Intent, now: float) -> None:
    """Use up what the submit takes of every rate; the one try of a breaker that is half open is this one."""
    connection.execute(
        "UPDATE breakers SET probe_at = ? WHERE account = ? AND opened_at IS NOT NULL", (now, intent.account)
    )
    for kind, per_minute, cells in _rates_of(intent):
        until, interval = _until(connection, intent, kind, now), _interval(per_minute)
        _say_pace(connection, (intent.account, intent.family, kind), now, max(until, now) + cells * interval)


def state_pace(connection: sqlite3.Connection, account: str, family: str, seconds: float, now: float) -> None:
    """Remember the pace that the provider stated, for everyone who shares the account."""
    if seconds > 0:
        _say_pace(connection, (account, family, "stated"), now, now + min(seconds, _LONGEST_PACE_S))


def note_trouble(connection: sqlite3.Connection, account: str, trouble: Trouble, now: float) -> None:
    """Open the breaker at once on no credit or a bad key, on five troubles in a minute; close it on a success.

    Five are no reason while more calls than that succeed: a busy account is not down for a few faults.
    """
    if trouble == "ok":
        connection.execute(_SUCCESS, {"account": account, "minute": int(now // _TROUBLES_S)})
        return
    row = connection.execute("SELECT * FROM breakers WHERE account = ?", (account,)).fetchone()
    times = [each for each in json.loads(row["troubles"] if row else "[]") if now - _TROUBLES_S < each <= now]
    if trouble == "unknown":
        times.append(now)
    opened_at, reason = (row["opened_at"], row["reason"]) if row else (None, None)
    if trouble in _ERRORS:
        opened_at, reason = now, trouble
    elif opened_at is not None or (len(times) >= _TROUBLES and len(times) > _successes(row, now)):
        opened_at, reason = now, "unknown"
    connection.execute(
        "INSERT INTO breakers (account, opened_at, reason, troubles) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account) DO UPDATE SET opened_at = excluded.opened_at, reason = excluded.reason, "
        "troubles = excluded.troubles, probe_at = NULL",
        (account, opened_at, reason, json.dumps(times[-_RECENT:])),
    )


_SUCCESS = """
INSERT INTO breakers (account, minute, good) VALUES (:account, :minute, 1)
ON CONFLICT (account) DO UPDATE SET opened_at = NULL, probe_at = NULL, minute = :minute,
  good_before = CASE minute WHEN :minute THEN good_before WHEN :minute - 1 THEN good ELSE 0 END,
  good = CASE minute WHEN :minute THEN good + 1 ELSE 1 END
"""


def _successes(row: sqlite3.Row | None, now: float) -> int:
    """How many calls of this minute and the one before it succeeded."""
    if row is None:
        return 0
    behind = int(now // _TROUBLES_S) - int(row["minute"])
    return int(row["good"] + row["good_before"] if behind == 0 else row["good"] if behind == 1 else 0)


def _breaker(connection: sqlite3.Connection, intent: Intent, now: float) -> Wait | None:
    if not intent.limits.breaker:
        return None
    row = connection.execute("SELECT * FROM breakers WHERE account = ?", (intent.account,)).fetchone()
    if row is None or row["opened_at"] is None:
        return None
    # A time that is still to come is of before the clock was set back.
    moments = [each for each in (row["opened_at"], row["probe_at"]) if each is not None and each <= now + 1]
    left = max(moments, default=-math.inf) + BREAK_S - now
    if left <= 0:
        return None
    why = {"credit": "it had no credit", "key": "its key was refused"}.get(
        row["reason"], f"{_TROUBLES} calls in a minute had no known outcome"
    )
    return Wait(left, why, "breaker" if row["reason"] == "unknown" else row["reason"])


def _stated(connection: sqlite3.Connection, intent: Intent, now: float) -> Wait | None:
    left = _until(connection, intent, "stated", now) - now
    return Wait(left, "the provider stated this pace") if left > 0 else None


def _rates(connection: sqlite3.Connection, intent: Intent, now: float) -> Wait | None:
    limits = intent.limits
    if limits.concurrent is not None and _running(connection, intent, now) >= limits.concurrent:
        return Wait(_FULL_AGAIN_S, f"{limits.concurrent} jobs at once are running")
    waits = []
    for kind, per_minute, cells in _rates_of(intent):
        # Negative for a call of more than the burst: it waits until that much less has gone before it.
        spare = (_burst(per_minute) - min(cells, per_minute)) * _interval(per_minute)
        waits.append((_until(connection, intent, kind, now) - spare - now, f"{per_minute} {kind} a minute"))
    seconds, why = max(waits, default=(0.0, ""))
    return Wait(seconds, f"the limit is {why}") if seconds > 1e-6 else None


def _rates_of(intent: Intent) -> list[tuple[str, int, int]]:
    """Which rates are limited: kind, how many a minute, how many of them this submit takes."""
    limits = intent.limits
    both = [("requests", limits.requests_per_minute, 1), ("images", limits.images_per_minute, intent.pictures)]
    return [(kind, per_minute, cells) for kind, per_minute, cells in both if per_minute is not None]


def _burst(per_minute: int) -> int:
    """How many may come at once: a tenth, so that a call of four pictures need not wait inside."""
    return max(1, per_minute // 10)


def _interval(per_minute: int) -> float:
    """Seconds a cell takes: so long that burst and all that follow in a minute are never more than ``per_minute``."""
    return _MINUTE_S / (per_minute - _burst(per_minute) + 1)


def _running(connection: sqlite3.Connection, intent: Intent, now: float) -> int:
    found = connection.execute(
        "SELECT count(*) FROM units WHERE account = ? AND family = ? AND state IN ('intent', 'submitted') "
        "AND changed_at BETWEEN ? AND ?",
        (intent.account, intent.family, now - _ACTIVE_S, now + _ACTIVE_S),
    ).fetchone()
    return int(found[0])


def _until(connection: sqlite3.Connection, intent: Intent, kind: str, now: float) -> float:
    """When a pace is used up; never where there is none, or the clock was set back since."""
    row = connection.execute(
        "SELECT said_at, until FROM paces WHERE account = ? AND family = ? AND kind = ?",
        (intent.account, intent.family, kind),
    ).fetchone()
    if row is None or row["said_at"] > now + 1:
        return -math.inf
    return float(row["until"])


def _say_pace(connection: sqlite3.Connection, where: tuple[str, str, str], now: float, until: float) -> None:
    connection.execute("INSERT OR REPLACE INTO paces VALUES (?, ?, ?, ?, ?)", (*where, now, until))


def _check_budgets(connection: sqlite3.Connection, intent: Intent) -> None:
    if not intent.budgets:
        return
    for budget in intent.budgets:
        if budget.nano < 0:
            raise ConfigurationError(f"{budget.said} is below nothing; nothing was sent")
    amount = to_reserve(intent)
    if amount is None:
        raise BudgetExceededError(
            f"{intent.budgets[0].said} cannot be kept: the price of {intent.connection}:{intent.model} is not known; "
            "max_usd_per_image says what a picture may cost; nothing was sent"
        )
    for budget in intent.budgets:
        used, overrun = _used(connection, budget.scope)
        if overrun:
            raise BudgetExceededError(
                f"{budget.said}: a call cost {shown(overrun)} more than its price list allows, so what is left is not "
                "known for sure; `imagegen budget --accept-overrun` goes on; nothing was sent"
            )
        if used + amount > budget.nano:
            raise BudgetExceededError(
                f"it may cost {shown(amount)}, and {shown(max(0, budget.nano - used))} of {budget.said} is left; "
                "it was not sent"
            )


def to_reserve(intent: Intent) -> int | None:
    """What is set aside for a submit: its upper bound, else the caller's ceiling; None where neither is known."""
    return intent.estimated_most if intent.estimated_most is not None else intent.ceiling


def _used(connection: sqlite3.Connection, scope: str) -> tuple[int, int]:
    """What is reserved and settled under a scope, and its overrun."""
    kind, _, name = scope.partition(":")
    if kind == "call":
        row = connection.execute(
            "SELECT coalesce(sum(coalesce(reported, computed, reserved)), 0), 0 FROM units "
            "WHERE call_id = ? AND billed <> 'no'",
            (name,),
        ).fetchone()
    else:
        row = connection.execute("SELECT reserved + settled, overrun FROM totals WHERE scope = ?", (scope,)).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
