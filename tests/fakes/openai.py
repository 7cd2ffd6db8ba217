"""A strict Images API on loopback: answers as OpenAI documents it, and refuses what OpenAI refuses.

Its rules are its own (`openai_rules`), not the library's. ``POST /images/generations`` only; no streams yet.
"""

from __future__ import annotations

import base64
import io
import json
import math
import socket
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from fakes.openai_rules import REFUSED_PICTURE, REFUSED_PROMPT, Refusal, checked, usage
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["REFUSED_PICTURE", "REFUSED_PROMPT", "FakeOpenAI", "fake_openai"]


@dataclass(slots=True)
class Received:
    """One request as it came."""

    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class FakeOpenAI:
    """The server; a context manager, async or not. Runs in a thread of its own."""

    key: str = "sk-test-0000000000000000"
    svg_author_selection: bool = False
    """The account may, and then must, name the author of an svg."""
    base_url: str = ""
    requests: list[Received] = field(default_factory=list)
    submits: int = 0
    """Requests that arrived whole."""
    billed: int = 0
    """Those that were drawn."""
    refusals: list[dict[str, Any]] = field(default_factory=list)
    """The error bodies that were sent, in order."""
    next_answers: deque[tuple[int, Any, dict[str, str]]] = field(default_factory=deque)
    """Status, body and headers to answer with before anything is looked at."""
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        app = Starlette(routes=[Route("/v1/images/generations", self._generations, methods=["POST"])])
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(10)

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared: for a server that several tests share."""
        self.requests.clear()
        self.refusals.clear()
        self.next_answers.clear()
        self.submits = self.billed = 0
        self.svg_author_selection = False

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__()

    async def _generations(self, request: Request) -> Response:
        started, raw = time.monotonic(), await request.body()
        body = json.loads(raw) if request.headers.get("content-type") == "application/json" else raw
        self.requests.append(Received(dict(request.headers), body))
        self.submits += 1
        if self.next_answers:
            status, answer, headers = self.next_answers.popleft()
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            return Response(content, status, {"content-type": "application/json", **_headers(started), **headers})
        try:
            self._check_key(request)
            answer = self._draw(checked(body, self.svg_author_selection))
        except Refusal as refusal:
            self.refusals.append(refusal.body["error"])
            return JSONResponse(refusal.body, refusal.status, _headers(started))
        self.billed += 1
        return JSONResponse(answer, headers=_headers(started))

    def _check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refusal(401, "invalid_api_key", "Incorrect API key provided: sk-****. Find yours in your account.")

    def _draw(self, asked: dict[str, Any]) -> dict[str, Any]:
        pictures = [base64.b64encode(picture(asked, index)).decode() for index in range(asked["n"])]
        answer = {
            "created": int(time.time()),
            "background": "transparent" if asked["background"] == "transparent" else "opaque",
            "data": [{"b64_json": each} for each in pictures],
            "output_format": asked["output_format"],
            "quality": asked["quality"],
            "size": asked["size"],
            "usage": usage(asked),
        }
        if asked["safety_identifier"]:
            answer["safety_identifier"] = asked["safety_identifier"]
        if asked["output_format"] == "svg":
            author = (asked["svg"] or {}).get("model", "default-author")
            answer["svg_usage"] = {
                "input_tokens": 1204,
                "model": author,
                "output_tokens": 3310,
                "reasoning_tokens": 512,
                "total_tokens": 4514,
            }
        return answer


def fake_openai(**settings: Any) -> FakeOpenAI:
    """A server to be entered: ``async with fake_openai() as server``."""
    return FakeOpenAI(**settings)


def _headers(started: float) -> dict[str, str]:
    return {
        "x-request-id": f"req_{uuid.uuid4().hex}",
        "openai-processing-ms": str(math.ceil((time.monotonic() - started) * 1000)),
        "openai-version": "2020-10-01",
        "openai-organization": "example-org",
    }


def picture(asked: dict[str, Any], index: int) -> bytes:
    """A real file of the asked size and format."""
    width, height = map(int, asked["size"].split("x"))
    kind, file, colour = asked["output_format"], io.BytesIO(), (200, 30 + 20 * index, 40)
    if kind == "svg":
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        return f'{head}<rect width="9" height="9" fill="#c81e28"/></svg>'.encode()
    if kind == "gif":
        frames = [Image.new("P", (width, height), number) for number in range(asked["frame_count"])]
        duration = round(asked["frame_duration_ms"], -1)
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)
        return file.getvalue()
    clear = asked["background"] == "transparent"
    still = Image.new("RGBA", (width, height), (*colour, 128)) if clear else Image.new("RGB", (width, height), colour)
    still.save(file, kind.upper(), quality=asked["output_compression"] or 100, compress_level=1)
    return file.getvalue()
