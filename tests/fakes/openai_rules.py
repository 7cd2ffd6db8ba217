"""What OpenAI's Images API takes, refuses and counts, for the fake of it.

Written out here a second time, on purpose: these rules are not read from the library.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

REFUSED_PROMPT = "[refuse the prompt]"
REFUSED_PICTURE = "[refuse the picture]"

_ALIVE = {
    "gpt-image-1-mini": "first",
    "gpt-image-1.5": "first",
    "gpt-image-1.5-2025-12-16": "first",
    "chatgpt-image-latest": "first",
    "gpt-image-2": "2",
    "gpt-image-2-2026-04-21": "2",
    "gpt-image-2.5-sunburst": "2.5",
    "gpt-image-2.5-sunburst-2026-09-08": "2.5",
    "gpt-image-2.5-flare": "2.5",
    "gpt-image-2.5-flare-2026-09-08": "2.5",
    "gpt-image-2.6-sunburst": "2.6",
    "gpt-image-2.6-flare": "2.6",
}
_FIELDS = {
    "background", "complexity", "frame_count", "frame_duration_ms", "model", "moderation", "n", "output_compression",
    "output_format", "partial_images", "prompt", "quality", "safety_identifier", "size", "stream", "svg", "user",
}  # fmt: skip
_QUALITIES = {
    "first": {"low", "medium", "high"},
    "2": {"low", "medium", "high"},
    "2.5": {"low", "medium", "high", "xhigh", "max"},
    "2.6": {"low", "medium", "high", "xhigh", "max"},
}
_FIRST_TOKENS = {
    "low": {"1024x1024": 272, "1024x1536": 408, "1536x1024": 400},
    "medium": {"1024x1024": 1056, "1024x1536": 1584, "1536x1024": 1568},
    "high": {"1024x1024": 4160, "1024x1536": 6240, "1536x1024": 6208},
}
_PATCHES = {
    "2": {"low": 16, "medium": 48, "high": 96},
    "2.5": {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96},
    "2.6": {"low": 40, "medium": 44, "high": 48, "xhigh": 64, "max": 96},
}
_EFFORTS = {None, "none", "minimal", "low", "medium", "high", "xhigh", "max"}


class Refusal(Exception):
    """What the API says instead of a picture."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        kind: str = "invalid_request_error",
        **more: Any,
    ) -> None:
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}


# What is refused.


def checked(body: Any, svg_author_selection: bool, more_fields: Collection[str] = ()) -> dict[str, Any]:
    """The request with every default filled in, or the refusal it deserves."""
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_json", "We could not parse the JSON body of your request.")
    fields = {*_FIELDS, *more_fields}
    for name in body:
        if name not in fields:
            raise Refusal(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)
    family = _family(body)
    asked = {name: body.get(name) for name in fields}
    _check_prompt(asked)
    _check_count(asked)
    _check_stream(asked)
    _one_of(asked, "moderation", {"auto", "low"}, "auto")
    asked["resolved"] = family
    _check_format(asked, family)
    _check_look(asked, family)
    _check_gif(asked)
    _check_svg(asked, svg_author_selection)
    _check_size(asked, family)
    _check_safety(asked)
    return asked


def invalid(name: str, value: Any, why: str) -> Refusal:
    return Refusal(400, "invalid_value", f"Invalid value: {value!r}. {why}", name)


def _family(body: dict[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str):
        raise Refusal(400, "missing_required_parameter", "Missing required parameter: 'model'.", "model")
    if model not in _ALIVE:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise Refusal(404, "model_not_found", message, "model")
    return _ALIVE[model]


def _check_prompt(asked: dict[str, Any]) -> None:
    prompt = asked["prompt"]
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= 32_000:
        raise invalid("prompt", type(prompt).__name__, "Expected 1 to 32000 characters.")
    identifier = asked["safety_identifier"]
    if identifier is not None and not (isinstance(identifier, str) and len(identifier) <= 128):
        raise invalid("safety_identifier", identifier, "Expected at most 128 characters.")


def _check_count(asked: dict[str, Any]) -> None:
    asked["n"] = 1 if asked["n"] is None else asked["n"]
    if not _whole(asked["n"]) or not 1 <= asked["n"] <= 10:
        raise invalid("n", asked["n"], "Expected 1 to 10.")


def _check_stream(asked: dict[str, Any]) -> None:
    if asked["stream"] not in (None, True, False):
        raise invalid("stream", asked["stream"], "Expected a boolean.")
    partials = asked["partial_images"]
    if partials is not None and not asked["stream"]:
        raise invalid("partial_images", partials, "Only with stream.")
    if partials is not None and not (_whole(partials) and 0 <= partials <= 3):
        raise invalid("partial_images", partials, "Expected 0 to 3.")
    if asked["stream"] and asked["n"] != 1:
        raise invalid("n", asked["n"], "Expected 1 with stream.")
    if asked["stream"] and asked["output_format"] in ("gif", "svg"):
        raise invalid("stream", True, "Not with gif and svg.")


def _check_format(asked: dict[str, Any], family: str) -> None:
    formats = {"png", "jpeg", "webp"} | ({"gif", "svg"} if family == "2.6" else set())
    _one_of(asked, "output_format", formats, "png")
    compression = asked["output_compression"]
    if compression is None:
        return
    if asked["output_format"] not in ("jpeg", "webp"):
        raise invalid("output_compression", compression, "Only with jpeg and webp.")
    if not _whole(compression) or not 0 <= compression <= 100:
        raise invalid("output_compression", compression, "Expected 0 to 100.")


def _check_look(asked: dict[str, Any], family: str) -> None:
    _one_of(asked, "quality", {*_QUALITIES[family], "auto"}, "auto")
    if asked["quality"] == "auto":
        asked["quality"] = "medium" if family == "first" else "high"
    _one_of(asked, "background", {"transparent", "opaque", "auto"}, "auto")
    if asked["background"] == "transparent" and asked["output_format"] not in ("png", "webp"):
        raise invalid("background", "transparent", "Transparent backgrounds need png or webp.")
    if asked["complexity"] is not None and family != "2.6":
        raise Refusal(400, "unknown_parameter", "Unknown parameter: 'complexity'.", "complexity")
    _one_of(asked, "complexity", {"low", "medium", "high"}, "high")


def _check_gif(asked: dict[str, Any]) -> None:
    for name, least, most, default in (("frame_count", 2, 16, 9), ("frame_duration_ms", 1, 655_350, 200)):
        if asked[name] is not None and asked["output_format"] != "gif":
            raise invalid(name, asked[name], "Only with output_format gif.")
        asked[name] = default if asked[name] is None else asked[name]
        if not _whole(asked[name]) or not least <= asked[name] <= most:
            raise invalid(name, asked[name], f"Expected {least} to {most}.")


def _check_svg(asked: dict[str, Any], selection: bool) -> None:
    author = asked["svg"]
    if asked["output_format"] != "svg":
        if author is not None:
            raise invalid("svg", author, "Only with output_format svg.")
        return
    if asked["n"] != 1:
        raise invalid("n", asked["n"], "Expected 1 with output_format svg.")
    if author is not None and not selection:
        raise Refusal(400, "unknown_parameter", "Unknown parameter: 'svg'.", "svg")
    if selection and not (isinstance(author, dict) and isinstance(author.get("model"), str)):
        raise Refusal(400, "missing_required_parameter", "Missing required parameter: 'svg.model'.", "svg.model")
    for name in author or {}:
        if name not in ("model", "reasoning"):
            raise Refusal(400, "unknown_parameter", f"Unknown parameter: 'svg.{name}'.", f"svg.{name}")
    if ((author or {}).get("reasoning") or {}).get("effort") not in _EFFORTS:
        raise invalid("svg.reasoning.effort", author, "No such effort.")


def _check_size(asked: dict[str, Any], family: str) -> None:
    size = "1024x1024" if asked["size"] in (None, "auto") else asked["size"]
    if asked["size"] in (None, "auto") and asked["output_format"] == "gif":
        size = "512x512"
    asked["size"] = size
    if not isinstance(size, str) or not re.fullmatch(r"[1-9]\d*x[1-9]\d*", size):
        raise invalid("size", size, "Expected WIDTHxHEIGHT.")
    if family == "first":
        if size not in ("1024x1024", "1536x1024", "1024x1536"):
            raise invalid("size", size, "Supported: 1024x1024, 1024x1536, 1536x1024 and auto.")
        return
    width, height = map(int, size.split("x"))
    if width % 16 or height % 16:
        raise invalid("size", size, "Width and height must both be divisible by 16.")
    if max(width, height) > 3 * min(width, height):
        raise invalid("size", size, "The aspect ratio must be between 1:3 and 3:1.")
    width, height = _sheet(asked)
    if max(width, height) > 3840:
        raise invalid("size", size, "The long side exceeds 3840.")
    if not 655_360 <= width * height <= 8_294_400:
        raise invalid("size", size, "The number of pixels is out of range.")


def _check_safety(asked: dict[str, Any]) -> None:
    for marker, stage in ((REFUSED_PROMPT, "input"), (REFUSED_PICTURE, "output")):
        if marker in asked["prompt"]:
            raise Refusal(
                400,
                "moderation_blocked",
                "Your request was rejected by the safety system. safety_violations=[violence].",
                kind="image_generation_user_error",
                moderation_details={"moderation_stage": stage, "categories": ["violence"]},
            )


def _one_of(asked: dict[str, Any], name: str, values: set[str], default: str) -> None:
    asked[name] = default if asked[name] is None else asked[name]
    if asked[name] not in values:
        raise invalid(name, asked[name], f"Supported values are: {', '.join(sorted(values))}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# What is counted.


def _sheet(asked: dict[str, Any]) -> tuple[int, int]:
    """Width and height of everything that is rendered: a still, or a gif's frames side by side."""
    width, height = map(int, asked["size"].split("x"))
    if asked["output_format"] != "gif":
        return width, height
    frames = asked["frame_count"]
    columns, rows = (4, 2) if frames <= 8 else (3, 3) if frames == 9 else (4, 3) if frames <= 12 else (4, 4)
    return width * columns, height * rows


def usage(asked: dict[str, Any], inputs: Sequence[tuple[int, int]] = ()) -> dict[str, Any]:
    """Tokens of the whole call; ``inputs`` are the sizes of an edit's pictures, which every picture pays anew."""
    text_in = math.ceil(len(asked["prompt"].encode()) / 4) + 6
    image_in = sum(input_tokens(asked, *size) for size in inputs) * asked["n"]
    image_out = output_tokens(asked) * asked["n"]
    text_out = 209 * asked["n"] if asked["model"].startswith(("gpt-image-1.5", "chatgpt-image")) else 0
    return {
        "input_tokens": text_in + image_in,
        "input_tokens_details": {"image_tokens": image_in, "text_tokens": text_in},
        "output_tokens": image_out + text_out,
        "output_tokens_details": {"image_tokens": image_out, "text_tokens": text_out},
        "total_tokens": text_in + image_in + image_out + text_out,
    }


def streamed_usage(whole: dict[str, Any], partials: int) -> dict[str, Any]:
    """The same in a stream's last event: 100 tokens for each unfinished picture, and no details of the output."""
    counted = {name: value for name, value in whole.items() if name != "output_tokens_details"}
    counted["output_tokens"] += 100 * partials
    counted["total_tokens"] += 100 * partials
    return counted


def input_tokens(asked: dict[str, Any], width: int, height: int) -> int:
    """Tokens of one picture of an edit: 512 px tiles in the first family, else 32 px patches, at most 1536."""
    if asked["resolved"] == "first":
        scale = min(1.0, 2048 / max(width, height), 512 / min(width, height))
        tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
        fidelity = 0 if asked.get("input_fidelity") != "high" else 4160 if width == height else 6240
        return 65 + 129 * tiles + fidelity
    scale = max(1.0, 1024 / max(width, height))
    across, down = math.ceil(width * scale / 32), math.ceil(height * scale / 32)
    return min(across * down, 1536)


def output_tokens(asked: dict[str, Any]) -> int:
    """Tokens of one picture: the first family's table, else the calculator's formula."""
    family, quality = asked["resolved"], asked["quality"]
    if family == "first":
        return _FIRST_TOKENS[quality][asked["size"]]
    width, height = _sheet(asked)
    across = _PATCHES[family][quality]
    down = math.floor(across * min(width, height) / max(width, height) + 0.5)
    return math.ceil(across * down * (2_000_000 + width * height) / 4_000_000)
