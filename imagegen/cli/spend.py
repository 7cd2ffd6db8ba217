"""``imagegen spend``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imagegen.cli import showing
from imagegen.cli.ledgers import day, ledger_option, reading
from imagegen.ledger.spending import GROUPS, spending

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from imagegen.ledger.spending import By, Spending, Spent


@click.command()
@click.option("--by", type=click.Choice(GROUPS), multiple=True, default=["model"], help="May be repeated.")
@click.option("--since", type=day, help="The first day, e.g. 2026-11-01; days are UTC.")
@click.option("--until", type=day, help="The last day.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
@click.option("--csv", "as_csv", is_flag=True, help="The same as CSV.")
@ledger_option
def spend(by: tuple[By, ...], since: date | None, until: date | None, as_json: bool, as_csv: bool, path: Path) -> None:
    """Say what pictures cost: known, unknown, and beside what was estimated. Purged calls are not in it.

    \b
    imagegen spend
    imagegen spend --by day --by label --since 2026-11-01
    imagegen spend --by model --csv > spending.csv
    """
    with reading(path) as reader:
        spent = spending(reader, by, since=since, until=until) if reader else None
    rows = [each.to_dict() for each in spent.groups] if spent else []
    if as_json:
        showing.show_json(rows)
    elif as_csv and spent:
        _show_csv(rows or [], [*by, *list(spent.total.to_dict())])
    elif spent:
        _show(spent, by)
    if spent and spent.damaged:
        showing.tell("note: the ledger is damaged, and some rows could not be read: these sums are too low")


def _show_csv(rows: list[dict[str, object]], names: list[str]) -> None:
    import csv
    import sys

    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _show(spent: Spent, by: tuple[By, ...]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    if not spent.groups:
        showing.tell("nothing was spent")
        return
    table = Table(box=SIMPLE_HEAD, show_footer=len(spent.groups) > 1, pad_edge=False, collapse_padding=True)
    rows = [_cells(each) for each in spent.groups]
    total = _cells(spent.total)
    shown = [name for name in total if any(row[name] for row in rows)]
    for place, group in enumerate(by):
        table.add_column(group, "" if place else "all", overflow="fold")
    for name in shown:
        table.add_column(name, total[name], justify="right", no_wrap=True)
    for each, row in zip(spent.groups, rows, strict=True):
        table.add_row(*[each.group[name] or "-" for name in by], *[row[name] for name in shown])
    Console().print(table)


def _cells(row: Spending) -> dict[str, str]:
    return {
        "pictures": str(row.pictures),
        "spent": showing.dollars(row.known_usd),
        "unknown": _unknown(row),
        "failed": str(row.failures or ""),
        "refused": str(row.refusals or ""),
        "estimates": _estimates(row),
    }


def _unknown(row: Spending) -> str:
    """``3: up to $0.12``, or that there is no bound."""
    if not row.unknown:
        return ""
    bound = "no bound" if row.unbounded else f"up to {showing.dollars(row.unknown_at_most_usd)}"
    return f"{row.unknown}: {bound}"


def _estimates(row: Spending) -> str:
    """``12 ok``, or how many were off, and by how much all of them together."""
    found = row.estimates
    if found is None:
        return ""
    if not found.outside:
        return f"{found.units} ok"
    nearest = min(max(found.actual_usd, found.least_usd), found.most_usd)
    off = f" {found.actual_usd / nearest - 1:+.0%}" if nearest and nearest != found.actual_usd else ""
    return f"{found.outside}/{found.units} off{off}"
