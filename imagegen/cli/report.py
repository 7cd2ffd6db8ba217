"""``imagegen report``."""

from __future__ import annotations

from pathlib import Path

import click

from imagegen.cli import showing


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling behind the intervals.")
def report(folder: Path, seed: int) -> None:
    """Rebuild the reports of the comparison in FOLDER from its stored cells; nothing is asked or paid.

    \b
    imagegen report circles
    """
    from rich.console import Console

    from imagegen.comparison.comparing import rebuild
    from imagegen.comparison.report import terminal
    from imagegen.comparison.store import CellStore

    numbers, files = rebuild(CellStore(folder), seed)
    terminal.show(Console(stderr=True), numbers)
    for path in files:
        click.echo(path)
    showing.tell(f"open {folder / 'report.html'}")
