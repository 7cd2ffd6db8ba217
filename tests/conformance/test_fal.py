"""fal before the suite that any provider runs."""

from __future__ import annotations

from fakes.fal import KEY, FakeFal
from samples import WIRE

from imagegen.testing import ProviderSuite, Refusal, recorded


class TestFal(ProviderSuite):
    """A queue whose result lies behind a second address."""

    model = "fal:fal-ai/flux-2-pro"
    edit_model = "fal:fal-ai/flux-2-pro/edit"
    masked_model = "fal:fal-ai/ideogram/v3/edit"
    key = KEY
    refusals = (Refusal(recorded(WIRE / "fal" / "result_422_content_policy.json"), at="poll"),)

    def fake(self):
        return FakeFal()

    def error(self, message):
        return {"detail": message}
