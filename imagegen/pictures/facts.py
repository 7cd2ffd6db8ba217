"""What can be said of a picture, and how large one may be."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/svg+xml": "svg",
    "image/avif": "avif",
}
"""Media type to what a request calls the format."""
SUFFIXES = {media_type: f".{name}" for media_type, name in FORMATS.items()} | {"image/jpeg": ".jpg"}
MAX_PIXELS = 64_000_000
MAX_BYTES = 50_000_000
"""The most that one picture may have, decoded from whatever it came in."""


class NotAPictureError(ValueError):
    """The bytes are no picture of a type we know, or are cut before they say their size."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture's bytes say of it."""

    media_type: str
    width: int | None
    """Pixels; None for a vector picture without a stated size."""
    height: int | None
    has_alpha: bool
    whole: bool
    """Whether the container goes on to its proper end; what follows the end does not matter."""
