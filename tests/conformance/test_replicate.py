"""Replicate before the suite that any provider runs."""

from __future__ import annotations

from fakes.replicate import KEY, FakeReplicate
from samples import WIRE

from imagegen.testing import Answer, ProviderSuite, Refusal, recorded


class TestReplicate(ProviderSuite):
    """Predictions that are polled, and a model that takes a mask."""

    model = "replicate:black-forest-labs/flux-schnell"
    edit_model = "replicate:black-forest-labs/flux-kontext-pro"
    masked_model = "replicate:black-forest-labs/flux-fill-pro"
    key = KEY
    paints_sizes = False
    refusals = (Refusal(recorded(WIRE / "replicate" / "failed_safety.json"), at="poll"),)
    failed_jobs = (Answer({"id": "a", "status": "failed", "error": "out of memory"}),)

    def fake(self):
        return FakeReplicate()

    def error(self, message):
        return {"detail": message}
