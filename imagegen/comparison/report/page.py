"""``report.html``: one file that opens from disk, asks no network for anything, and runs no script but its own."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen.comparison.report import chart, details, figures, filters, tables
from imagegen.comparison.report.markup import Html, data, element, joined
from imagegen.comparison.report.sheet import contact_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen.comparison.numbers import Numbers
    from imagegen.comparison.report.layout import Sheet

_HERE = Path(__file__).parent
_CASE_PX, _PLACE_PX = 240, 128
"""The least width of a prompt and of a picture on the sheet."""


def page(folder: Path, sheet: Sheet, numbers: Numbers, title: str, facts: Mapping[str, str]) -> Iterator[str]:
    """The file in pieces, so that it never is in memory as a whole."""
    style = (_HERE / "page.css").read_text("utf-8") + _widths(len(sheet.models))
    script = (_HERE / "page.js").read_text("utf-8")
    yield "<!DOCTYPE html>\n"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script))
    yield element("meta", name="viewport", content="width=device-width, initial-scale=1")
    yield element("meta", name="referrer", content="no-referrer")
    yield element("meta", name="color-scheme", content="light dark")
    yield element("title", title)
    yield f"<style>{style}</style></head><body>"
    yield from _body(folder, sheet, numbers, title, facts)
    yield from _records(sheet)
    yield f"<script>{script}</script></body></html>\n"


def _policy(style: str, script: str) -> str:
    """Nothing from anywhere, but pictures beside the page or in it; only this very script and style."""
    pictures = "img-src 'self' file: data:"
    own = f"script-src {_digest(script)}; style-src {_digest(style)}"
    return f"default-src 'none'; {pictures}; {own}; base-uri 'none'; form-action 'none'"


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _widths(models: int) -> str:
    """Where the whole sheet fits into the window, its head stays in sight; else it scrolls from side to side."""
    least = _CASE_PX + models * _PLACE_PX
    return (
        f".sheet{{--models:{models};--least:{least}px}}"
        f"@media (min-width:{least + 64}px){{.wide-sheet{{overflow:visible}}.sheet thead tr{{position:sticky;top:0}}}}"
    )


def _body(folder: Path, sheet: Sheet, numbers: Numbers, title: str, facts: Mapping[str, str]) -> Iterator[Html]:
    yield element("a", "Skip to the pictures", href="#pictures", class_="skip")
    yield element("header", element("h1", title), element("p", _totals(sheet, numbers)), _contents())
    yield Html("<main>")
    yield _section("summary", "Summary", _hint(numbers), tables.summary(numbers))
    yield _section("chart", "Cost against latency", *chart.cost_against_latency(numbers))
    yield _section("quality", "Quality by probe", tables.quality(numbers))
    yield _section("differences", "Differences", *tables.differences_list(numbers))
    yield Html('<section><h2 id="pictures" tabindex="-1">Pictures</h2>')
    yield filters.form(sheet)
    yield Html('<div class="wide-sheet">')
    yield from contact_sheet(folder, sheet)
    yield Html("</div></section>")
    yield _section("facts", "Settings and versions", _facts(numbers, facts))
    yield Html("</main>")
    yield _dialog()


def _section(id_: str, title: str, *inside: Html) -> Html:
    return element("section", element("h2", title, id=id_), *inside)


def _contents() -> Html:
    names = ("summary", "chart", "quality", "differences", "pictures", "facts")
    return element("nav", *(element("a", name, href=f"#{name}") for name in names), aria_label="Parts of this report")


def _totals(sheet: Sheet, numbers: Numbers) -> str:
    cells = [cell for repeats in sheet.places.values() for cell in repeats]
    pictures = sum(len(cell.pictures) for cell in cells)
    known = sum(float(cell.known_usd) for cell in cells)
    unknown = sum(cell.cost_usd is None and cell.billed != "no" for cell in cells)
    without = sum(not cell.pictures for cell in cells)
    parts = [
        f"{len(sheet.models)} models, {len(sheet.cases)} cases, {len(cells)} requests, {pictures:,} pictures",
        f"{without} requests gave none" if without else "every request gave one",
        f"{figures.usd(known)} known to be spent" + (f", {unknown} requests of unknown cost" if unknown else ""),
    ]
    return "; ".join(parts) + "."


def _hint(numbers: Numbers) -> Html:
    said = (
        "Small figures are 95 % intervals. Select a column's name to sort by it. Only what is more than chance "
        "is called a difference. The numbers are those of all requests, whatever the pictures are filtered by."
    )
    return element("p", said, class_="hint")


def _facts(numbers: Numbers, facts: Mapping[str, str]) -> Html:
    said = {**facts, "seed of the intervals": str(numbers.seed)}
    return element("dl", *(each for name in said for each in (element("dt", name), element("dd", said[name]))))


def _records(sheet: Sheet) -> Iterator[str]:
    """What the dialog and the filters know of each tile, in the order of the tiles."""
    yield '<script type="application/json" id="records">{"cases":'
    yield data([_case(sheet, case) for case in sheet.cases])
    yield ',"tiles":['
    first = True
    for row, case in enumerate(sheet.cases):
        for column, model in enumerate(sheet.models):
            for tile in sheet.tiles(case, model):
                yield joined([Html("" if first else ","), data(details.record_of(tile, row, column))])
                first = False
    yield "]}</script>"


def _case(sheet: Sheet, case: str) -> dict[str, object]:
    cell = sheet.first(case)
    return {"prompt": cell.prompt, "tags": list(cell.tags)}


def _dialog() -> Html:
    def button(name: str, sign: str, key: str | None) -> Html:
        return element("button", element("span", sign, aria_hidden="true"), type="button", aria_label=name, data_go=key)

    bar = element(
        "div",
        element("h2", id="enlarged"),
        button("Previous", "\u2190", "ArrowLeft"),
        button("Next", "\u2192", "ArrowRight"),
        button("Close", "\u00d7", "Escape"),
        class_="bar",
    )
    picture = element("div", class_="stage")
    facts = element("p", class_="prompt"), element("dl"), element("p", element("a", "Open the original"), class_="open")
    return element(
        "dialog", bar, element("div", picture, element("div", *facts), class_="two"), aria_labelledby="enlarged"
    )
