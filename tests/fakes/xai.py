"""A strict xAI on loopback: its two routes and its links, refusing what its documentation refuses."""

from __future__ import annotations

import base64
import io
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes.openai_serving import Serving
from PIL import Image
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "xai-test-key-000000000000000000000000"
RATIOS = {"1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1", "auto"}
MODELS: dict[str, dict[str, Any]] = {
    "grok-imagine-image-2.0": {
        "ratios": RATIOS | {"21:9", "5:2"},
        "qualities": {"low", "medium", "auto"},
        "pictures": 5,
        "cents": {("1k", "low"): 4, ("1k", "medium"): 6, ("2k", "low"): 6, ("2k", "medium"): 8},
    },
    "grok-imagine-image": {"ratios": RATIOS, "qualities": set(), "pictures": 3, "cents": {}},
}
REFUSED = {
    "code": "imagine:content-moderated",
    "error": "Generated image rejected by content moderation.",
    "usage": {"cost_in_usd_ticks": 900_000_000},
}
_FIELDS = {
    *("model", "prompt", "n", "aspect_ratio", "resolution", "quality", "response_format", "user", "storage_options")
}
_INVALID = "Client specified an invalid argument"


class Refusal(Exception):
    """What is answered instead of taking a request."""


@dataclass(slots=True)
class FakeXAI:
    """The two servers; a context manager, async or not."""

    answers: list[tuple[int, Any]] = field(default_factory=list)
    """(status, body) to answer with before anything is looked at."""
    refused: list[bool] = field(default_factory=list)
    """Which of the next pictures are refused, with HTTP 200."""
    received: list[Any] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    painted: list[bytes] = field(default_factory=list)
    _files: dict[str, bytes] = field(default_factory=dict)
    _api: Serving | None = None
    _media: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._api is not None
        return f"{self._api.origin}/v1"

    def __enter__(self) -> Self:
        self._media = Serving([Route("/xai-imgen/{name}", self._file)]).__enter__()
        routes = [Route(f"/v1/images/{name}", self._make, methods=["POST"]) for name in ("generations", "edits")]
        self._api = Serving(routes).__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        for server in (self._api, self._media):
            assert server is not None
            server.__exit__()

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared."""
        for each in (self.answers, self.refused, self.received, self.refusals, self.leaks, self.painted):
            each.clear()
        self._files.clear()

    async def _make(self, request: Request) -> Response:
        if request.headers.get("content-type") != "application/json":
            return JSONResponse({"code": _INVALID, "error": "Expected JSON"}, 415)
        body = await request.json()
        self.received.append(body)
        if self.answers:
            status, answer = self.answers.pop(0)
            return JSONResponse(answer, status)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "Incorrect API key provided.", "type": "auth"}}, 401)
        try:
            pictures = _checked(body, edit=request.url.path.endswith("edits"))
        except Refusal as refusal:
            self.refusals.append(str(refusal))
            return JSONResponse({"code": _INVALID, "error": str(refusal)}, 400)
        flags = [self.refused.pop(0) if self.refused else False for _ in range(body.get("n", 1))]
        data = [self._picture(body, pictures, refused) for refused in flags]
        cents = self._cents(body, edit=bool(pictures)) * len(data)
        usage = {"cost_in_usd_ticks": cents * 100_000_000}
        return JSONResponse({"data": data, "model": body["model"], "usage": usage})

    @staticmethod
    def _cents(body: dict[str, Any], *, edit: bool) -> int:
        quality = body.get("quality", "auto")
        served = ("medium" if edit else "low") if quality == "auto" else quality
        return MODELS[body["model"]]["cents"].get((body.get("resolution", "1k"), served), 2)

    def _picture(self, body: dict[str, Any], pictures: list[Image.Image], refused: bool) -> dict[str, Any]:
        if refused:
            return {"url": None, "b64_json": None, "respect_moderation": False}
        across, _, down = body.get("aspect_ratio", "1:1").partition(":")
        size = pictures[0].size if pictures and "aspect_ratio" not in body else None
        file = io.BytesIO()
        Image.new("RGB", size or (round(float(across) * 20), round(float(down) * 20)), (9, 90, 200)).save(file, "JPEG")
        self.painted.append(file.getvalue())
        found = {"mime_type": "image/jpeg", "revised_prompt": "", "respect_moderation": True}
        if body.get("response_format") == "b64_json":
            return {"b64_json": base64.b64encode(file.getvalue()).decode(), **found}
        name = f"xai-tmp-imgen-{uuid.uuid4()}.jpeg"
        assert self._media is not None
        self._files[name] = file.getvalue()
        return {"url": f"{self._media.origin}/xai-imgen/{name}", **found}

    async def _file(self, request: Request) -> Response:
        if "authorization" in request.headers:
            self.leaks.append(str(request.url))
            return Response(status_code=400)
        return Response(self._files[request.path_params["name"]], media_type="image/jpeg")


def _checked(body: Any, *, edit: bool) -> list[Image.Image]:
    for name in body:
        if name not in _FIELDS | ({"image", "images"} if edit else set()):
            raise Refusal(f"Argument not supported: {name}")
    rules = MODELS.get(body.get("model"))
    if rules is None:
        raise Refusal(f"The model {body.get('model')} does not exist")
    if not body.get("prompt") or not 1 <= body.get("n", 1) <= (3 if edit else 10):
        raise Refusal("prompt or n out of range")
    if body.get("aspect_ratio", "auto") not in rules["ratios"]:
        raise Refusal(f"Invalid aspect_ratio {body['aspect_ratio']}")
    if body.get("resolution", "1k") not in ("1k", "2k"):
        raise Refusal(f"Invalid resolution {body['resolution']}")
    if "quality" in body and body["quality"] not in rules["qualities"]:
        raise Refusal(f"Invalid quality {body['quality']}")
    if body.get("response_format", "url") not in ("url", "b64_json"):
        raise Refusal("Invalid response_format")
    return _inputs(body, rules["pictures"]) if edit else []


def _inputs(body: dict[str, Any], most: int) -> list[Image.Image]:
    if ("image" in body) == ("images" in body):
        raise Refusal("one of image and images")
    given = body["images"] if "images" in body else [body["image"]]
    if len(given) > most or ("images" in body and len(given) < 2):
        raise Refusal(f"2 to {most} images")
    return [_opened(each) for each in given]


def _opened(picture: Any) -> Image.Image:
    if set(picture) != {"url", "type"} or picture["type"] != "image_url":
        raise Refusal("Invalid image")
    head, _, text = picture["url"].partition(",")
    if head.startswith("https://pictures.example/"):
        return Image.new("RGB", (40, 40))
    if head not in ("data:image/png;base64", "data:image/jpeg;base64", "data:image/webp;base64"):
        raise Refusal("Invalid image url")
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
