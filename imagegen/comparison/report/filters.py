"""The form above the pictures: by model, outcome, tag, verdict of a probe, and text in the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen.comparison.report.markup import Html, element

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen.comparison.report.layout import Sheet

_OUTCOMES = {
    "ok": "came",
    "refused": "refused",
    "failed": "failed",
    "unknown": "outcome unknown",
    "adapted": "adapted",
}
_VERDICTS = ("pass", "fail", "undecided")


def form(sheet: Sheet) -> Html:
    """Only what there is to choose between."""
    cells = [cell for repeats in sheet.places.values() for cell in repeats]
    outcomes = {cell.outcome for cell in cells} | {"adapted" for cell in cells if cell.adaptations}
    tags = sorted({tag for cell in cells for tag in cell.tags})
    probes = sorted({finding.probe for cell in cells for finding in cell.findings})
    verdicts = [f"{probe}: {verdict}" for probe in probes for verdict in _VERDICTS]
    inside = (
        _labelled("Text in the prompt", element("input", type="search", id="filter-text", autocomplete="off")),
        _choice(
            "outcome", "Outcome", [(f"outcome {each}", said) for each, said in _OUTCOMES.items() if each in outcomes]
        ),
        _choice("tag", "Tag", [(tag, tag) for tag in tags]),
        _choice("verdict", "Probe", [(each, each) for each in verdicts]),
        _models(sheet),
        element("p", element("output", id="found"), element("button", "Show all", type="reset"), class_="found"),
    )
    return element("form", *inside, id="filter", aria_label="Filter the pictures", role="search")


def _labelled(label: str, control: Html) -> Html:
    return element("label", element("span", label), control)


def _choice(name: str, label: str, options: Iterable[tuple[str, str]]) -> Html:
    shown = [element("option", said, value=value) for value, said in options]
    if not shown:
        return Html("")
    return _labelled(label, element("select", element("option", "any", value=""), *shown, id=f"filter-{name}"))


def _models(sheet: Sheet) -> Html:
    boxes = [
        element("label", element("input", type="checkbox", name="model", value=place, checked=True), model)
        for place, model in enumerate(sheet.models)
    ]
    return element("fieldset", element("legend", "Models"), *boxes)
