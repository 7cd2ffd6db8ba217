"""``make live``: one cheap picture an operation from every provider whose key is set, and what is not as we think.

Each answer is written as a redacted sample, ``live/<provider>/<operation>.json``. Without a key: what it would run.
Exit code: 0 all works or nothing was to be sent, 1 something differs or failed, 2 nobody said yes.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import click
from live.checks import Check, Finding, checks_of, has_key, providers, run

from imagegen import Cost, ImageGenError, catalogue
from imagegen.cli.showing import show_table
from imagegen.types.cost import read_money


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
@click.option("--max-usd", default="0.50", show_default=True, help="For the whole run; what could pass it is skipped.")
@click.option("--unpriced", is_flag=True, help="Run too what has no known upper bound; --max-usd does not hold for it.")
@click.option("--provider", "only", multiple=True, help="Only this one. Repeatable.")
@click.option("--folder", type=click.Path(path_type=Path), default="live", show_default=True)
def live(yes: bool, max_usd: str, unpriced: bool, only: tuple[str, ...], folder: Path) -> None:
    """Ask real providers for one cheap picture an operation; write what they answer, redacted."""
    try:
        limit = read_money("max_usd", max_usd)
        assert limit is not None
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [name for name in providers() if not only or name in only]
        keyed = [name for name in wanted if has_key(name)]
        checks = [each for name in keyed or wanted for each in checks_of(name, folder)]
    except ImageGenError as error:
        raise click.ClickException(error.message) from None
    if not keyed:
        _show_plan(checks)
        click.echo("no key is set: nothing was sent")
        return
    chosen = _chosen(checks, limit, unpriced)
    most = sum((each.at_most_usd or Decimal(0) for each in chosen), Decimal(0))
    without = [name for name in wanted if name not in keyed]
    click.echo(f"no key: {', '.join(without) or 'none missing'}", err=True)
    click.echo(f"{len(chosen)} of {len(checks)} requests, at most ${most}" + _open(chosen), err=True)
    if not yes and not (sys.stdin.isatty() and click.confirm("Send them?", err=True)):
        click.echo("nothing was sent; --yes sends without asking", err=True)
        sys.exit(2)
    sys.exit(_run(checks, chosen, limit, folder))


def _open(chosen: list[Check]) -> str:
    count = sum(each.at_most_usd is None for each in chosen)
    return f", and {count} of unknown price" if count else ""


def _chosen(checks: list[Check], limit: Decimal, unpriced: bool) -> list[Check]:
    """In rising order of price, as long as all together stay within the limit."""
    found, left = [], limit
    for check in sorted(checks, key=lambda each: each.at_most_usd or Decimal(0)):
        if check.at_most_usd is None and unpriced:
            found.append(check)
        elif check.at_most_usd is not None and check.at_most_usd <= left:
            found.append(check)
            left -= check.at_most_usd
    return found


def _run(checks: list[Check], chosen: list[Check], limit: Decimal, folder: Path) -> int:
    rows, findings, spent = [], [], Decimal(0)
    for check in checks:
        finding = Finding("skipped", ["its price could pass --max-usd, or is unknown: --unpriced"])
        if check in chosen:
            click.echo(f"{check.provider} {check.operation}: {check.plan.model}", err=True)
            finding = run(check, None if check.at_most_usd is None else limit - spent, folder)
        if finding.cost is not None:
            spent += finding.cost.at_most_usd or finding.cost.known_usd
        findings.append(finding)
        cost = "" if finding.outcome == "skipped" else _words(finding.cost)
        rows.append((check.provider, check.operation, check.plan.model, finding.outcome, cost, "; ".join(finding.said)))
    show_table(("provider", "operation", "model", "outcome", "cost", "what"), rows)
    for path in (path for finding in findings for path in finding.files):
        click.echo(f"written: {path}", err=True)
    return int(any(each.outcome in ("differs", "failed") for each in findings))


def _show_plan(checks: list[Check]) -> None:
    rows = []
    for check in checks:
        key = catalogue.facts_of(check.provider).key_variables[0]
        rows.append((check.provider, check.operation, check.plan.model, key, _range(check.plan.cost)))
    show_table(("provider", "operation", "model", "runs with", "cost"), rows)


def _range(cost: Cost) -> str:
    if cost.at_most_usd is None:
        return f"unknown, at least ${cost.known_usd:f}" if cost.known_usd else "unknown"
    return (
        f"${cost.at_most_usd:f}"
        if cost.known_usd == cost.at_most_usd
        else f"${cost.known_usd:f} to ${cost.at_most_usd:f}"
    )


def _words(cost: Cost | None) -> str:
    return "unknown" if cost is None else str(cost)


live()
