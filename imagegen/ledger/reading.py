"""Reading a ledger: as far as it can be read, also where nothing may be spent on it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from imagegen.errors import Billed, ConfigurationError
from imagegen.ledger import schema
from imagegen.ledger.amounts import to_usd, usd
from imagegen.ledger.rows import Total, UnitRow, UnitState

_UNIT = (
    "SELECT units.*, calls.prompt_sha256 AS prompt_sha256, calls.label AS label "
    "FROM units JOIN calls ON calls.id = units.call_id "
)


class Reader:
    """What a ledger says. Its methods block."""

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """A ledger for reading only, be it of a newer version, damaged in part, or locked.

        Raises:
            ConfigurationError: It cannot be read at all.
        """
        return cls(path, schema.open_for_reading(path))

    def close(self) -> None:
        self._connection.close()

    def read(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """The rows of a query.

        Raises:
            ConfigurationError: The ledger is damaged there.
        """
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise ConfigurationError(f"the ledger {self.path} cannot be read: {error}") from None

    def salvage(self, columns: str, table: str) -> tuple[list[sqlite3.Row], bool]:
        """Every row of a table that can be read, from both its ends; and whether damage kept some of them back.

        Raises:
            ConfigurationError: None can be read at all.
        """
        found: dict[int, sqlite3.Row] = {}
        problem = None
        for order in ("", "DESC"):
            query = f"SELECT rowid AS place, {columns} FROM {table} NOT INDEXED ORDER BY rowid {order}"  # noqa: S608 - our own names
            try:
                with self._lock:
                    for row in self._connection.execute(query):
                        found[row["place"]] = row
                break
            except sqlite3.Error as error:
                problem = error
        if problem is not None and not found:
            raise ConfigurationError(f"the ledger {self.path} cannot be read: {problem}")
        return [found[place] for place in sorted(found)], problem is not None

    def call(self, call_id: str) -> sqlite3.Row | None:
        """The call of that id, or the one whose id begins so, where there is just one."""
        found = self.read("SELECT * FROM calls WHERE id >= ?1 AND id < ?1 || '~' LIMIT 2", (call_id,))
        return found[0] if len(found) == 1 else None

    def call_by_key(self, key: str) -> sqlite3.Row | None:
        """The call that holds a key."""
        return next(iter(self.read("SELECT * FROM calls WHERE key = ?", (key,))), None)

    def units(self, call_id: str) -> list[UnitRow]:
        """Every unit of a call, in order."""
        return [_unit_row(row) for row in self.read(f"{_UNIT} WHERE call_id = ? ORDER BY units.id", (call_id,))]

    def open_units(self) -> list[UnitRow]:
        """What is not in its last state, nearest expiry first."""
        rows = self.read(
            f"{_UNIT} WHERE state IN ('intent', 'submitted', 'ready', 'unknown') "
            "ORDER BY expires_at IS NULL, expires_at, units.id"
        )
        return [_unit_row(row) for row in rows]

    def handles(self) -> set[str]:
        """The providers' own ids of every job that a unit holds."""
        rows = self.read("SELECT json_extract(part, '$.remote.id') FROM units WHERE part IS NOT NULL")
        return {row[0] for row in rows if row[0] is not None}

    def pictures(self, unit: int) -> list[sqlite3.Row]:
        """The kept pictures of a unit, in order."""
        return self.read("SELECT * FROM pictures WHERE unit_id = ? ORDER BY slot", (unit,))

    def workers(self) -> list[str]:
        """The workers of intents and calls that have not ended."""
        rows = self.read(
            "SELECT DISTINCT worker FROM units "  # named twice, so that the index of open units serves
            "WHERE state = 'intent' AND state IN ('intent', 'submitted', 'ready', 'unknown') "
            "UNION SELECT DISTINCT worker FROM calls WHERE ended_at IS NULL"
        )
        return [row["worker"] for row in rows]

    def totals(self) -> list[Total]:
        """What is reserved and settled: under every label, and on the days."""
        rows = self.read(
            "SELECT scope, coalesce(totals.reserved, 0), coalesce(settled, 0), coalesce(overrun, 0), amount "
            "FROM totals FULL JOIN budgets USING (scope) ORDER BY scope"
        )
        return [Total(row[0], usd(row[1]), usd(row[2]), usd(row[3]), to_usd(row[4])) for row in rows]


def _unit_row(row: sqlite3.Row) -> UnitRow:
    same = (
        "id",
        "call_id",
        "task",
        "connection",
        "model",
        "pictures",
        "created_at",
        "expires_at",
        "part",
        "error",
        "seed",
    )
    return UnitRow(
        **{name: row[name] for name in same},
        state=UnitState(row["state"]),
        worker=row["worker"],
        reported_usd=to_usd(row["reported"]),
        reserved_usd=to_usd(row["reserved"]),
        billed=Billed(row["billed"]),
        request_id=row["request_id"],
        task_key=row["task_key"],
        prompt_sha256=row["prompt_sha256"],
        label=row["label"],
    )
