"""An edit in OpenAI's words: multipart with streamed files, or JSON that refers to pictures elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen import ImageInput, UnsupportedError, Wire, masks
from imagegen_providers.openai import azure
from imagegen_providers.openai.asking import body_of, options_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen import Task

_FILE_IDS = frozenset({"image_file_ids", "mask_file_id"})
_MAX_INLINE_BYTES = (20_971_520 - len("data:image/jpeg;base64,")) // 4 * 3
"""What a data URL of 20,971,520 characters holds. Source: OpenAI API spec of 2026-08."""


def check_edit(task: Task) -> None:
    """Find out whether the pictures of an edit go together.

    Raises:
        UnsupportedError: They do not.
    """
    request, options = task.request, options_of(task)
    ways = [name for name in ("markup", "mask_file_id") if name in options] + (["mask"] if request.mask else [])
    if len(ways) > 1:
        raise UnsupportedError(f"OpenAI takes one of {' and '.join(sorted(ways))}, not both; nothing was sent")
    most = task.capabilities.references if task.capabilities is not None else None
    given = len(request.images) + len(options.get("image_file_ids", ()))
    if most is not None and given > most:
        raise UnsupportedError(f"{task.model} takes at most {most} pictures, not {given}; nothing was sent")
    if "markup" in options:
        _check_markup(options["markup"], request.images[0])


def _check_markup(markup: ImageInput, first: ImageInput) -> None:
    if markup.url is not None:
        raise UnsupportedError("markup is a file or bytes, not a URL; nothing was sent")
    try:
        facts = markup.facts
    except (ValueError, OSError) as error:
        raise UnsupportedError(f"the markup is not a picture: {error}; nothing was sent") from None
    if facts.media_type != "image/png" or not facts.has_alpha or not facts.whole:
        raise UnsupportedError("markup is a whole png with transparency; nothing was sent")
    if first.url is None and (facts.width, facts.height) != (first.facts.width, first.facts.height):
        raise UnsupportedError(
            f"the markup is {facts.width}x{facts.height}, the first picture {first.facts.width}x{first.facts.height}: "
            "they must be of one size; nothing was sent"
        )


def edit_of(task: Task) -> Wire:
    """A call for changed pictures; JSON where one of them lies behind a URL or at OpenAI."""
    request, options = task.request, options_of(task)
    path, query = azure.path_of(task, "/images/edits"), azure.query_of(task)
    guides = {
        "mask": masks.transparent_repaints(request.mask) if request.mask is not None else None,
        "markup": options.get("markup"),
    }
    if options.keys() & _FILE_IDS or any(each.url for each in request.images):
        return Wire.post(path, json=_json(task, guides), query=query)
    name = "image" if len(request.images) == 1 else "image[]"
    files = [(name, each) for each in request.images]
    files += [(name, each) for name, each in guides.items() if each is not None]
    return Wire.multipart(path, _form(body_of(task)), files, query=query)


def _json(task: Task, guides: Mapping[str, ImageInput | None]) -> dict[str, Any]:
    options = options_of(task)
    images = [_reference(each) for each in task.request.images]
    images += [{"file_id": each} for each in options.get("image_file_ids", ())]
    body = {**body_of(task), "images": images}
    if "mask_file_id" in options:
        body["mask"] = {"file_id": options["mask_file_id"]}
    return body | {name: _reference(each) for name, each in guides.items() if each is not None}


def _reference(picture: ImageInput) -> dict[str, str]:
    """A picture as JSON has it.

    Raises:
        UnsupportedError: It is too large for that, or not behind https.
    """
    if picture.url is not None and not picture.url.startswith("https://"):
        raise UnsupportedError("OpenAI fetches pictures over https only; nothing was sent")
    if picture.url is None and picture.size_bytes > _MAX_INLINE_BYTES:
        raise UnsupportedError(
            f"{picture!r} is too large to go beside pictures behind URLs (at most {_MAX_INLINE_BYTES:,} bytes): "
            "pass them all as files; nothing was sent"
        )
    return {"image_url": picture.data_url()}


def _form(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """JSON values as form fields, ``svg[model]`` for what is nested, as openai-python 3.54 writes them."""
    found: dict[str, str] = {}
    for name, value in values.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            found |= _form(value, key)
        else:
            found[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return found
