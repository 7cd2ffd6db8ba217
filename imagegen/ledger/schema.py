"""The ledger's tables, and how its file is opened: what may be spent on it, what may only be read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from imagegen.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
LOCKED_S = 30.0
"""How long a ledger that another process has locked is waited for."""

SPENT = "CASE WHEN billed = 'no' THEN 0 ELSE coalesce(reported, computed, reserved, 0) END"
"""What a unit in its last state adds to a total: where nobody knows how much was taken, its upper bound."""

OPEN = ("intent", "submitted", "ready", "unknown")
"""States of a unit that may still change; every other is the last."""

_TABLES = """
CREATE TABLE calls (
  id TEXT PRIMARY KEY, created_at REAL NOT NULL, worker TEXT NOT NULL,
  key TEXT UNIQUE, binding TEXT NOT NULL, fingerprint TEXT NOT NULL, operation TEXT NOT NULL,
  label TEXT, client TEXT, prompt_sha256 TEXT, prompt TEXT,
  job TEXT, ended_at REAL, result TEXT
) STRICT;
CREATE INDEX open_calls ON calls (worker) WHERE ended_at IS NULL;
CREATE TABLE units (
  id INTEGER PRIMARY KEY, call_id TEXT NOT NULL REFERENCES calls, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
  task_key TEXT NOT NULL, worker TEXT NOT NULL,
  connection TEXT NOT NULL, account TEXT NOT NULL, family TEXT NOT NULL, model TEXT NOT NULL,
  pictures INTEGER NOT NULL, seed INTEGER, came INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL, created_at REAL NOT NULL, changed_at REAL NOT NULL, day TEXT NOT NULL, expires_at REAL,
  estimated_least INTEGER, estimated_most INTEGER, reserved INTEGER,
  reported INTEGER, computed INTEGER, overrun INTEGER, billed TEXT NOT NULL DEFAULT 'unknown',
  part TEXT, error TEXT, status INTEGER, request_id TEXT, duration_s REAL
) STRICT;
CREATE INDEX units_of_a_call ON units (call_id);
CREATE INDEX open_units ON units (account, family, state) WHERE state IN ('intent', 'submitted', 'ready', 'unknown');
CREATE TABLE pictures (
  unit_id INTEGER NOT NULL REFERENCES units ON DELETE CASCADE, slot INTEGER NOT NULL, sha256 TEXT NOT NULL,
  file TEXT NOT NULL, media_type TEXT NOT NULL, size_bytes INTEGER NOT NULL, whole INTEGER NOT NULL,
  PRIMARY KEY (unit_id, slot)
) STRICT;
CREATE TABLE totals (
  scope TEXT PRIMARY KEY, reserved INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0,
  overrun INTEGER NOT NULL DEFAULT 0, purged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE budgets (scope TEXT PRIMARY KEY, amount INTEGER NOT NULL) STRICT;
CREATE TABLE paces (
  account TEXT NOT NULL, family TEXT NOT NULL, kind TEXT NOT NULL, said_at REAL NOT NULL, until REAL NOT NULL,
  PRIMARY KEY (account, family, kind)
) STRICT;
CREATE TABLE breakers (
  account TEXT PRIMARY KEY, opened_at REAL, reason TEXT, probe_at REAL, troubles TEXT NOT NULL DEFAULT '[]',
  minute INTEGER NOT NULL DEFAULT 0, good INTEGER NOT NULL DEFAULT 0, good_before INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE repeats (
  account TEXT NOT NULL, hour INTEGER NOT NULL, calls INTEGER NOT NULL, used INTEGER NOT NULL,
  PRIMARY KEY (account, hour)
) STRICT;
CREATE TRIGGER last_states_stay BEFORE UPDATE OF
  id, call_id, task, attempt, task_key, worker, connection, account, family, model, pictures, seed, came, state,
  created_at, changed_at, day, expires_at, estimated_least, estimated_most, reserved, reported, computed, overrun,
  billed, status, request_id, duration_s
ON units WHEN OLD.state NOT IN ('intent', 'submitted', 'ready', 'unknown')
BEGIN SELECT RAISE(ABORT, 'a unit in its last state does not change'); END;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO facts VALUES ('salt', lower(hex(randomblob(16))));
"""


def open_for_spending(path: Path | None) -> sqlite3.Connection:
    """The database, made where it is not there yet; in memory where ``path`` is None.

    Raises:
        ConfigurationError: Its folder or file cannot be written, it is locked, corrupt, or of a newer version.
    """
    try:
        if path is not None:
            _make_private(path)
        connection = _connect(str(path) if path is not None else ":memory:")
        try:
            return _prepared(connection)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise cannot_spend(path, error) from None


def _make_private(path: Path) -> None:
    """An empty file that only its owner may read, where there is none yet.

    One that is there is not opened: closing it would drop the locks that this process holds on it by other connections.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600))


def open_for_reading(path: Path) -> sqlite3.Connection:
    """The database as it is, for reading only: a newer or a damaged one as far as it can be read.

    Raises:
        ConfigurationError: It cannot be opened.
    """
    settled = not path.with_name(f"{path.name}-wal").exists()
    try:
        try:
            return _looked_at(path, "mode=ro")
        except sqlite3.OperationalError:
            if not settled:
                raise
            # In a folder that cannot be written SQLite cannot lock; nobody else can write there either.
            return _looked_at(path, "immutable=1")
    except sqlite3.Error as error:
        raise ConfigurationError(f"the ledger {path} cannot be read: {error}") from None


def _looked_at(path: Path, how: str) -> sqlite3.Connection:
    connection = _connect(f"{path.resolve().as_uri()}?{how}", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def cannot_spend(path: Path | None, error: Exception) -> ConfigurationError:
    """Why nothing may be spent on this ledger, and what to do."""
    what = getattr(error, "strerror", None) or str(error)
    if isinstance(error, sqlite3.OperationalError) and "locked" in what:
        what = f"another process has locked it for {LOCKED_S:.0f} s: end that process"
    elif isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        what = f"it is damaged ({what}): move it away, and imagegen begins a new one"
    return ConfigurationError(f"the ledger {path}: {what}; nothing was sent")


def _connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=LOCKED_S, isolation_level=None, check_same_thread=False, uri=uri)
    connection.row_factory = sqlite3.Row
    return connection


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise sqlite3.OperationalError(f"a newer imagegen wrote it (version {version}): upgrade to spend on it")
    if version == 0:
        _make_tables(connection)
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    """Two processes may come at once: the second finds the work done."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _statements(_TABLES):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """The script's statements; ``executescript`` would commit in between."""
    found, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return found
