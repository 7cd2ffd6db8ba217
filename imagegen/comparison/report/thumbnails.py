"""Small copies of pictures: a WebP of some 10 kB beside an original of megabytes."""

from __future__ import annotations

import io
import mmap
from typing import TYPE_CHECKING

from imagegen import pictures
from imagegen.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

_QUALITY = 72
_PROFILE_BYTES = 4096
"""A colour profile up to this size stays, so that wide colours stay as they are; a larger one is not worth it."""


def make_thumbnail(source: Path, target: Path, longest_px: int = 256) -> Path | None:
    """Write a small WebP of the picture; of an animation the first frame. Nothing is enlarged.

    A JPEG is decoded at a fraction of its size, anything else whole: at most 64 megapixels are in memory.

    Returns:
        ``target``; None for what cannot be drawn small: a vector picture, or no readable picture at all.
    """
    try:
        image = _decoded(source, longest_px)
    except ValueError:
        return None
    buffer = io.BytesIO()
    small = _small(image, longest_px)
    small.save(buffer, "WEBP", quality=_QUALITY, method=4, icc_profile=_profile(image))
    write_atomic(target, buffer.getbuffer())
    return target


def _decoded(source: Path, longest_px: int) -> Image:
    """The picture, upright.

    Raises:
        ValueError: It cannot be decoded.
    """
    from PIL import ImageOps

    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        try:
            image = pictures.decode(view, pictures.read_facts(view).media_type, suffices_px=longest_px)
            turned = ImageOps.exif_transpose(image)
            turned.load()
        finally:
            view.release()
    return turned


def _small(image: Image, longest_px: int) -> Image:
    small = _eight_bits(image)
    small.thumbnail((longest_px, longest_px), reducing_gap=2.0)
    return small


def _eight_bits(image: Image) -> Image:
    """In colours that a WebP can hold."""
    if image.mode.startswith(("I", "F")):
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _profile(image: Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    fits = isinstance(profile, bytes) and len(profile) <= _PROFILE_BYTES and image.mode in ("RGB", "RGBA", "P")
    return profile if fits else None
