"""xAI before the suite that any provider runs."""

from __future__ import annotations

from fakes.xai import KEY, REFUSED, FakeXAI

from imagegen.testing import Answer, ProviderSuite, Refusal


class TestXAI(ProviderSuite):
    """Grok Imagine 2.0."""

    model = "xai:grok-imagine-image-2.0"
    key = KEY
    refusals = (Refusal(Answer(REFUSED, 400)),)

    def fake(self):
        return FakeXAI()
