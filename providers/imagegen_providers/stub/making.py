"""From an order to files: painted, edited, in the format that was asked for, and unfinished versions of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from imagegen import Adaptation, InvalidRequestError
from imagegen_providers.stub import editing
from imagegen_providers.stub.order import decoded
from imagegen_providers.stub.reading import scene_of
from imagegen_providers.stub.scene import Scene
from imagegen_providers.stub.sloppy import RIGHT, painted

if TYPE_CHECKING:
    from PIL.Image import Image

    from imagegen_providers.stub.order import Order

_SMALLEST_PX = 6
"""Of a shape that can be told from another."""
_COARSEST = 48
"""Pixels of the last picture in one of the first unfinished one, along a side of 1024."""


def picture(order: Order, seed: int) -> tuple[bytes, list[str]]:
    """One picture of an order as a file, and what could not be done."""
    from imagegen_providers.stub import encode

    request, problems = order.request, list[str]()
    if order.operation == "edit":
        image, problems = _edited(order, seed)
    else:
        image = _painted(order, seed)
    lossless = order.operation == "edit" and request.output_compression is None
    return encode.encoded(image, request.output_format or "png", request.output_compression, lossless), problems


def _painted(order: Order, seed: int) -> Image:
    from imagegen_providers.stub import paint

    request = order.request
    scene = painted(request.prompt, seed, order.model, {**RIGHT, **order.options.right})
    return paint.picture_of(scene, request.prompt, seed, order.size, transparent=request.background == "transparent")


def _edited(order: Order, seed: int) -> tuple[Image, list[str]]:
    from PIL import Image

    request = order.request
    pictures = [_with_colours(decoded(each, "images")) for each in request.images]
    area = decoded(request.mask, "mask") if request.mask is not None else None
    if area is not None and area.size != pictures[0].size:
        raise InvalidRequestError("the mask has another size than the first picture", code="bad_mask")
    if pictures[0].size != order.size:
        pictures[0] = pictures[0].resize(order.size, Image.Resampling.LANCZOS)
        area = area.resize(order.size, Image.Resampling.NEAREST) if area is not None else None
    told = editing.instructions_of(request.prompt, seed, order.model, {**RIGHT, **order.options.right})
    image, problems = editing.edited_picture(pictures, area, told, seed, request.prompt)
    if request.background == "transparent":
        image = editing.cut_out(image, area)
    return image, problems


def _with_colours(image: Any) -> Image:
    clear = "A" in image.getbands() or "transparency" in image.info
    converted: Image = image.convert("RGBA" if clear else "RGB")
    return converted


def unfinished(order: Order, data: bytes, index: int) -> bytes:
    """A version of a finished file on the way there: the higher the index, the finer."""
    from PIL import Image

    from imagegen_providers.stub import encode

    request = order.request
    opened = Image.open(io.BytesIO(data))
    image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    done = index / (request.partial_images or 1)
    coarse = max(2.0, _COARSEST * max(image.size) / 1024) ** (1 - done)
    small = image.resize([max(1, round(side / coarse)) for side in image.size], Image.Resampling.BOX)
    blurred = small.resize(image.size, Image.Resampling.BICUBIC)
    return encode.encoded(blurred, request.output_format or "png", request.output_compression)


def remarks(order: Order) -> tuple[list[Adaptation], list[str]]:
    """What is not in the pictures although it was asked for, and what can hardly be seen in them."""
    from imagegen_providers.stub import paint

    scene = scene_of(order.request.prompt) if order.operation == "generate" else _added(order)
    found = [
        Adaptation(field="prompt", asked=text, sent=None, why=f"not written: no letters for {missing}")
        for text, missing in paint.unwritable_texts(scene).items()
    ]
    if order.operation == "edit":
        return found, []
    found += [
        Adaptation(field="prompt", asked=f"{text.type_px} px", sent=f"{size_px} px", why=f"{text.text!r} does not fit")
        for text, size_px in paint.shrunk_type(scene, order.size).items()
    ]
    smallest = paint.smallest_px(scene, order.size)
    small = f"the smallest shapes are {smallest:.0f} px wide: ask for a larger size"
    return found, [small] if smallest < _SMALLEST_PX else []


def _added(order: Order) -> Scene:
    """What an edit brings into its picture."""
    return editing.edited(Scene(), order.request.prompt)
