"""Input pictures against what a model takes, before any money: whole, upright, not too many, a mask that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen import masks, pictures
from imagegen.errors import UnsupportedError
from imagegen.http.guard import Guard, UnsafeUrlError
from imagegen.types.result import Adaptation

if TYPE_CHECKING:
    from imagegen.catalogue import Capabilities, Model
    from imagegen.types.inputs import ImageInput
    from imagegen.types.request import ImageRequest

_NOTHING_SENT = "nothing was sent"


def take_in(request: ImageRequest, model: Model | None) -> tuple[ImageRequest, tuple[Adaptation, ...], tuple[str, ...]]:
    """The request with input pictures that can be sent, what was changed on them, and what its caller should know.

    Raises:
        UnsupportedError: A picture is none, is cut short or too large, or the model takes no such input.
    """
    capabilities = model.capabilities if model else None
    name = model.name if model else "the model"
    if capabilities is not None:
        _check_count(request, capabilities, name)
    taken, entries = [], []
    for number, picture in enumerate(request.images, start=1):
        upright = _checked(picture, f"picture {number}", capabilities, name)
        if upright is not picture:
            why = "its EXIF orientation was applied"
            entries.append(
                Adaptation("images", repr(picture), f"{upright.facts.width}x{upright.facts.height} png", why=why)
            )
        taken.append(upright)
    warnings = _mask_warnings(request, taken, capabilities, name)
    return request.with_fields({"images": tuple(taken)}), tuple(entries), warnings


def _check_count(request: ImageRequest, capabilities: Capabilities, name: str) -> None:
    if len(request.images) > capabilities.references:
        raise UnsupportedError(
            f"{name} takes at most {capabilities.references} pictures, not {len(request.images)}; {_NOTHING_SENT}"
        )
    if request.mask is not None and not capabilities.mask:
        raise UnsupportedError(f"{name} takes no mask; {_NOTHING_SENT}")


def _checked(picture: ImageInput, what: str, capabilities: Capabilities | None, name: str) -> ImageInput:
    """The picture as it is sent: upright."""
    if picture.url is not None:
        if capabilities is not None and not capabilities.input_urls:
            raise UnsupportedError(f"{name} fetches no pictures: pass {what} as a file or bytes; {_NOTHING_SENT}")
        try:
            Guard(None, allow_private=False).check_unresolved(picture.url)
        except UnsafeUrlError as error:
            raise UnsupportedError(f"{what} is {error}; {_NOTHING_SENT}") from None
        return picture
    _check_whole(picture, what)
    try:
        upright = picture.upright()
    except ValueError as error:
        raise UnsupportedError(f"{what} is {error}; {_NOTHING_SENT}") from None
    limit = (capabilities.input_max_bytes if capabilities else None) or pictures.MAX_BYTES
    if upright.size_bytes > limit:
        raise UnsupportedError(f"{what} has {upright.size_bytes:,} bytes, at most {limit:,} are taken; {_NOTHING_SENT}")
    accepted, made = capabilities.input_formats if capabilities else (), pictures.FORMATS[upright.facts.media_type]
    if accepted and made not in accepted:
        raise UnsupportedError(f"{what} is {made}; {name} takes {', '.join(accepted)}; {_NOTHING_SENT}")
    if capabilities is not None:
        _check_pixels(upright, what, capabilities, name)
    return upright


def _check_pixels(picture: ImageInput, what: str, capabilities: Capabilities, name: str) -> None:
    width, height = picture.facts.width or 0, picture.facts.height or 0
    least, most = capabilities.input_min_edge_px, capabilities.input_max_px
    if least is not None and min(width, height) < least:
        raise UnsupportedError(f"{what} is {width}x{height}; {name} takes sides from {least} px; {_NOTHING_SENT}")
    if most is not None and width * height > most:
        raise UnsupportedError(f"{what} is {width}x{height}; {name} takes at most {most:,} pixels; {_NOTHING_SENT}")


def _check_whole(picture: ImageInput, what: str) -> None:
    """Find out whether it is a whole picture that can be decoded, without decoding it."""
    if picture.size_bytes > pictures.MAX_BYTES:  # a PNG that was made of a PIL image
        raise UnsupportedError(
            f"{what} has {picture.size_bytes:,} bytes, at most {pictures.MAX_BYTES:,} are taken; {_NOTHING_SENT}"
        )
    try:
        facts = picture.facts
    except (ValueError, OSError) as error:
        raise UnsupportedError(f"{what} is not a picture: {error}; {_NOTHING_SENT}") from None
    if not facts.whole:
        raise UnsupportedError(f"{what} is cut short; {_NOTHING_SENT}")
    if (facts.width or 0) * (facts.height or 0) > pictures.MAX_PIXELS:
        raise UnsupportedError(
            f"{what} has {facts.width}x{facts.height} pixels, more than 64 megapixels; {_NOTHING_SENT}"
        )


def _mask_warnings(
    request: ImageRequest, taken: list[ImageInput], capabilities: Capabilities | None, name: str
) -> tuple[str, ...]:
    mask = request.mask
    if mask is None:
        return ()
    if mask.url is not None:
        raise UnsupportedError(f"a mask is a file or bytes, so that its meaning can be read; {_NOTHING_SENT}")
    _check_whole(mask, "the mask")
    limit = capabilities.mask_max_bytes if capabilities else None
    try:
        area = masks.repaint_area(mask)
        converted = masks.transparent_repaints(mask).size_bytes if limit else 0
    except ValueError as error:
        raise UnsupportedError(f"{error}; {_NOTHING_SENT}") from None
    if limit is not None and converted > limit:
        raise UnsupportedError(f"the mask has {converted:,} bytes, {name} takes {limit:,}; {_NOTHING_SENT}")
    first = taken[0]
    if first.url is None and area.size != (first.facts.width, first.facts.height):
        raise UnsupportedError(
            f"the mask is {area.width}x{area.height}, the first picture {first.facts.width}x{first.facts.height}: "
            f"they must be of one size; {_NOTHING_SENT}"
        )
    low, high = area.getextrema()
    if low == high:
        return (f"the mask repaints {'everything' if low else 'nothing'}: white repaints, black stays",)
    return ()
