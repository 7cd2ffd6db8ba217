"""Fireworks before the suite that any provider runs."""

from __future__ import annotations

from fakes.fireworks import KEY, FakeFireworks
from samples import WIRE

from imagegen.testing import Answer, ProviderSuite, Refusal, recorded


class TestFireworks(ProviderSuite):
    """A model that answers at once."""

    model = "fireworks:flux-1-dev-fp8"
    key = KEY
    paints_sizes = False
    refusals = (Refusal(recorded(WIRE / "fireworks" / "text_to_image_filtered_200.json")),)

    def fake(self):
        return FakeFireworks()


class TestFireworksJobs(TestFireworks):
    """A model that is polled."""

    model = "fireworks:flux-kontext-pro"
    refusals = ()
    failed_jobs = (Answer({"id": "a", "status": "Error"}),)
