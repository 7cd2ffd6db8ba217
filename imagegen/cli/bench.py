"""``imagegen bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagegen.cli import comparing


@click.command()
@click.argument("suite", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-m", "--model", "models", multiple=True, required=True, metavar="CONNECTION:MODEL", help="Repeat to compare."
)
@comparing.comparison_options
@click.option("--tag", "tags", multiple=True, help="Only the cases that bear this tag. Repeatable.")
@click.option(
    "--policy",
    type=click.Choice(["strict", "adapt", "best_effort"]),
    help="What may be changed to fit a model; default: what makes sense, marked.",
)
@click.option("--max-usd", help="Send nothing that could take the run above this.")
def bench(suite: Path, models: tuple[str, ...], tags: tuple[str, ...], **given: Any) -> None:
    """Put models through the cases of SUITE, a YAML file, and report.

    \b
    imagegen bench benchmarks/suites/weaknesses.yaml -m stub:painter -m stub:sloppy -o weak
    imagegen bench weaknesses.yaml -m openai:gpt-image-2 --tag chess --max-usd 1 -o chess
    """
    from dataclasses import replace

    from imagegen.comparison.suites import read_suite
    from imagegen.errors import ConfigurationError

    found = read_suite(suite)
    if tags:
        cases = tuple(each for each in found if set(tags) & set(each.tags))
        if not cases:
            known = sorted({tag for each in found for tag in each.tags})
            raise ConfigurationError(f"no case of {suite} bears {', '.join(tags)}; tags: {', '.join(known)}")
        found = replace(found, cases=cases)
    comparing.compare(found, list(models), comparing.taken_out(given))
