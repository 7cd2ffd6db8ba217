"""What the tests of the core share: pictures, good answers of two providers, clients that ask a loopback server."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image

import imagegen
from imagegen.testing.faults import Answer, FaultServer, Received

KEY = "canary-4f9d1c7e-key"


def png(width: int = 64, height: int = 64, colour: str = "red") -> bytes:
    """A whole PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


PNG = png()
B64 = base64.b64encode(PNG).decode()


def openai_answer(received: Received) -> Answer:
    """As many pictures as were asked, in the shape of OpenAI's Images API."""
    return Answer(
        {"created": 1, "data": [{"b64_json": B64}] * received.json().get("n", 1)}, headers={"x-request-id": "r"}
    )


def acme_answer(received: Received) -> Answer:
    """As many pictures as were asked, in Acme's shape."""
    return Answer({"pictures": [{"data": B64}] * received.json().get("count", 1)})


ANSWERS = {"openai:gpt-image-2": openai_answer, "acme:sketch": acme_answer}
ERRORS: dict[str, Any] = {
    "openai:gpt-image-2": lambda code, message="no": {
        "error": {"message": message, "type": "t", "param": None, "code": code}
    },
    "acme:sketch": lambda code, message="no": {"error": {"code": code, "message": message}},
}


def client(server: FaultServer | str, **settings: Any) -> imagegen.AsyncClient:
    """A client whose every connection leads to ``server``."""
    url = server if isinstance(server, str) else server.url
    connections = {name: imagegen.Connection(api_key=KEY, base_url=url) for name in ("openai", "acme", "acme-jobs")}
    return imagegen.AsyncClient(**{"connections": connections, "timeout_s": 20, **settings})


def states(attempts: Any) -> list[str]:
    """The states of attempts, in order."""
    return [attempt.state.value for attempt in attempts]


def spooled(folder: Path) -> list[str]:
    """What lies in a spool."""
    return sorted(each.name for each in folder.rglob("*")) if folder.exists() else []
