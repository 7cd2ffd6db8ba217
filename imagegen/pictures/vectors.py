"""Vector pictures: what their root element says. Nothing in them is parsed, expanded, fetched, run or drawn."""

from __future__ import annotations

import re

from imagegen.pictures.facts import Facts, NotAPictureError

_SVG_ROOT = re.compile(
    rb"(?s)(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>)*+"
    rb"<(?:[\w.-]+:)?svg(?=[\s/>])((?>[^>\"']+|\"[^\"]*\"|'[^']*')*)>"
)
_SVG_END = re.compile(rb"(?s)</(?:[\w.-]+:)?svg\s*>\s*(?>\s+|<!--.*?-->)*\Z")
_SVG_NUMBER = rb"(\d{1,6}(?:\.\d*)?|\.\d+)"
_SVG_SIDE = rb"(?<![\w:.-])%b\s*+=\s*+[\"']\s*+" + _SVG_NUMBER + rb"(?:px)?\s*+[\"']"
_SVG_BOX = rb"\bviewBox\s*+=\s*+[\"']\s*+(?:[^\s,\"']++[\s,]++){2}%b[\s,]++%b\s*+[\"']" % (_SVG_NUMBER, _SVG_NUMBER)


def read_svg(view: memoryview) -> Facts:
    """A text whose root is ``svg``.

    Raises:
        NotAPictureError: It is none.
    """
    found = _SVG_ROOT.match(bytes(view[:65_536]))
    if found is None:
        raise NotAPictureError("no picture of a type we know")
    root = found[1]
    width, height = (re.search(_SVG_SIDE % side, root) for side in (b"width", b"height"))
    box = re.search(_SVG_BOX, root)
    numbers = (width[1], height[1]) if width and height else (box[1], box[2]) if box else None
    whole = root.endswith(b"/") or _SVG_END.search(bytes(view[-4096:])) is not None
    size: tuple[int | None, int | None] = (None, None)
    if numbers:
        size = (round(float(numbers[0])), round(float(numbers[1])))
    return Facts("image/svg+xml", size[0], size[1], has_alpha=True, whole=whole)
