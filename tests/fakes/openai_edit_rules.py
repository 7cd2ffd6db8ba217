"""What OpenAI's edits take and refuse, for the fake: multipart and JSON, pictures, mask, markup.

Written out here a second time, on purpose: these rules are not read from the library.
"""

from __future__ import annotations

import base64
import binascii
import email.parser
import email.policy
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakes.openai_rules import Refusal, checked, invalid
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONCE = {"image", "mask", "markup"}
_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/jpg": "JPEG", "image/webp": "WEBP"}
_NUMBERS = {"n", "output_compression", "partial_images", "frame_count", "frame_duration_ms"}
_FIDELITIES = {
    "gpt-image-1.5": {"low", "high"},
    "gpt-image-1.5-2025-12-16": {"low", "high"},
    "chatgpt-image-latest": {"low", "high"},
    "gpt-image-1-mini": {"low"},
}


@dataclass(slots=True)
class Upload:
    """One file part, or a picture that JSON refers to."""

    name: str
    filename: str | None
    media_type: str
    content: bytes

    def opened(self) -> Image.Image:
        """Decoded."""
        return Image.open(io.BytesIO(self.content))


@dataclass(slots=True)
class Edit:
    """An edit's pictures and fields as they were read."""

    fields: dict[str, Any]
    images: list[Upload] = field(default_factory=list)
    mask: Upload | None = None
    markup: Upload | None = None


# How it is read.


def read_multipart(content_type: str, raw: bytes) -> Edit:
    """An edit from its form. The names of the parts count: ``image`` for one, ``image[]`` for several."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + raw)
    if not message.is_multipart():
        raise Refusal(400, "invalid_request", "Could not parse multipart form.")
    edit, names = Edit({}), []
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            _set(edit.fields, name, content.decode())
            continue
        names.append(name)
        upload = Upload(name, part.get_filename(), part.get_content_type(), content)
        if name in ("image", "image[]"):
            edit.images.append(upload)
        elif name in ("mask", "markup"):
            setattr(edit, name, upload)
        else:
            raise Refusal(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)
    doubled = next((name for name in _ONCE if names.count(name) > 1), None)
    if doubled or {"image", "image[]"} <= set(names):
        raise Refusal(400, "duplicate_parameter", f"Duplicate parameter: '{doubled}'.", doubled or "image")
    return edit


def _set(fields: dict[str, Any], name: str, text: str) -> None:
    """A form field as the JSON value that it stands for; ``svg[model]`` is a member of ``svg``."""
    value: Any = text
    if name in _NUMBERS and text.lstrip("-").isdigit():
        value = int(text)
    elif name == "stream" and text in ("true", "false"):
        value = text == "true"
    outer, *inner = name.replace("]", "").split("[")
    for each in inner:
        fields, outer = fields.setdefault(outer, {}), each
    fields[outer] = value


def read_json(body: Any, elsewhere: Mapping[str, bytes]) -> Edit:
    """An edit from JSON; ``elsewhere`` is what lies behind its file ids and URLs."""
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_json", "We could not parse the JSON body of your request.")
    fields = {name: value for name, value in body.items() if name not in ("images", "mask", "markup")}
    images = body.get("images")
    if not isinstance(images, list):
        raise Refusal(400, "missing_required_parameter", "Missing required parameter: 'images'.", "images")
    edit = Edit(fields, [_referred(each, f"images[{number}]", elsewhere) for number, each in enumerate(images)])
    for name in ("mask", "markup"):
        if name in body:
            setattr(edit, name, _referred(body[name], name, elsewhere))
    return edit


def _referred(reference: Any, name: str, elsewhere: Mapping[str, bytes]) -> Upload:
    if not isinstance(reference, dict) or len(reference) != 1 or not {"image_url", "file_id"} & reference.keys():
        raise invalid(name, reference, "Expected exactly one of image_url and file_id.")
    ((kind, value),) = reference.items()
    if not isinstance(value, str) or len(value) > 20_971_520:
        raise invalid(name, kind, "Expected a text of at most 20971520 characters.")
    if kind == "image_url" and value.startswith("data:"):
        head, _, text = value.partition(",")
        try:
            return Upload(name, None, head[5:].removesuffix(";base64"), base64.b64decode(text, validate=True))
        except binascii.Error:
            raise invalid(name, head, "No base64.") from None
    if (kind == "image_url" and not value.startswith("https://")) or value not in elsewhere:
        raise invalid(name, value, "It could not be fetched.")
    content = elsewhere[value]
    kinds = {known: media_type for media_type, known in _TYPES.items()}
    return Upload(name, None, kinds.get(_format(content, name), ""), content)


# What is refused.


def checked_edit(edit: Edit, svg_author_selection: bool) -> dict[str, Any]:
    """The request with every default filled in, or the refusal it deserves."""
    asked = checked(edit.fields, svg_author_selection, {"input_fidelity"})
    _check_fidelity(asked)
    if not 1 <= len(edit.images) <= 16:
        raise invalid("image", len(edit.images), "Expected 1 to 16 images.")
    for image in edit.images:
        _check_picture(image)
    first = edit.images[0].opened()
    if edit.markup is not None and asked["resolved"] not in ("2.5", "2.6"):
        raise Refusal(400, "unknown_parameter", "Unknown parameter: 'markup'.", "markup")
    if edit.markup is not None and edit.mask is not None:
        raise invalid("markup", "markup", "Not together with mask.")
    for name, guide, most in (("mask", edit.mask, 4_000_000), ("markup", edit.markup, 50_000_000)):
        if guide is not None:
            _check_guide(name, guide, first.size, most)
    return asked


def _check_fidelity(asked: dict[str, Any]) -> None:
    fidelity = asked["input_fidelity"]
    if fidelity is None:
        return
    if asked["model"] not in _FIDELITIES:
        raise Refusal(400, "unknown_parameter", "Unknown parameter: 'input_fidelity'.", "input_fidelity")
    if fidelity not in _FIDELITIES[asked["model"]]:
        raise invalid("input_fidelity", fidelity, "Not with this model.")


def _check_picture(image: Upload) -> None:
    if image.media_type not in _TYPES:
        message = f"Invalid file '{image.name}': unsupported mimetype ('{image.media_type}')."
        raise Refusal(400, "unsupported_file_mimetype", message, image.name)
    if len(image.content) >= 50_000_000:
        raise Refusal(400, "image_too_large", "Expected less than 50 MB.", image.name)
    if _format(image.content, image.name) != _TYPES[image.media_type]:
        raise Refusal(400, "invalid_image_file", f"The file is no {image.media_type}.", image.name)


def _check_guide(name: str, guide: Upload, size: tuple[int, int], most: int) -> None:
    if guide.media_type != "image/png" or _format(guide.content, name) != "PNG":
        raise Refusal(400, "invalid_image_format", f"Invalid {name} - not a PNG.", name)
    if len(guide.content) >= most:
        raise Refusal(400, "image_too_large", f"Expected less than {most} bytes.", name)
    picture = guide.opened()
    if "A" not in picture.getbands():
        raise Refusal(400, "invalid_image_format", f"Invalid {name} - it must have an alpha channel.", name)
    if picture.size != size:
        raise Refusal(400, "invalid_image_size", f"The {name} must have the size of the image.", name)


def _format(content: bytes, name: str) -> str | None:
    """What the picture is, decoded whole."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            return picture.format
    except (OSError, ValueError, SyntaxError):
        raise Refusal(400, "invalid_image_file", "The image data could not be read.", name) from None
