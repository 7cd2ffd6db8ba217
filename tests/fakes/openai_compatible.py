"""A server that speaks the least of OpenAI's Images API: prompt, model, n and size, and errors as plain text."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Literal, Self

from fakes.openai_painting import picture
from fakes.openai_serving import Serving
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


class CompatibleServer:
    """The server; an async context manager. It knows no key, counts nothing and echoes nothing."""

    def __init__(self, answers: Literal["b64", "url"] = "b64") -> None:
        self._answers = answers
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        routes = [
            Route("/v1/images/generations", self._generations, methods=["POST"]),
            Route("/files/{number}.png", self._file),
        ]
        self._serving = Serving(routes)
        self.base_url = f"{self._serving.origin}/v1"

    async def __aenter__(self) -> Self:
        self._serving.__enter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._serving.__exit__()

    async def _generations(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if strays := sorted(body.keys() - {"prompt", "model", "n", "size"}):
            return JSONResponse({"error": f"unknown field: {strays[0]}"}, 400)
        return JSONResponse({"data": [self._picture(body, number) for number in range(body.get("n", 1))]})

    def _picture(self, body: dict[str, Any], number: int) -> dict[str, str]:
        if self._answers == "url":
            return {"url": f"{self._serving.origin}/files/{number}.png"}
        return {"b64_json": base64.b64encode(_drawn(body.get("size", "512x512"), number)).decode()}

    async def _file(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        return Response(_drawn("512x512", int(request.path_params["number"])), media_type="image/png")


def _drawn(size: str, number: int) -> bytes:
    return picture({"size": size, "output_format": "png", "background": None, "output_compression": None}, number)
