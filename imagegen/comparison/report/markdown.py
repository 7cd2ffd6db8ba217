"""``report.md``: the summary and the differences, to paste into an issue or a review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imagegen.comparison.report import differences, figures
from imagegen.comparison.report.columns import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from imagegen.comparison.numbers import Difference, Numbers

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~@$]|:(?=//))")


def lines(numbers: Numbers, title: str, facts: Mapping[str, str]) -> Iterator[str]:
    """The file line by line."""
    yield f"# {_text(title)}"
    yield ""
    columns = columns_of(numbers)
    rows = [[row.model, *(str(column.figure(row)) for column in columns)] for row in numbers.models]
    yield from _table(["model", *(column.name for column in columns)], rows)
    yield ""
    yield "In brackets: 95 % intervals."
    yield ""
    yield "## Differences"
    yield ""
    yield from _differences(numbers)
    yield ""
    yield "## Settings and versions"
    yield ""
    for name, said in {**facts, "seed of the intervals": str(numbers.seed)}.items():
        yield f"- {_text(name)}: {_text(said)}"


def _differences(numbers: Numbers) -> Iterator[str]:
    found = differences.found(numbers)
    if found:
        rows = [[each.metric, each.a, each.b, *_figures_of(each)] for each in found]
        yield from _table(["metric", "first", "second", "first less second", "level", "cases"], rows)
    else:
        yield "No difference between two models is more than chance here."
    rest = len(numbers.differences) - len(found)
    if rest:
        yield ""
        yield f"These cells cannot tell {figures.counted(rest, 'pair')} apart, which does not say that they are equal."


def _figures_of(each: Difference) -> list[str]:
    return [f"{differences.size(each)} ({differences.interval(each)})", differences.level(each), str(each.cases)]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(_text, heads))} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(map(_text, row))} |"


def _text(said: str) -> str:
    """Foreign text on one line in which nothing is markup: no link, no picture, no HTML, no cell of its own."""
    one_line = " ".join(said.replace("\0", "").split()).replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", one_line)
