"""What Replicate's models take and make, as their pages say; read 2026-11-22."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image, ImageChops

PAINT = (10, 200, 90)
"""What a mask's repainted part becomes."""
_SEED = {"seed": (int, 0, 2**63)}
_FLUX_FORMATS = {"output_format": ("webp", "jpg", "png"), "output_quality": (int, 0, 100)}
_NAMED = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "9:21")
_SCHNELL = {
    **_SEED,
    **_FLUX_FORMATS,
    "aspect_ratio": _NAMED,
    "num_outputs": (int, 1, 4),
    "num_inference_steps": (int, 1, 4),
    "disable_safety_checker": (bool,),
    "go_fast": (bool,),
    "megapixels": ("1", "0.25"),
}
_CUSTOM = {"aspect_ratio": (*_NAMED, "custom"), "width": (int, 256, 2048), "height": (int, 256, 2048)}
_TOLERANT = {"safety_tolerance": (int, 1, 6), "prompt_upsampling": (bool,)}
_FLUX_2 = {**_SEED, **_FLUX_FORMATS, **_CUSTOM, "safety_tolerance": (int, 1, 5), "input_images": "pictures"}
_KONTEXT = {
    **_SEED,
    **_TOLERANT,
    "safety_tolerance": (int, 0, 6),
    "aspect_ratio": (*_NAMED, "2:1", "1:2", "match_input_image"),
    "input_image": "picture",
    "output_format": ("jpg", "png"),
}
INPUTS: dict[str, dict[str, Any]] = {
    "black-forest-labs/flux-schnell": _SCHNELL,
    "black-forest-labs/flux-dev": {
        **_SCHNELL,
        "num_inference_steps": (int, 1, 50),
        "guidance": (float, 0, 10),
        "image": "picture",
        "prompt_strength": (float, 0, 1),
    },
    "black-forest-labs/flux-1.1-pro": {**_SEED, **_FLUX_FORMATS, **_CUSTOM, **_TOLERANT, "image_prompt": "picture"},
    "black-forest-labs/flux-1.1-pro-ultra": {
        **_SEED,
        "output_format": ("jpg", "png"),
        "aspect_ratio": _NAMED,
        "safety_tolerance": (int, 1, 6),
        "raw": (bool,),
        "image_prompt": "picture",
        "image_prompt_strength": (float, 0, 1),
    },
    "black-forest-labs/flux-kontext-pro": _KONTEXT,
    "black-forest-labs/flux-fill-pro": {
        **_SEED,
        **_TOLERANT,
        "output_format": ("jpg", "png"),
        "image": "picture",
        "mask": "picture",
    },
    "black-forest-labs/flux-2-pro": _FLUX_2,
    "black-forest-labs/flux-2-flex": {**_FLUX_2, "prompt_upsampling": (bool,)},
    "ideogram-ai/ideogram-v3-turbo": {
        **_SEED,
        "aspect_ratio": (*_NAMED, "3:1", "1:3", "2:1", "1:2"),
        "magic_prompt_option": ("Auto", "On", "Off"),
        "image": "picture",
        "mask": "picture",
    },
    "recraft-ai/recraft-v3": {"size": ("1024x1024", "1365x1024"), "style": (str,)},
}
VERSIONS = {"39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b": "stability-ai/sdxl"}
_SDXL = {**_SEED, "width": (int, 64, 2048), "height": (int, 64, 2048), "num_outputs": (int, 1, 4)}
_MODELS = {**INPUTS, "stability-ai/sdxl": _SDXL}


class Refusal(Exception):
    """What is answered instead, as a problem."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(description)
        self.problem = {
            "title": "Input validation failed",
            "detail": f"- input.{field}: {description}\n",
            "status": 422,
            "invalid_fields": [{"type": "value", "field": f"input.{field}", "description": description}],
        }


def checked(model: str, asked: dict[str, Any], elsewhere: dict[str, bytes]) -> dict[str, list[Image.Image]]:
    """The pictures of an input that is taken, opened."""
    if not isinstance(asked.get("prompt"), str):
        raise Refusal("prompt", "is required")
    if model == "black-forest-labs/flux-fill-pro" and "image" not in asked:
        raise Refusal("image", "is required")
    if "width" in asked and "aspect_ratio" in _MODELS[model] and asked.get("aspect_ratio") != "custom":
        raise Refusal("width", "is only read with aspect_ratio custom")
    pictures = {}
    for name, value in asked.items():
        if name == "prompt":
            continue
        if name not in _MODELS[model]:
            raise Refusal(name, "is no input of this model")
        pictures[name] = _check(_MODELS[model][name], name, value, elsewhere)
    return pictures


def _check(rule: Any, name: str, value: Any, elsewhere: dict[str, bytes]) -> list[Image.Image]:
    if rule in ("picture", "pictures"):
        if isinstance(value, list) is not (rule == "pictures"):
            raise Refusal(name, f"{rule} expected")
        return [_opened(name, each, elsewhere) for each in (value if rule == "pictures" else [value])]
    if isinstance(rule[0], str):
        if value not in rule:
            raise Refusal(name, f"must be one of {', '.join(rule)}")
    elif type(value) is not rule[0] and not (rule[0] is float and type(value) is int):
        raise Refusal(name, f"must be of type {rule[0].__name__}")
    elif len(rule) == 3 and not rule[1] <= value <= rule[2]:
        raise Refusal(name, f"must be {rule[1]} to {rule[2]}")
    return []


def _opened(name: str, value: Any, elsewhere: dict[str, bytes]) -> Image.Image:
    if value in elsewhere:
        return Image.open(io.BytesIO(elsewhere[value]))
    head, _, text = str(value).partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise Refusal(name, "does not match format uri")
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


def paint(model: str, asked: dict[str, Any], pictures: dict[str, list[Image.Image]]) -> list[bytes]:
    """Real files: repainted as the mask says, else of one colour."""
    size = (asked["width"], asked["height"]) if "width" in asked else (256, 256)
    if "size" in asked:
        width, _, height = asked["size"].partition("x")
        size = (int(width), int(height))
    still = Image.new("RGB", size, (200, 30, 40))
    if pictures.get("mask"):
        still = pictures["image"][0].convert("RGB")
        mask = pictures["mask"][0].convert("L")
        still.paste(PAINT, mask=ImageChops.invert(mask) if "ideogram" in model else mask)
    file = io.BytesIO()
    kind = asked.get("output_format", "png" if "mask" in pictures else "webp").replace("jpg", "jpeg")
    still.save(file, kind.upper())
    return [file.getvalue()] * asked.get("num_outputs", 1)
