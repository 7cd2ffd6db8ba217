"""``imagegen budget``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from imagegen.cli import showing
from imagegen.cli.ledgers import ledger_option, reading, usd

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from imagegen.ledger.rows import Total
    from imagegen.ledger.store import Store


@click.command()
@click.option("--day", type=usd, metavar="USD", help="What may be spent in a day (UTC).")
@click.option(
    "--label", "labels", type=(str, usd), multiple=True, metavar="NAME USD", help="What may be under a label."
)
@click.option("--lift", multiple=True, metavar="SCOPE", help="End a budget: `day`, or `label:NAME`.")
@click.option("--accept-overrun", is_flag=True, help="Go on after a call cost more than its price list allows.")
@click.option("--all", "every", is_flag=True, help="List past days and unnamed clients too.")
@click.option("--json", "as_json", is_flag=True, help="The list as objects.")
@ledger_option
def budget(
    day: Decimal | None,
    labels: tuple[tuple[str, Decimal], ...],
    lift: tuple[str, ...],
    accept_overrun: bool,
    every: bool,
    as_json: bool,
    path: Path,
) -> None:
    """Set what may be spent, in every process on the ledger; list budgets and totals.

    \b
    imagegen budget
    imagegen budget --day 5 --label shop 20
    imagegen budget --lift day --lift label:shop
    """
    wanted = {f"label:{name}": amount for name, amount in labels} | ({"day": day} if day is not None else {})
    _check(lift)
    if wanted or lift or accept_overrun:
        _change(path, wanted, lift, accept_overrun)
    with reading(path) as reader:
        totals = reader.totals() if reader else []
    rows = totals if every else _of_now(totals)
    if as_json:
        showing.show_json([_row(each) for each in rows])
    elif rows:
        _show(rows)
    elif path.exists():
        showing.tell("no budget, and nothing spent")


def _check(lift: tuple[str, ...]) -> None:
    for scope in lift:
        if scope != "day" and not scope.startswith("label:"):
            raise click.UsageError(f"--lift takes day or label:NAME, not {scope}")


def _change(path: Path, wanted: dict[str, Decimal], lift: tuple[str, ...], accept_overrun: bool) -> None:
    from imagegen.ledger import Store
    from imagegen.ledger.amounts import to_nano

    store = Store(path, "the command line")
    try:
        for scope, amount in wanted.items():
            store.set_budget(scope, to_nano(amount))
        for scope in lift:
            store.set_budget(scope, None)
        if accept_overrun:
            _accept(store)
    finally:
        store.close()


def _accept(store: Store) -> None:
    count = store.accept_overrun()
    showing.tell(f"accepted: {count} total{'' if count == 1 else 's'} had an overrun" if count else "no overrun")


def _of_now(totals: list[Total]) -> list[Total]:
    """This day with the budget of a day, and every label; not the days before, nor clients without a label."""
    from datetime import UTC, datetime

    found = {each.scope: each for each in totals}
    today = f"day:{datetime.now(UTC).date()}"
    day, spent = found.get("day"), found.get(today)
    if day is not None:
        spent = replace(spent or day, scope=today, budget_usd=day.budget_usd)
    return [*([spent] if spent else []), *(each for each in totals if each.scope.startswith("label:"))]


def _row(total: Total) -> dict[str, Any]:
    amounts = ("budget_usd", "settled_usd", "reserved_usd", "overrun_usd")
    found = {name: getattr(total, name) for name in amounts}
    return {"scope": total.scope, **{name: None if amount is None else f"{amount:f}" for name, amount in found.items()}}


def _show(rows: list[Total]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="fold")
    for head in ("budget", "spent", "reserved", "overrun"):
        table.add_column(head, justify="right")
    for each in rows:
        said = [showing.dollars(each.budget_usd) if each.budget_usd is not None else "-"]
        said += [showing.dollars(amount) for amount in (each.settled_usd, each.reserved_usd)]
        table.add_row(each.scope, *said, showing.dollars(each.overrun_usd) if each.overrun_usd else "")
    Console().print(table)
