"""A strict OpenAI-shaped chat on loopback: one question about pictures, and an answer with its tokens."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes.openai_serving import Serving
from PIL import Image
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "chat-test-key-000000000000000"
LOGPROBS = [-0.05, -0.01]
"""Of the answer's tokens."""


@dataclass(slots=True)
class FakeChat:
    """The server; an async context manager."""

    answers: list[tuple[int, Any]] = field(default_factory=list)
    """(status, body) to answer with before anything is looked at."""
    sure: bool = True
    """False: the model refuses to be asked for probabilities."""
    as_number: bool = False
    """True: it is asked for them by a number, and gives them in a list (Together)."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of answers."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    """Sizes of the pictures."""
    _serving: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._serving is not None
        return f"{self._serving.origin}/v1"

    async def __aenter__(self) -> Self:
        paths = ("/v1/chat/completions", "/v1/openai/chat/completions")
        self._serving = Serving([Route(path, self._answer, methods=["POST"]) for path in paths]).__enter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._serving is not None
        self._serving.__exit__()

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        if self.answers:
            status, answer = self.answers.pop(0)
            return JSONResponse(answer, status, self.headers)
        shown = request.headers.get("authorization", "")
        if shown != f"Bearer {KEY}":
            return _error(401, f"Incorrect API key provided: {shown}", "invalid_api_key")
        wish = body.get("logprobs")
        if body.keys() - {"model", "messages", "logprobs"} or (wish is not None and not self._takes(wish)):
            return _error(400, "Unsupported parameter: 'logprobs'", "unsupported_parameter")
        (message,) = body["messages"]
        words, *pictures = message["content"]
        if message["role"] != "user" or words["type"] != "text":
            return _error(400, "Invalid messages", "invalid_value")
        self.seen = [_size(each["image_url"]["url"]) for each in pictures if each["type"] == "image_url"]
        choice = {"index": 0, "message": {"role": "assistant", "content": " yes\n"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 120, "completion_tokens": 2, "total_tokens": 122}
        answer = {"model": f"{body['model']}-001", "choices": [choice | self._sureness(wish)], "usage": usage}
        return JSONResponse(answer, headers=self.headers)

    def _takes(self, wish: Any) -> bool:
        return self.sure and (wish == 1 and type(wish) is int if self.as_number else wish is True)

    def _sureness(self, wish: Any) -> dict[str, Any]:
        if wish is None:
            return {"logprobs": None}
        if self.as_number:
            return {"logprobs": {"tokens": [" yes", "\n"], "token_logprobs": LOGPROBS}}
        return {"logprobs": {"content": [{"token": "t", "logprob": each} for each in LOGPROBS]}}


def _size(url: str) -> tuple[int, int]:
    head, _, text = url.partition(",")
    if not head.startswith("data:image/"):
        raise ValueError(head)
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True))).size


def _error(status: int, message: str, code: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status)
