"""OpenRouter before the suite that any provider runs."""

from __future__ import annotations

from fakes.openrouter import KEY, FakeOpenRouter
from samples import WIRE

from imagegen.testing import ProviderSuite, Refusal, recorded


class TestOpenRouter(ProviderSuite):
    """The images endpoint."""

    model = "openrouter:openai/gpt-image-2"
    key = KEY
    refusals = (Refusal(recorded(WIRE / "openrouter" / "error_403_moderation.json")),)

    def fake(self):
        return FakeOpenRouter()

    def error(self, message):
        return {"error": {"code": 400, "message": message}}
