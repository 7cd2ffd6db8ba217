"""``imagegen reconcile``."""

from __future__ import annotations

import dataclasses

import click

from imagegen.cli import showing, using
from imagegen.errors import ConfigurationError


@click.command()
@click.argument("job", required=False)
@click.option("--billed/--not-billed", default=None, help="What you found out about JOB, for example on an invoice.")
@click.option("--json", "as_json", is_flag=True, help="A list.")
def reconcile(job: str | None, billed: bool | None, as_json: bool) -> None:
    """Settle unknown outcomes: by the lists of the providers that have one, or JOB by what you know of it.

    \b
    imagegen reconcile
    imagegen reconcile 3f2a91c0 --not-billed
    """
    if (job is None) != (billed is None):
        raise ConfigurationError("a job is settled by hand with --billed or --not-billed; without a job all are asked")
    found = using.client().reconcile(job, billed=billed)
    if as_json:
        showing.show_json([dataclasses.asdict(each) for each in found])
        return
    if not found:
        showing.tell("no unknown outcomes")
    for each in found:
        click.echo(f"{each.job[:8]} {each.model}: {each.outcome.replace('_', ' ')}; {each.why}")
