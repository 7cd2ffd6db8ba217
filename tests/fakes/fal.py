"""A strict fal on loopback: its queue and its files, as its documentation says, refusing what it refuses.

The addresses that a submit hands out hold the owner and the app only, and a word of their own, so that nobody can
build them. Files come from a host of their own, which wants no key.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes.fal_rules import FIELDS, Refusal, checked, paint
from fakes.openai_serving import Serving
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "fal-test-key:0000000000000000"
REFUSED = {
    "loc": ["body", "prompt"],
    "msg": "The content could not be processed because it was flagged by a content checker.",
    "type": "content_policy_violation",
}


@dataclass(slots=True)
class FakeFal:
    """The two servers; a context manager, async or not."""

    states: list[Any] = field(default_factory=lambda: ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"])
    """What the status says, the last one for ever: a word, or (HTTP status, body)."""
    result: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    """Answers of the result's address, before the true one."""
    unsafe: list[bool] = field(default_factory=list)
    next_answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    """Answers to submits, before anything is looked at."""
    elsewhere: dict[str, bytes] = field(default_factory=dict)
    received: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    polls: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    refusals: list[Any] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    _jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _queue: Serving | None = None
    _media: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._queue is not None
        return self._queue.origin

    def __enter__(self) -> Self:
        self._media = Serving([Route("/files/b/tiger/{name}", self._file)]).__enter__()
        front = "/{owner}/{app}/requests/{id}-hidden"
        self._queue = Serving(
            [
                Route(f"{front}/status", self._status),
                Route(f"{front}/cancel", self._cancel, methods=["PUT"]),
                Route(front, self._result),
                Route("/{model:path}", self._submit, methods=["POST"]),
            ]
        ).__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        for server in (self._queue, self._media):
            assert server is not None
            server.__exit__()

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared: for a server that several tests share."""
        self.states = ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
        for each in (self.result, self.unsafe, self.next_answers, self.received, self.headers, self.polls):
            each.clear()
        for noted in (self.cancelled, self.refusals, self.leaks):
            noted.clear()
        for known in (self.elsewhere, self.files, self._jobs):
            known.clear()

    @staticmethod
    def _stranger(request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Key {KEY}":
            return None
        return JSONResponse({"detail": "No user found for Key ID and Secret"}, 401)

    async def _submit(self, request: Request) -> Response:
        body, model = await request.json(), request.path_params["model"]
        self.received.append(body)
        self.headers.append(dict(request.headers))
        if self.next_answers:
            status, answer, headers = self.next_answers.pop(0)
            return JSONResponse(answer, status, headers)
        if (answer := self._stranger(request)) is not None:
            return answer
        if model not in FIELDS:
            return JSONResponse({"detail": f"Application '{model}' not found"}, 404)
        request_id = str(uuid.uuid4())
        self._jobs[request_id] = self._made(model, body)
        return JSONResponse({"status": "IN_QUEUE", "queue_position": 3, **self._addresses(model, request_id)})

    def _addresses(self, model: str, request_id: str) -> dict[str, str]:
        owner, app, *_ = model.split("/")
        url = f"{self.base_url}/{owner}/{app}/requests/{request_id}-hidden"
        return {
            "request_id": request_id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
        }

    def _made(self, model: str, body: Any) -> dict[str, Any]:
        """The model is asked when its turn comes, so a bad field is found in the result, as at the real one."""
        assert self._media is not None
        try:
            pictures = paint(model, body, checked(model, body, self.elsewhere))
        except Refusal as refusal:
            self.refusals.append(refusal.detail)
            return {"model": model, "status": 422, "answer": {"detail": refusal.detail}}
        images = []
        for content in pictures:
            name = f"{uuid.uuid4().hex}.png"
            self.files[name] = content
            url = f"{self._media.origin}/files/b/tiger/{name}"
            if body.get("sync_mode"):
                url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
            images.append({"url": url, "content_type": "image/png", "file_name": name, "width": 1, "height": 1})
        flags = (self.unsafe + [False] * len(images))[: len(images)]
        timed = {"timings": {"inference": 4.7}, "seed": body.get("seed", 1234), "prompt": body["prompt"]}
        return {"model": model, "status": 200, "answer": {"images": images, "has_nsfw_concepts": flags, **timed}}

    async def _status(self, request: Request) -> Response:
        request_id = request.path_params["id"]
        self.polls.append(str(request.url.query))
        if (answer := self._stranger(request)) is not None:
            return answer
        if request_id not in self._jobs:
            return JSONResponse({"detail": "Request not found"}, 404)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if not isinstance(state, str):
            return JSONResponse(state[1], state[0])
        said: dict[str, Any] = {"status": state, **self._addresses(self._jobs[request_id]["model"], request_id)}
        if state == "IN_QUEUE":
            said["queue_position"] = 2
        elif request.query_params.get("logs") == "1":
            said["logs"] = [{"message": "step 3/20", "level": "INFO", "source": "USER", "timestamp": "now"}]
        return JSONResponse(said, 200 if state == "COMPLETED" else 202)

    async def _result(self, request: Request) -> Response:
        if (answer := self._stranger(request)) is not None:
            return answer
        if self.result:
            status, body, headers = self.result.pop(0)
            return JSONResponse(body, status, headers)
        job = self._jobs.get(request.path_params["id"])
        if job is None:
            return JSONResponse({"detail": "Request not found"}, 404)
        return JSONResponse(job["answer"], job["status"], {"x-fal-retryable": "false"})

    async def _cancel(self, request: Request) -> Response:
        if (answer := self._stranger(request)) is not None:
            return answer
        if self.states[0] == "COMPLETED":
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        self.cancelled.append(request.path_params["id"])
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    async def _file(self, request: Request) -> Response:
        if "authorization" in request.headers:
            self.leaks.append(str(request.url))
            return Response(status_code=400)
        return Response(self.files[request.path_params["name"]], media_type="image/png")
