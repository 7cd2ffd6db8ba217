"""Letters: Open Sans, which has Latin, Greek and Cyrillic; what it cannot write is not written."""

from __future__ import annotations

import functools
import unicodedata
from importlib import resources
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

_FONT = resources.files("fontpkg_open_sans") / "files" / "OpenSans[wdth,wght].ttf"
_WEIGHT, _WIDTH = 650, 100
_PROBE_PX = 40
_NO_CHARACTER = "\U0010ffff"
_LEADING = 1.3
"""From one line's foot to the next, in font sizes."""


def unwritable(text: str) -> str:
    """The characters of a text that would come out wrong: no glyph, or a script that needs shaping."""
    return "".join(dict.fromkeys(each for each in text if not _writable(each)))


@functools.lru_cache(maxsize=2048)
def _writable(character: str) -> bool:
    if character == " ":
        return True
    if unicodedata.combining(character) or unicodedata.bidirectional(character) in ("R", "AL", "RLE", "RLO", "RLI"):
        return False  # letters are set one after the other, left to right
    return _drawn([character], _PROBE_PX).tobytes() != _drawn([_NO_CHARACTER], _PROBE_PX).tobytes()


def _font(size_px: int) -> ImageFont.FreeTypeFont:
    """A face of its own for each use: FreeType's are not for two threads at once."""
    font = ImageFont.truetype(str(_FONT), size_px, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([_WEIGHT, _WIDTH])
    return font


def written(text: str, width_px: float, height_px: float, largest_px: float) -> Image.Image:
    """A text as a mask (``L``), as large as fits into the box, broken into lines where that makes it much larger."""
    lines, size_px = max(
        _settings(text, width_px, height_px), key=lambda setting: min(setting[1], largest_px) * 0.85 ** len(setting[0])
    )
    return _drawn(lines, max(1, int(min(size_px, largest_px))))


def _settings(text: str, width_px: float, height_px: float) -> Iterator[tuple[list[str], float]]:
    """Ways to break the text into lines, fewest first, and the font size at which each fits."""
    font = _font(_PROBE_PX)
    for count in range(1, min(len(text.split()), 6) + 1):
        lines = _broken(text, count)
        widest = max(font.getlength(line) for line in lines) / _PROBE_PX
        yield lines, min(width_px / widest, height_px / (_LEADING * len(lines)))


def _broken(text: str, count: int) -> list[str]:
    """The text in at most ``count`` lines of about the same length."""
    lines, limit = [""], len(text) / count
    for word in text.split():
        if lines[-1] and len(lines) < count and len(lines[-1]) + len(word) / 2 > limit:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _drawn(lines: list[str], size_px: int) -> Image.Image:
    font, step = _font(size_px), round(size_px * _LEADING)
    mask = Image.new("L", (int(max(font.getlength(line) for line in lines)) + size_px, step * len(lines) + size_px))
    draw = ImageDraw.Draw(mask)
    for number, line in enumerate(lines):
        draw.text((mask.width / 2, size_px + step * number), line, fill=255, font=font, anchor="ms")
    return mask.crop(mask.getbbox() or (0, 0, 1, 1))
