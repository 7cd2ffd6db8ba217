"""A strict generateContent on loopback, as the Gemini API and as Vertex AI, refusing what the documentation refuses."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes.google_rules import MODELS, TOKENS, Refusal, checked, paint
from fakes.openai_serving import Serving
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "google-test-key-00000000000000000000"
TOKEN = "ya29.test-token-0000000000000000"
SIGNATURE = base64.b64encode(bytes(range(256)) * 8).decode()
PROJECT = "/v1/projects/demo/locations/global/publishers/google"


def error(status: int, word: str, message: str, *details: dict[str, Any]) -> Response:
    return JSONResponse(
        {"error": {"code": status, "message": message, "status": word, "details": list(details)}}, status
    )


def counted(prompt: int, pictures: int = 0, image: int = 0, text: int = 0, thoughts: int = 0) -> dict[str, Any]:
    """A usageMetadata: 560 tokens an input picture."""
    modal = {"TEXT": prompt, "IMAGE": pictures * 560}
    found: dict[str, Any] = {
        "promptTokenCount": prompt + pictures * 560,
        "totalTokenCount": prompt + pictures * 560 + image + text + thoughts,
        "promptTokensDetails": [{"modality": name, "tokenCount": n} for name, n in modal.items() if n],
    }
    if image or text:
        found["candidatesTokenCount"] = image + text
    if image:
        found["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": image}]
    if thoughts:
        found["thoughtsTokenCount"] = thoughts
    return found


@dataclass(slots=True)
class FakeGoogle:
    """Both services in one; a context manager, async or not."""

    answers: list[Any] = field(default_factory=list)
    """Bodies to answer with HTTP 200, or (status, body), before the true one."""
    drafts: int = 0
    """Thoughts with a picture before the picture."""
    received: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    painted: list[bytes] = field(default_factory=list)
    _serving: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._serving is not None
        return f"{self._serving.origin}/v1beta"

    @property
    def vertex_url(self) -> str:
        assert self._serving is not None
        return self._serving.origin + PROJECT

    def __enter__(self) -> Self:
        routes = [
            Route("/v1beta/models/{model}:generateContent", self._gemini, methods=["POST"]),
            Route(PROJECT + "/models/{model}:generateContent", self._vertex, methods=["POST"]),
        ]
        self._serving = Serving(routes).__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._serving is not None
        self._serving.__exit__()

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared."""
        self.drafts = 0
        for each in (self.answers, self.received, self.headers, self.refusals, self.painted):
            each.clear()

    async def _gemini(self, request: Request) -> Response:
        if request.headers.get("x-goog-api-key") != KEY or "authorization" in request.headers or request.url.query:
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            return error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", info)
        return await self._answer(request, vertex=False)

    async def _vertex(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}" or "x-goog-api-key" in request.headers:
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        return await self._answer(request, vertex=True)

    async def _answer(self, request: Request, *, vertex: bool) -> Response:
        body, model = await request.json(), request.path_params["model"]
        self.received.append(body)
        self.headers.append(dict(request.headers))
        if self.answers:
            prepared = self.answers.pop(0)
            status, answer = prepared if isinstance(prepared, tuple) else (200, prepared)
            return JSONResponse(answer, status)
        if model not in MODELS:
            return error(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta")
        try:
            pictures = checked(model, body, vertex=vertex)
        except Refusal as refusal:
            self.refusals.append(str(refusal))
            return error(400, "INVALID_ARGUMENT", str(refusal))
        config = body["generationConfig"]
        parts = [self._draft()] * self.drafts + self._parts(config, pictures)
        image = 0 if config["responseModalities"] == ["TEXT"] else self._tokens(config)
        text = 9 if "TEXT" in config["responseModalities"] else 0
        made = {
            "candidates": [
                {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "avgLogprobs": -0.01, "index": 0}
            ],
            "usageMetadata": counted(14, len(pictures), image, text, 200),
            "modelVersion": f"{model}-001",
            "responseId": "resp-1",
        }
        return JSONResponse(made)

    def _parts(self, config: dict[str, Any], pictures: list[Any]) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"text": "yes"}] if "TEXT" in config["responseModalities"] else []
        if "IMAGE" in config["responseModalities"]:
            media_type, content = paint(config, pictures)
            self.painted.append(content)
            data = base64.b64encode(content).decode()
            parts.append({"inlineData": {"mimeType": media_type, "data": data}, "thoughtSignature": SIGNATURE})
        return parts

    @staticmethod
    def _draft() -> dict[str, Any]:
        media_type, content = paint({}, [])
        data = base64.b64encode(content).decode()
        return {"thought": True, "inlineData": {"mimeType": media_type, "data": data}}

    @staticmethod
    def _tokens(config: dict[str, Any]) -> int:
        return TOKENS[config.get("imageConfig", {}).get("imageSize", "1K")]
