"""Other input pictures, or something in them, put into a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageFilter, ImageOps

from imagegen_providers.stub import flat
from imagegen_providers.stub.words import PLACES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_providers.stub.flat import Box
    from imagegen_providers.stub.instructions import Target

_SHARE = 0.45
"""Of the picture's sides, for something pasted without a mask."""


def subject_of(picture: Image.Image, target: Target | None) -> tuple[Image.Image, bool]:
    """The thing meant (``RGBA``), else all that is not plain ground, else the whole; and False if it was not found."""
    ground = flat.ground_of(picture)
    if target is not None:
        fitting = (blob for blob in flat.blobs_of(picture, ground) if target.fits(blob.shape, blob.colour))
        if (blob := next(fitting, None)) is not None:
            crop = picture.crop(blob.box)
            thing = Image.new("RGB", crop.size, blob.rgb)
            thing.putalpha(flat.coverage(crop, blob.rgb))
            return thing, True
    whole = picture.copy()
    if ground is not None:
        whole.putalpha(ImageChops.invert(flat.coverage(picture, ground)))
        if (bounds := whole.getchannel("A").point([0] * 128 + [255] * 128).getbbox()) is not None:
            whole = whole.crop(bounds)
    return whole.convert("RGBA"), target is None


def put(image: Image.Image, thing: Image.Image, box: Box, place: str | None, *, fill: bool) -> Image.Image:
    """The picture with a thing (``RGBA``) scaled into a box: as large as fits, or ``_SHARE`` of it at a place."""
    left, top, right, bottom = box
    room = right - left, bottom - top
    share = 0.94 if fill and place is None else _SHARE
    scale = min(room[0] * share / thing.width, room[1] * share / thing.height)
    scaled = thing.resize([max(1, round(side * scale)) for side in thing.size], Image.Resampling.LANCZOS)
    across, down = PLACES[place or "centre"]
    margin = 0.04 * min(room)
    x = left + (room[0] - scaled.width) / 2 + across * ((room[0] - scaled.width) / 2 - margin)
    y = top + (room[1] - scaled.height) / 2 + down * ((room[1] - scaled.height) / 2 - margin)
    changed = image.copy()
    changed.paste(scaled, (round(x), round(y)), scaled)
    return changed


def prints(image: Image.Image, pictures: Sequence[Image.Image], box: Box) -> Image.Image:
    """The picture with small prints of others, white-rimmed and with a shadow, along the foot of a box."""
    left, top, right, bottom = box
    side = max(4, min((right - left) // (len(pictures) + 1), round(0.26 * min(right - left, bottom - top))))
    gap, rim = max(1, side // 8), max(1, side // 16)
    changed, x = image.copy(), right - len(pictures) * (side + gap)
    for picture in pictures:
        inner = max(1, side - 2 * rim)
        card = ImageOps.expand(ImageOps.fit(picture, (inner, inner)), rim, (255, 255, 255))
        shade = Image.new("L", (card.width + 4 * rim, card.height + 4 * rim))
        shade.paste(110, (2 * rim, 2 * rim, 2 * rim + card.width, 2 * rim + card.height))
        corner = x, bottom - gap - side
        at = corner[0] - 2 * rim, corner[1] - rim
        changed.paste((0, 0, 0), at, shade.filter(ImageFilter.GaussianBlur(rim)))
        changed.paste(card, corner)
        x += side + gap
    return changed
