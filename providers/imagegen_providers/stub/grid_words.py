"""Grids of coloured cells in a prompt: which rows, columns and cells have which colour."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imagegen_providers.stub.boards import Mark
from imagegen_providers.stub.grammar import COLOUR, any_of, colour_named
from imagegen_providers.stub.words import COUNTS

if TYPE_CHECKING:
    from imagegen_providers.stub.boards import Board


def grid_cells(clause: str, board: Board) -> Iterator[Mark]:
    """The coloured cells; a cell that is named twice has the colour named last."""
    found: dict[tuple[int, int], str] = {}
    for cells, colour in _coloured(clause.lower(), board):
        taken = set(found) if cells is None else set()
        for cell in _all(board) if cells is None else cells:
            if cell not in taken:
                found[cell] = colour
    return (Mark(row, column, "", colour) for (row, column), colour in found.items())


def _coloured(clause: str, board: Board) -> Iterator[tuple[list[tuple[int, int]] | None, str]]:
    """Cells and their colour, in the order they are named; None stands for all that have none yet."""
    pieces = list(_REGION_OR_COLOUR.finditer(clause))
    for at, piece in enumerate(pieces):
        if piece["colour"]:
            if _EVERY_AFTER.match(clause, piece.end()):
                yield None, colour_named(piece["colour"]) or ""
            continue
        after = pieces[at + 1] if at + 1 < len(pieces) else None
        before = pieces[at - 1] if at else None
        colour = None
        if after and after["colour"] and _IS.fullmatch(clause, piece.end(), after.start()):
            colour = after["colour"]
        elif before and before["colour"] and _IN.fullmatch(clause, before.end(), piece.start()):
            colour = before["colour"]
        if colour:
            yield (None if piece["rest"] else list(_cells(piece, board))), colour_named(colour) or ""


def _cells(piece: re.Match[str], board: Board) -> Iterator[tuple[int, int]]:
    if piece["row"]:
        yield from _inside([(_ordinal(piece["row"], board.rows), _ordinal(piece["column"], board.columns))], board)
    elif piece["column_first"]:
        cell = _ordinal(piece["row_second"], board.rows), _ordinal(piece["column_first"], board.columns)
        yield from _inside([cell], board)
    elif piece["lines"]:
        across = piece["line"].startswith("row")
        for word in re.findall(r"\w+", piece["lines"]):
            if word != "and":
                number = _ordinal(word, board.rows if across else board.columns)
                others = range(board.columns if across else board.rows)
                yield from _inside([(number, each) if across else (each, number) for each in others], board)
    elif piece["diagonal"]:
        yield from ((each, each) for each in range(min(board.rows, board.columns)))
    else:
        yield _corner(piece, board)


def _corner(piece: re.Match[str], board: Board) -> tuple[int, int]:
    if piece["centre"]:
        return board.rows // 2, board.columns // 2
    down = 0 if piece["down"] in ("top", "upper") else board.rows - 1
    return down, 0 if piece["across"] == "left" else board.columns - 1


def _ordinal(word: str, count: int) -> int:
    """A row or column from 0."""
    if word.isdigit():
        return int(word) - 1
    if word in ("last", "bottom", "right"):
        return count - 1
    if word in ("middle", "center", "centre"):
        return count // 2
    return _ORDINALS[word]


def _inside(cells: list[tuple[int, int]], board: Board) -> Iterator[tuple[int, int]]:
    return ((row, column) for row, column in cells if 0 <= row < board.rows and 0 <= column < board.columns)


def _all(board: Board) -> Iterator[tuple[int, int]]:
    return itertools.product(range(board.rows), range(board.columns))


_NTH = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_ORDINALS = {word: at for at, word in enumerate(_NTH.split())}
_ORDINALS |= {word: count - 1 for word, count in COUNTS.items() if count > 0 and " " not in word and word not in "an"}
_ORDINALS |= {"top": 0, "left": 0}
_WHICH = rf"(?:\d{{1,2}}|{any_of([*_ORDINALS, 'last', 'bottom', 'right', 'middle', 'center', 'centre'])})"
_REGION_OR_COLOUR = re.compile(
    rf"\brow\s+(?P<row>{_WHICH}),?\s+(?:and\s+)?column\s+(?P<column>{_WHICH})\b"
    rf"|\bcolumn\s+(?P<column_first>{_WHICH}),?\s+(?:and\s+)?row\s+(?P<row_second>{_WHICH})\b"
    rf"|\b(?P<lines>{_WHICH}(?:(?:,?\s+and\s+|,\s+){_WHICH})*)\s+(?P<line>rows?|columns?)\b"
    r"|\b(?P<down>top|upper|bottom|lower)[- ](?P<across>left|right)(?:[- ](?:corner|cell|square))?\b"
    r"|\b(?P<centre>(?:cent(?:er|re)|middle|central)(?:[- ](?:cell|square))?)\b"
    r"|\b(?P<diagonal>(?:main\s+)?diagonal)\b"
    r"|\b(?P<rest>(?:all|every|each)\s+(?:the\s+)?(?:other\s+)?(?:cells?|squares?)|(?:the\s+)?(?:rest|others))\b"
    rf"|\b(?P<colour>{COLOUR})\b"
)
_IS = re.compile(r"(?:\s|,|:|\b(?:cells?|squares?|is|are|in|painted|filled|with|colou?red|all|being)\b)*")
_IN = re.compile(r"(?:\s|\b(?:cells?|squares?|one|in|at|on|for|the|a|its)\b)*")
_EVERY_AFTER = re.compile(r"\s+(?:cells|squares)\b(?!\s+(?:in|at|on)\b)")
