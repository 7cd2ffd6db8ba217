"""Draws ``weaknesses.yaml`` and its input pictures from a seed: what is asked changes, what is measured does not.

python benchmarks/suites/make_weaknesses.py                       # the committed suite
python benchmarks/suites/make_weaknesses.py --seed 7 -o fresh     # one that nobody has been trained on
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import yaml
from PIL import Image, ImageDraw

SEED = 1
HERE = Path(__file__).parent
WORDS = json.loads((HERE / "words.json").read_text("utf-8"))
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "cyan")
SHADES = ("dark green", "light blue", "dark red", "dark blue", "light green", "gray", "pink", "orange")
SHAPES = ("circle", "square", "triangle", "diamond", "hexagon", "star", "heart", "cross")
NUMBERS = ["no", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
PLAIN = "on a plain white background"
FLAT = f"{PLAIN}, flat and solid, no shadows, not touching each other"
SIDES = {"left": "left of", "right": "right of", "above": "above", "below": "below"}
INPUT_SIZE = (768, 512)
HEADER = """\
# Where GPT Image 1 is known to be weak, as cases that any model can be put through: texts in other languages, small and
# turned type, colours and styles, counts, places, pieces on a board, edits that stay inside their mask.
# Each case says what its picture has to show, in the words of the probe that looks; `judge` needs `--judge`.
# Licence: CC0 1.0, pictures included. Made by make_weaknesses.py, seed {seed}: another seed asks other things.
# Tags: the weakness; the language of a text; `needs-tesseract`: without it no reader here reads the script;
# `needs-judge`: no probe can tell, a judge can; `beyond-stub`: fair to models, but the built-in stub cannot draw it.
"""
Case: TypeAlias = dict[str, Any]


def cases_of(seed: int) -> list[Case]:
    """Every case of the suite, each kind drawn from a chance of its own."""
    return [case for kind in KINDS for case in kind(Random(f"{seed} {kind.__name__}"))]


def case(name: str, prompt: str, tags: list[str], expect: dict[str, Any], **fields: Any) -> Case:
    return {"id": name, "prompt": prompt, "tags": tags, **fields, "expect": expect}


def languages(chance: Random) -> Iterator[Case]:
    """Texts in languages that the text probe reads, and in some that it says it cannot."""
    for language, texts in WORDS["readable"].items():
        for number, text in enumerate(chance.sample(texts, 2), 1):
            yield _written(f"text-{language}-{number}", text, language, [])
    for language, texts in WORDS["unreadable"].items():
        yield _written(f"text-{language}", chance.choice(texts), language, ["needs-tesseract"])


def _written(name: str, text: str, language: str, tags: list[str]) -> Case:
    prompt = f'a poster with the text "{text}" in large black letters {PLAIN}, nothing else'
    expect = {"text": {"strings": [text], "language": language}}
    return case(name, prompt, ["text", "language", language, *tags], expect)


def small_type(chance: Random) -> Iterator[Case]:
    for height, language in zip((14, 16, 18, 20, 24, 20), ("en", "en", "de", "fr", "en", "zh"), strict=True):
        text = chance.choice(WORDS["readable"][language])
        prompt = f'the text "{text}" in {height} px type, black {PLAIN}'
        expect = {"text": {"strings": [text], "language": language, "height": height}}
        yield case(f"small-{height}-{language}", prompt, ["text", "small-type", language], expect)


def rotated_type(chance: Random) -> Iterator[Case]:
    for angle, text in zip((20, 45, 90, 135, 180, 270), chance.sample(WORDS["words"], 6), strict=True):
        prompt = f'the word "{text}" in black letters rotated {angle} degrees clockwise {PLAIN}'
        expect = {"text": {"strings": [text], "language": "en", "angle": angle}}
        yield case(f"rotated-{angle}", prompt, ["text", "rotated-type", "en"], expect)


def coloured_type(chance: Random) -> Iterator[Case]:
    for colour, text in zip(chance.sample(COLOURS[3:8], 4), chance.sample(WORDS["words"], 4), strict=True):
        prompt = f'the word "{text}" in {colour} letters {PLAIN}'
        expect = {"text": {"strings": [text], "language": "en"}}
        yield case(f"coloured-type-{colour}", prompt, ["text", "colours", "en"], expect)


def several_lines(chance: Random) -> Iterator[Case]:
    for number, lines in enumerate(chance.sample(WORDS["lines"], 3), 1):
        quoted = ", ".join(f'"{line}"' for line in lines)
        prompt = f"a notice with the lines {quoted} in black letters {PLAIN}"
        yield case(f"lines-{number}", prompt, ["text", "lines", "en"], {"text": {"strings": lines, "language": "en"}})


def colours(chance: Random) -> Iterator[Case]:
    """Two or three kinds, each with its colour: the binding is what models mix up."""
    for number in range(1, 9):
        kinds = 2 if number < 6 else 3
        shapes, shades = chance.sample(SHAPES, kinds), chance.sample(SHADES, kinds)
        things = [(chance.randint(1, 3), shade, shape) for shade, shape in zip(shades, shapes, strict=True)]
        prompt = f"{_list([_thing(*each) for each in things])} {FLAT}"
        expect = {"colour": [{"colour": colour, "shape": shape} for _, colour, shape in things]}
        yield case(f"colours-{number}", prompt, ["colours"], expect)


def styles(chance: Random) -> Iterator[Case]:
    for style in WORDS["styles"]:
        count, colour = chance.randint(2, 5), chance.choice(COLOURS[:6])
        prompt = f"{_thing(count, colour, 'circle')} {PLAIN}, {style}"
        ask = [{"ask": f"Is this picture made in the style of {_article(style)}?", "answer": "yes"}]
        yield case(f"style-{style.replace(' ', '-')}", prompt, ["styles", "needs-judge"], {"judge": ask})


def counting(chance: Random) -> Iterator[Case]:
    for count in (*range(3, 13), 15, 20):
        colour, shape = chance.choice(COLOURS), chance.choice(SHAPES)
        prompt = f"exactly {count} {colour} {_plural(shape)} {FLAT}"
        yield case(f"count-{count}", prompt, ["counting"], {"count": [_counted(count, colour, shape)]})
    for number in range(1, 4):
        things = [(chance.randint(2, 6), *each) for each in _kinds(chance, 2)]
        prompt = f"exactly {_list([_thing(*each) for each in things])} {FLAT}"
        yield case(f"count-two-kinds-{number}", prompt, ["counting"], {"count": [_counted(*each) for each in things]})


def counted_things(chance: Random) -> Iterator[Case]:
    for count, animal in zip((3, 5, 7), chance.sample(WORDS["animals"], 3), strict=True):
        ask = [{"ask": f"How many {animal} are in this picture? Answer with a number.", "answer": str(count)}]
        tags = ["counting", "needs-judge", "beyond-stub"]
        yield case(f"count-{animal}", f"a photograph of exactly {count} {animal} on a table", tags, {"judge": ask})


def relations(chance: Random) -> Iterator[Case]:
    for side, words in SIDES.items():
        for number in (1, 2):
            one, other = _kinds(chance, 2)
            prompt = f"{_thing(1, *one)} {words} {_thing(1, *other)} {FLAT}"
            yield case(
                f"{side}-{number}", prompt, ["relations"], {"relation": {side: _named(one), "of": _named(other)}}
            )
        one, text = _kinds(chance, 1)[0], chance.choice(WORDS["words"]).upper()
        prompt = f'{_thing(2, *one)} {words} the word "{text}" in black letters {FLAT}'
        expect = {"relation": {side: _named(one), "of": {"text": text}}, "text": {"strings": [text], "language": "en"}}
        yield case(f"{side}-of-text", prompt, ["relations", "text"], expect)


def chains(chance: Random) -> Iterator[Case]:
    """Three things in an order, which is two relations at once."""
    for number, side in enumerate(("left", "above", "left"), 1):
        first, second, third = _kinds(chance, 3)
        prompt = f"{_thing(1, *first)} {SIDES[side]} {_thing(1, *second)} {SIDES[side]} {_thing(1, *third)} {FLAT}"
        expect = [{side: _named(first), "of": _named(second)}, {side: _named(second), "of": _named(third)}]
        yield case(f"chain-{number}", prompt, ["relations"], {"relation": expect})


def tictactoe(chance: Random) -> Iterator[Case]:
    for marks in (2, 3, 4, 5, 7):
        signs = ["."] * 9
        for number, at in enumerate(chance.sample(range(9), marks)):
            signs[at] = "XO"[number % 2]
        board = "".join(signs)
        rows = " / ".join(" ".join(board[at : at + 3]) for at in (0, 3, 6))
        prompt = f"a tic-tac-toe board: {rows} (. stands for an empty square), thick black lines {PLAIN}"
        yield case(f"tictactoe-{marks}", prompt, ["boards", "tictactoe"], {"grid": {"tictactoe": board}})


def chess(chance: Random) -> Iterator[Case]:
    for count in (1, 2, 3, 4, 6):
        squares = [
            f"{file}{rank}" for file, rank in zip(chance.sample("abcdefgh", count), _ranks(chance, count), strict=True)
        ]
        pieces = [(chance.choice(("white", "black")), chance.choice("KQRBN"), square) for square in squares]
        placed = _list([f"a {colour} {sign} on {square}" for colour, sign, square in pieces])
        prompt = f"a chess board with {placed}, seen from above, each piece a plain letter, all other squares empty"
        yield case(f"chess-{count}", prompt, ["boards", "chess"], {"grid": {"chess": _fen(pieces)}})


def _ranks(chance: Random, count: int) -> list[int]:
    return chance.sample(range(1, 9), count)


def _fen(pieces: list[tuple[str, str, str]]) -> str:
    at = {square: sign if colour == "white" else sign.lower() for colour, sign, square in pieces}
    rows = ["".join(at.get(f"{file}{rank}", "1") for file in "abcdefgh") for rank in range(8, 0, -1)]
    for empty in range(8, 1, -1):
        rows = [row.replace("1" * empty, str(empty)) for row in rows]
    return "/".join(rows)


def grids(chance: Random) -> Iterator[Case]:
    for rows, columns in ((2, 3), (3, 3), (3, 4)):
        row, colour = chance.randint(1, rows), chance.choice(COLOURS[:6])
        prompt = f"a {rows} by {columns} grid of cells with the {('first', 'second', 'third')[row - 1]} row {colour}"
        cells = [{"row": row, "column": column, "colour": colour} for column in range(1, columns + 1)]
        expect = {"grid": {"rows": rows, "columns": columns, "cells": cells}}
        yield case(
            f"grid-{rows}x{columns}", f"{prompt}, all other cells empty, black lines", ["boards", "cells"], expect
        )


EDITS = (
    ("replace the red circle with a green square", [(1, "green", "square"), (0, "red", "circle"), (1, "blue", "star")]),
    ("make the red circle purple", [(1, "purple", "circle"), (0, "red", "circle"), (1, "blue", "star")]),
    ("remove the red circle", [(0, "red", "circle"), (1, "blue", "star")]),
)


def edits(chance: Random) -> Iterator[Case]:
    """One thing changes, inside its mask; the other and the ground have to stay as they are."""
    for picture in ("flat-1", "flat-2"):
        for number, (prompt, things) in enumerate(EDITS, 1):
            expect = {"locality": {"allow": ["identical", "re-encoded"]}, "count": [_counted(*each) for each in things]}
            fields = {"images": [f"inputs/{picture}.png"], "mask": f"inputs/{picture}-mask.png", "size": None}
            yield case(f"edit-{picture}-{number}", prompt, ["edits", "locality"], expect, **fields)
    for hour in ("night", "winter"):
        fields = {"images": ["inputs/textured.png"], "mask": "inputs/textured-mask.png", "size": None}
        prompt = f"make it {hour}"
        yield case(f"edit-textured-{hour}", prompt, ["edits", "locality"], {"locality": {}}, **fields)


KINDS: tuple[Callable[[Random], Iterator[Case]], ...] = (
    *(languages, small_type, rotated_type, coloured_type, several_lines, colours, styles, counting, counted_things),
    *(relations, chains, tictactoe, chess, grids, edits),
)


def _kinds(chance: Random, count: int) -> list[tuple[str, str]]:
    """Colours with shapes, none twice."""
    return list(zip(chance.sample(COLOURS[:7], count), chance.sample(SHAPES, count), strict=True))


def _named(kind: tuple[str, str]) -> dict[str, str]:
    return {"colour": kind[0], "shape": kind[1]}


def _counted(count: int, colour: str, shape: str) -> dict[str, Any]:
    return {"count": count, "colour": colour, "shape": shape}


def _thing(count: int, colour: str, shape: str) -> str:
    return _article(f"{colour} {shape}") if count == 1 else f"{NUMBERS[count]} {colour} {_plural(shape)}"


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _plural(shape: str) -> str:
    return f"{shape}es" if shape == "cross" else f"{shape}s"


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def inputs_of(seed: int) -> dict[str, Image.Image]:
    """The pictures that are edited, and their masks, by name."""
    found: dict[str, Image.Image] = {}
    for number in (1, 2):
        chance = Random(f"{seed} input {number}")
        left = chance.random() < 0.5
        found |= _flat(f"flat-{number}", 1 if left else 3, 3 if left else 1, chance)
    return found | _textured(Random(f"{seed} textured"))


def _flat(name: str, circle: int, star: int, chance: Random) -> dict[str, Image.Image]:
    """A red circle and a blue star on white, with the mask around the circle."""
    width, height = INPUT_SIZE
    x, y, radius = width * circle // 4, height // 2 + chance.randint(-60, 60), chance.randint(60, 85)
    picture, mask = Image.new("RGB", INPUT_SIZE, "white"), Image.new("L", INPUT_SIZE, 0)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(220, 30, 30))
    draw.polygon(_star(width * star // 4, height // 2, 85), fill=(30, 60, 210))
    room = radius + 60
    ImageDraw.Draw(mask).rectangle((x - room, y - room, x + room, y + room), fill=255)
    return {name: picture, f"{name}-mask": mask}


def _star(x: int, y: int, radius: int) -> list[tuple[int, int]]:
    points = (
        (0, -100),
        (24, -31),
        (95, -31),
        (38, 12),
        (59, 81),
        (0, 39),
        (-59, 81),
        (-38, 12),
        (-95, -31),
        (-24, -31),
    )
    return [(x + across * radius // 100, y + down * radius // 100) for across, down in points]


def _textured(chance: Random) -> dict[str, Image.Image]:
    """Coarse noise of many colours; the mask is its right half."""
    tiles = bytes(chance.randrange(40, 216) for _ in range(48 * 32 * 3))
    picture = Image.frombytes("RGB", (48, 32), tiles).resize(INPUT_SIZE, Image.Resampling.NEAREST)
    mask = Image.new("L", INPUT_SIZE, 0)
    ImageDraw.Draw(mask).rectangle((INPUT_SIZE[0] // 2, 0, *INPUT_SIZE), fill=255)
    return {"textured": picture, "textured-mask": mask}


def text_of(seed: int) -> str:
    """The suite's file."""
    suite = {
        "name": "weaknesses",
        "about": "Languages, small and turned type, colours, styles, counts, places, boards, edits.",
        "source": f"make_weaknesses.py, seed {seed}",
        "defaults": {"size": "1024x1024"},
        "cases": cases_of(seed),
    }
    body = yaml.safe_dump(suite, sort_keys=False, allow_unicode=True, default_flow_style=None, width=118)
    return HEADER.format(seed=seed) + body


def write(folder: Path, seed: int) -> None:
    """The suite and its pictures, below ``folder``."""
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    (folder / "weaknesses.yaml").write_text(text_of(seed), "utf-8")
    for name, picture in inputs_of(seed).items():
        picture.save(folder / "inputs" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("-o", "--output", type=Path, default=HERE)
    given = parser.parse_args()
    write(given.output, given.seed)
