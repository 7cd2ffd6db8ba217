"""What the commands about the ledger share: which one, and reading it."""

from __future__ import annotations

import contextlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imagegen.cli import showing
from imagegen.cli.using import settled_ledger
from imagegen.errors import ConfigurationError
from imagegen.ledger import ledger_path
from imagegen.types.cost import read_money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagegen.ledger.reading import Reader


def ledger_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--ledger PATH``; without it the one that every other command uses."""
    return click.option(
        "--ledger",
        "path",
        metavar="PATH",
        callback=lambda context, option, given: ledger_path(given) if given else settled_ledger() or ledger_path(True),
        help="A ledger's file or folder; your own without this.",
    )(command)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Reader | None]:
    """The ledger for reading; None, and a line on standard error, where there is none yet."""
    from imagegen.ledger.reading import Reader

    if not path.exists():
        showing.tell(f"no ledger yet at {path}: Client(ledger=True) begins one")
        yield None
        return
    reader = Reader.open(path)
    try:
        yield reader
    finally:
        reader.close()


def day(text: str) -> date:
    """A date, ``2026-11-22``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date like 2026-11-22") from None


def usd(text: str) -> Decimal:
    """An amount in USD, ``2.50``."""
    try:
        amount = read_money("a budget", text)
    except ConfigurationError as error:
        raise click.BadParameter(error.message) from None
    assert amount is not None
    return amount
