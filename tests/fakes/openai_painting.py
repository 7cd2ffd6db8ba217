"""What the fake draws: real files, and edits that repaint exactly where the mask is transparent."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from fakes.openai_edit_rules import Edit

PAINT = (10, 200, 90)
"""What a mask's transparent part becomes."""


def picture(asked: dict[str, Any], index: int, noisy: bool = False) -> bytes:
    """A real file of the asked size and format. ``noisy``: one that no compression makes small."""
    width, height = map(int, asked["size"].split("x"))
    kind, file, colour = asked["output_format"], io.BytesIO(), (200, 30 + 20 * index, 40)
    if kind == "svg":
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        return f'{head}<rect width="9" height="9" fill="#c81e28"/></svg>'.encode()
    if kind == "gif":
        frames = [Image.new("P", (width, height), number) for number in range(asked["frame_count"])]
        duration = round(asked["frame_duration_ms"], -1)
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)
        return file.getvalue()
    if noisy:
        return _file(Image.frombytes("RGB", (width, height), random.Random(index).randbytes(3 * width * height)), asked)
    clear = asked["background"] == "transparent"
    still = Image.new("RGBA", (width, height), (*colour, 128)) if clear else Image.new("RGB", (width, height), colour)
    return _file(still, asked)


def edited(asked: dict[str, Any], edit: Edit) -> bytes:
    """The first picture: under a mask repainted where that is transparent, with the markup on it, else inverted."""
    if asked["output_format"] in ("gif", "svg"):
        return picture(asked, 0)
    size = tuple(map(int, asked["size"].split("x")))
    still = edit.images[0].opened().convert("RGB").resize(size, Image.Resampling.NEAREST)
    if edit.mask is not None:
        alpha = edit.mask.opened().getchannel("A").resize(size, Image.Resampling.NEAREST)
        still.paste(PAINT, mask=alpha.point(lambda value: 255 if value == 0 else 0))
    elif edit.markup is not None:
        drawn = edit.markup.opened().convert("RGBA").resize(size, Image.Resampling.NEAREST)
        still.paste(drawn, mask=drawn)
    else:
        still = ImageChops.invert(still)
    return _file(still, asked)


def _file(still: Image.Image, asked: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    still.save(file, asked["output_format"].upper(), quality=asked["output_compression"] or 100, compress_level=1)
    return file.getvalue()
