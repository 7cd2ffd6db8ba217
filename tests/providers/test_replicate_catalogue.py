"""Replicate's catalogue: prices, sources, options, and who may get the key."""

from __future__ import annotations

from decimal import Decimal

import httpx2
import pytest

import imagegen
from imagegen.catalogue import facts_of, models_of
from imagegen.http.connection import HttpConnection
from imagegen.settings import Settings
from imagegen_providers.replicate import ReplicateOptions


@pytest.mark.parametrize(
    ("model", "fields", "amount"),
    [
        ("black-forest-labs/flux-schnell", {"n": 2}, "0.006"),
        ("black-forest-labs/flux-1.1-pro-ultra", {}, "0.06"),
        ("black-forest-labs/flux-kontext-max", {}, "0.08"),
        ("recraft-ai/recraft-v3-svg", {}, "0.08"),
        ("black-forest-labs/flux-2-pro", {}, None),
        ("ideogram-ai/ideogram-v3-quality", {}, None),
    ],
)
def test_published_prices(model, fields, amount):
    """By picture; unknown is no number."""
    cost = imagegen.plan("x", model=f"replicate:{model}", **fields).cost
    assert cost.amount_usd == (None if amount is None else Decimal(amount))


def test_every_fact_has_its_source():
    """And the day it was read."""
    for model in models_of("replicate").values():
        rules = [*model.capabilities.parameters.values(), *model.capabilities.options.values(), *model.prices]
        for fact in (model, model.capabilities.sizes, *rules):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)


def test_options_are_those_of_the_provider():
    """What the file names is what the module has; two more are for models that the file does not know."""
    named = {name for model in models_of("replicate").values() for name in model.capabilities.options}
    assert named == ReplicateOptions.model_fields.keys() - {"image_field", "mask_field"}


def test_results_are_kept_for_an_hour():
    """So a job in the ledger says until when it can be collected."""
    assert facts_of("replicate").results_kept_s == 3600


@pytest.mark.parametrize(
    ("host", "may"), [("api.replicate.com", True), ("replicate.delivery", False), ("pbxt.replicate.delivery", False)]
)
def test_key_goes_to_the_api_only(host, may):
    """Never to where the pictures lie."""
    endpoint = Settings.load({"replicate": imagegen.Connection(api_key="k" * 20)}).endpoint("replicate")
    assert HttpConnection(endpoint)._may_have_key(httpx2.URL(f"https://{host}/v1/predictions")) is may
