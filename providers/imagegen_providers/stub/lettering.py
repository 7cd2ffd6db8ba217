"""Letters set in lines: as large as fits or of a stated size, upright or turned."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from imagegen import fonts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_providers.stub.scene import Lettering

_PROBE_PX = 40
_LEADING = 1.3
"""From one line's foot to the next, in font sizes."""
_MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class Setting:
    """A text broken into lines, and the size of its font."""

    lines: tuple[str, ...]
    size_px: int


def unwritable(text: str) -> str:
    """The characters of a text that would come out wrong: no glyph, or a script that needs shaping."""
    return fonts.missing(text)


def setting_of(lettering: Lettering, width_px: float, height_px: float, largest_px: float) -> Setting:
    """As large as fits into the box, in more lines where that makes it much larger; or of the size that was asked.

    Smaller than asked only where it would not fit.
    """
    ways = list(_ways(lettering, width_px, height_px))
    if lettering.type_px is not None:
        fitting = (lines for lines, size_px in ways if size_px >= lettering.type_px)
        if (lines := next(fitting, None)) is not None:
            return Setting(lines, lettering.type_px)
        largest_px = lettering.type_px
    lines, size_px = max(ways, key=lambda way: min(way[1], largest_px) * 0.85 ** len(way[0]))
    return Setting(lines, max(1, int(min(size_px, largest_px))))


def written(setting: Setting, turn: int = 0) -> Image.Image:
    """The text as a mask (``L``), turned clockwise by so many degrees."""
    if turn % 90 == 0:
        drawn = _drawn(setting.lines, setting.size_px)
        return drawn.transpose(_QUARTERS[turn]) if turn else drawn
    fine = _drawn(setting.lines, 2 * setting.size_px).rotate(-turn, Image.Resampling.BICUBIC, expand=True).reduce(2)
    return fine.crop(fine.getbbox() or (0, 0, 1, 1))


_QUARTERS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def _ways(lettering: Lettering, width_px: float, height_px: float) -> Iterator[tuple[tuple[str, ...], float]]:
    """Ways to break the text into lines, fewest first, and the font size at which each fits when it is turned."""
    across, down = (abs(math.cos(math.radians(lettering.turn))), abs(math.sin(math.radians(lettering.turn))))
    pieces = _PIECE.findall(lettering.text)
    for count in range(1, min(len(pieces), _MOST_LINES) + 1):
        lines = tuple(_broken(pieces, count))
        wide, high = max(_length(line, _PROBE_PX) for line in lines) / _PROBE_PX, _LEADING * len(lines)
        yield lines, min(width_px / (wide * across + high * down), height_px / (wide * down + high * across))


_PIECE = re.compile(r"\s*(?:[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uac00-\ud7a3]+|$)")
"""A word, or a sign of East Asia, between any two of which a line may end; with the blank before it."""


def _broken(pieces: list[str], count: int) -> list[str]:
    """The pieces in at most ``count`` lines of about the same length."""
    lines, limit = [""], sum(map(len, pieces)) / count
    for piece in pieces:
        if lines[-1] and len(lines) < count and len(lines[-1]) + len(piece) / 2 > limit:
            lines.append("")
        lines[-1] = (lines[-1] + piece).strip()
    return lines


def _length(line: str, size_px: int) -> float:
    return max(1.0, sum(fonts.font(run, size_px).getlength(run.text) for run in fonts.runs_of(line)))


def _drawn(lines: tuple[str, ...], size_px: int) -> Image.Image:
    step = round(size_px * _LEADING)
    lengths = [_length(line, size_px) for line in lines]
    mask = Image.new("L", (int(max(lengths)) + 2 * size_px, step * len(lines) + 2 * size_px))
    draw = ImageDraw.Draw(mask)
    for number, (line, length) in enumerate(zip(lines, lengths, strict=True)):
        x = (mask.width - length) / 2
        for run in fonts.runs_of(line):
            font = fonts.font(run, size_px)
            draw.text((x, 1.5 * size_px + step * number), run.text, fill=255, font=font, anchor="ls")
            x += font.getlength(run.text)
    return mask.crop(mask.getbbox() or (0, 0, 1, 1))
