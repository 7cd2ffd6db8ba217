"""The ledger's store: every change is one transaction, made here and nowhere else.

Another database can take this one's place behind the same methods.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from imagegen.errors import Billed
from imagegen.ledger import gates, purging, schema
from imagegen.ledger.amounts import to_usd
from imagegen.ledger.reading import Reader
from imagegen.ledger.rows import Begun, Budget, CallRow, Intent, Settlement, UnitState, Wait, scopes


class Store(Reader):
    """One SQLite database; in memory where ``path`` is None. Its methods block: `Ledger` calls them in a thread."""

    def __init__(self, path: Path | None, worker: str, *, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            clock: Seconds since the epoch; processes that share a ledger share a clock.

        Raises:
            ConfigurationError: Nothing may be spent on it: unwritable, locked, corrupt, or of a newer version.
        """
        super().__init__(path, schema.open_for_spending(path))
        self.worker = worker
        self._clock = clock
        self.salt: str = self.read("SELECT value FROM facts WHERE name = 'salt'")[0][0]

    @contextlib.contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with self._lock:
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise schema.cannot_spend(self.path, error) from None

    # A paid unit, from its intent to its last state.

    def begin(self, intent: Intent) -> Begun | Wait:
        """Write the intent and set the money aside, if nothing stands in the way.

        Raises:
            BudgetExceededError: It could cost more than is left.
        """
        now = self._clock()
        with self._change() as connection:
            intent = _with_day(connection, intent, now)
            if (wait := gates.closed(connection, intent, now)) is not None:
                return wait
            gates.pass_through(connection, intent, now)
            _insert_call(connection, intent.call, intent.job, self.worker, now)
            unit = _insert_unit(connection, intent, self.worker, now)
            _reserve(connection, intent.call, _day(now), gates.to_reserve(intent) or 0)
            _count_call(connection, intent, now)
        return Begun(unit)

    def accepted(self, unit: int, state: UnitState, part: str, expires_at: float | None) -> None:
        """Write down what a provider gave for the money before anything is asked of it: a handle, or links."""
        with self._change() as connection:
            connection.execute(
                "UPDATE units SET state = ?, part = ?, expires_at = ?, changed_at = ?, billed = 'yes' WHERE id = ?",
                (state, part, expires_at, self._clock(), unit),
            )

    def adopt(self, intent: Intent, part: str) -> None:
        """Once: a unit that was accepted elsewhere, on another machine or before there was this ledger."""
        now = self._clock()
        with self._change() as connection:
            here = "SELECT 1 FROM units WHERE call_id = ? AND task = ?"
            if connection.execute(here, (intent.call.id, intent.task)).fetchone() is not None:
                return
            _insert_call(connection, intent.call, intent.job, self.worker, now)
            _reserve(connection, intent.call, _day(now), 0)
            unit = _insert_unit(connection, intent, self.worker, now)
            connection.execute(
                "UPDATE units SET state = ?, part = ?, billed = 'yes' WHERE id = ?", (UnitState.SUBMITTED, part, unit)
            )
            connection.execute("UPDATE calls SET ended_at = ? WHERE id = ?", (now, intent.call.id))

    def found(self, unit: int, part: str) -> None:
        """An unknown unit turned out to be accepted: it can be collected."""
        with self._change() as connection:
            connection.execute(
                "UPDATE units SET state = ?, part = ?, billed = 'yes', changed_at = ? "
                "WHERE id = ? AND state = 'unknown'",
                (UnitState.SUBMITTED, part, self._clock(), unit),
            )

    def settle(self, unit: int, how: Settlement) -> None:
        """A unit's last state (or `unknown`), its money, its pictures; what was set aside and not taken is free."""
        with self._change() as connection:
            _settle(connection, unit, how, self._clock())

    def state_pace(self, account: str, family: str, seconds: float) -> None:
        """Remember a pace that the provider stated."""
        with self._change() as connection:
            gates.state_pace(connection, account, family, seconds, self._clock())

    def take_repeat(self, account: str) -> bool:
        """Use one repeat of a submit, if one is left: 10 % of the calls of the last hour or so, and 3."""
        hour = int(self._clock() // 3600)
        with self._change() as connection:
            calls, used = connection.execute(
                "SELECT coalesce(sum(calls), 0), coalesce(sum(used), 0) FROM repeats WHERE account = ? AND hour >= ?",
                (account, hour - 1),
            ).fetchone()
            if used >= 3 + calls // 10:
                return False
            connection.execute(
                "INSERT INTO repeats VALUES (?, ?, 0, 1) ON CONFLICT (account, hour) DO UPDATE SET used = used + 1",
                (account, hour),
            )
        return True

    # A call.

    def take_over(self, call: CallRow, seen: sqlite3.Row | None) -> bool:
        """Make ``call`` this worker's: as a new row, or, while it is as it was ``seen``, from one that has left it."""
        with self._change() as connection:
            if seen is None:
                return _insert_call(connection, call, None, self.worker, self._clock())
            return bool(
                connection.execute(
                    "UPDATE calls SET worker = ?, ended_at = NULL "
                    "WHERE id = ? AND worker = ? AND ended_at IS ? AND result IS ?",
                    (self.worker, call.id, seen["worker"], seen["ended_at"], seen["result"]),
                ).rowcount
            )

    def finish(self, call_id: str, settlements: Sequence[tuple[int, Settlement]], result: str | None) -> int:
        """Settle a call's last units and end it, with its result as JSON or without; how many units are still open."""
        now = self._clock()
        with self._change() as connection:
            for unit, how in settlements:
                _settle(connection, unit, how, now)
            connection.execute(_END, {"now": now, "result": result, "id": call_id, "worker": self.worker})
            left = connection.execute(
                "SELECT count(*) FROM units WHERE call_id = ? AND state IN ('intent', 'submitted', 'ready', 'unknown')",
                (call_id,),
            ).fetchone()
        return int(left[0])

    def forget_call(self, call_id: str) -> None:
        """Drop a call that was settled, where the ledger is in memory: totals and paces stay."""
        with self._change() as connection:
            connection.execute("DELETE FROM units WHERE call_id = ?", (call_id,))
            connection.execute("DELETE FROM calls WHERE id = ?", (call_id,))

    def orphan(self, dead: Sequence[str]) -> int:
        """Intents of workers that are no more: sent or not, nobody knows. How many there were."""
        values = (self._clock(), json.dumps(list(dead)))
        with self._change() as connection:
            connection.execute(
                "UPDATE calls SET ended_at = ? WHERE ended_at IS NULL AND worker IN (SELECT value FROM json_each(?))",
                values,
            )
            return connection.execute(
                "UPDATE units SET state = 'unknown', changed_at = ?, error = 'its process ended before the answer' "
                "WHERE state = 'intent' AND worker IN (SELECT value FROM json_each(?))",
                values,
            ).rowcount

    # Forgetting.

    def purge(self, before: float) -> int:
        """Remove calls that ended before then and have nothing open; how many."""
        with self._change() as connection:
            return purging.remove_calls(connection, before)

    def erase_prompts(self, before: float) -> int:
        """Erase the words of such calls, and leave their rows; how many calls."""
        with self._change() as connection:
            return purging.erase_words(connection, before)

    def rewrite(self) -> bool:
        """Write the file anew, so that nothing that was removed is left in it. False: another process reads it."""
        try:
            with self._lock:
                self._connection.execute("VACUUM")
                busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return False
        return not busy

    # Budgets.

    def set_budget(self, scope: str, nano: int | None) -> None:
        """Set or (None) lift a budget."""
        with self._change() as connection:
            if nano is None:
                connection.execute("DELETE FROM budgets WHERE scope = ?", (scope,))
            else:
                connection.execute("INSERT OR REPLACE INTO budgets VALUES (?, ?)", (scope, nano))

    def accept_overrun(self) -> int:
        """Go on after overruns: how many scopes had one."""
        with self._change() as connection:
            return connection.execute("UPDATE totals SET overrun = 0 WHERE overrun > 0").rowcount


_END = """
UPDATE calls SET ended_at = :now, result = CASE
  WHEN EXISTS (SELECT 1 FROM units WHERE call_id = :id AND state IN ('intent', 'submitted', 'ready')) THEN result
  ELSE coalesce(:result, result) END
WHERE id = :id AND worker = :worker
"""
"""A result stands for the call only once nothing of it can still be collected."""


def _with_day(connection: sqlite3.Connection, intent: Intent, now: float) -> Intent:
    """The intent with the budgets that were set on the ledger itself."""
    rows = connection.execute(
        "SELECT scope, amount FROM budgets WHERE scope IN ('day', ?)", (f"label:{intent.call.label}",)
    ).fetchall()
    if not rows:
        return intent
    return replace(intent, budgets=[*intent.budgets, *(_budget(row, now) for row in rows)])


def _budget(row: sqlite3.Row, now: float) -> Budget:
    if row["scope"] == "day":
        return Budget(f"day:{_day(now)}", row["amount"], f"the budget of a day, ${to_usd(row['amount']):f},")
    name = row["scope"].partition(":")[2]
    return Budget(row["scope"], row["amount"], f"the budget of label {name}, ${to_usd(row['amount']):f},")


def _reserve(connection: sqlite3.Connection, call: CallRow, day: str, nano: int) -> None:
    connection.executemany(
        "INSERT INTO totals (scope, reserved) VALUES (?1, ?2) "
        "ON CONFLICT (scope) DO UPDATE SET reserved = reserved + ?2",
        [(scope, nano) for scope in scopes(day, call.label, call.client)],
    )


def _day(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def _insert_call(connection: sqlite3.Connection, call: CallRow, job: str | None, worker: str, now: float) -> bool:
    added = connection.execute(
        "INSERT OR IGNORE INTO calls (id, created_at, worker, key, binding, fingerprint, operation, label, client, "
        "prompt_sha256, prompt, job) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(call.id, now, worker, call.key, call.binding, call.fingerprint, call.operation, call.label),
            *(call.client, call.prompt_sha256, call.prompt, job),
        ),
    ).rowcount
    if not added and job is not None:
        connection.execute("UPDATE calls SET job = ? WHERE id = ?", (job, call.id))
    return bool(added)


def _insert_unit(connection: sqlite3.Connection, intent: Intent, worker: str, now: float) -> int:
    values = {
        "call_id": intent.call.id,
        "task": intent.task,
        "attempt": intent.attempt,
        "task_key": intent.task_key,
        "worker": worker,
        "connection": intent.connection,
        "account": intent.account,
        "family": intent.family,
        "model": intent.model,
        "pictures": intent.pictures,
        "seed": intent.seed,
        "state": UnitState.INTENT.value,
        "created_at": now,
        "changed_at": now,
        "day": _day(now),
        "expires_at": intent.expires_at,
        "estimated_least": intent.estimated_least,
        "estimated_most": intent.estimated_most,
        "reserved": gates.to_reserve(intent),
    }
    names, places = ", ".join(values), ", ".join("?" * len(values))
    statement = f"INSERT INTO units ({names}) VALUES ({places})"  # noqa: S608 - the names are those above
    inserted = connection.execute(statement, tuple(values.values()))
    assert inserted.lastrowid is not None
    return inserted.lastrowid


def _count_call(connection: sqlite3.Connection, intent: Intent, now: float) -> None:
    if intent.attempt == 1 and intent.task == 0:
        connection.execute(
            "INSERT INTO repeats VALUES (?, ?, 1, 0) ON CONFLICT (account, hour) DO UPDATE SET calls = calls + 1",
            (intent.account, int(now // 3600)),
        )


def _settle(connection: sqlite3.Connection, unit: int, how: Settlement, now: float) -> None:
    row = connection.execute("SELECT * FROM units WHERE id = ?", (unit,)).fetchone()
    if row["state"] not in schema.OPEN:
        return
    actual = how.reported if how.reported is not None else how.computed
    overrun = None
    if how.billed is not Billed.NO and actual is not None and row["reserved"] is not None:
        overrun = max(0, actual - row["reserved"])
    if how.state is not UnitState.UNKNOWN:
        _settle_totals(connection, row, how.billed, actual, overrun or 0)
    connection.execute(
        "UPDATE units SET state = ?, billed = ?, reported = ?, computed = ?, overrun = ?, came = ?, error = ?, "
        "status = ?, request_id = coalesce(?, request_id), duration_s = ?, changed_at = ? WHERE id = ?",
        (
            *(how.state, how.billed, how.reported, how.computed, overrun, how.came, how.error),
            *(how.status, how.request_id, how.duration_s, now, unit),
        ),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(unit, p.slot, p.sha256, p.file, p.media_type, p.size_bytes, int(p.whole)) for p in how.pictures],
    )
    if how.trouble is not None:
        gates.note_trouble(connection, row["account"], how.trouble, now)


def _settle_totals(
    connection: sqlite3.Connection, row: sqlite3.Row, billed: Billed, actual: int | None, overrun: int
) -> None:
    """Reserved becomes settled. What may have been taken, and nobody knows how much, stays at its upper bound."""
    reserved = row["reserved"] or 0
    spent = 0 if billed is Billed.NO else reserved if actual is None else actual
    call = connection.execute("SELECT label, client FROM calls WHERE id = ?", (row["call_id"],)).fetchone()
    connection.executemany(
        "UPDATE totals SET reserved = reserved - ?, settled = settled + ?, overrun = overrun + ? WHERE scope = ?",
        [(reserved, spent, overrun, scope) for scope in scopes(row["day"], call["label"], call["client"])],
    )
