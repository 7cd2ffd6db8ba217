"""``imagegen models``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from imagegen import catalogue, listing
from imagegen.cli import showing

if TYPE_CHECKING:
    from imagegen.catalogue import Model


@click.command()
@click.option("--provider", help="Only this provider's.")
@click.option("--operation", type=click.Choice(["generate", "edit"]), help="Only those that can.")
@click.option("--mask", is_flag=True, help="Only those that keep an edit inside a mask.")
@click.option("--transparent", is_flag=True, help="Only those that make a transparent background.")
@click.option(
    "--max-usd",
    help="Only those that `generate --max-usd` (or edit) would let make one picture: what it costs at most, in the "
    "cheapest of the sizes, qualities and options listed. An unknown price never passes.",
)
@click.option("--all", "retired", is_flag=True, help="Retired models too.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
def models(as_json: bool, mask: bool, transparent: bool, **asked: Any) -> None:
    """List the models of the catalogue: what they do, cost, and how long they live. Filters combine.

    \b
    imagegen models
    imagegen models --operation edit --mask --max-usd 0.05
    imagegen models --provider openai --all --json
    """
    found = listing.models(mask=mask or None, transparent=transparent or None, **asked)
    if as_json:
        showing.show_json(
            [{**_row(each), **_abilities(each, asked["operation"] or ("edit" if mask else None))} for each in found]
        )
        return
    rows = [_row(each) for each in found]
    width = max((len(row["model"]) for row in rows), default=0)
    for row in rows:
        until = f", until {row['shutdown']}" if row["shutdown"] else ""
        click.echo(
            f"{row['model']:<{width}}  {', '.join(row['operations']):<14}  {row['price']:<44}  {row['status']}{until}"
        )


def _row(model: Model) -> dict[str, Any]:
    return {
        "model": model.name,
        "operations": list(model.capabilities.operations),
        "price": "; ".join(filter(None, map(_price, model.prices))) or "unknown",
        "status": catalogue.status_on(model, datetime.now(UTC).date()),
        "shutdown": model.shutdown.isoformat() if model.shutdown else None,
        "replacement": model.replacement,
    }


def _abilities(model: Model, operation: str | None) -> dict[str, Any]:
    """What the filters look at."""
    usd = listing.cheapest_usd(model, operation)
    return {
        "mask": model.capabilities.mask,
        "transparent": listing.has_transparency(model),
        "cheapest_usd": None if usd is None else f"{usd:f}",
    }


def _price(line: catalogue.PriceLine) -> str:
    """What pictures cost; the input side is small change and in the plan."""
    if "output" not in line.billable and line.billable not in ("image", "megapixel", "call"):
        return ""
    if line.usd is None:
        return ""
    amount = showing.dollars(line.usd) if line.usd else "free"
    per = f"{line.per // 1_000_000}M " if line.per >= 1_000_000 else ""
    when = " ".join(f"{name} {value}" for name, value in line.when.items())
    return f"{amount} / {per}{line.billable.replace('_', ' ')}" + (f" ({when})" if when else "")
