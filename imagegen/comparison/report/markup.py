"""HTML that cannot be broken out of: every text is escaped unless it is markup that was made here."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Attribute: TypeAlias = str | int | float | bool | None

_EMPTY = frozenset({"br", "hr", "img", "input", "meta", "wbr"})
"""Without an end tag in HTML; what is of SVG has one."""


class Html(str):
    """Markup, fit to be written as it is."""

    __slots__ = ()


def text(content: str) -> Html:
    """Foreign text. What HTML cannot hold, half characters and NUL, becomes a mark."""
    return Html(html.escape(content.encode("utf-8", "replace").decode().replace("\0", "\ufffd")))


def joined(children: Iterable[str]) -> Html:
    """Markup as it is, and text escaped."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))


def element(name: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element. ``class_`` and ``aria_label`` give ``class`` and ``aria-label``; None and False leave one out."""
    said = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{said}>" if name in _EMPTY else f"<{name}{said}>{joined(children)}</{name}>")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def breakable(name: str) -> Html:
    """A model's name, which a narrow column may break after its signs."""
    parts = re.split(r"(?<=[:/_.-])", name)
    return Html(element("wbr").join(text(part) for part in parts))


def data(value: Any) -> Html:
    """A value for a ``<script type="application/json">``: no text in it can end the script or start a comment."""
    said = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return Html(said.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
