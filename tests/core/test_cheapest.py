"""The cheapest request for one picture, held against what a plan of it says."""

from __future__ import annotations

import pytest
from PIL import Image

import imagegen
from imagegen import money
from imagegen.money.cheapest import Offer

OFFERS = [
    (model, offer)
    for model in imagegen.models()
    for operation in ("generate", "edit")
    if (offer := money.cheapest(model, operation)) is not None
]

NEEDED = {"bfl:flux-pro-1.0-expand": {"left": 64}}
"""Options without which a model does nothing."""


@pytest.mark.parametrize(("model", "offer"), OFFERS, ids=lambda each: getattr(each, "name", None) or each.operation)
def test_a_plan_of_the_offer_costs_what_it_says(model, offer: Offer, tmp_path, monkeypatch):
    """Planned as a real request, every model's cheapest costs at most exactly the price that was offered."""
    monkeypatch.setenv(f"{model.provider.upper().replace('-', '_')}_BASE_URL", "http://127.0.0.1:9/v1")
    images = {}
    if offer.operation == "edit":
        Image.new("RGB", (1024, 1024)).save(tmp_path / "in.png")
        images = {"images": [tmp_path / "in.png"]}
    options = {model.provider: {**offer.options, **NEEDED.get(model.name, {})}}
    plan = imagegen.plan("a", model=model.name, options=options, **images, **offer.fields)
    assert plan.cost.at_most_usd == offer.usd
    assert not plan.adaptations


def test_no_offer_where_it_cannot_or_nobody_knows():
    """A model that cannot edit has no cheapest edit; one whose price is not known has none at all."""
    found = {model.name: model for model in imagegen.models()}
    assert money.cheapest(found["fal:fal-ai/flux/dev"], "edit") is None
    assert money.cheapest(found["openrouter:openai/gpt-image-2"], "generate") is None


def test_quality_and_size_are_chosen():
    """The cheapest of a token-priced model is its lowest quality at its smallest square."""
    (flare,) = (model for model in imagegen.models(provider="openai") if model.id == "gpt-image-2.5-flare")
    assert money.cheapest(flare, "generate").fields == {"quality": "low", "size": "816x816"}
