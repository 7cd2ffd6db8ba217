"""Forgetting old calls: their rows, files and prompts. Totals stay, so that no budget begins anew."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen.ledger import schema
from imagegen.ledger.rows import scopes
from imagegen.threads import in_thread

if TYPE_CHECKING:
    import sqlite3

    from imagegen.ledger.book import Ledger
    from imagegen.ledger.store import Store

_OPEN = ", ".join(f"'{state}'" for state in schema.OPEN)
_FORGET = f"""
CREATE TEMP TABLE gone AS SELECT id FROM calls
WHERE ended_at < ?
AND NOT EXISTS (SELECT 1 FROM units WHERE call_id = calls.id AND state IN ({_OPEN}))
"""  # noqa: S608 - the states are ours
_ERASED = "(erased)"


@dataclass(frozen=True, slots=True)
class Purged:
    """What was forgotten."""

    calls: int
    still_open: int
    """Calls of before that date that have something open: they stay whole."""
    files: int
    size_bytes: int
    rewritten: bool
    """False: another process reads the ledger, so traces may be left in its file until the next purge."""


async def purge(ledger: Ledger, before: float, *, prompts: bool = False) -> Purged:
    """Remove calls that ended before then and have nothing open, with their files; ``prompts``: only their words.

    Raises:
        ConfigurationError: The ledger cannot be written.
    """
    assert ledger.folder is not None
    await ledger.adopt_orphans()
    before = min(before, time.time())
    left = await ledger.do(_forget, before, prompts)
    kinds = {"open": {f"{call_id}.json" for call_id in left.open_calls}}
    if not prompts:
        kinds |= {"pictures": left.files, "quarantine": set()}
    files, size_bytes = await in_thread(ledger.folder.sweep, kinds, before)
    still_open = sum(created_at < before for created_at in left.open_calls.values())
    return Purged(left.forgotten, still_open, files, size_bytes, left.rewritten)


@dataclass(frozen=True, slots=True)
class _Left:
    forgotten: int
    rewritten: bool
    files: set[str]
    open_calls: dict[str, float]
    """When they began."""


def _forget(store: Store, before: float, prompts: bool) -> _Left:
    forgotten = store.erase_prompts(before) if prompts else store.purge(before)
    files = {row["file"] for row in store.read("SELECT DISTINCT file FROM pictures")}
    open_calls = {unit.call_id: unit.created_at for unit in store.open_units()}
    return _Left(forgotten, store.rewrite(), files, open_calls)


# Inside one transaction of the store.


def remove_calls(connection: sqlite3.Connection, before: float) -> int:
    """Remove ended calls. What they cost is still in the totals, noted as cost of rows that are gone."""
    connection.execute(_FORGET, (before,))
    spent = connection.execute(
        f"SELECT day, label, client, sum({schema.SPENT}) AS spent FROM units "  # noqa: S608 - a constant
        "JOIN calls ON calls.id = call_id WHERE call_id IN gone GROUP BY day, label, client"
    ).fetchall()
    for row in spent:
        for scope in scopes(row["day"], row["label"], row["client"]):
            connection.execute("UPDATE totals SET purged = purged + ? WHERE scope = ?", (row["spent"], scope))
    connection.execute("DELETE FROM units WHERE call_id IN gone")
    removed = connection.execute("DELETE FROM calls WHERE id IN gone").rowcount
    connection.execute("DROP TABLE gone")
    return removed


def erase_words(connection: sqlite3.Connection, before: float) -> int:
    """Erase prompts, their hashes, and whatever may quote them; a key of such a call fits nothing any more."""
    connection.execute(_FORGET, (before,))
    for row in connection.execute("SELECT id, result FROM calls WHERE id IN gone AND result IS NOT NULL").fetchall():
        connection.execute("UPDATE calls SET result = ? WHERE id = ?", (without_words(row["result"]), row["id"]))
    connection.execute(
        "UPDATE units SET part = NULL, error = CASE WHEN error IS NOT NULL THEN ? END WHERE call_id IN gone",
        (_ERASED,),
    )
    erased = connection.execute(
        "UPDATE calls SET prompt = NULL, prompt_sha256 = NULL, job = NULL, fingerprint = ?1, binding = ?1, "
        "key = CASE WHEN key <> binding THEN key END WHERE id IN gone",
        (_ERASED,),
    ).rowcount
    connection.execute("DROP TABLE gone")
    return erased


def without_words(result: str) -> str:
    """A stored result without what the caller wrote and without what anybody may have quoted of it."""
    fields: dict[str, Any] = json.loads(result)
    for image in fields["images"]:
        image["revised_prompt"] = None
    for failure in fields["failures"]:
        failure["message"] = _ERASED
    for attempt in fields["attempts"]:
        attempt["error"] = attempt["error"] and _ERASED
    for adaptation in fields["adaptations"]:
        if "prompt" in adaptation["field"]:
            adaptation |= {name: adaptation[name] and _ERASED for name in ("asked", "sent", "got", "why")}
    fields["warnings"] = []
    return json.dumps(fields, ensure_ascii=False)
