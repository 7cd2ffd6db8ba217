"""Samples of a provider's requests and answers, as the tests of its translation read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imagegen import Reply

WIRE = Path(__file__).parent / "providers" / "wire"
SHARED = Path(__file__).parents[2] / "shared" / "wire"
"""Samples that hold others' work lie beside the checkout, not in it."""


def sample(provider: str, name: str) -> dict[str, Any]:
    """A request and its answer; the test is skipped where it is a sample of others that is not here."""
    places = [folder / provider / f"{name}.json" for folder in (WIRE, SHARED)]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        pytest.skip(f"the sample {provider}/{name} holds others' work and is not in this checkout")
    return json.loads(found.read_text())


def request_of(provider: str, name: str) -> tuple[str, str, Any]:
    """Method, URL and body of a sample's request."""
    asked = sample(provider, name)["request"]
    return asked["method"], asked["url"], asked["body"]


def reply_of(provider: str, name: str) -> Reply:
    """The answer of a sample."""
    answer = sample(provider, name)["response"]
    return Reply.of(answer["body"], status=answer["status"], headers=answer["headers"])
