"""fal's catalogue: prices, sources, options."""

from __future__ import annotations

from decimal import Decimal

import pytest

import imagegen
from imagegen.catalogue import models_of
from imagegen.secrets import Secret
from imagegen.settings import Settings
from imagegen_providers.fal import FalOptions


@pytest.mark.parametrize(
    ("model", "fields", "amount"),
    [
        ("fal-ai/flux/schnell", {"size": "1024x1024"}, "0.003"),
        ("fal-ai/flux/dev", {"size": "1056x1024", "n": 2}, "0.100"),
        ("fal-ai/flux-2-pro", {"size": "1920x1088"}, "0.045"),
        ("fal-ai/flux-2-pro", {"size": "512x512"}, "0.03"),
        ("fal-ai/nano-banana-2", {"resolution": "4K", "n": 2}, "0.32"),
        ("fal-ai/nano-banana-2", {"options": {"fal": {"resolution": "0.5K", "enable_web_search": True}}}, "0.075"),
        ("fal-ai/nano-banana-pro", {"resolution": "2K"}, "0.15"),
        ("openai/gpt-image-2", {"size": "1024x1024", "quality": "low"}, "0.006"),
        ("openai/gpt-image-2", {"size": "1536x1024"}, None),
        ("openai/gpt-image-2.5/flare/text-to-image", {"size": "1024x1024", "quality": "max"}, "0.21072"),
        ("fal-ai/ideogram/v3", {"options": {"fal": {"rendering_speed": "TURBO"}}}, "0.03"),
        ("fal-ai/recraft/v3/text-to-image", {"n": 2}, "0.08"),
        ("fal-ai/recraft/v3/text-to-image", {"options": {"fal": {"style": "vector_illustration"}}}, "0.08"),
        ("fal-ai/recraft/v3/text-to-image", {"options": {"fal": {"style": "realistic_image/hdr"}}}, None),
        ("fal-ai/bytedance/seedream/v4/text-to-image", {"resolution": "4K"}, "0.03"),
        ("fal-ai/imagen4/preview/ultra", {"aspect_ratio": "16:9"}, "0.06"),
        ("bria/text-to-image/3.2", {}, "0.0398"),
    ],
)
def test_published_prices(model, fields, amount):
    """By picture, tier, quality or begun megapixel; unknown is no number."""
    cost = imagegen.plan("x", model=f"fal:{model}", **fields).cost
    assert cost.amount_usd == (None if amount is None else Decimal(amount))


def test_key_may_be_a_pair(monkeypatch):
    """Id and secret, joined as fal's own client joins them; half a pair is no key, and one key wins over a pair."""
    monkeypatch.setenv("FAL_KEY_ID", "id-0000")
    assert Settings.load().endpoint("fal").api_key is None
    monkeypatch.setenv("FAL_KEY_SECRET", "secret-0000")
    found = Settings.load().endpoint("fal")
    assert isinstance(found.api_key, Secret)
    assert (found.api_key.reveal(), found.sources["api_key"]) == (
        "id-0000:secret-0000",
        "environment FAL_KEY_ID:FAL_KEY_SECRET",
    )
    monkeypatch.setenv("FAL_KEY", "whole-0000")
    assert Settings.load().endpoint("fal").sources["api_key"] == "environment FAL_KEY"


def test_every_fact_has_its_source():
    """And the day it was read."""
    for model in models_of("fal").values():
        rules = [*model.capabilities.parameters.values(), *model.capabilities.options.values(), *model.prices]
        for fact in (model, model.capabilities.sizes, *rules):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)


def test_options_are_those_of_the_provider():
    """What the file names is what the module has; one more is for models that the file does not know."""
    named = {name for model in models_of("fal").values() for name in model.capabilities.options}
    assert named == FalOptions.model_fields.keys() - {"image_field"}
