"""Boards: what the stub reads, and that the picture shows exactly that."""

import pytest
from pixels import blobs

from imagegen_providers.stub.board_paint import Layout
from imagegen_providers.stub.layout import boxes_of, inner_size
from imagegen_providers.stub.paint import picture_of
from imagegen_providers.stub.reading import scene_of
from imagegen_providers.stub.scene import Group, Lettering
from imagegen_providers.stub.words import rgb


def board_of(prompt):
    (board,) = scene_of(prompt).boards
    return board


def rows_of(board):
    """The signs, a row a text, with a dot for an empty square."""
    marks = [[board.at(row, column) for column in range(board.columns)] for row in range(board.rows)]
    return " ".join("".join((mark.sign or "*") if mark else "." for mark in row) for row in marks)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a tic-tac-toe board with X in the centre and O in the top left corner", "O.. .X. ..."),
        ("a tic-tac-toe board: X X O / O X . / . . O", "XXO OX. ..O"),
        ("a tic-tac-toe board\nX|X|O\nO|X|.\n.|.|O", "XXO OX. ..O"),
        ('noughts and crosses with "X" in the bottom right', "... ... ..X"),
        ("a tic tac toe game with Os in all four corners and an X on the left", "O.O X.. O.O"),
        ("a tic-tac-toe board, X in the top row, O in row 3 column 2", "XXX ... .O."),
        ("an empty tic-tac-toe board", "... ... ..."),
    ],
)
def test_tic_tac_toe_is_read(prompt, expected):
    """Places in words, rows of signs, quotes around a sign."""
    assert rows_of(board_of(prompt)) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a chess board with a white K on g1 and black Q on d8", {"g1": ("K", "white"), "d8": ("Q", "black")}),
        ("a chessboard, white pawns on a2 and b2", {"a2": ("P", "white"), "b2": ("P", "white")}),
        ("a chess position with a black knight on f6", {"f6": ("N", "black")}),
        ("a chess board showing 8/8/4k3/8/8/8/8/R7 w - - 0 1.", {"e6": ("K", "black"), "a1": ("R", "white")}),
        ('a chess board, "8/8/8/8/8/8/8/q6Q"', {"a1": ("Q", "black"), "h1": ("Q", "white")}),
        ("a draughts board with red discs on b6 and d6", {"b6": ("", "red"), "d6": ("", "red")}),
        ("a checkers board with a black king on c1", {"c1": ("K", "black")}),
    ],
)
def test_pieces_are_read(prompt, expected):
    """Squares by name, positions in FEN; a1 is at the bottom left."""
    board = board_of(prompt)
    assert {square: (board.on(square).sign, board.on(square).colour) for square in expected} == expected
    assert len(board.marks) == len(expected)


def test_the_starting_position_is_complete():
    """Thirty-two pieces of chess, twenty-four of draughts on the dark squares."""
    chess, draughts = board_of("a chess board in the starting position"), board_of("a draughts board, initial position")
    assert rows_of(chess).startswith("RNBQKBNR PPPPPPPP ........")
    assert len(chess.marks) == 32
    assert len(draughts.marks) == 24
    assert all((mark.row + mark.column) % 2 for mark in draughts.marks)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a 3 by 4 grid with the second row blue", "---- bbbb ----"),
        ("a 2x2 grid of cells, the top left cell red and a green cell in row 2, column 2", "r- -g"),
        ("a 2 by 3 grid with the first and third columns yellow", "y-y y-y"),
        ("a grid of 2 rows and 2 columns, all cells black", "kk kk"),
        ("a grid with 3 columns and 1 row, the last column red, the rest green", "ggr"),
        ("a 2 by 2 grid with the first row red and the first column blue", "br b-"),
    ],
)
def test_coloured_cells_are_read(prompt, expected):
    """Rows come first; the colour named last for a cell counts."""
    board = board_of(prompt)
    letters = {"blue": "b", "red": "r", "green": "g", "yellow": "y", "black": "k"}
    marks = [[board.at(row, column) for column in range(board.columns)] for row in range(board.rows)]
    assert " ".join("".join(letters[mark.colour] if mark else "-" for mark in row) for row in marks) == expected


def test_a_board_is_one_thing_among_others():
    """Its description ends where the next thing begins."""
    scene = scene_of('a tic-tac-toe board with X in the centre above three red stars, and the word "WIN"')
    assert [type(thing).__name__ for thing in scene.things] == ["Board", "Group", "Lettering"]
    assert scene.things[1:] == (Group(3, "star", "red"), Lettering("WIN"))
    assert [(each.first, each.side, each.second) for each in scene.relations] == [(0, "above", 1)]


@pytest.mark.parametrize(
    "prompt", ['the words "tic-tac-toe board"', "a chess player", "a 2 by 3 grid of red circles", "checkered trousers"]
)
def test_what_only_sounds_like_a_board_is_none(prompt):
    """Quoted, or arranged in a grid without being one."""
    assert scene_of(prompt).boards == ()


def test_a_grid_of_shapes_is_so_many_shapes():
    """Two by three of them are six."""
    assert scene_of("a 2 by 3 grid of red circles").groups == (Group(6, "circle", "red"),)


def shown(prompt, size=(384, 384), seed=1):
    """The picture of a prompt with one board, and where the board's squares are."""
    scene = scene_of(prompt)
    (box,) = boxes_of(scene, *size)
    image = picture_of(scene, prompt, seed, size, transparent=False)
    return image, Layout(scene.things[0], box, inner_size(box, min(size))), scene.things[0]


def test_marks_stand_in_their_squares_and_touch_no_line():
    """Each sign is one flat area inside its square, with a gap all around."""
    image, layout, board = shown("a tic-tac-toe board with red X in the centre and blue O in the top left")
    for mark, count in zip(board.marks, (1, 1), strict=True):
        middles = blobs(image, rgb(mark.colour))
        assert len(middles) == count
        left, top, right, bottom = layout.square(mark.row, mark.column)
        pixels = [(x, y) for x in range(384) for y in range(384) if image.getpixel((x, y)) == rgb(mark.colour)]
        gap = layout.cell // 8
        assert all(left + gap < x < right - gap and top + gap < y < bottom - gap for x, y in pixels)


def test_an_o_is_open_and_an_x_is_not():
    """That is how a reader tells them apart."""
    image, layout, _ = shown("a tic-tac-toe board with O in the centre and X in the top left")
    ground = image.getpixel((1, 1))
    o, x = layout.square(1, 1), layout.square(0, 0)
    assert image.getpixel((o[0] + layout.cell // 2, o[1] + layout.cell // 2)) == ground
    assert image.getpixel((x[0] + layout.cell // 2, x[1] + layout.cell // 2)) != ground


def test_cells_are_flat_and_lines_are_straight():
    """Every pixel of a coloured cell has the colour, every pixel of a line the line's."""
    image, layout, board = shown("a 3 by 4 grid with the second row blue")
    for row in range(3):
        for column in range(4):
            left, top, right, bottom = layout.square(row, column)
            inner = image.crop((left + layout.line, top + layout.line, right - layout.line, bottom - layout.line))
            expected = rgb("blue") if board.at(row, column) else (255, 255, 255)
            assert inner.getcolors() == [(inner.width * inner.height, expected)]
    assert len(image.crop(layout.across(1)).getcolors()) == 1


def test_pieces_have_their_colours_on_their_squares():
    """The disc of a piece is in the middle of its square; a square without a piece is flat."""
    image, layout, board = shown("a draughts board with red discs on b6 and d6 and a black disc on e5")
    for mark in board.marks:
        assert image.getpixel(tuple(round(at) for at in layout.middle(mark))) == rgb(mark.colour)
    empty = image.crop(layout.square(7, 0))
    assert len(empty.getcolors()) == 1
    assert image.getpixel(layout.square(7, 0)[:2]) != image.getpixel(layout.square(7, 1)[:2])


def test_a_board_can_stand_on_nothing():
    """On a transparent ground only the board is opaque."""
    prompt = "a chess board with a white K on e1"
    image = picture_of(scene_of(prompt), prompt, 1, (128, 128), transparent=True)
    assert (image.getpixel((0, 0))[3], image.getpixel((64, 64))[3]) == (0, 255)
