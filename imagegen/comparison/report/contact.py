"""``grid.png``: the contact sheet as one picture of bounded size, to paste where no page can be."""

from __future__ import annotations

import functools
import unicodedata
from importlib import resources
from typing import TYPE_CHECKING

from imagegen import pictures
from imagegen.comparison.report import details, figures
from imagegen.comparison.report.layout import path_of

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import ImageDraw, ImageFont
    from PIL.Image import Image

    from imagegen.comparison.report.layout import Sheet, Tile

ROWS, COLUMNS = 24, 12
"""At most; the picture says what it leaves out."""
_TILE, _GAP, _MARGIN = 192, 12, 24
_HEAD, _LABEL, _CAPTION = 92, 240, 44
_LINE = 18
_PAPER, _INK, _SOFT, _FAINT, _BAD = "#fcfcfb", "#1b1d21", "#565b64", "#eff0f2", "#ab1f1f"
_NO_CHARACTER = "\U0010ffff"


def draw(folder: Path, sheet: Sheet, title: str) -> Image:
    """The first rows and columns: the first picture of each place, its cost and seconds under it."""
    from PIL import Image, ImageDraw

    cases, models = sheet.cases[:ROWS], sheet.models[:COLUMNS]
    width = 2 * _MARGIN + _LABEL + len(models) * (_TILE + _GAP)
    height = 2 * _MARGIN + _HEAD + len(cases) * (_TILE + _CAPTION + _GAP) + _LINE
    image = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(image)
    _write(pen, (_MARGIN, _MARGIN - 6), title, width - 2 * _MARGIN, 22, lines=1)
    for column, model in enumerate(models):
        _write(pen, (_across(column), _MARGIN + 34), model, _TILE, 14, lines=3)
    for row, case in enumerate(cases):
        _row(image, pen, folder, sheet, case, _down(row))
    _write(pen, (_MARGIN, height - _MARGIN - 6), _left_out(sheet), width - 2 * _MARGIN, 13, lines=1, ink=_SOFT)
    return image


def _across(column: int) -> int:
    return _MARGIN + _LABEL + column * (_TILE + _GAP)


def _down(row: int) -> int:
    return _MARGIN + _HEAD + row * (_TILE + _CAPTION + _GAP)


def _left_out(sheet: Sheet) -> str:
    """What is not drawn, so that nobody takes the part for the whole."""
    cases, models = len(sheet.cases) - ROWS, len(sheet.models) - COLUMNS
    more = [f"{cases} more cases"] if cases > 0 else []
    more += [f"{models} more models"] if models > 0 else []
    return f"{' and '.join(more)} in report.html" if more else "One picture of each place; all are in report.html"


def _row(image: Image, pen: ImageDraw.ImageDraw, folder: Path, sheet: Sheet, case: str, top: int) -> None:
    below = _write(pen, (_MARGIN, top), case, _LABEL - 20, 15, lines=2)
    _write(pen, (_MARGIN, below + 4), sheet.first(case).prompt, _LABEL - 20, 13, lines=8, ink=_SOFT)
    for column, model in enumerate(sheet.models[:COLUMNS]):
        tiles = sheet.tiles(case, model)
        _place(image, pen, folder, tiles, _across(column), top)


def _place(image: Image, pen: ImageDraw.ImageDraw, folder: Path, tiles: list[Tile], left: int, top: int) -> None:
    """The first picture that can be drawn, else the first tile in words."""
    pen.rectangle((left, top, left + _TILE - 1, top + _TILE - 1), fill=_FAINT)
    shown = tiles[0] if tiles else None
    for tile in tiles:
        if (small := _thumbnail(folder, tile)) is not None:
            image.paste(small, (left + (_TILE - small.width) // 2, top + (_TILE - small.height) // 2), _alpha(small))
            shown = tile
            break
    else:
        _write(pen, (left + 10, top + 60), _in_words(shown), _TILE - 20, 14, lines=5, ink=_BAD if shown else _SOFT)
    if shown:
        _write(pen, (left, top + _TILE + 3), _caption(shown, len(tiles)), _TILE, 13, lines=2, ink=_SOFT)


def _alpha(small: Image) -> Image | None:
    return small if small.mode == "RGBA" else None


def _thumbnail(folder: Path, tile: Tile) -> Image | None:
    path = path_of(folder, tile.picture.thumbnail) if tile.picture else None
    if path is None:
        return None
    data = memoryview(path.read_bytes())
    try:
        small = pictures.decode(data, pictures.read_facts(data).media_type, suffices_px=_TILE)
    except ValueError:  # changed since it was made
        return None
    small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    small.thumbnail((_TILE, _TILE))
    return small


def _in_words(tile: Tile | None) -> str:
    if tile is None:
        return "not asked"
    return tile.picture.media_type if tile.picture else details.outcome_of(tile.cell)


def _caption(tile: Tile, count: int) -> str:
    cell = tile.cell
    cost = "cost unknown" if cell.cost_usd is None else figures.usd(cell.cost_usd)
    took = f", {figures.seconds(cell.total_s)}" if cell.total_s is not None else ""
    verdicts = "  ".join(f"{each.probe} {each.verdict}" for each in tile.findings)
    several = f", 1 of {count}" if count > 1 else ""
    return f"{cost}{took}{several}\n{'adapted  ' if cell.adaptations else ''}{verdicts}"


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], said: str, width: int, size: int, *, lines: int, ink: str = _INK
) -> int:
    """Text broken into lines of a width, the last one cut where it is too long. Returns where it ends."""
    font = _font(size)
    broken = _broken(_writable(said), font, width, lines)
    for number, line in enumerate(broken):
        pen.text((at[0], at[1] + number * (size + 5)), line, fill=ink, font=font)
    return at[1] + len(broken) * (size + 5)


def _broken(said: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    lines: list[str] = []
    for paragraph in said.split("\n"):
        line = ""
        for character in paragraph:
            if font.getlength(line + character) <= width:
                line += character
                continue
            if len(lines) == most - 1:
                return [*lines, line[:-1] + "\u2026"]
            head, blank, tail = line.rpartition(" ")
            lines.append(head if blank else line)
            line = (tail if blank else "") + character
        lines.append(line)
    return lines[:most]


def _writable(said: str) -> str:
    """What the font has, and a dot for what it has not: an empty box would be a lie."""
    return "".join(each if each == "\n" or _has(each) else "\u00b7" for each in said[:2000])


@functools.lru_cache(maxsize=4096)
def _has(character: str) -> bool:
    if unicodedata.category(character)[0] in "CZM":
        return character == " "
    return _look(character) != _look(_NO_CHARACTER)


def _look(character: str) -> bytes:
    from PIL import Image, ImageDraw

    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((12, 12), character, fill=255, font=_font(20))
    return image.tobytes()


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Open Sans: Latin, Greek, Cyrillic. A font of its own for each use: FreeType's are not for two threads at once."""
    from PIL import ImageFont

    path = resources.files("fontpkg_open_sans") / "files" / "OpenSans[wdth,wght].ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
