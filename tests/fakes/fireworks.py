"""A strict Fireworks on loopback: pictures at once, and Kontext's jobs, which are asked about with POST; 2026-11-22."""

from __future__ import annotations

import base64
import email.parser
import email.policy
import io
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes.openai_serving import Serving
from PIL import Image
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

KEY = "fw-test-key-000000000000"
_FLUX = {"aspect_ratio": str, "seed": int, "num_inference_steps": int, "guidance_scale": (int, float)}
_KONTEXT = {
    "aspect_ratio": str,
    "seed": int,
    "output_format": str,
    "safety_tolerance": int,
    "prompt_upsampling": bool,
    "input_image": str,
}
_SDXL = {"width": int, "height": int, "negative_prompt": str, "samples": int, **_FLUX, "cfg_scale": float, "steps": int}
_FORM = {
    "prompt",
    "negative_prompt",
    "init_image_mode",
    "image_strength",
    "width",
    "height",
    "seed",
    "steps",
    "cfg_scale",
}
_PREFIX = "/inference/v1"


@dataclass(slots=True)
class FakeFireworks:
    """The API and its files; an async context manager."""

    states: list[str] = field(default_factory=lambda: ["Pending", "Ready"])
    next_answers: list[tuple[int, bytes, str]] = field(default_factory=list)
    """Status, body and type of answers to submits."""
    finish: str = "SUCCESS"
    bodies: list[dict[str, Any]] = field(default_factory=list)
    polls: list[dict[str, Any]] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    _api: Serving | None = None
    _files: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._api is not None
        return self._api.origin + _PREFIX

    async def __aenter__(self) -> Self:
        flux = _PREFIX + "/workflows/accounts/fireworks/models/{model}"
        older = _PREFIX + "/image_generation/accounts/fireworks/models/{model}"
        self._files = Serving([Route("/sample.jpeg", self._file)]).__enter__()
        self._api = Serving(
            [
                Route(f"{flux}/text_to_image", self._at_once, methods=["POST"]),
                Route(f"{flux}/get_result", self._poll, methods=["POST"]),
                Route(flux, self._submit, methods=["POST"]),
                Route(older, self._older, methods=["POST"]),
                Route(f"{older}/image_to_image", self._from_picture, methods=["POST"]),
            ]
        ).__enter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        for server in (self._api, self._files):
            assert server is not None
            server.__exit__()

    async def _refused(self, request: Request, fields: dict[str, Any], models: tuple[str, ...]) -> Response | None:
        body = await request.json()
        self.bodies.append(body)
        if self.next_answers:
            status, content, kind = self.next_answers.pop(0)
            return Response(content, status, media_type=kind)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "Invalid API key", "code": "unauthorized"}}, 401)
        if not request.path_params["model"].startswith(models):
            return PlainTextResponse("Not Found", 404)
        wrong = [name for name, value in body.items() if name != "prompt" and not _fits(fields, name, value)]
        if wrong or not body.get("prompt"):
            return PlainTextResponse(f"Bad Request: {wrong[0] if wrong else 'prompt'}", 400)
        return None

    async def _at_once(self, request: Request) -> Response:
        if (answer := await self._refused(request, _FLUX, ("flux-1",))) is not None:
            return answer
        return self._pictures(request, 1)

    async def _older(self, request: Request) -> Response:
        if (answer := await self._refused(request, _SDXL, ("stable-diffusion",))) is not None:
            return answer
        return self._pictures(request, self.bodies[-1].get("samples", 1))

    async def _from_picture(self, request: Request) -> Response:
        """A form: how much of the file stays has to be said."""
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + await request.body()).iter_parts()
        found = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True) for part in parts
        }
        Image.open(io.BytesIO(found.pop("init_image"))).verify()
        self.bodies.append({name: value.decode() for name, value in found.items()})
        if found.keys() - _FORM or not 0 < float(found["image_strength"]) <= 1:
            return PlainTextResponse(f"Bad Request: {sorted(found.keys() - _FORM)}", 400)
        return self._pictures(request, 1)

    def _pictures(self, request: Request, count: int) -> Response:
        filtered = self.finish == "CONTENT_FILTERED"
        content = _picture("PNG", (0, 0, 0) if filtered else (200, 30, 40))
        if request.headers.get("accept") != "application/json":
            return Response(content, media_type="image/png")
        inside = ["data:image/png;base64," + base64.b64encode(content).decode()] * count
        seed = self.bodies[-1].get("seed", 4711)
        return JSONResponse({"id": "x", "base64": inside, "finishReason": self.finish, "seed": seed})

    async def _submit(self, request: Request) -> Response:
        if (answer := await self._refused(request, _KONTEXT, ("flux-kontext",))) is not None:
            return answer
        return JSONResponse({"request_id": str(uuid.uuid4())})

    async def _poll(self, request: Request) -> Response:
        assert self._files is not None
        self.polls.append(await request.json())
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        sample = {"sample": f"{self._files.origin}/sample.jpeg"}
        return JSONResponse(
            {"id": self.polls[-1]["id"], "status": state, "result": sample if state == "Ready" else None}
        )

    async def _file(self, request: Request) -> Response:
        if "authorization" in request.headers:
            self.leaks.append(str(request.url))
        return Response(_picture("JPEG", (10, 200, 90)), media_type="image/jpeg")


def _fits(fields: dict[str, Any], name: str, value: Any) -> bool:
    kind = fields.get(name)
    return kind is not None and isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _picture(kind: str, colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, kind)
    return file.getvalue()
