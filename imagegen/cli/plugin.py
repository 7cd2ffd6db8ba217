"""``imagegen plugin``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imagegen.cli import showing

if TYPE_CHECKING:
    from imagegen.testing.checking import Check

_MARKS = {"passed": ("green", "passed"), "failed": ("red", "FAILED"), "skipped": ("yellow", "skipped")}


@click.group()
def plugin() -> None:
    """Write a provider of your own, prove it right, and say whose plugins may be loaded."""


@plugin.command()
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="The folder; default imagegen-NAME."
)
def new(name: str, output: Path | None) -> None:
    """Write a complete plugin for the provider NAME, whose tests pass at once.

    \b
    imagegen plugin new acme
    cd imagegen-acme && pip install -e ".[testing]" && pytest
    """
    from imagegen.testing.scaffold import write_plugin

    folder = output or Path(f"imagegen-{name}")
    for path in write_plugin(name, folder):
        click.echo(path)
    showing.tell(f'next: cd {folder} && pip install -e ".[testing]" && pytest')


@plugin.command()
@click.argument("name")
@click.option("--suite", metavar="MODULE:CLASS", help="A suite of your own: module:Class, or file.py:Class.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
def check(name: str, suite: str | None, as_json: bool) -> None:
    """Run the conformance suite against the installed provider NAME; exit code 1 if a check fails.

    No network and no key: it asks the fake that the plugin brings. Without one, what needs none is run.

    \b
    imagegen plugin check acme
    imagegen plugin check acme --suite tests/test_acme.py:TestAcme
    """
    from imagegen.testing.checking import check_plugin

    checks = check_plugin(name, suite)
    if as_json:
        showing.show_json([each.to_dict() for each in checks])
    else:
        _show(checks)
    if not checks or any(each.failed for each in checks):
        raise SystemExit(1)


def _show(checks: list[Check]) -> None:
    """A row a check that ran; then what did not, by its reason; then the failed cases and the count."""
    width = max((len(each.name) for each in checks), default=0)
    for each in (each for each in checks if each.verdict != "skipped"):
        of = f"{each.passed}/{each.passed + len(each.failed)}"
        click.echo(f"{_mark(each.verdict)} {of:>6}  {each.name.replace('_', ' '):<{width}}  {each.what}")
    reasons: dict[str, list[str]] = {}
    for each in (each for each in checks if each.verdict == "skipped"):
        reasons.setdefault(each.skipped[0], []).append(each.name.replace("_", " "))
    for reason, names in reasons.items():
        click.echo(f"{_mark('skipped')} {reason}: {', '.join(names)}")
    for each in checks:
        for case, why in each.failed.items():
            click.echo(f"{each.name.replace('_', ' ')} [{case}]: {why}", err=True)
    count = {verdict: sum(each.verdict == verdict for each in checks) for verdict in _MARKS}
    click.echo(", ".join(f"{number} {verdict}" for verdict, number in count.items() if number))


def _mark(verdict: str) -> str:
    colour, mark = _MARKS[verdict]
    return click.style(f"{mark:<7}", fg=colour)


@plugin.command()
@click.argument("name")
def trust(name: str) -> None:
    """Let the distribution or provider NAME be loaded; from the first on, no other plugin but imagegen's own is.

    \b
    imagegen plugin trust imagegen-acme
    """
    from imagegen.settings import trust_plugin

    path, allowed = trust_plugin(name)
    click.echo(f"{path}: plugins that may be loaded: {', '.join(allowed)}")
