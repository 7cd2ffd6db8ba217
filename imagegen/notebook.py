"""How a result looks in a notebook: its pictures, what they cost, what was changed."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

from imagegen import pictures

if TYPE_CHECKING:
    from collections.abc import Iterable

_INLINE_BYTES = 500_000
_THUMBNAIL_PX = 768


def figure(view: memoryview, media_type: str, caption: str) -> str:
    """One picture. A large one is shown smaller, so that a notebook stays small; the result keeps the original."""
    source = _data_url(view, media_type)
    return (
        f'<figure style="display:inline-block;margin:4px"><img src="{source}" alt="{html.escape(caption)}" '
        f'style="max-width:384px;max-height:384px"><figcaption>{html.escape(caption)}</figcaption></figure>'
    )


def page(figures: Iterable[str], lines: Iterable[str]) -> str:
    """The pictures, and under them one line each for money, time, changes and failures."""
    said = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f'<div>{"".join(figures)}<ul style="list-style:none;padding:0">{said}</ul></div>'


def _data_url(view: memoryview, media_type: str) -> str:
    """An svg stands in an image element, where no script of its runs; a large one is not shown: it is never drawn."""
    if len(view) > _INLINE_BYTES:
        try:
            image = pictures.decode(view, media_type)
        except ValueError:
            return "data:,"
        image.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
        buffer = io.BytesIO()
        image.save(buffer, "WEBP")
        view, media_type = buffer.getbuffer(), "image/webp"
    return f"data:{media_type};base64,{base64.b64encode(view).decode()}"
