"""Samples of a provider's requests and answers, as the tests of its translation read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imagegen import Reply

WIRE = Path(__file__).parent / "providers" / "wire"


def sample(provider: str, name: str) -> dict[str, Any]:
    """A request and its answer."""
    return json.loads((WIRE / provider / f"{name}.json").read_text())


def request_of(provider: str, name: str) -> tuple[str, str, Any]:
    """Method, URL and body of a sample's request."""
    asked = sample(provider, name)["request"]
    return asked["method"], asked["url"], asked["body"]


def reply_of(provider: str, name: str) -> Reply:
    """The answer of a sample."""
    answer = sample(provider, name)["response"]
    return Reply.of(answer["body"], status=answer["status"], headers=answer["headers"])
