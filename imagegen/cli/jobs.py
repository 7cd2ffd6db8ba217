"""``imagegen jobs``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from imagegen.cli import showing, using

if TYPE_CHECKING:
    from imagegen.types.job import OpenUnit

_STATES = {"submitted": "accepted", "ready": "ready", "unknown": "unknown", "intent": "under way"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A list.")
def jobs(as_json: bool) -> None:
    """List what was paid, or may have been, and is not settled: nearest expiry first.

    \b
    accepted, ready   imagegen resume ID collects it
    unknown           imagegen reconcile asks the provider; imagegen resume ID --retry-unknown pays again
    """
    found = using.client().jobs()
    if as_json:
        showing.show_json([dataclasses.asdict(unit) for unit in found])
    elif not found:
        showing.tell("nothing is open")
    else:
        showing.show_table(("job", "model", "state", "pictures", "age", "at most", "expires"), [_row(u) for u in found])


def _row(unit: OpenUnit) -> tuple[str, ...]:
    expires = "" if unit.expires_in_s is None else showing.duration(unit.expires_in_s)
    at_most = "not known" if unit.at_most_usd is None else showing.dollars(unit.at_most_usd)
    state = _STATES.get(unit.state, unit.state)
    return (unit.job[:8], unit.model, state, str(unit.pictures), showing.duration(unit.age_s), at_most, expires)
