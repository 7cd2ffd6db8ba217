"""The tables of the page: the summary, what each probe found, and the differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen.comparison.report import differences, figures
from imagegen.comparison.report.columns import columns_of, probes_of
from imagegen.comparison.report.markup import Html, breakable, element

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagegen.comparison.numbers import Difference, Numbers, ProbeNumbers, Rate
    from imagegen.comparison.report.figures import Figure


def summary(numbers: Numbers) -> Html:
    """A row for each model, sortable by every column, and what is surely different at it."""
    columns = columns_of(numbers)
    names = [
        ("model", ""),
        *((each.name, each.about) for each in columns),
        ("differs", "More than chance, level below"),
    ]
    rows = []
    for place, row in enumerate(numbers.models):
        said = list(differences.of_model(numbers, row.model))
        lines = [element("li", line) for line in said]
        last = element("td", element("ul", *lines) if said else "nothing shown", data_order=len(said), class_="words")
        cells = [_figure(column.figure(row)) for column in columns]
        rows.append(element("tr", _row_head(row.model), *cells, last, data_model=place))
    return _scrolling("Summary of every model", _sortable(names, rows, "summary"))


def _figure(figure: Figure) -> Html:
    interval = [element("small", figure.interval)] if figure.interval else []
    kind = "unknown" if figure.order is None else None
    return element("td", figure.text, *interval, class_=kind, data_order=figure.order)


def _row_head(name: str) -> Html:
    return element("th", breakable(name), scope="row", data_order=name)


def _sortable(names: Sequence[tuple[str, str]], rows: Sequence[Html], label: str) -> Html:
    heads = [
        element("th", element("button", name, type="button", title=about or None), scope="col", aria_sort="none")
        for name, about in names
    ]
    body = element("thead", element("tr", *heads)), element("tbody", *rows)
    return element("table", *body, class_="sortable", aria_labelledby=label)


def _scrolling(label: str, table: Html) -> Html:
    """What is wider than the window scrolls by itself, with the keyboard too."""
    return element("div", table, class_="scrolling", role="region", aria_label=label, tabindex=0)


def quality(numbers: Numbers) -> Html:
    """What share of each model's pictures passed each probe, drawn with its interval."""
    probes = probes_of(numbers)
    if not probes:
        return element("p", "No probe looked at these pictures.")
    rows = [
        element("tr", _row_head(row.model), *(_probe(row.probes.get(name)) for name in probes), data_model=place)
        for place, row in enumerate(numbers.models)
    ]
    names = [("model", ""), *((name, "Pictures that passed, of those it could decide") for name in probes)]
    return _scrolling("Quality by probe", _sortable(names, rows, "quality"))


def _probe(found: ProbeNumbers | None) -> Html:
    if found is None:
        return element("td", "not looked at", class_="unknown")
    said = figures.of_rate(found.passed)
    more = [f"{found.undecided} undecided"] if found.undecided else []
    if found.score is not None:
        more.append(f"score {figures.of_estimate(found.score, lambda value: f'{value:.2f}')}")
    small = element("small", "; ".join(filter(None, (said.interval, *more))))
    return element("td", said.text, _bar(found.passed), small, data_order=said.order, class_="probe")


def _bar(rate: Rate) -> Html:
    """From none to all: a line for the interval, a mark for the share. The numbers stand beside it."""
    if rate.value is None:
        return Html("")
    low, high, value = (round(6 + 108 * each, 1) for each in (rate.low, rate.high, rate.value))
    inside = (
        element("line", x1=6, x2=114, y1=7, y2=7, class_="track"),
        element("line", x1=low, x2=high, y1=7, y2=7, class_="interval"),
        element("circle", cx=value, cy=7, r=4.5, class_="value"),
    )
    return element("svg", *inside, viewBox="0 0 120 14", width=120, height=14, aria_hidden="true", class_="share")


def differences_list(numbers: Numbers) -> Iterator[Html]:
    """Those that are more than chance; the pairs that cannot be told apart under a fold."""
    found, rest = differences.found(numbers), differences.not_found(numbers)
    if found:
        yield _scrolling("Differences that are more than chance", _differences(numbers, found))
    else:
        yield element("p", "No difference between two models is more than chance here.")
    if rest:
        yield element(
            "details",
            element("summary", f"{figures.counted(len(rest), 'pair')} that these cells cannot tell apart"),
            element("p", "Their interval holds zero. That does not say that they are equal.", class_="hint"),
            _scrolling("Pairs that cannot be told apart", _differences(numbers, rest)),
        )


def _differences(numbers: Numbers, shown: Sequence[Difference]) -> Html:
    names = [
        ("metric", ""), ("first", ""), ("second", ""), ("first less second", "With its interval"),
        ("level", "Of the interval"), ("cases", "That both have"),
    ]  # fmt: skip
    places = {row.model: place for place, row in enumerate(numbers.models)}
    return _sortable(names, [_difference(each, places) for each in shown], "differences")


def _difference(each: Difference, places: dict[str, int]) -> Html:
    cells = (
        element("th", each.metric, scope="row", data_order=each.metric),
        element("td", breakable(each.a), data_order=each.a, class_="name"),
        element("td", breakable(each.b), data_order=each.b, class_="name"),
        element("td", differences.size(each), element("small", differences.interval(each)), data_order=each.value),
        element("td", differences.level(each), data_order=each.level),
        element("td", str(each.cases), data_order=each.cases),
    )
    return element("tr", *cells, data_model=places.get(each.a), data_other=places.get(each.b))
