"""A strict BFL on loopback: submits, jobs and deliveries as its documentation says, refusing what it refuses.

Its rules (`bfl_rules`) are its own, not the library's. Pictures come from a host of their own, which wants no key.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes.bfl_rules import Refusal, checked, cost_of, paint
from fakes.openai_serving import Serving
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "bfl-test-key-000000000000"


@dataclass(slots=True)
class FakeBFL:
    """The two servers; a context manager, async or not."""

    states: list[Any] = field(default_factory=lambda: ["Pending", "Ready"])
    """What polls answer, the last one for ever: a status, or (HTTP status, body)."""
    delivery: list[int] = field(default_factory=lambda: [200])
    """HTTP statuses of downloads, the last one for ever."""
    polling: str = "{origin}/v1/get_result?id={id}"
    next_answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    """Answers to submits, before anything is looked at."""
    elsewhere: dict[str, bytes] = field(default_factory=dict)
    """Pictures behind URLs that a request may name."""
    received: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of submits, as they came."""
    polls: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    """Downloads that came with a key."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    _jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _api: Serving | None = None
    _files: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._api is not None
        return self._api.origin

    def __enter__(self) -> Self:
        self._files = Serving([Route("/results/{id}/sample", self._deliver)]).__enter__()
        submit, poll = Route("/v1/{model}", self._submit, methods=["POST"]), Route("/v1/get_result", self._poll)
        self._api = Serving([poll, submit]).__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        for server in (self._api, self._files):
            assert server is not None
            server.__exit__()

    def forget(self) -> None:
        """Start again with nothing received and nothing prepared: for a server that several tests share."""
        self.states, self.delivery = ["Pending", "Ready"], [200]
        self.polling = "{origin}/v1/get_result?id={id}"
        for each in (self.next_answers, self.received, self.polls, self.refusals, self.leaks):
            each.clear()
        for known in (self.elsewhere, self.pictures, self._jobs):
            known.clear()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__()

    async def _submit(self, request: Request) -> Response:
        body = await request.json()
        self.received.append(body)
        if self.next_answers:
            status, answer, headers = self.next_answers.pop(0)
            return JSONResponse(answer, status, headers)
        try:
            self._check_key(request)
            asked = checked(request.path_params["model"], body, self.elsewhere)
        except Refusal as refusal:
            self.refusals.append(json.dumps(refusal.body))
            return JSONResponse(refusal.body, refusal.status)
        job_id = str(uuid.uuid4())
        self._jobs[job_id], self.pictures[job_id] = asked, paint(asked)
        url = self.polling.format(origin=self.base_url, id=job_id)
        return JSONResponse({"id": job_id, "polling_url": url, **cost_of(asked)})

    def _check_key(self, request: Request) -> None:
        if request.headers.get("x-key") != KEY or "authorization" in request.headers:
            raise Refusal(403, {"detail": "Not authenticated"})

    async def _poll(self, request: Request) -> Response:
        try:
            self._check_key(request)
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status)
        job_id = request.query_params.get("id", "")
        self.polls.append(job_id)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if job_id not in self._jobs:
            state = (404, {"id": job_id, "status": "Task not found", "result": None})
        if not isinstance(state, str):
            status, body = state
            return JSONResponse({"id": job_id, **body} if isinstance(body, dict) else body, status)
        return JSONResponse(self._state(job_id, state))

    def _state(self, job_id: str, status: str) -> dict[str, Any]:
        assert self._files is not None
        ready = {
            "sample": f"{self._files.origin}/results/{job_id}/sample?sig=TEST",
            "prompt": self._jobs[job_id]["body"]["prompt"],
            "seed": self._jobs[job_id]["body"].get("seed", 1234),
            "start_time": 1795341600.1,
            "end_time": 1795341606.4,
            "duration": 6.3,
        }
        return {
            "id": job_id,
            "status": status,
            "result": ready if status == "Ready" else None,
            "progress": 0.35 if status == "Pending" else None,
            "details": {"Moderation Reasons": ["Derivative Works Filter"]} if "Moderated" in status else None,
            "preview": None,
        }

    async def _deliver(self, request: Request) -> Response:
        if {"x-key", "authorization"} & set(request.headers):
            self.leaks.append(str(request.url))
            return Response(status_code=400)
        status = self.delivery.pop(0) if len(self.delivery) > 1 else self.delivery[0]
        if request.query_params.get("sig") != "TEST" or status != 200:
            return Response(status_code=403 if status == 200 else status)
        return Response(self.pictures[request.path_params["id"]], media_type="application/octet-stream")
