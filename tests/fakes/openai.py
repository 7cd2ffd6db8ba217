"""A strict Images API on loopback: answers as OpenAI (and Azure) document it, and refuses what they refuse.

Its rules are its own (`openai_rules`, `openai_edit_rules`), not the library's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from fakes.openai_edit_rules import Edit, Upload, checked_edit, read_json, read_multipart
from fakes.openai_painting import edited, picture
from fakes.openai_rules import REFUSED_PICTURE, REFUSED_PROMPT, Refusal, checked, streamed_usage, usage
from fakes.openai_serving import Serving
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

__all__ = ["REFUSED_PICTURE", "REFUSED_PROMPT", "FakeOpenAI", "Received", "Upload", "fake_openai"]

_BLOCKED = {
    "message": "Your request was rejected by the safety system. safety_violations=[violence].",
    "type": "image_generation_user_error",
    "param": None,
    "code": "moderation_blocked",
    "moderation_details": {"moderation_stage": "output", "categories": ["violence"]},
}


@dataclass(slots=True)
class Received:
    """One request as it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    """JSON values, or the fields of a form."""
    uploads: list[Upload] = field(default_factory=list)
    """The file parts of a form."""


@dataclass(slots=True)
class Behaviour:
    """How it answers what it accepts."""

    most_partials: int = 3
    """Fewer unfinished pictures than were asked may come."""
    ending: Literal["completed", "error", "bare error", "nothing"] = "completed"
    """What a stream ends with."""
    noisy: bool = False
    """Pictures are of several MB."""


@dataclass(slots=True)
class FakeOpenAI:
    """The server; a context manager, async or not. Runs in a thread of its own."""

    key: str = "sk-test-0000000000000000"
    token: str = "entra-token-00000000"
    """What Azure takes as a bearer's."""
    deployments: dict[str, str] = field(default_factory=dict)
    """Azure's: the deployment's name to the model's."""
    elsewhere: dict[str, bytes] = field(default_factory=dict)
    """Pictures behind the file ids and URLs that an edit may refer to."""
    certificate: tuple[str, str] | None = None
    svg_author_selection: bool = False
    """The account may, and then must, name the author of an svg."""
    origin: str = ""
    base_url: str = ""
    behaviour: Behaviour = field(default_factory=Behaviour)
    requests: list[Received] = field(default_factory=list)
    submits: int = 0
    """Requests that arrived whole."""
    billed: int = 0
    """Those that were drawn."""
    finished: int = 0
    """Streams that came to what they end with."""
    refusals: list[dict[str, Any]] = field(default_factory=list)
    """The error bodies that were sent, in order."""
    next_answers: deque[tuple[int, Any, dict[str, str]]] = field(default_factory=deque)
    """Status, body and headers to answer with before anything is looked at."""
    _released: threading.Event = field(default_factory=threading.Event)
    _serving: Serving | None = None

    def __enter__(self) -> Self:
        self.release()
        routes = [
            Route(f"{front}/images/{verb}", handler, methods=["POST"])
            for front in ("/v1", "/openai/v1", "/openai/deployments/{deployment}")
            for verb, handler in (("generations", self._generations), ("edits", self._edits))
        ]
        self._serving = Serving(routes, self.certificate).__enter__()
        self.origin = self._serving.origin
        self.base_url = f"{self.origin}/v1"
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._serving is not None
        self.release()
        self._serving.__exit__()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__()

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared: for a server that several tests share."""
        self.requests.clear()
        self.refusals.clear()
        self.next_answers.clear()
        self.submits = self.billed = self.finished = 0
        self.svg_author_selection = False
        self.behaviour = Behaviour()
        self.release()

    def hold(self) -> None:
        """Send a stream's first event only, until `release`."""
        self._released.clear()

    def release(self) -> None:
        """Let what is held go on."""
        self._released.set()

    # What arrives.

    async def _generations(self, request: Request) -> Response:
        started, raw = time.monotonic(), await request.body()
        body = json.loads(raw) if request.headers.get("content-type") == "application/json" else raw
        self._note(request, body)
        return self._canned(started) or self._answer(request, body, None, started)

    async def _edits(self, request: Request) -> Response:
        started, raw = time.monotonic(), await request.body()
        kind = request.headers.get("content-type", "")
        try:
            if kind.startswith("multipart/form-data"):
                edit = read_multipart(kind, raw)
                self._note(request, edit.fields, [*edit.images, *(each for each in (edit.mask, edit.markup) if each)])
            else:
                self._note(request, json.loads(raw))
                if request.url.path.startswith("/openai/"):
                    raise Refusal(415, "UnsupportedMediaType", "Edits are multipart/form-data.")
                edit = read_json(json.loads(raw), self.elsewhere)
        except Refusal as refusal:
            return self._refused(refusal, started)
        return self._canned(started) or self._answer(request, edit.fields, edit, started)

    def _note(self, request: Request, body: Any, uploads: list[Upload] | None = None) -> None:
        address = request.url
        self.requests.append(
            Received(address.path, dict(request.query_params), dict(request.headers), body, uploads or [])
        )
        self.submits += 1

    # What it says.

    def _canned(self, started: float) -> Response | None:
        if not self.next_answers:
            return None
        status, answer, headers = self.next_answers.popleft()
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return Response(content, status, {"content-type": "application/json", **_headers(started), **headers})

    def _answer(self, request: Request, fields: Any, edit: Edit | None, started: float) -> Response:
        try:
            fields = self._of_azure(request, fields) if request.url.path.startswith("/openai/") else fields
            self._check_key(request)
            if edit is not None:
                edit.fields = fields
                asked = checked_edit(edit, self.svg_author_selection)
            else:
                asked = checked(fields, self.svg_author_selection)
        except Refusal as refusal:
            return self._refused(refusal, started)
        self.billed += 1
        if asked["stream"]:
            return StreamingResponse(
                self._events(asked, edit), headers={"content-type": "text/event-stream", **_headers(started)}
            )
        return JSONResponse(self._draw(asked, edit), headers=_headers(started))

    def _refused(self, refusal: Refusal, started: float) -> Response:
        self.refusals.append(refusal.body["error"])
        return JSONResponse(refusal.body, refusal.status, _headers(started))

    def _check_key(self, request: Request) -> None:
        shown = request.headers.get("authorization")
        good = shown == f"Bearer {self.key}"
        if request.url.path.startswith("/openai/"):
            own = request.headers.get("api-key")
            good = (shown, own) in ((f"Bearer {self.token}", None), (None, self.key))
        if not good:
            raise Refusal(401, "invalid_api_key", "Incorrect API key provided: sk-****. Find yours in your account.")

    def _of_azure(self, request: Request, fields: Any) -> dict[str, Any]:
        """The fields with the model that stands behind the deployment."""
        name, version = request.path_params.get("deployment"), request.query_params.get("api-version")
        if name is None and version not in (None, "v1", "preview"):
            raise Refusal(400, "BadRequest", "API version not supported")
        if name is not None and not (version and version[:1].isdigit()):
            raise Refusal(404, "404", "Resource not found")
        if name is not None and "model" in fields:
            raise Refusal(400, "unknown_parameter", "Unknown parameter: 'model'.", "model")
        name = name or fields.get("model")
        if name not in self.deployments:
            raise Refusal(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
        if fields.get("output_format") == "webp":
            raise Refusal(400, "invalid_value", "Supported values are: 'png' and 'jpeg'.", "output_format")
        return {**fields, "model": self.deployments[name]}

    def _picture(self, asked: dict[str, Any], edit: Edit | None, index: int) -> str:
        made = edited(asked, edit) if edit is not None else picture(asked, index, self.behaviour.noisy)
        return base64.b64encode(made).decode()

    def _draw(self, asked: dict[str, Any], edit: Edit | None) -> dict[str, Any]:
        answer = {
            "created": int(time.time()),
            "data": [{"b64_json": self._picture(asked, edit, index)} for index in range(asked["n"])],
            **_echo(asked),
            "usage": usage(asked, _sizes(edit)),
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

    async def _events(self, asked: dict[str, Any], edit: Edit | None) -> AsyncIterator[bytes]:
        """A stream: unfinished pictures, perhaps fewer than asked, then what it ends with."""
        kind = "image_generation" if edit is None else "image_edit"
        partials = min(asked["partial_images"] or 0, self.behaviour.most_partials)
        for index in range(partials):
            shown = {"b64_json": self._picture(asked, None, 5 + index), "partial_image_index": index}
            yield _event(f"{kind}.partial_image", {**shown, "created_at": int(time.time()), **_echo(asked)})
            await asyncio.to_thread(self._released.wait, 30)
        self.finished += 1
        match self.behaviour.ending:
            case "completed":
                counted = streamed_usage(usage(asked, _sizes(edit)), partials)
                final = {"b64_json": self._picture(asked, edit, 0), "created_at": int(time.time()), **_echo(asked)}
                yield _event(f"{kind}.completed", {**final, "usage": counted})
            case "error":
                yield _event("error", {"error": _BLOCKED})
            case "bare error":
                yield f"event: error\ndata: {json.dumps(_BLOCKED)}\n\n".encode()


def fake_openai(**settings: Any) -> FakeOpenAI:
    """A server to be entered: ``async with fake_openai() as server``."""
    return FakeOpenAI(**settings)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data}, separators=(',', ':'))}\n\n".encode()


def _echo(asked: dict[str, Any]) -> dict[str, Any]:
    """The request as it was taken."""
    return {
        "background": "transparent" if asked["background"] == "transparent" else "opaque",
        "output_format": asked["output_format"],
        "quality": asked["quality"],
        "size": asked["size"],
    }


def _sizes(edit: Edit | None) -> list[tuple[int, int]]:
    return [each.opened().size for each in edit.images] if edit is not None else []


def _headers(started: float) -> dict[str, str]:
    return {
        "x-request-id": f"req_{uuid.uuid4().hex}",
        "openai-processing-ms": str(math.ceil((time.monotonic() - started) * 1000)),
        "openai-version": "2020-10-01",
        "openai-organization": "example-org",
    }
