"""stable-diffusion.cpp's native API on loopback, as strict as its document allows: one job at a time, in a queue."""

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

PAINT = (10, 200, 90)
_INT, _NUMBER, _TEXT = (int,), (int, float), (str,)
_FIELDS: dict[str, tuple[type, ...]] = {
    "prompt": _TEXT,
    "negative_prompt": _TEXT,
    "width": _INT,
    "height": _INT,
    "seed": _INT,
    "batch_count": _INT,
    "strength": _NUMBER,
    "sample_params": (dict,),
    "init_image": _TEXT,
    "ref_images": (list,),
    "mask_image": _TEXT,
    "output_format": _TEXT,
    "output_compression": _INT,
}


@dataclass(slots=True)
class FakeSdCpp:
    """The server; an async context manager."""

    states: list[str] = field(default_factory=lambda: ["queued", "generating", "completed"])
    """What each job goes through; the last one stays."""
    full: int = 0
    """How many submits find the queue full."""
    gone: bool = False
    """True: results were dropped."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    polls: int = 0
    stopped: list[str] = field(default_factory=list)
    _made: dict[str, list[str]] = field(default_factory=dict)
    _serving: Serving | None = None

    @property
    def base_url(self) -> str:
        assert self._serving is not None
        return f"{self._serving.origin}/v1"

    async def __aenter__(self) -> Self:
        jobs = "/sdcpp/v1/jobs/{id}"
        self._serving = Serving(
            [
                Route("/sdcpp/v1/img_gen", self._submit, methods=["POST"]),
                Route(jobs, self._state),
                Route(f"{jobs}/cancel", self._cancel, methods=["POST"]),
            ]
        ).__enter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._serving is not None
        self._serving.__exit__()

    async def _submit(self, request: Request) -> Response:
        body = await request.json()
        if self.full:
            self.full -= 1
            return JSONResponse({"error": "job queue is full"}, 429, {"retry-after": "0"})
        wrong = [name for name, value in body.items() if type(value) not in _FIELDS.get(name, ())]
        if wrong or not body.get("prompt"):
            return JSONResponse({"error": f"invalid generation parameters: {wrong}"}, 400)
        self.bodies.append(body)
        job = f"job_{len(self.bodies)}"
        self._made[job] = [_painted(body)] * body.get("batch_count", 1)
        where = f"/sdcpp/v1/jobs/{job}"
        return JSONResponse({"id": job, "kind": "img_gen", "status": "queued", "created": 1, "poll_url": where}, 202)

    async def _state(self, request: Request) -> Response:
        job = request.path_params["id"]
        self.polls += 1
        if job not in self._made or self.gone:
            return JSONResponse({"error": "job expired" if self.gone else "job not found"}, 410 if self.gone else 404)
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        images = [{"index": index, "b64_json": each} for index, each in enumerate(self._made[job])]
        failed = {"failed": ("generation_failed", "no results"), "cancelled": ("cancelled", "cancelled by client")}
        code, message = failed.get(status, ("", ""))
        return JSONResponse(
            {
                "id": job,
                "kind": "img_gen",
                "status": status,
                "queue_position": 2 if status == "queued" else 0,
                "result": {"output_format": "png", "images": images} if status == "completed" else None,
                "error": {"code": code, "message": message} if code else None,
            }
        )

    async def _cancel(self, request: Request) -> Response:
        """Only what waits can be stopped."""
        if self.states[0] != "queued":
            return JSONResponse({"error": "job is not queued"}, 409)
        self.stopped.append(request.path_params["id"])
        self.states = ["cancelled"]
        return JSONResponse({"id": request.path_params["id"], "status": "cancelled"})


def _painted(body: dict[str, Any]) -> str:
    """A picture of the size that was asked, or that the input has; painted where the mask is white."""
    start = _opened(body["init_image"]) if "init_image" in body else None
    size = (body["width"], body["height"]) if "width" in body else start.size if start else (512, 512)
    still = start.convert("RGB").resize(size) if start else Image.new("RGB", size, (200, 30, 40))
    if "mask_image" in body:
        still.paste(PAINT, mask=_opened(body["mask_image"]).convert("L").resize(size))
    file = io.BytesIO()
    still.save(file, body.get("output_format", "png").upper())
    return base64.b64encode(file.getvalue()).decode()


def _opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
