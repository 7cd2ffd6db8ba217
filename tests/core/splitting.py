"""What the tests of the splitter share."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

from imagegen.http.sinks import MemorySink, SinkFactory
from imagegen.http.splitter import Split, Splitter


def split(body: bytes, cuts: list[int] | None = None, new_sink: SinkFactory = MemorySink, **options: Any) -> Split:
    """The body fed in pieces cut at these places."""
    splitter = Splitter(new_sink, **options)
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]
    for start, stop in pairwise(places):
        splitter.feed(body[start:stop])
    return splitter.finish()


def taken(found: Split) -> list[bytes]:
    return [picture.read() for picture in found.pictures]


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


# What a string is written as, beside what it decodes to (None: no picture).
