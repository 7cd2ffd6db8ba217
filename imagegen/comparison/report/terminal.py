"""The summary in a terminal: readable at 80 columns, and without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen.comparison.report import differences, figures
from imagegen.comparison.report.columns import probes_of
from imagegen.secrets import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from imagegen.comparison.numbers import ModelNumbers, Numbers
    from imagegen.comparison.report.figures import Figure

_MOST = 12
"""Differences that are shown; the report has all."""


def show(console: Console, numbers: Numbers) -> None:
    """Print a row for each model, what its probes found, and the differences that are more than chance."""
    from rich.text import Text

    console.print(_summary(numbers))
    if probes_of(numbers):
        console.print(_probes(numbers))
    for line in _remarks(numbers):
        console.print(Text(line))


def _table(*heads: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(heads[0], overflow="fold", min_width=18)
    for head in heads[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _summary(numbers: Numbers) -> Table:
    from rich.text import Text

    table = _table("model", "came", "refused", "failed", "seconds", "USD a picture")
    for row in numbers.models:
        table.add_row(Text(clean(row.model)), *(Text(_stacked(each)) for each in _figures(row)))
    return table


def _figures(row: ModelNumbers) -> Iterator[Figure]:
    yield figures.of_rate(row.succeeded)
    yield figures.Figure(str(row.refused.count))
    yield figures.Figure(str(row.failed.count))
    yield figures.of_estimate(row.latency.get("p50") or row.latency.get("mean"), figures.seconds)
    yield figures.of_estimate(row.cost_per_picture, figures.usd)


def _stacked(figure: Figure) -> str:
    """The interval below its figure: beside it there is no room."""
    return f"{figure.text}\n{figure.interval}" if figure.interval else figure.text


def _probes(numbers: Numbers) -> Table:
    """One line for each model and probe, so that any number of probes fits."""
    from rich.text import Text

    table = _table("model", "probe", "passed", "interval", "undecided")
    for row in numbers.models:
        for name, found in sorted(row.probes.items()):
            said = figures.of_rate(found.passed)
            table.add_row(*map(Text, (clean(row.model), clean(name), said.text, said.interval, str(found.undecided))))
    return table


def _remarks(numbers: Numbers) -> Iterator[str]:
    yield _spent(numbers)
    found = differences.found(numbers)
    yield "Differences that are more than chance:" if found else "No difference here is more than chance."
    for each in found[:_MOST]:
        yield f"- {clean(differences.sentence(each))}"
    if len(found) > _MOST:
        yield f"- and {len(found) - _MOST} more in the report"


def _spent(numbers: Numbers) -> str:
    known = sum(row.known_usd for row in numbers.models)
    unknown = sum(row.unknown_cost.count for row in numbers.models if row.unknown_cost)
    more = f"; what {figures.counted(unknown, 'request')} cost is not known" if unknown else ""
    return f"Known to be spent: {figures.usd(known)}{more}."
