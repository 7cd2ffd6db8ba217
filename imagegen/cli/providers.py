"""``imagegen providers``."""

from __future__ import annotations

import click

from imagegen import catalogue
from imagegen.cli import showing
from imagegen.entry_points import plugin_names


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
def providers(as_json: bool) -> None:
    """List the installed providers and where they come from; none is loaded.

    \b
    imagegen providers
    imagegen providers --json
    """
    rows = [
        {
            "provider": each.name,
            "distribution": f"{each.distribution} {each.version}",
            "models": len(catalogue.models_of(each.name)),
            "key": next(iter(catalogue.facts_of(each.name).key_variables), None),
        }
        for each in plugin_names()
    ]
    if as_json:
        showing.show_json(rows)
        return
    for row in rows:
        key = f"key in {row['key']}" if row["key"] else "no key needed"
        click.echo(f"{row['provider']:<12} {row['models']:>3} models  {key:<28} {row['distribution']}")
