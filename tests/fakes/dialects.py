"""Strict servers on loopback, each in its dialect of OpenAI's Images API, as its documentation says; 2026-11-22.

Where a real one drops a field in silence, these refuse it: nothing may be sent that nobody reads.
"""

from __future__ import annotations

import base64
import email.parser
import email.policy
import io
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes.openai_serving import Serving
from PIL import Image, ImageChops
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "server-test-key-000000000000"
PAINT = (10, 200, 90)
"""What a mask's repainted part becomes."""
_TAG = re.compile(r"<sd_cpp_extra_args>(.*?)</sd_cpp_extra_args>")
_INT, _NUMBER, _TEXT = (int,), (int, float), (str,)
_GENERATE = "/v1/images/generations"
_FORMATS = ("png", "jpeg", "webp")
_VLLM = {
    "model": _TEXT,
    "n": range(1, 11),
    "size": "size",
    "user": _TEXT,
    "negative_prompt": _TEXT,
    "num_inference_steps": _INT,
    "guidance_scale": _NUMBER,
    "true_cfg_scale": _NUMBER,
    "seed": _INT,
}
_LITELLM = {
    "model": _TEXT,
    "n": range(1, 11),
    "size": "size",
    "quality": _TEXT,
    "user": _TEXT,
    "response_format": ("b64_json", "url"),
    "background": _TEXT,
    "output_format": _FORMATS,
}
RULES: dict[str, dict[str, dict[str, Any]]] = {
    "together": {
        _GENERATE: {
            "model": _TEXT,
            "width": range(8, 2049, 8),
            "height": range(8, 2049, 8),
            "n": range(1, 5),
            "steps": _INT,
            "seed": _INT,
            "negative_prompt": _TEXT,
            "guidance_scale": _NUMBER,
            "output_format": ("jpeg", "png"),
            "response_format": ("base64", "url"),
            "image_url": "data_url",
            "reference_images": "data_urls",
            "image_loras": (list,),
            "disable_safety_checker": (bool,),
        }
    },
    "deepinfra": {
        "/v1/inference/black-forest-labs/FLUX-2-dev": {
            "num_images": range(1, 5),
            "width": range(128, 2049, 32),
            "height": range(128, 2049, 32),
            "seed": _INT,
            "guidance_scale": _NUMBER,
            "num_inference_steps": _INT,
        },
        "/v1/openai/images/edits": {"model": _TEXT, "n": range(1, 5), "size": "size"},
    },
    "localai": {
        _GENERATE: {
            "model": _TEXT,
            "n": range(1, 11),
            "size": "size",
            "step": _INT,
            "mode": _INT,
            "response_format": ("b64_json", "url"),
            "file": "base64",
            "ref_images": "base64s",
        },
        "/v1/images/inpainting": {"model": _TEXT, "steps": _INT},
    },
    "sdcpp": {
        path: {"n": range(1, 9), "size": "size", "output_format": _FORMATS, "output_compression": range(101)}
        for path in (_GENERATE, "/v1/images/edits")
    },
    "vllm-omni": {
        _GENERATE: {**_VLLM, "response_format": ("b64_json", "file")},
        "/v1/images/edits": {**_VLLM, "output_format": _FORMATS},
    },
    "litellm": {_GENERATE: _LITELLM, "/v1/images/edits": _LITELLM},
}
_TAGGED = {"seed": _INT, "negative_prompt": _TEXT, "sample_params": (dict,)}
_PARTS = {"sdcpp": {"image[]"}, "deepinfra": {"image"}, "localai": {"image"}, "vllm-omni": {"image"}}
_WHITE = ("sdcpp", "localai")
"""Where white repaints; elsewhere transparency does."""
_MASKLESS = ("vllm-omni", "together")


class Refusal(Exception):
    """What is answered instead."""


@dataclass(slots=True)
class Dialect:
    """One server; an async context manager."""

    name: str
    needs_key: bool = False
    next_answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    """Members that the next answers have besides."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of answers."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    """Headers of requests."""
    read: list[dict[str, Any]] = field(default_factory=list)
    """How the prompt was taken."""
    files: dict[str, bytes] = field(default_factory=dict)
    _serving: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._serving is not None
        return f"{self._serving.origin}/v1"

    async def __aenter__(self) -> Self:
        routes = [Route(path, self._submit, methods=["POST"]) for path in RULES[self.name]]
        self._serving = Serving([*routes, Route("/generated-images/{name}", self._file)]).__enter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._serving is not None
        self._serving.__exit__()

    async def _submit(self, request: Request) -> Response:
        rules = RULES[self.name][request.url.path]
        is_form = "multipart" in request.headers.get("content-type", "")
        body, pictures = await _form(request, rules) if is_form else (await request.json(), {})
        self.bodies.append(body)
        self.asked.append(dict(request.headers))
        if self.next_answers:
            status, answer, headers = self.next_answers.pop(0)
            return JSONResponse(answer, status, headers)
        if self.needs_key and request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "Invalid API key", "type": "invalid_request_error"}}, 401)
        try:
            pictures |= _checked(body, rules)
            self._check_parts(pictures, is_form)
            made = self._paint(request.url.path, body, pictures)
        except Refusal as refusal:
            return JSONResponse(self._refused(str(refusal)), 400 if self.name != "deepinfra" else 422)
        return JSONResponse(self._answer(request.url.path, body, made), headers=self.headers)

    def _refused(self, words: str) -> Any:
        if self.name == "sdcpp":
            return {"error": words}
        if self.name in ("deepinfra", "vllm-omni"):
            return {"detail": [{"loc": ["body"], "msg": words, "type": "value_error"}]}
        return {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": 400}}

    def _check_parts(self, pictures: dict[str, list[Image.Image]], is_form: bool) -> None:
        parts = pictures.keys() - {"mask"}
        if is_form and not parts <= _PARTS.get(self.name, {"image", "image[]"}):
            raise Refusal(f"unexpected part: {sorted(parts)}")
        if "mask" in pictures and self.name in _MASKLESS:
            raise Refusal("unexpected part: mask")

    def _paint(self, path: str, body: dict[str, Any], pictures: dict[str, list[Image.Image]]) -> list[bytes]:
        self._read_prompt(body["prompt"], inpainting="inpainting" in path)
        given = [each for name, many in pictures.items() if name != "mask" for each in many]
        size = (512, 512) if "inpainting" in path else _size(body) or (given[0].size if given else (512, 512))
        still = Image.new("RGB", size, (200, 30, 40))
        if "mask" in pictures:
            still = given[0].convert("RGB").resize(size)
            still.paste(PAINT, mask=self._area(pictures["mask"][0]).resize(size))
        count = int(body.get("n", body.get("num_images", 1)))
        kind = body.get("output_format", "jpeg" if self.name == "together" else "png")
        return [_file(still, kind)] * count

    def _area(self, mask: Image.Image) -> Image.Image:
        if self.name in _WHITE:
            return mask.convert("RGBA").convert("RGB").convert("L")
        return ImageChops.invert(mask.convert("RGBA").getchannel("A"))

    def _read_prompt(self, prompt: str, inpainting: bool) -> None:
        found: dict[str, Any] = {"prompt": prompt}
        if self.name == "localai" and not inpainting:
            found["prompt"], _, found["negative"] = prompt.partition("|")
        if self.name == "sdcpp" and (tag := _TAG.search(prompt)):
            found = {"prompt": _TAG.sub("", prompt), **json.loads(tag[1])}
            if found.keys() - _TAGGED.keys() - {"prompt"}:
                raise Refusal("invalid sd_cpp_extra_args")
        self.read.append(found)

    def _answer(self, path: str, body: dict[str, Any], made: list[bytes]) -> dict[str, Any]:
        if "inference" in path:
            images = ["data:image/png;base64," + base64.b64encode(each).decode() for each in made]
            cost_usd = 0.01 * len(made) * body.get("width", 1024) * body.get("height", 1024) / 1024**2
            status = {"status": "succeeded", "runtime_ms": 912, "cost": cost_usd}
            seed = body.get("seed", 99)
            return {
                "inference_status": status,
                "images": images,
                "nsfw_content_detected": False,
                "seed": seed,
            } | self.said
        as_url = body.get("response_format") == "url" or "inpainting" in path
        data = [self._link(each) if as_url else {"b64_json": base64.b64encode(each).decode()} for each in made]
        named = {"model": body["model"]} if self.name == "together" else {}
        return {"created": 1, "data": data, **named} | self.said

    def _link(self, content: bytes) -> dict[str, str]:
        assert self._serving is not None
        name = f"{len(self.files)}.png"
        self.files[name] = content
        return {"url": f"{self._serving.origin}/generated-images/{name}"}

    async def _file(self, request: Request) -> Response:
        if not request.headers.get("user-agent") or "authorization" in request.headers:
            return Response(status_code=403)
        return Response(self.files[request.path_params["name"]], media_type="image/png")


async def _form(request: Request, rules: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Image.Image]]]:
    """The texts of a form, numbers as numbers where the rules say so, and its pictures by part."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + await request.body())
    body: dict[str, Any] = {}
    pictures: dict[str, list[Image.Image]] = {}
    for part in message.iter_parts():
        name, content = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        if part.get_filename() is None:
            number = isinstance(rules.get(name), range) or rules.get(name) in (_INT, _NUMBER)
            body[name] = json.loads(content) if number else content.decode()
        else:
            pictures.setdefault(name, []).append(Image.open(io.BytesIO(content)))
    return body, pictures


def _checked(body: dict[str, Any], rules: dict[str, Any]) -> dict[str, list[Image.Image]]:
    """The pictures inside a body that is taken."""
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise Refusal("prompt required")
    found: dict[str, list[Image.Image]] = {}
    for name, value in body.items():
        if name != "prompt":
            if name not in rules:
                raise Refusal(f"unknown field: {name}")
            if pictures := _check(rules[name], name, value):
                found[name] = pictures
    return found


def _check(rule: Any, name: str, value: Any) -> list[Image.Image]:
    if rule in ("data_url", "base64"):
        return [_decoded(rule, value)]
    if rule in ("data_urls", "base64s"):
        return [_decoded(rule[:-1], each) for each in value]
    if rule == "size":
        right = bool(re.fullmatch(r"\d+x\d+", value))
    elif isinstance(rule, range):
        right = type(value) is int and value in rule
    else:
        right = value in rule if isinstance(rule[0], str) else type(value) in rule
    if not right:
        raise Refusal(f"invalid {name}: {value!r}")
    return []


def _decoded(kind: str, value: str) -> Image.Image:
    head, comma, text = value.partition(",")
    if (kind == "data_url") is not (comma == "," and head.startswith("data:image/")):
        raise Refusal(f"no {kind}")
    return Image.open(io.BytesIO(base64.b64decode(text or value, validate=True)))


def _size(body: dict[str, Any]) -> tuple[int, int] | None:
    if "width" in body:
        return body["width"], body["height"]
    if "size" not in body:
        return None
    width, _, height = body["size"].partition("x")
    return int(width), int(height)


def _file(still: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    still.save(file, kind.upper())
    return file.getvalue()
