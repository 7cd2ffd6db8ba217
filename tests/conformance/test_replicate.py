"""Replicate before the suite that any provider runs."""

from __future__ import annotations

from fakes.replicate import KEY, FakeReplicate
from samples import WIRE

from imagegen.testing import ProviderSuite, Refusal, recorded


class TestReplicate(ProviderSuite):
    """Predictions that are polled, and a model that takes a mask."""

    model = "replicate:black-forest-labs/flux-schnell"
    edit_model = "replicate:black-forest-labs/flux-kontext-pro"
    masked_model = "replicate:black-forest-labs/flux-fill-pro"
    key = KEY
    refusals = (Refusal(recorded(WIRE / "replicate" / "failed_safety.json"), at="poll"),)

    def fake(self):
        return FakeReplicate()

    def error(self, message):
        return {"detail": message}
