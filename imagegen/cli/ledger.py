"""``imagegen ledger``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from imagegen.cli import showing
from imagegen.cli.ledgers import day, ledger_option, reading

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from imagegen.ledger.purging import Purged


@click.group()
def ledger() -> None:
    """Look after the ledger: where it is, whether it is whole, what is to be forgotten.

    \b
    imagegen ledger check
    imagegen ledger purge --before 2026-11-01
    """


@ledger.command()
@ledger_option
def path(path: Path) -> None:
    """Print the path of the ledger's file; its pictures are in the folder beside it.

    \b
    imagegen ledger path
    """
    click.echo(path)


@ledger.command()
@ledger_option
def check(path: Path) -> None:
    """Check the database, every stored picture and the totals; exit code 1 if anything is wrong.

    \b
    imagegen ledger check
    """
    from imagegen.ledger.checking import problems
    from imagegen.ledger.files import Folder

    with reading(path) as reader:
        found = list(problems(reader, Folder(path.with_suffix(".files")))) if reader else []
    for each in found:
        click.echo(each)
    if found:
        raise SystemExit(1)
    if path.exists():
        showing.tell(f"{path} is whole")


@ledger.command()
@click.option("--before", type=day, required=True, help="Calls that ended before this day (UTC).")
@click.option("--prompts", is_flag=True, help="Erase only what was asked: prompts, their hashes, what may quote them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
def purge(before: date, prompts: bool, yes: bool, path: Path) -> None:
    """Forget calls that ended and have nothing open: rows, pictures, kept requests, quarantined files.

    Totals stay, so no budget begins anew. A key that is forgotten pays again.

    \b
    imagegen ledger purge --before 2026-11-01
    imagegen ledger purge --before 2026-11-01 --prompts --yes
    """
    if not path.exists():
        showing.tell(f"no ledger yet at {path}: there is nothing to forget")
        return
    what = "Erase the prompts of calls" if prompts else "Remove calls with their pictures"
    if not yes and not click.confirm(f"{what} that ended before {before}, from {path}?", err=True):
        return
    _show(_purge(path, before, prompts), prompts)


def _purge(path: Path, before: date, prompts: bool) -> Purged:
    import asyncio

    from imagegen.ledger import Ledger, purging

    async def purge() -> Purged:
        book = Ledger(path)
        try:
            midnight = datetime(before.year, before.month, before.day, tzinfo=UTC)
            return await purging.purge(book, midnight.timestamp(), prompts=prompts)
        finally:
            await book.close()

    return asyncio.run(purge())


def _show(purged: Purged, prompts: bool) -> None:
    done = "prompts erased of" if prompts else "removed"
    click.echo(f"{done} {purged.calls} calls; {purged.files} files, {purged.size_bytes / 1e6:.1f} MB; totals stay")
    if purged.still_open:
        showing.tell(f"note: {purged.still_open} older calls have something open and stay: `imagegen jobs` lists them")
    if not purged.rewritten:
        showing.tell("note: another process uses the ledger: traces may be left in its file; purge again later")
