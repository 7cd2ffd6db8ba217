"""The real OpenAI, asked once for the cheapest picture; runs only where a key is set."""

from __future__ import annotations

import os

import pytest

import imagegen

KEY = os.environ.get("OPENAI_API_KEY")
pytestmark = [pytest.mark.live, pytest.mark.skipif(not KEY, reason="OPENAI_API_KEY is not set")]


def test_cheapest_picture():
    """One small picture at low quality comes back with its cost by usage."""
    with imagegen.Client(connections={"openai": imagegen.Connection(api_key=KEY)}) as client:
        result = client.generate(
            "a red circle", model="openai:gpt-image-2.5-flare", quality="low", size="1024x640", max_usd="0.02"
        )
    assert result.cost.source == "usage"
    assert (result.image.width, result.image.height) == (1024, 640)
