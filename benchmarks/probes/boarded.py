"""Boards with known truth: tic-tac-toe, chess and coloured cells; every second one has one wrong cell."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from random import Random

from cases import Case, coded
from lettered import _LATIN
from PIL import Image, ImageDraw, ImageFont
from shaped import COLOURS

_STRAINS = ("clean", "clean", "noise", "jpeg", "webp")
_INKS = ((0, 0, 0), (40, 40, 40), (20, 40, 120), (120, 20, 20))


def grid_cases(count: int, seed: int) -> list[Case]:
    """Half tic-tac-toe, the rest chess and coloured cells."""
    makers = (_tictactoe, _tictactoe, _chess, _cells)
    return [makers[at // 2 % 4](at % 2 == 0, Random(f"grid {seed} {at}")) for at in range(count)]


def _tictactoe(right: bool, chance: Random) -> Case:
    wanted = [chance.choice("XO.") for _ in range(9)]
    shown = list(wanted)
    if not right:
        at = chance.randrange(9)
        shown[at] = chance.choice([sign for sign in "XO." if sign != wanted[at]])
    side, strain = chance.choice((384, 512, 768, 1024)), chance.choice(_STRAINS)
    tilt = chance.choice((0, 0, 0, 0, chance.uniform(-6, 6)))
    image = _tictactoe_picture(shown, side, tilt, chance)
    about = f"{strain}, {side} px, tilt {tilt:.1f}: {''.join(shown)}, wanted {''.join(wanted)}"
    return Case(coded(image, strain, chance), right, {"tictactoe": "".join(wanted)}, about, "tic-tac-toe")


def _tictactoe_picture(signs: list[str], side: int, tilt: float, chance: Random) -> Image.Image:
    fine = 2 * side
    ground = chance.choice(((255, 255, 255), (250, 247, 238), (230, 240, 250), (32, 36, 44)))
    dark = sum(ground) < 300
    image = Image.new("RGB", (fine, fine), ground)
    draw, cell = ImageDraw.Draw(image), fine * chance.uniform(0.2, 0.27)
    left, top = (fine - 3 * cell) / 2 + chance.uniform(-0.05, 0.05) * fine, (fine - 3 * cell) / 2
    line = max(6, round(cell * chance.uniform(0.02, 0.06)))
    ink = (240, 240, 240) if dark else chance.choice(_INKS)
    for at in range(0 if (framed := chance.random() < 0.25) else 1, 4 if framed else 3):
        draw.line((left + at * cell, top, left + at * cell, top + 3 * cell), fill=ink, width=line)
        draw.line((left, top + at * cell, left + 3 * cell, top + at * cell), fill=ink, width=line)
    colours = {sign: (235, 235, 235) if dark else chance.choice(_INKS) for sign in "XO"}
    half, stroke = cell * chance.uniform(0.24, 0.4), max(8, round(cell * chance.uniform(0.05, 0.12)))
    for at, sign in enumerate(signs):
        x = left + (at % 3 + 0.5) * cell + chance.uniform(-0.03, 0.03) * cell
        y = top + (at // 3 + 0.5) * cell + chance.uniform(-0.03, 0.03) * cell
        if sign == "X":
            lean = chance.uniform(0.9, 1.1)
            draw.line((x - half, y - half * lean, x + half, y + half * lean), fill=colours[sign], width=stroke)
            draw.line((x - half * lean, y + half, x + half * lean, y - half), fill=colours[sign], width=stroke)
        if sign == "O":
            draw.ellipse((x - half, y - half, x + half, y + half), outline=colours[sign], width=stroke)
    return image.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=ground).reduce(2)


def _chess(right: bool, chance: Random) -> Case:
    squares = [chance.choice("KQRBNPkqrbnp") if chance.random() < 0.4 else "." for _ in range(64)]
    shown = list(squares)
    if not right:
        at = chance.randrange(64)
        shown[at] = chance.choice([sign for sign in "KQRBNPkqrbnp..." if sign != squares[at]])
    side, strain = chance.choice((512, 640, 768, 1024)), chance.choice(_STRAINS)
    image = _chess_picture(shown, side, chance)
    about = f"{strain}, {side} px: {''.join(shown)}, wanted {''.join(squares)}"
    return Case(coded(image, strain, chance), right, {"chess": _fen(squares)}, about, "chess")


def _fen(squares: list[str]) -> str:
    rows = []
    for row in range(8):
        text, empty = "", 0
        for sign in [*squares[8 * row : 8 * row + 8], ""]:
            if sign == ".":
                empty += 1
            else:
                text, empty = text + (str(empty) if empty else "") + sign, 0
        rows.append(text)
    return "/".join(rows)


def _chess_picture(squares: list[str], side: int, chance: Random) -> Image.Image:
    fine = 2 * side
    light, dark = chance.choice(
        (((240, 217, 181), (181, 136, 99)), ((238, 238, 210), (118, 150, 86)), ((225, 230, 235), (140, 160, 180)))
    )
    discs = chance.random() < 0.7
    if not discs:  # so that letters of both colours show
        light, dark = (200, 170, 130), (135, 105, 78)
    image = Image.new("RGB", (fine, fine), chance.choice(((255, 255, 255), (245, 245, 245), (60, 60, 65))))
    draw, cell = ImageDraw.Draw(image), int(fine * chance.uniform(0.095, 0.12))
    left, top = (fine - 8 * cell) // 2, (fine - 8 * cell) // 2 + chance.randint(-20, 20)
    if chance.random() < 0.5:
        edge = cell // 8
        draw.rectangle((left - edge, top - edge, left + 8 * cell + edge, top + 8 * cell + edge), fill=(70, 45, 30))
    name = chance.choice(list(_LATIN)[:3])
    font = ImageFont.truetype(
        str(Path(str(resources.files(name))) / _LATIN[name]), round(cell * chance.uniform(0.4, 0.55))
    )
    font.set_variation_by_axes(
        [700 if axis.get("name") == b"Weight" else axis["default"] for axis in font.get_variation_axes()]
    )
    for at, sign in enumerate(squares):
        x, y = left + at % 8 * cell, top + at // 8 * cell
        draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=dark if (at % 8 + at // 8) % 2 else light)
        if sign != ".":
            _draw_piece(draw, sign, (x + cell / 2, y + cell / 2), cell, font, discs)
    return image.reduce(2)


def _draw_piece(
    draw: ImageDraw.ImageDraw,
    sign: str,
    middle: tuple[float, float],
    cell: int,
    font: ImageFont.FreeTypeFont,
    disc: bool,
) -> None:
    body, ink = ((250, 250, 250), (15, 15, 15)) if sign.isupper() else ((20, 20, 20), (245, 245, 245))
    if disc:
        half = 0.38 * cell
        box = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
        draw.ellipse(box, fill=body, outline=(40, 40, 40), width=max(2, cell // 40))
        draw.text(middle, sign.upper(), fill=ink, font=font, anchor="mm")
    else:
        draw.text(middle, sign.upper(), fill=body, font=font, anchor="mm")


def _cells(right: bool, chance: Random) -> Case:
    rows, columns = chance.randint(2, 6), chance.randint(2, 6)
    names = [name for name in COLOURS if name != "black"]
    cells = {
        (row, column): chance.choice(names) if chance.random() < 0.4 else ""
        for row in range(rows)
        for column in range(columns)
    }
    shown = dict(cells)
    if not right:
        at = chance.choice(list(cells))
        shown[at] = chance.choice([name for name in ["", *names] if name != cells[at]])
    side, strain = chance.choice((384, 512, 768)), chance.choice(_STRAINS)
    image = _cells_picture(shown, rows, columns, side, chance)
    wanted = [{"row": row + 1, "column": column + 1, "colour": name} for (row, column), name in cells.items() if name]
    about = f"{strain}, {side} px, {rows} x {columns}"
    return Case(
        coded(image, strain, chance),
        right,
        {"rows": rows, "columns": columns, "cells": wanted},
        about,
        "coloured cells",
    )


def _cells_picture(
    cells: dict[tuple[int, int], str], rows: int, columns: int, side: int, chance: Random
) -> Image.Image:
    fine = 2 * side
    image = Image.new("RGB", (fine, fine), (255, 255, 255))
    draw, cell = ImageDraw.Draw(image), int(0.85 * fine / max(rows, columns))
    left, top = (fine - columns * cell) // 2, (fine - rows * cell) // 2
    tones = {name: chance.choice(tones) for name, tones in COLOURS.items()}
    for (row, column), name in cells.items():
        x, y = left + column * cell, top + row * cell
        if name:
            draw.rectangle((x, y, x + cell, y + cell), fill=tones[name])
    for row in range(rows + 1):
        draw.line((left, top + row * cell, left + columns * cell, top + row * cell), fill=(0, 0, 0), width=8)
    for column in range(columns + 1):
        draw.line((left + column * cell, top, left + column * cell, top + rows * cell), fill=(0, 0, 0), width=8)
    return image.reduce(2)
