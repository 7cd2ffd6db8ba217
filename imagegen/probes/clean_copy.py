"""A string written clean by ourselves, to see whether a reader can read it at all."""

from __future__ import annotations

from PIL import Image, ImageDraw

from imagegen import fonts
from imagegen.probes.seeing import Pixels, from_pil

WEIGHTS = (400, 700)
"""Regular and bold: a reader has to read both."""
_LEAST_PX = 320
_MOST_PX = 1600


def writable(text: str) -> bool:
    """Whether the fonts that are installed have all of its characters."""
    return not fonts.missing(text)


def clean_copy(text: str, height_px: float, angle: float, weight: int) -> Pixels:
    """Black on white, in a font as high as ``height_px``, turned clockwise by ``angle`` degrees."""
    size_px = max(6, round(height_px))
    runs = [(run, fonts.font(run, size_px, weight)) for run in fonts.runs_of(text)]
    wide = sum(font.getlength(run.text) for run, font in runs)
    if wide > _MOST_PX:
        size_px = max(6, int(size_px * _MOST_PX / wide))
        runs = [(run, fonts.font(run, size_px, weight)) for run, _ in runs]
        wide = sum(font.getlength(run.text) for run, font in runs)
    image = Image.new("RGB", (max(_LEAST_PX, int(wide) + 4 * size_px), max(_LEAST_PX, 5 * size_px)), "white")
    draw, left = ImageDraw.Draw(image), (image.width - wide) / 2
    for run, font in runs:
        draw.text((left, image.height / 2), run.text, fill="black", font=font, anchor="lm")
        left += font.getlength(run.text)
    turn = Image.Resampling.BICUBIC
    return from_pil(image.rotate(-angle, turn, expand=True, fillcolor="white") if angle else image)
