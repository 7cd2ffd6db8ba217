"""The contact sheet of the page: a row for each case, a column for each model."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from imagegen.comparison.report import figures
from imagegen.comparison.report.details import MARKS, title_of
from imagegen.comparison.report.layout import address_of, path_of
from imagegen.comparison.report.markup import Html, breakable, element, joined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagegen.comparison.cells import Cell, CellFinding, CellPicture
    from imagegen.comparison.report.layout import Sheet, Tile

_EMBED_AT_MOST = 200
"""Pictures; of more, none is in the page itself."""
_EMBED_AT_MOST_BYTES = 3_400_000
"""Of all thumbnails together; a third more in the page, which stays under 5 MB."""
_SIGNS = {"refused": "\u2298", "failed": "\u2717", "unknown": "?"}
_SAYS = {"refused": "refused", "failed": "failed", "unknown": "outcome unknown"}
_ONE_LINE = 240
"""Characters of an error on the sheet; the dialog has all."""


def contact_sheet(folder: Path, sheet: Sheet) -> Iterator[Html]:
    """The table, row by row: of the thumbnails never more than one is in memory."""
    embedding = fits_into_page(folder, sheet)
    # What CSS lays out as a grid is no table to a screen reader, unless it is said to be one.
    yield Html('<table class="sheet" role="table" aria-labelledby="pictures"><thead role="rowgroup">')
    heads = [_head("case"), *(_head(model, column=place) for place, model in enumerate(sheet.models))]
    yield element("tr", *heads, role="row")
    yield Html('</thead><tbody role="rowgroup">')
    number = 0
    for case in sheet.cases:
        yield Html('<tr role="row" class="case">')
        yield _case(sheet.first(case))
        for place, model in enumerate(sheet.models):
            tiles = sheet.tiles(case, model)
            yield _place(folder if embedding else None, tiles, model, place, number)
            number += len(tiles)
        yield Html("</tr>")
    yield Html("</tbody></table>")


def fits_into_page(folder: Path, sheet: Sheet) -> bool:
    """Whether the thumbnails are few and small enough to be in the page itself."""
    pictures = [each for cells in sheet.places.values() for cell in cells for each in cell.pictures]
    if len(pictures) > _EMBED_AT_MOST:
        return False
    paths = (path_of(folder, each.thumbnail) for each in pictures)
    return sum(path.stat().st_size for path in paths if path) <= _EMBED_AT_MOST_BYTES


def _head(name: str, column: int | None = None) -> Html:
    return element("th", breakable(name), role="columnheader", scope="col", data_model=column)


def _case(cell: Cell) -> Html:
    tags = [element("span", tag, class_="tag") for tag in cell.tags]
    inside = element("b", cell.case), element("p", cell.prompt, class_="prompt"), element("p", *tags, class_="tags")
    return element("th", *inside, role="rowheader", scope="row")


def _place(folder: Path | None, tiles: list[Tile], model: str, column: int, first: int) -> Html:
    shown = [_tile(folder, tile, first + place) for place, tile in enumerate(tiles)]
    nothing = [] if tiles else [element("span", "not asked", class_="nothing")]
    kind = "tiles many" if len(tiles) > 1 else "tiles"
    inside = element("span", breakable(model), class_="model"), element("div", *shown, *nothing, class_=kind)
    return element("td", *inside, role="cell", data_model=column)


def _tile(folder: Path | None, tile: Tile, number: int) -> Html:
    cell, picture = tile.cell, tile.picture
    inside = [_image(folder, picture, title_of(tile)) if picture else _no_picture(tile), _paid(cell)]
    inside.extend(_marks(tile))
    kind = "tile" if picture else f"tile {cell.outcome}"
    return element("button", *inside, type="button", class_=kind, data_tile=number, tabindex=-1)


def _image(folder: Path | None, picture: CellPicture, title: str) -> Html:
    """With its true shape stated, so that nothing moves when it comes."""
    source = _source(folder, picture)
    if source is None:
        return element("span", "its file is not in the folder", class_="nothing")
    size = {"width": picture.width or 1, "height": picture.height or 1}
    return element("img", src=source, alt=title, loading="lazy", decoding="async", **size)


def _source(folder: Path | None, picture: CellPicture) -> str | None:
    """The thumbnail in the page or beside it; the original where there is no smaller one."""
    path = path_of(folder, picture.thumbnail) if folder else None
    if path is not None:
        return f"data:image/webp;base64,{b64encode(path.read_bytes()).decode()}"
    return (address_of(picture.thumbnail) if picture.thumbnail else None) or address_of(picture.file)


def _no_picture(tile: Tile) -> Html:
    cell = tile.cell
    sign = element("span", _SIGNS.get(cell.outcome, "?"), class_="sign", aria_hidden="true")
    said = element("strong", sign, " ", _SAYS.get(cell.outcome, "no picture"))
    hidden = element("span", title_of(tile), ": ", class_="unseen")
    error = cell.error or ""
    why = element("span", error if len(error) <= _ONE_LINE else error[:_ONE_LINE] + "...", class_="why")
    return element("span", hidden, said, why, class_="no-picture")


def _paid(cell: Cell) -> Html:
    several = f" for {len(cell.pictures)}" if len(cell.pictures) > 1 else ""
    cost = "cost unknown" if cell.cost_usd is None else figures.usd(cell.cost_usd) + several
    if cell.cost_usd is None and cell.billed == "no":
        cost = "not billed"
    took = [figures.seconds(cell.total_s)] if cell.total_s is not None else []
    return element("span", " \u00b7 ".join([cost, *took]), class_="paid")


def _marks(tile: Tile) -> Iterator[Html]:
    """What was changed, what is missing, and what probes said."""
    cell = tile.cell
    changed = dict.fromkeys(str(each.get("field", "request")) for each in cell.adaptations)
    said = [element("span", f"adapted: {', '.join(changed)}", class_="mark adapted")] if changed else []
    gone = cell.refused_pictures + cell.failed_pictures
    if gone and cell.pictures:
        said.append(element("span", f"{gone} more did not come", class_="mark fail"))
    said.extend(_verdict(each) for each in tile.findings)
    if said:
        yield element("span", joined(said), class_="marks")


def _verdict(finding: CellFinding) -> Html:
    unseen = element("span", f" {finding.verdict}", class_="unseen")
    return element("span", f"{MARKS[finding.verdict]} {finding.probe}", unseen, class_=f"mark {finding.verdict}")
