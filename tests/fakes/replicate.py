"""A strict Replicate on loopback: predictions, their list and their files, refusing what it refuses.

Files come from a host of their own, which wants no key.
"""

from __future__ import annotations

import base64
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from fakes.openai_serving import Serving
from fakes.replicate_rules import INPUTS, VERSIONS, Refusal, checked, paint
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "r8_test_token_0000000000000000"
_PROBLEM = "application/problem+json"
_PREFER = re.compile(r"wait(=([1-9]|[1-5][0-9]|60))?")


@dataclass(slots=True)
class FakeReplicate:
    """The two servers; a context manager, async or not."""

    states: list[Any] = field(default_factory=lambda: ["starting", "processing", "succeeded"])
    """What polls say, the last one for ever: a status, (HTTP status, body), or a body's changes."""
    waited: dict[str, Any] = field(default_factory=lambda: {"status": "processing"})
    """What a waited submit says besides its output."""
    inline: bool = False
    """True: a waited submit's pictures are inside the answer."""
    lose_answers: int = 0
    """How many submits are accepted and answered with a gateway's error."""
    next_answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    elsewhere: dict[str, bytes] = field(default_factory=dict)
    page: int = 100
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusals: list[Any] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    _api: Serving | None = None
    _files: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._api is not None
        return f"{self._api.origin}/v1"

    def __enter__(self) -> Self:
        self._files = Serving([Route("/xezq/{name}", self._file)]).__enter__()
        self._api = Serving(
            [
                Route("/v1/models/{owner}/{name}/predictions", self._of_model, methods=["POST"]),
                Route("/v1/predictions", self._of_version, methods=["POST"]),
                Route("/v1/predictions", self._list),
                Route("/v1/predictions/{id}", self._get),
                Route("/v1/predictions/{id}/cancel", self._cancel, methods=["POST"]),
            ]
        ).__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        for server in (self._api, self._files):
            assert server is not None
            server.__exit__()

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared: for a server that several tests share."""
        fresh = FakeReplicate()
        for name in self.__slots__:
            if not name.startswith("_"):
                setattr(self, name, getattr(fresh, name))

    @staticmethod
    def _stranger(request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {KEY}":
            return None
        words = "You did not pass a valid authentication token"
        return JSONResponse(
            {"title": "Unauthenticated", "detail": words, "status": 401}, 401, {"content-type": _PROBLEM}
        )

    async def _of_model(self, request: Request) -> Response:
        model = "{owner}/{name}".format(**request.path_params)
        return await self._submit(request, model if model in INPUTS else None, {"input"})

    async def _of_version(self, request: Request) -> Response:
        version = (await request.json()).get("version")
        return await self._submit(request, VERSIONS.get(version), {"input", "version"})

    async def _submit(self, request: Request, model: str | None, members: set[str]) -> Response:
        body = await request.json()
        self.received.append(body)
        self.headers.append(dict(request.headers))
        if self.next_answers:
            status, answer, headers = self.next_answers.pop(0)
            return JSONResponse(answer, status, headers)
        if (answer := self._stranger(request)) is not None:
            return answer
        prefer = request.headers.get("prefer", "")
        if model is None or body.keys() != members or (prefer and not _PREFER.fullmatch(prefer)):
            words = "The requested resource could not be found."
            return JSONResponse({"detail": words, "status": 404}, 404, {"content-type": _PROBLEM})
        try:
            pictures = paint(model, body["input"], checked(model, body["input"], self.elsewhere))
        except Refusal as refusal:
            self.refusals.append(refusal.problem)
            return JSONResponse(refusal.problem, 422, {"content-type": _PROBLEM})
        made = self._prediction(model, body, pictures)
        if self.lose_answers:
            self.lose_answers -= 1
            return Response("bad gateway", 502)
        if prefer:
            links = [_inline(each) for each in pictures] if self.inline else made["_links"]
            return self._said(made | {"output": links, **self.waited}, 201, {"preference-applied": prefer})
        return self._said(made, 201)

    def _prediction(self, model: str, body: dict[str, Any], pictures: list[bytes]) -> dict[str, Any]:
        assert self._files is not None
        prediction_id, links = uuid.uuid4().hex, []
        for content in pictures:
            name = f"{uuid.uuid4().hex}.bin"
            self.files[name] = content
            links.append(f"{self._files.origin}/xezq/{name}")
        url = f"{self.base_url}/predictions/{prediction_id}"
        self.predictions[prediction_id] = {
            "id": prediction_id,
            "model": model,
            "version": body.get("version", "dp-4d0bcc010b3049749a251855f12800be"),
            "input": body["input"],
            "logs": "",
            "output": None,
            "data_removed": False,
            "error": None,
            "status": "starting",
            "created_at": datetime.fromtimestamp(time.time(), UTC).isoformat().replace("+00:00", "Z"),
            "urls": {"get": url, "cancel": f"{url}/cancel"},
            "_links": links,
        }
        return self.predictions[prediction_id]

    @staticmethod
    def _said(made: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return JSONResponse({name: value for name, value in made.items() if name != "_links"}, status, headers)

    async def _get(self, request: Request) -> Response:
        if (answer := self._stranger(request)) is not None:
            return answer
        made = self.predictions.get(request.path_params["id"])
        if made is None:
            return JSONResponse({"detail": "Not found.", "status": 404}, 404)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, tuple):
            return JSONResponse(state[1], state[0])
        changes = {"status": state} if isinstance(state, str) else dict(state)
        done = changes["status"] == "succeeded"
        return self._said(made | ({"output": made["_links"], "logs": "Using seed: 4711\n"} if done else {}) | changes)

    async def _cancel(self, request: Request) -> Response:
        if (answer := self._stranger(request)) is not None:
            return answer
        self.cancelled.append(request.path_params["id"])
        return self._said(self.predictions[request.path_params["id"]] | {"status": "canceled"})

    async def _list(self, request: Request) -> Response:
        if (answer := self._stranger(request)) is not None:
            return answer
        start = int(request.query_params.get("cursor", "0"))
        self.listed.append(str(start))
        newest = sorted(self.predictions.values(), key=lambda each: each["created_at"], reverse=True)
        page = [{name: each[name] for name in each if name != "_links"} for each in newest[start : start + self.page]]
        more = start + self.page < len(newest)
        following = f"{self.base_url}/predictions?cursor={start + self.page}" if more else None
        return JSONResponse({"next": following, "previous": None, "results": page})

    async def _file(self, request: Request) -> Response:
        if "authorization" in request.headers:
            self.leaks.append(str(request.url))
            return Response(status_code=400)
        return Response(self.files[request.path_params["name"]], media_type="application/octet-stream")


def _inline(picture: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(picture).decode()
