"""A picture in the terminal: by its own protocol with the extra ``[term]``, else in half blocks of colour."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from imagegen import pictures
from imagegen.cli import showing

if TYPE_CHECKING:
    from PIL.Image import Image

    from imagegen.types.picture import PictureData

_WIDEST = 60


def show(content: PictureData) -> None:
    """Show the picture on standard error; nothing happens where that is no terminal."""
    if not sys.stderr.isatty():
        return
    try:
        image = pictures.decode(content.view(), pictures.read_facts(content.view()).media_type)
    except ValueError as error:
        showing.tell(f"no preview: {error}")
        return
    if not _by_protocol(image):
        columns = min(_WIDEST, shutil.get_terminal_size().columns)
        showing.tell(half_blocks(image, columns))


def _by_protocol(image: Image) -> bool:
    """Kitty's protocol or sixel, where the terminal answers that it has one and the extra is installed."""
    try:
        from rich.console import Console
        from textual_image.renderable import Image as Renderable
    except ImportError:
        return False
    Console(stderr=True).print(Renderable(image, width=_WIDEST, height="auto"))
    return True


def half_blocks(image: Image, columns: int) -> str:
    """The picture as lines of ``columns`` characters, two pixels each: the upper as ink, the lower as paper."""
    rows = max(2, round(columns * image.height / image.width) // 2 * 2)
    small = image.convert("RGB").resize((columns, rows))
    lines = []
    for top in range(0, rows, 2):
        cells = (
            "\x1b[38;2;{};{};{}m\x1b[48;2;{};{};{}m\u2580".format(*_colour(small, x, top), *_colour(small, x, top + 1))
            for x in range(columns)
        )
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)


def _colour(image: Image, x: int, y: int) -> tuple[int, int, int]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]
