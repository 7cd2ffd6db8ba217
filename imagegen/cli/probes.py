"""``imagegen probes``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from imagegen import probes as found
from imagegen.cli import showing


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
def probes(as_json: bool) -> None:
    """List the probes that look at pictures: whether they can run here, and how often they err.

    \b
    imagegen probes
    imagegen probes --json
    """
    rows: list[dict[str, Any]] = [
        {
            "probe": each.name,
            "missing": each.missing(),
            "error_rates": asdict(each.error_rates) if each.error_rates else None,
        }
        for each in found.probes()
    ]
    if as_json:
        showing.show_json(rows)
    else:
        for row in rows:
            click.echo(f"{row['probe']:<10} {row['missing'] or 'ready':<9} {_rates(row['error_rates'])}")
    for problem in found.broken():
        showing.tell(problem)


def _rates(rates: dict[str, Any] | None) -> str:
    if rates is None:
        return "not measured"
    shares = f"false pass {rates['false_pass']:.1%}, false fail {rates['false_fail']:.1%}"
    return f"{shares}, undecided {rates['undecided']:.1%} of {rates['measured_on']}"
