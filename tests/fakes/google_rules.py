"""What generateContent takes for image models, as its documentation says; read 2026-11-22."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

TEN = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
FOURTEEN = (*TEN, "1:4", "4:1", "1:8", "8:1")
MODELS: dict[str, dict[str, Any]] = {
    "gemini-nano-banana-2.1": {"sizes": ("1K", "2K", "4K"), "ratios": FOURTEEN, "levels": True, "pictures": 14},
    "gemini-3-pro-image": {"sizes": ("1K", "2K", "4K"), "ratios": TEN, "levels": True, "pictures": 14},
    "gemini-3.1-flash-lite-image": {"sizes": ("1K",), "ratios": TEN, "levels": True, "pictures": 14},
    "gemini-3.1-flash-image": {
        "sizes": ("512", "1K", "2K", "4K"),
        "ratios": FOURTEEN,
        "levels": True,
        "pictures": 14,
    },
    "gemini-2.5-flash-image": {"sizes": (), "ratios": TEN, "levels": False, "pictures": 3},
    "gemini-3.8-flash": {"sizes": (), "ratios": (), "levels": True, "pictures": 16},
}
TOKENS = {"512": 750, "1K": 1120, "2K": 1680, "4K": 3780}
_BODY = {"contents", "generationConfig", "safetySettings", "tools", "systemInstruction"}
_CONFIG = {"responseModalities", "imageConfig", "seed", "thinkingConfig"}
_VERTEX = {"personGeneration", "prominentPeople", "imageOutputOptions"}
_TYPES = ("image/png", "image/jpeg", "image/webp")


class Refusal(Exception):
    """What is answered instead of taking a request."""


def _known(where: str, value: Any, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(f"Invalid value at '{where}'")
    for name in value:
        if name not in names:
            raise Refusal(f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.")
    return value


def checked(model: str, body: Any, *, vertex: bool) -> list[Image.Image | str]:
    """The pictures of a request that is taken: opened, or the links they are behind."""
    rules = MODELS[model]
    _known("", body, _BODY | ({"labels"} if vertex else set()))
    config = _known("generation_config", body.get("generationConfig", {}), _CONFIG)
    _check_config(rules, config, vertex=vertex)
    for setting in body.get("safetySettings", ()):
        if not str(_known("safety_settings", setting, {"category", "threshold"}).get("category")).startswith("HARM_"):
            raise Refusal("Invalid value at 'safety_settings[0].category'")
    if any(set(tool) != {"google_search"} for tool in body.get("tools", ())):
        raise Refusal("Invalid value at 'tools[0]'")
    pictures = [found for part in _parts(body) if (found := _picture(part)) is not None]
    if len(pictures) > rules["pictures"]:
        raise Refusal(f"at most {rules['pictures']} images")
    return pictures


def _parts(body: dict[str, Any]) -> list[Any]:
    contents = body.get("contents")
    if not isinstance(contents, list) or len(contents) != 1 or contents[0].get("role") != "user":
        raise Refusal("* GenerateContentRequest.contents: contents is not specified")
    if not any("text" in part for part in contents[0]["parts"]):
        raise Refusal("the message has no text")
    return contents[0]["parts"]


def _picture(part: Any) -> Image.Image | str | None:
    if len(_known("contents[0].parts[0]", part, {"text", "inlineData", "fileData"})) != 1:
        raise Refusal("contents[0].parts[0].data: required oneof field 'data' must have one initialized field")
    if "fileData" in part:
        return _known("file_data", part["fileData"], {"mimeType", "fileUri"})["fileUri"]
    if "inlineData" not in part:
        return None
    inline = _known("inline_data", part["inlineData"], {"mimeType", "data"})
    if inline.get("mimeType") not in _TYPES:
        raise Refusal(f"Unsupported MIME type: {inline.get('mimeType')}")
    if inline["data"].startswith("data:"):
        raise Refusal("Invalid value at 'inline_data.data' (TYPE_BYTES), Base64 decoding failed")
    return Image.open(io.BytesIO(base64.b64decode(inline["data"], validate=True)))


def _check_config(rules: dict[str, Any], config: dict[str, Any], *, vertex: bool) -> None:
    if set(config.get("responseModalities", ())) not in ({"IMAGE"}, {"TEXT", "IMAGE"}, {"TEXT"}):
        raise Refusal("Invalid value at 'generation_config.response_modalities'")
    if not 0 <= config.get("seed", 0) < 2**31:
        raise Refusal("Invalid value at 'generation_config.seed' (TYPE_INT32)")
    level = config.get("thinkingConfig", {}).get("thinkingLevel")
    if level not in (None, "MINIMAL", "MEDIUM", "HIGH") or (level and not rules["levels"]):
        raise Refusal("Thinking level is not supported for this model.")
    names = {"aspectRatio", "imageSize"} | (_VERTEX if vertex else set())
    image = _known("generation_config.image_config", config.get("imageConfig", {}), names)
    if image.get("aspectRatio", "1:1") not in (*rules["ratios"], "1:1"):
        raise Refusal(f"Invalid aspect ratio {image['aspectRatio']}")
    if "imageSize" in image and image["imageSize"] not in rules["sizes"]:
        raise Refusal(f"Image size {image['imageSize']} is not supported")
    _known("image_output_options", image.get("imageOutputOptions", {}), {"mimeType", "compressionQuality"})


def paint(config: dict[str, Any], pictures: list[Image.Image | str]) -> tuple[str, bytes]:
    """A real file of the ratio that was asked, or of the first input."""
    image, first = config.get("imageConfig", {}), next((each for each in pictures if not isinstance(each, str)), None)
    across, _, down = image.get("aspectRatio", "1:1").partition(":")
    size = first.size if first and "aspectRatio" not in image else (int(across) * 40, int(down) * 40)
    media_type = image.get("imageOutputOptions", {}).get("mimeType", "image/png")
    file = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(file, media_type.removeprefix("image/").upper())
    return media_type, file.getvalue()
