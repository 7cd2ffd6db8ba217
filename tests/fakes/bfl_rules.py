"""What BFL takes and what it makes of it, as docs.bfl.ai and the clients of FLUX 3 say; read 2026-11-22."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

from PIL import Image

PAINT = (10, 200, 90)
"""What a mask's white part becomes."""
_SAFETY = {"safety_tolerance": (int, 0, 6)}
_COMMON = {
    "seed": (int, 0, 2**63),
    "output_format": ("jpeg", "png"),
    "prompt_upsampling": (bool,),
    "webhook_url": (str,),
    "webhook_secret": (str,),
}
_SIDES = {"width": (int, 256, 1440, 32), "height": (int, 256, 1440, 32)}
_SIDES_2 = {"width": (int, 64, 4096, 32), "height": (int, 64, 4096, 32)}
_RATIOS = "auto 21:9 2:1 16:9 3:2 7:5 4:3 5:4 1:1 4:5 3:4 5:7 2:3 9:16 1:2 9:21"
_SOLVER = {"steps": (int, 15, 50), "guidance": (float, 1.5, 100)}


def _inputs(count: int) -> dict[str, Any]:
    return {"input_image" if number == 1 else f"input_image_{number}": "picture" for number in range(1, count + 1)}


_FLUX_2 = {**_COMMON, **_SIDES_2, **_inputs(8), "safety_tolerance": (int, 0, 5)}
_KLEIN = {name: rule for name, rule in _FLUX_2.items() if name != "prompt_upsampling" and name[-1:] not in "5678"}
_KONTEXT = {**_COMMON, **_SAFETY, **_inputs(4), "aspect_ratio": "ratio"}
FIELDS: dict[str, dict[str, Any]] = {
    "flux-3-image": {
        "images": "pictures",
        "aspect_ratio": tuple(_RATIOS.split()),
        "resolution": ("768sq", "1k", "1.5k", "2k", "4k"),
        "grounding": (bool,),
        "safety_tolerance": (int, 0, 4),
    },
    "flux-2-pro": _FLUX_2,
    "flux-2-max": _FLUX_2,
    "flux-2-flex": {**_FLUX_2, "steps": (int, 1, 50), "guidance": (float, 1.5, 10)},
    "flux-2-klein-4b": _KLEIN,
    "flux-2-klein-9b": _KLEIN,
    "flux-pro-1.1": {**_COMMON, **_SAFETY, **_SIDES, "image_prompt": "base64"},
    "flux-pro-1.1-ultra": {
        **_COMMON,
        **_SAFETY,
        "aspect_ratio": "ratio",
        "raw": (bool,),
        "image_prompt": "base64",
        "image_prompt_strength": (float, 0, 1),
    },
    "flux-kontext-pro": _KONTEXT,
    "flux-kontext-max": _KONTEXT,
    "flux-pro-1.0-fill": {**_COMMON, **_SAFETY, **_SOLVER, "image": "base64", "mask": "base64"},
    "flux-pro-1.0-expand": {
        **_COMMON,
        **_SAFETY,
        **_SOLVER,
        "image": "base64",
        **dict.fromkeys(("top", "bottom", "left", "right"), (int, 0, 2048)),
    },
    "flux-dev": {**_COMMON, **_SAFETY, **_SIDES, "steps": (int, 1, 50), "guidance": (float, 1.5, 5)},
}
_FIRST = {"flux-2-pro": (3, 1.5), "flux-2-max": (7, 3), "flux-2-flex": (5, 5), "flux-2-klein-4b": (1.4, 0.1)}
"""Credits for the first megapixel and for each further one, of input or output."""
_TIER_PX = {"768sq": 589_824, "1k": 1_048_576, "1.5k": 2_359_296, "2k": 4_194_304, "4k": 16_777_216}


class Refusal(Exception):
    """What is answered instead."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def checked(model: str, body: Any, elsewhere: dict[str, bytes]) -> dict[str, Any]:
    """The request and its pictures, opened."""
    if model not in FIELDS:
        raise Refusal(404, {"detail": "Not Found"})
    if not isinstance(body, dict) or not isinstance(body.get("prompt"), str):
        raise _invalid("missing", "prompt", "Field required")
    asked: dict[str, Any] = {"model": model, "body": body, "pictures": {}}
    for name, value in body.items():
        if name == "prompt":
            continue
        if name not in FIELDS[model]:
            raise _invalid("extra_forbidden", name, "Extra inputs are not permitted")
        opened = _check(FIELDS[model][name], name, value, elsewhere)
        if opened:
            asked["pictures"][name] = opened
    _check_together(asked)
    return asked


def _check(rule: Any, name: str, value: Any, elsewhere: dict[str, bytes]) -> list[Image.Image]:
    if rule in ("picture", "base64"):
        return [_opened(name, value, elsewhere if rule == "picture" else {})]
    if rule == "pictures":
        values = value if isinstance(value, list) else [value]
        if not 1 <= len(values) <= 10:
            raise _invalid("too_long", name, "1 to 10 items")
        return [_opened(name, each, elsewhere) for each in values]
    if rule == "ratio":
        across, _, down = str(value).partition(":")
        if not 3 / 7 - 1e-9 <= int(across) / int(down) <= 7 / 3 + 1e-9:
            raise _invalid("value_error", name, "between 21:9 and 9:21")
    elif isinstance(rule[0], str):
        if value not in rule:
            raise _invalid("literal_error", name, f"Input should be {' or '.join(rule)}")
    else:
        _check_number(rule, name, value)
    return []


def _check_number(rule: Any, name: str, value: Any) -> None:
    kind, *limits = rule
    right = type(value) is kind or (kind is float and type(value) is int)
    if not right:
        raise _invalid(f"{kind.__name__}_type", name, f"Input should be a valid {kind.__name__}")
    if len(limits) >= 2 and not limits[0] <= value <= limits[1]:
        raise _invalid("out_of_range", name, f"Input should be {limits[0]} to {limits[1]}")
    if len(limits) == 3 and value % limits[2]:
        raise _invalid("multiple_of", name, f"Input should be a multiple of {limits[2]}")


def _check_together(asked: dict[str, Any]) -> None:
    body, model = asked["body"], asked["model"]
    if model.startswith("flux-kontext") and asked["pictures"] and body.get("safety_tolerance", 2) > 2:
        raise _invalid("out_of_range", "safety_tolerance", "at most 2 with an input picture")
    if model.startswith("flux-2") and body.get("width", 1024) * body.get("height", 1024) > 4_194_304:
        raise _invalid("value_error", "width", "at most 4 megapixels")
    if model in ("flux-pro-1.0-fill", "flux-pro-1.0-expand") and "image" not in body:
        raise _invalid("missing", "image", "Field required")
    if model == "flux-3-image" and any(min(each.size) < 256 for each in asked["pictures"].get("images", [])):
        raise _invalid("value_error", "images", "each at least 256x256")


def _opened(name: str, value: Any, elsewhere: dict[str, bytes]) -> Image.Image:
    if isinstance(value, str) and value in elsewhere:
        return Image.open(io.BytesIO(elsewhere[value]))
    try:
        return Image.open(io.BytesIO(base64.b64decode(value, validate=True)))
    except (ValueError, TypeError, OSError):
        raise _invalid("value_error", name, "not a picture in base64") from None


def _invalid(kind: str, name: str, message: str) -> Refusal:
    return Refusal(422, {"detail": [{"type": kind, "loc": ["body", name], "msg": message, "input": None}]})


def cost_of(asked: dict[str, Any]) -> dict[str, float]:
    """Credits and megapixels, where the model counts them."""
    if asked["model"] not in _FIRST:
        return {}
    first, further = _FIRST[asked["model"]]
    width, height = _size(asked)
    made = math.ceil(width * height / 1_048_576)
    given = sum(math.ceil(math.prod(each.size) / 1_048_576) for every in asked["pictures"].values() for each in every)
    return {"cost": first + further * (made - 1 + given), "input_mp": float(given), "output_mp": float(made)}


def paint(asked: dict[str, Any]) -> bytes:
    """A real file: repainted where the mask is white, widened by the margins, else of one colour."""
    body, pictures = asked["body"], asked["pictures"]
    still = Image.new("RGB", _size(asked), (200, 30, 40))
    if "mask" in pictures:
        still = pictures["image"][0].convert("RGB")
        still.paste(PAINT, mask=pictures["mask"][0].convert("L"))
    elif asked["model"].endswith("expand"):
        still.paste(pictures["image"][0].convert("RGB"), (body.get("left", 0), body.get("top", 0)))
    file = io.BytesIO()
    still.save(file, "PNG" if asked["model"].startswith("flux-3") else body.get("output_format", "jpeg").upper())
    return file.getvalue()


def _size(asked: dict[str, Any]) -> tuple[int, int]:
    body, pictures = asked["body"], asked["pictures"]
    if asked["model"].endswith(("fill", "expand")):
        width, height = pictures["image"][0].size
        return width + body.get("left", 0) + body.get("right", 0), height + body.get("top", 0) + body.get("bottom", 0)
    if "width" in body:
        return body["width"], body["height"]
    if "input_image" in pictures and "aspect_ratio" not in body:
        return pictures["input_image"][0].size
    across, _, down = body.get("aspect_ratio", "1:1").replace("auto", "1:1").partition(":")
    px = _TIER_PX[body.get("resolution", "1k")]
    scale = math.sqrt(px / (int(across) * int(down)))
    return round(int(across) * scale), round(int(down) * scale)
