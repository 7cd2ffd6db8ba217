"""Boards in a prompt: which kind, and what stands where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from imagegen_providers.stub.boards import Board, BoardKind, Mark, cell_of
from imagegen_providers.stub.grammar import COLOUR, COUNT, COUNT_WORD, PLAIN, any_of, colour_named
from imagegen_providers.stub.grid_words import grid_cells
from imagegen_providers.stub.words import COUNTS, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST = 20
"""Rows or columns of a grid, at most."""


def without_boards(prompt: str, texts: Sequence[str]) -> tuple[str, list[Board]]:
    """The prompt with each description of a board replaced by its number, ``⟦b0⟧``, and those boards.

    Quoted texts stand in the prompt as their numbers: ``⟦0⟧``.
    """
    boards: list[Board] = []
    prompt = _ARRANGED.sub(lambda match: f"{_number(match['rows']) * _number(match['columns'])} ", prompt)
    while (head := _HEAD.search(prompt)) is not None:
        end = _end(prompt, head)
        clause = _QUOTED_MARKS.sub(lambda match: _unmasked(match, texts), prompt[head.end() : end])
        boards.append(_board(head, clause))
        prompt = f"{prompt[: head.start()]} ⟦b{len(boards) - 1}⟧ {prompt[end:]}"
    return prompt, boards


def _end(prompt: str, head: re.Match[str]) -> int:
    """Where the description ends: rows of marks may hold full stops, nothing else may."""
    rows = _ROWS.search(prompt, head.end()) if head["game"] else None
    start = rows.end() if rows and not _END.search(prompt, head.end(), rows.start()) else head.end()
    end = _END.search(prompt, start)
    return end.start() if end else len(prompt)


def _unmasked(match: re.Match[str], texts: Sequence[str]) -> str:
    text = texts[int(match[1])]
    known = len(text) == 1 or _ROWS.fullmatch(text.strip()) or _FEN.match(text)
    return f" {text} " if known else match[0]


def _board(head: re.Match[str], clause: str) -> Board:
    kind, rows, columns = _kind(head)
    place = None
    if match := _OWN_PLACE.match(clause):
        place, clause = _place_name(match["place"]), clause[match.end() :]
    board = Board(kind, rows, columns, place=place)
    return board.with_marks({(mark.row, mark.column): mark for mark in _READERS[kind](clause, board)})


def _kind(head: re.Match[str]) -> tuple[BoardKind, int, int]:
    if head["game"]:
        return "tic-tac-toe", 3, 3
    if head["chess"]:
        return "chess", 8, 8
    if head["draughts"]:
        return "draughts", 8, 8
    rows = head["rows"] or head["rows_second"] or head["rows_first"]
    columns = head["columns"] or head["columns_first"] or head["columns_second"]
    return "grid", _number(rows), _number(columns)


def _number(word: str) -> int:
    word = word.lower()
    return max(1, min(_LARGEST, int(word) if word.isdigit() else COUNTS[word]))


def _place_name(said: str) -> str:
    said = re.sub(r"cent(?:er|re)|middle", "centre", said.lower().replace("-", " "))
    return said.replace("upper", "top").replace("lower", "bottom")


def _tic_tac_toe(clause: str, board: Board) -> Iterator[Mark]:
    if rows := _ROWS.search(clause):
        for row, signs in enumerate(rows.groups()):
            for column, sign in enumerate(re.sub(r"[\s|]", "", signs)):
                if sign.upper() in "XO0":
                    yield Mark(row, column, "X" if sign.upper() == "X" else "O")
        return
    sign, colour = "", None
    for match in _SIGN_OR_PLACE.finditer(clause):
        if match["sign"]:
            sign = "X" if match["sign"].lower().startswith(("x", "cross")) else "O"
            colour = colour_named(match["colour"])
        elif sign:
            for row, column in _cells(match):
                yield Mark(row, column, sign, colour)


def _cells(match: re.Match[str]) -> list[tuple[int, int]]:
    """The squares of a three by three board that a place names."""
    if match["corners"]:
        return [(0, 0), (0, 2), (2, 0), (2, 2)]
    if match["row_number"]:
        row, column = int(match["row_number"]) - 1, int(match["column_number"]) - 1
        return [(row, column)] if row < 3 and column < 3 else []
    if match["line"]:
        third = _THIRDS[match["third"].lower()]
        return [(third, other) if match["line"].lower() == "row" else (other, third) for other in range(3)]
    if match["down"]:
        return [(_THIRDS[match["down"].lower()], _THIRDS[match["across"].lower()])]
    word = match["one"].lower()
    return [(_THIRDS[word], 1) if word in ("top", "bottom") else (1, _THIRDS[word])]


def _pieces(clause: str, board: Board) -> Iterator[Mark]:
    """Chess and draughts: a position in FEN, the starting position, or who stands on which squares."""
    if fen := _FEN.search(clause):
        yield from _from_fen(fen[0])
        return
    if _START.search(clause):
        yield from _from_fen(_CHESS_START) if board.kind == "chess" else _draughts_start()
        return
    colour, sign = "white", ""
    for match in _PIECE_OR_SQUARE.finditer(clause):
        if match["colour"]:
            colour = colour_named(match["colour"].lower()) or colour
        elif match["piece"]:
            sign = _LETTERS.get(match["piece"].lower().rstrip("s"), match["piece"] if len(match["piece"]) == 1 else "")
        else:
            row, column = cell_of(match["square"])
            yield Mark(row, column, match["letter"] or sign, colour)


def _from_fen(fen: str) -> Iterator[Mark]:
    for row, line in enumerate(fen.split()[0].split("/")):
        column = 0
        for each in line:
            if each.isdigit():
                column += int(each)
                continue
            if column < 8:
                yield Mark(row, column, each.upper(), "white" if each.isupper() else "black")
            column += 1


def _draughts_start() -> Iterator[Mark]:
    for row in (0, 1, 2, 5, 6, 7):
        for column in range(1 - row % 2, 8, 2):
            yield Mark(row, column, "", "black" if row < 3 else "white")


_READERS: dict[BoardKind, Callable[[str, Board], Iterator[Mark]]] = {
    "tic-tac-toe": _tic_tac_toe,
    "chess": _pieces,
    "draughts": _pieces,
    "grid": grid_cells,
}

_SIDE = rf"(?:\d{{1,2}}|{COUNT_WORD})"
_ARTICLE = r"(?:(?:an?|the|one)\s+)?(?:(?:empty|blank)\s+)?"
_HEAD = re.compile(
    rf"\b{_ARTICLE}(?:"
    r"(?P<game>(?:tic[- ]?tac[- ]?toe|noughts[- ]and[- ]crosses)(?:[- ](?:board|game|grid|position))?)"
    r"|(?P<chess>chess[- ]?(?:board|game|position)\b)"
    r"|(?P<draughts>(?:draughts|checkers?|chequer)[- ]?(?:board|game|position)\b)"
    rf"|(?P<rows>{_SIDE})\s*(?:x|×|by)\s*(?P<columns>{_SIDE})\s+(?:(?:colou?red|plain|empty|white)\s+)?grid\b"  # noqa: RUF001 - the sign is meant
    r"(?:\s+of\s+(?:(?:colou?red|white|empty)\s+)?(?:cells|squares|boxes|fields)\b|(?!\s+of\b))"
    rf"|grid\s+(?:of|with)\s+(?:(?P<rows_first>{_SIDE})\s+rows?\s+and\s+(?P<columns_second>{_SIDE})\s+columns?"
    rf"|(?P<columns_first>{_SIDE})\s+columns?\s+and\s+(?P<rows_second>{_SIDE})\s+rows?)"
    r")",
    re.IGNORECASE,
)
_ARRANGED = re.compile(
    rf"\b(?:an?\s+)?(?P<rows>{_SIDE})\s*(?:x|by)\s*(?P<columns>{_SIDE})\s+grid\s+of\s+"
    rf"(?=(?:{COLOUR}\s+)?(?:{any_of(noun for nouns in SHAPES.values() for noun in nouns if noun != 'square')}))",
    re.IGNORECASE,
)
"""``a 2 by 3 grid of red circles`` is six of them."""
_CENTRE = r"(?:cent(?:er|re)|middle)"
_OWN_PLACE = re.compile(
    rf"\s+(?:in|at|on)\s+the\s+(?P<place>(?:top|upper|bottom|lower)(?:[- ](?:left|right))?|left|right|{_CENTRE})"
    r"(?:[- ](?:corner|side|half|part))?(?:\s+of\s+the\s+(?:picture|image|page))?"
    r"(?=\s*(?:$|,|with|showing|where|and\b))",
    re.IGNORECASE,
)
_OTHER_SHAPES = any_of(
    noun for nouns in SHAPES.values() for noun in nouns if noun not in ("square", "disc", "disk", "cross")
)
_END = re.compile(
    r"[.;!?](?=\s|$)|⟦b"
    rf"|,?\s+(?:and\s+)?(?:on|against)\s+(?:an?\s+|the\s+)?(?:(?:plain|solid)\s+)?{COLOUR}\s+(?:background|ground)\b"
    r"|,?\s+(?:and\s+)?(?:to\s+the\s+|on\s+the\s+)?(?:left|right)\s+of\b|,?\s+(?:and\s+)?(?:above|below|beneath|under)\b"
    r"|,?\s+(?:and|with|beside|next\s+to)\s+(?:the\s+|an?\s+)?(?:\w+\s+)?(?:words?|text|title|caption|label)\b"
    rf"|(?:,|,?\s+(?:and|with|beside|next\s+to))\s+{COUNT}\s+{PLAIN}(?:{COLOUR}\s+)?{PLAIN}{_OTHER_SHAPES}",
    re.IGNORECASE,
)
_QUOTED_MARKS = re.compile(r"⟦(\d+)⟧")
_LINE = r"((?:[XO0._\-·][ \t|]*){3})"
_ROWS = re.compile(rf"(?<![\w.]){_LINE}\s*[/;,\n]\s*{_LINE}\s*[/;,\n]\s*{_LINE}(?!\w)", re.IGNORECASE)
_FEN = re.compile(r"(?<![\w/])(?:[pnbrqk1-8]{1,8}/){7}[pnbrqk1-8]{1,8}(?!/)(?: [wb] [KQkq-]{1,4} \S+ \d+ \d+)?", re.I)
_CHESS_START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR"
_START = re.compile(r"\b(?:starting|initial|opening)\s+position\b|\bset\s+up\s+for\b", re.IGNORECASE)
_THIRDS = {
    **dict.fromkeys(("top", "upper", "left", "first"), 0),
    **dict.fromkeys(("middle", "center", "centre", "second"), 1),
    **dict.fromkeys(("bottom", "lower", "right", "third", "last"), 2),
}
_SIGN_OR_PLACE = re.compile(
    rf"(?:\b(?P<colour>{COLOUR})\s+)?\b(?P<sign>[xo]|crosse?s?|noughts?|zeros?)(?:'?s)?\b"
    r"|\b(?P<corners>(?:all\s+)?(?:the\s+)?(?:four\s+)?corners)\b"
    r"|\brow\s+(?P<row_number>[1-3]),?\s+(?:and\s+)?column\s+(?P<column_number>[1-3])\b"
    rf"|\b(?P<third>top|left|first|{_CENTRE}|second|bottom|right|third|last)\s+(?P<line>row|column)\b"
    rf"|\b(?P<down>top|upper|{_CENTRE}|bottom|lower)[- ](?P<across>left|right|{_CENTRE})\b"
    rf"|\b(?P<one>{_CENTRE}|top|bottom|left|right)\b",
    re.IGNORECASE,
)
_LETTERS = {"king": "K", "queen": "Q", "rook": "R", "bishop": "B", "knight": "N", "pawn": "P"}
_PIECE_OR_SQUARE = re.compile(
    rf"\b(?P<colour>(?i:{COLOUR}))\b"
    rf"|\b(?P<piece>(?i:{'|'.join(_LETTERS)}|disc|disk|men|man|piece|counter|checker)(?i:s)?|[KQRBNP])\b"
    r"|\b(?P<letter>[KQRBN])?(?P<square>[a-h][1-8])\b"
)
