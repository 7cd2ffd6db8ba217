"""Google before the suite that any provider runs."""

from __future__ import annotations

from fakes.google import KEY, FakeGoogle
from samples import WIRE

from imagegen.testing import ProviderSuite, Refusal, recorded

REFUSALS = ("refusal_prompt_blocked", "refusal_output_image_safety")


class TestGoogle(ProviderSuite):
    """Pictures among the parts of a candidate; refusals with HTTP 200."""

    model = "google:gemini-nano-banana-2.1"
    key = KEY
    refusals = tuple(Refusal(recorded(WIRE / "google" / f"{name}.json")) for name in REFUSALS)

    def fake(self):
        return FakeGoogle()

    def error(self, message):
        return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}
