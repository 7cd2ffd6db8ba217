"""A strict OpenRouter on loopback: its Images API and its chat, refusing what its documentation refuses."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from fakes.openai_serving import Serving
from PIL import Image
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

KEY = "sk-or-test-0000000000000000000000000000"
_RATIOS = (
    *("1:1", "1:2", "1:4", "1:8", "2:1", "2:3", "2.35:1", "3:2", "3:4", "4:1", "4:3", "4:5", "5:2", "5:4", "5:7"),
    *("7:5", "8:1", "9:16", "16:9", "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9", "auto"),
)
_ENUMS: dict[str, tuple[str, ...]] = {
    "aspect_ratio": _RATIOS,
    "resolution": ("512", "768", "1K", "1.5K", "2K", "4K"),
    "quality": ("auto", "low", "medium", "high", "xhigh", "max"),
    "background": ("auto", "transparent", "opaque"),
    "output_format": ("png", "jpeg", "webp", "svg"),
}
_FIELDS = {
    *_ENUMS,
    *("model", "prompt", "n", "size", "output_compression", "input_references", "seed", "user", "session_id"),
    *("trace", "stream", "provider"),
}
_ROUTING = {"order", "only", "ignore", "sort", "allow_fallbacks", "options"}
ONE_PICTURE = ("google/gemini-3.1-flash-image",)
"""Models whose providers refuse n above 1."""
STREAMING = ("openai/gpt-image-2",)
MODELS = (*ONE_PICTURE, *STREAMING, "bytedance-seed/seedream-4.5", "black-forest-labs/flux.2-pro", "new/model")


class Refusal(Exception):
    """What is answered instead of taking a request."""


@dataclass(slots=True)
class FakeOpenRouter:
    """The server; a context manager, async or not."""

    answers: list[tuple[int, Any]] = field(default_factory=list)
    """(status, body) to answer with before anything is looked at."""
    events: list[Any] | None = None
    """Events in place of the true ones."""
    received: list[Any] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    painted: list[bytes] = field(default_factory=list)
    _serving: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._serving is not None
        return f"{self._serving.origin}/api/v1"

    def __enter__(self) -> Self:
        images = Route("/api/v1/images", self._make, methods=["POST"])
        chat = Route("/api/v1/chat/completions", self._chat, methods=["POST"])
        self._serving = Serving([images, chat]).__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._serving is not None
        self._serving.__exit__()

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared."""
        self.events = None
        for each in (self.answers, self.received, self.refusals, self.painted):
            each.clear()

    def _refused(self, request: Request, body: Any, check: Callable[[Any], None]) -> Response | None:
        """What is answered instead, if anything is wrong."""
        self.received.append(body)
        if self.answers:
            status, answer = self.answers.pop(0)
            return JSONResponse(answer, status)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "No auth credentials found")
        if body.get("model") not in MODELS:
            return _error(404, f"No endpoints found for {body.get('model')}")
        try:
            check(body)
        except Refusal as refusal:
            self.refusals.append(str(refusal))
            return _error(400, str(refusal))
        return None

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        if (refused := self._refused(request, body, checked_chat)) is not None:
            return refused
        url = "data:image/png;base64," + self._picture(body.get("image_config", {}))["b64_json"]
        part = {"type": "image_url", "image_url": {"url": url}, "index": 0}
        message = {"role": "assistant", "content": "Here it is.", "refusal": None, "images": [part]}
        choice = {"index": 0, "finish_reason": "stop", "native_finish_reason": "STOP", "message": message}
        return JSONResponse({"model": body["model"], "choices": [choice], "usage": _usage(1)})

    async def _make(self, request: Request) -> Response:
        body = await request.json()
        if (refused := self._refused(request, body, checked)) is not None:
            return refused
        headers = {"x-generation-id": "gen-img-1"}
        if body.get("stream") and body["model"] in STREAMING:
            return StreamingResponse(self._stream(body), headers={"content-type": "text/event-stream", **headers})
        data = [self._picture(body) for _ in range(body.get("n", 1))]
        return JSONResponse({"created": 1, "data": data, "usage": _usage(len(data))}, headers=headers)

    def _picture(self, body: dict[str, Any]) -> dict[str, Any]:
        kind = {"jpeg": "JPEG", "webp": "WEBP"}.get(body.get("output_format", "png"), "PNG")
        mode = "RGBA" if body.get("background") == "transparent" else "RGB"
        file = io.BytesIO()
        Image.new(mode, _size(body), (200, 30, 40, 0)[: len(mode)]).save(file, kind)
        self.painted.append(file.getvalue())
        return {"b64_json": base64.b64encode(file.getvalue()).decode()}  # without a media type: that may be absent

    def _stream(self, body: dict[str, Any]) -> Iterator[bytes]:
        kind = "image_generation"
        partials = [{"type": f"{kind}.partial_image", "partial_image_index": i, **self._picture(body)} for i in (0, 1)]
        last = {"type": f"{kind}.completed", "created": 1, **self._picture(body), "usage": _usage(1)}
        for event in [*partials, last, "[DONE]"] if self.events is None else self.events:
            yield f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode()


def _usage(pictures: int) -> dict[str, Any]:
    return {
        "prompt_tokens": 10,
        "completion_tokens": 4175 * pictures,
        "total_tokens": 10 + 4175 * pictures,
        "completion_tokens_details": {"image_tokens": 4175 * pictures},
        "cost": 0.0387243 * pictures,
        "is_byok": False,
    }


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": status, "message": message}, "user_id": "user_test"}, status)


def _size(body: dict[str, Any]) -> tuple[int, int]:
    if "size" in body:
        across, _, down = body["size"].partition("x")
        return int(across), int(down)
    across, _, down = body.get("aspect_ratio", "1:1").partition(":")
    ratio = Fraction(across) / Fraction(down)
    return (round(200 * ratio), 200) if ratio > 1 else (200, round(200 / ratio))


def checked(body: dict[str, Any]) -> None:
    """Nothing, for a request that is taken."""
    unknown = body.keys() - _FIELDS
    if unknown or not body.get("prompt"):
        raise Refusal(f"unrecognized_keys: {sorted(unknown)}")
    for name, values in _ENUMS.items():
        if name in body and body[name] not in values:
            raise Refusal(f"{name}: expected one of {values}")
    if not 1 <= body.get("n", 1) <= (1 if body["model"] in ONE_PICTURE else 10):
        raise Refusal("n is not supported by this model")
    if "size" in body and ("aspect_ratio" in body or "resolution" in body):
        raise Refusal("size conflicts with aspect_ratio or resolution")
    if body.get("background") == "transparent" and body.get("output_format", "png") not in ("png", "webp"):
        raise Refusal("transparent needs png or webp")
    if body.get("provider", {}).keys() - _ROUTING:
        raise Refusal("provider: unrecognized_keys")
    for each in body.get("input_references", ()):
        url = each["image_url"]["url"] if set(each) == {"type", "image_url"} else ""
        if each.get("type") != "image_url" or not url.startswith(("https://", "data:image/")):
            raise Refusal("input_references: invalid")


def checked_chat(body: dict[str, Any]) -> None:
    """The same for a chat: one message, of words or of words and pictures."""
    fields = {"model", "messages", "modalities", "image_config", "seed", "user", "session_id", "trace", "provider"}
    if body.keys() - fields or body.get("modalities") not in (["image", "text"], ["image"]):
        raise Refusal(f"unrecognized_keys: {sorted(body.keys() - fields)}")
    config = body.get("image_config", {})
    if config.keys() - {"aspect_ratio", "image_size"} or config.get("aspect_ratio", "1:1") not in _RATIOS:
        raise Refusal("image_config: invalid")
    (message,) = body["messages"]
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if message["role"] != "user" or [each["type"] for each in parts] != ["text", *["image_url"] * (len(parts) - 1)]:
        raise Refusal("messages: invalid")
    if any(not each["image_url"]["url"].startswith(("https://", "data:image/")) for each in parts[1:]):
        raise Refusal("image_url: invalid")
