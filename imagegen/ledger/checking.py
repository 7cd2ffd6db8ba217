"""Whether a ledger is whole: its database, its picture files, its sums."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imagegen.errors import ConfigurationError
from imagegen.ledger import schema
from imagegen.ledger.amounts import shown
from imagegen.ledger.rows import scopes

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen.ledger.files import Folder
    from imagegen.ledger.reading import Reader


def problems(reader: Reader, folder: Folder) -> Iterator[str]:
    """What is wrong, a line each; nothing where all is well."""
    for step in (_damage, lambda reader: _files(reader, folder), _sums):
        try:
            yield from step(reader)
        except ConfigurationError as error:
            yield error.message


def _damage(reader: Reader) -> Iterator[str]:
    for row in reader.read("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield f"the database is damaged: {' '.join(row[0].split())}"


def _files(reader: Reader, folder: Folder) -> Iterator[str]:
    for row in reader.read("SELECT DISTINCT file, sha256, size_bytes FROM pictures"):
        path = folder.file("pictures", row["file"])
        if not path.is_file():
            yield f"{path}: the picture is gone"
        elif path.stat().st_size != row["size_bytes"] or _sha256(path) != row["sha256"]:
            yield f"{path}: not the picture that was stored"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sums(reader: Reader) -> Iterator[str]:
    """Totals against the rows they are the sums of; what purged rows cost is noted apart."""
    summed = {"reserved": Counter[str](), "settled": Counter[str]()}
    is_open = ", ".join(f"'{state}'" for state in schema.OPEN)
    rows = reader.read(
        f"SELECT day, label, client, state IN ({is_open}) AS is_open, "  # noqa: S608 - constants
        f"CASE WHEN state IN ({is_open}) THEN coalesce(reserved, 0) ELSE {schema.SPENT} END AS nano "
        "FROM units JOIN calls ON calls.id = call_id"
    )
    for row in rows:
        for scope in scopes(row["day"], row["label"], row["client"]):
            summed["reserved" if row["is_open"] else "settled"][scope] += row["nano"]
    for row in reader.read("SELECT scope, reserved, settled - purged AS settled FROM totals ORDER BY scope"):
        for kind, sums in summed.items():
            if row[kind] != sums[row["scope"]]:
                yield f"{row['scope']}: {shown(row[kind])} {kind}, and its rows say {shown(sums[row['scope']])}"
