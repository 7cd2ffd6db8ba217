"""What fal's models take and make, as their pages say; read 2026-11-22."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

from PIL import Image, ImageChops

PAINT = (10, 200, 90)
"""What a mask's repainted part becomes."""
_SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_TIERS = {"0.5K": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_SYNC = {"sync_mode": (bool,)}
_MANY = {**_SYNC, "num_images": (int, 1, 4)}
_FLUX = {"image_size": "size", "seed": (int, 0, 2**63), "output_format": ("jpeg", "png")}
_CHECK = {"enable_safety_checker": (bool,)}
_TOLERANCE = {"safety_tolerance": tuple("123456")}
_TUNED = {"guidance_scale": (float, 1, 20), "num_inference_steps": (int, 1, 50)}
_PRO = {**_FLUX, **_MANY, **_TOLERANCE, "enhance_prompt": (bool,)}
_FLUX_2 = {**_FLUX, **_SYNC, **_CHECK, "safety_tolerance": tuple("12345")}
_NAMED = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
_RATIOS = ("auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
_BANANA = {**_MANY, "aspect_ratio": _RATIOS, "output_format": ("jpeg", "png", "webp")}
_BANANA_2 = {
    **_BANANA,
    **_TOLERANCE,
    "seed": (int, 0, 2**63),
    "resolution": tuple(_TIERS),
    "enable_web_search": (bool,),
}
_GPT = {**_MANY, "image_size": "size", "quality": ("low", "medium", "high"), "output_format": ("jpeg", "png", "webp")}
_IDEOGRAM = {
    **_SYNC,
    "num_images": (int, 1, 8),
    "rendering_speed": ("TURBO", "BALANCED", "QUALITY"),
    "expand_prompt": (bool,),
    "style": ("AUTO", "GENERAL", "REALISTIC", "DESIGN"),
    "seed": (int, 0, 2**63),
}
_KONTEXT = {name: rule for name, rule in _PRO.items() if name != "image_size"} | {
    "aspect_ratio": _NAMED,
    "guidance_scale": (float, 1, 20),
    "image_url": "picture",
}
_STYLES = ("any", "realistic_image", "digital_illustration", "vector_illustration", "realistic_image/hdr")
_SEEDREAM = {"image_size": "size", "num_images": (int, 1, 6), "seed": (int, 0, 2**63)}
_IMAGEN = {"aspect_ratio": ("1:1", "16:9", "9:16", "4:3", "3:4"), "num_images": (int, 1, 4), "seed": (int, 0, 2**63)}
FIELDS: dict[str, dict[str, Any]] = {
    "fal-ai/flux/schnell": {**_FLUX, **_MANY, **_CHECK, **_TUNED},
    "fal-ai/flux/dev": {**_FLUX, **_MANY, **_CHECK, **_TUNED},
    "fal-ai/flux-pro/v1.1": _PRO,
    "fal-ai/flux-pro/kontext": _KONTEXT,
    "fal-ai/flux-pro/v1/fill": {
        **{name: rule for name, rule in _PRO.items() if name != "image_size"},
        "image_url": "picture",
        "mask_url": "picture",
    },
    "fal-ai/flux-2-pro": _FLUX_2,
    "fal-ai/flux-2-pro/edit": {**_FLUX_2, "image_urls": "pictures"},
    "fal-ai/nano-banana": _BANANA,
    "fal-ai/nano-banana/edit": {**_BANANA, "image_urls": "pictures"},
    "fal-ai/nano-banana-2": _BANANA_2,
    "fal-ai/nano-banana-2/edit": {**_BANANA_2, "image_urls": "pictures"},
    "fal-ai/nano-banana-pro": {**_BANANA_2, "resolution": ("1K", "2K", "4K")},
    "openai/gpt-image-2": _GPT,
    "openai/gpt-image-2/edit": {**_GPT, "image_urls": "pictures", "mask_image_url": "picture"},
    "fal-ai/recraft/v3/text-to-image": {"image_size": "size", "style": _STYLES},
    "fal-ai/bytedance/seedream/v4/text-to-image": _SEEDREAM,
    "fal-ai/bytedance/seedream/v4/edit": {**_SEEDREAM, "image_urls": "pictures"},
    "fal-ai/imagen4/preview": _IMAGEN,
    "bria/text-to-image/3.2": {"aspect_ratio": _NAMED, "seed": (int, 0, 2**63), "negative_prompt": (str,)},
    "fal-ai/ideogram/v3": {**_IDEOGRAM, "image_size": "size", "negative_prompt": (str,)},
    "fal-ai/ideogram/v3/edit": {**_IDEOGRAM, "image_url": "picture", "mask_url": "picture"},
}
_NEEDED = ("image_url", "image_urls")


class Refusal(Exception):
    """What is answered instead of taking a request: findings, in the shape of models' errors."""

    def __init__(self, name: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.detail = [
            {"loc": ["body", name], "msg": message, "type": kind, "url": f"https://docs.fal.ai/errors#{kind}"}
        ]


def checked(model: str, body: Any, elsewhere: dict[str, bytes]) -> dict[str, list[Image.Image]]:
    """The pictures of a request that is taken, opened."""
    fields, pictures = FIELDS[model], {}
    if not isinstance(body, dict) or not isinstance(body.get("prompt"), str):
        raise Refusal("prompt", "missing", "Field required")
    for name, value in body.items():
        if name != "prompt":
            if name not in fields:
                raise Refusal(name, "extra_forbidden", "Extra inputs are not permitted")
            pictures[name] = _check(fields[name], name, value, elsewhere)
    for name in _NEEDED:
        if name in fields and not pictures.get(name):
            raise Refusal(name, "missing", "Field required")
    return pictures


def _check(rule: Any, name: str, value: Any, elsewhere: dict[str, bytes]) -> list[Image.Image]:
    if rule in ("picture", "pictures"):
        values = value if rule == "pictures" else [value]
        if not isinstance(values, list):
            raise Refusal(name, "list_type", "Input should be a valid list")
        return [_opened(name, each, elsewhere) for each in values]
    if rule == "size":
        sides = value if isinstance(value, dict) else {}
        fits = set(sides) == {"width", "height"} and all(type(each) is int and each > 0 for each in sides.values())
        if not fits and value not in (*_SIZES, "auto"):
            raise Refusal(name, "value_error", "no size")
    elif isinstance(rule[0], str):
        if value not in rule:
            raise Refusal(name, "one_of", f"Input should be {', '.join(rule)}")
    elif type(value) is not rule[0] and not (rule[0] is float and type(value) is int):
        raise Refusal(name, f"{rule[0].__name__}_type", f"Input should be a valid {rule[0].__name__}")
    elif len(rule) == 3 and not rule[1] <= value <= rule[2]:
        raise Refusal(name, "out_of_range", f"Input should be {rule[1]} to {rule[2]}")
    return []


def _opened(name: str, value: Any, elsewhere: dict[str, bytes]) -> Image.Image:
    if value in elsewhere:
        return Image.open(io.BytesIO(elsewhere[value]))
    head, _, text = str(value).partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise Refusal(name, "file_download_error", "Failed to download the file")
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


def paint(model: str, body: dict[str, Any], pictures: dict[str, list[Image.Image]]) -> list[bytes]:
    """Real files: repainted as the mask says, else of one colour."""
    still = Image.new("RGB", _size(body, pictures), (200, 30, 40))
    if pictures.get("mask_url"):
        still = pictures["image_url"][0].convert("RGB")
        mask = pictures["mask_url"][0].convert("L")
        still.paste(PAINT, mask=ImageChops.invert(mask) if "ideogram" in model else mask)
    file = io.BytesIO()
    still.save(file, body.get("output_format", "png").upper())
    return [file.getvalue()] * body.get("num_images", 1)


def _size(body: dict[str, Any], pictures: dict[str, list[Image.Image]]) -> tuple[int, int]:
    asked = body.get("image_size")
    if isinstance(asked, dict):
        return asked["width"], asked["height"]
    if asked in _SIZES:
        return _SIZES[asked]
    across, _, down = body.get("aspect_ratio", "1:1").replace("auto", "1:1").partition(":")
    scale = _TIERS[body.get("resolution", "1K")] / math.sqrt(int(across) * int(down))
    return round(int(across) * scale), round(int(down) * scale)
