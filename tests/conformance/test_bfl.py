"""Black Forest Labs before the suite that any provider runs."""

from __future__ import annotations

from fakes.bfl import KEY, FakeBFL
from samples import WIRE

from imagegen.testing import Answer, ProviderSuite, Refusal, recorded


class TestBFL(ProviderSuite):
    """FLUX.2, and the one model that takes a mask."""

    model = "bfl:flux-2-pro"
    masked_model = "bfl:flux-pro-1.0-fill"
    key = KEY
    refusals = (Refusal(recorded(WIRE / "bfl" / "poll_content_moderated_200.json"), at="poll"),)
    failed_jobs = (Answer({"id": "a", "status": "Error", "result": None}),)

    def fake(self):
        return FakeBFL()

    def error(self, message):
        return {"detail": message}
