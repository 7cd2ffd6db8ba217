"""The client that commands use: one with the user's own ledger, unless the settings file says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen import front
from imagegen.settings import Settings

if TYPE_CHECKING:
    from imagegen.blocking import Client


def client(label: str | None = None) -> Client:
    """The client in use; the default one keeps a ledger."""
    front.configure(ledger=Settings.load().client_defaults().get("ledger", True), label=label)
    return front.client()
