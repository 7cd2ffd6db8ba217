"""The client that commands use: one with the user's own ledger, unless the settings file says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen.ledger import ledger_path
from imagegen.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen.blocking import Client


def client(label: str | None = None) -> Client:
    """The client in use; the default one keeps a ledger."""
    from imagegen import front

    front.configure(ledger=settled_ledger() or False, label=label)
    return front.client()


def settled_ledger() -> Path | None:
    """The ledger that commands keep; None where the settings file switches it off."""
    where = Settings.load().client_defaults().get("ledger", True)
    return ledger_path(where) if where else None
