"""BFL's catalogue: prices, sources, and which hosts may get its key."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from PIL import Image

import imagegen
from imagegen.catalogue import facts_of, models_of
from imagegen.http.connection import HttpConnection
from imagegen.settings import Settings
from imagegen_providers.bfl import BFLOptions


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (256, 256), (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


def plan(model: str, **fields: Any) -> imagegen.Plan:
    return imagegen.plan("x", model=f"bfl:{model}", **fields)


@pytest.mark.parametrize(
    ("model", "fields", "amount"),
    [
        ("flux-3-image", {}, "0.048"),
        ("flux-3-image", {"resolution": "4K"}, "0.607"),
        ("flux-3-image", {"options": {"bfl": {"resolution": "768sq"}}}, "0.041"),
        ("flux-3-image", {"options": {"bfl": {"resolution": "1.5k"}}}, None),
        ("flux-3-image-klein", {"resolution": "2K"}, "0.014"),
        ("flux-2-pro", {}, "0.03"),
        ("flux-2-pro", {"size": "2048x2048"}, "0.075"),
        ("flux-2-pro", {"size": "1024x1024", "images": [png()]}, "0.045"),
        ("flux-2-max", {"size": "1024x1024", "images": [png(), png()]}, "0.13"),
        ("flux-2-klein-9b", {"size": "2048x1024"}, "0.017"),
        ("flux-2-flex", {}, "0.05"),
        ("flux-pro-1.1", {"n": 3}, "0.12"),
        ("flux-pro-1.1-ultra", {}, "0.06"),
        ("flux-kontext-max", {}, "0.08"),
        ("flux-dev", {}, "0.025"),
    ],
)
def test_published_prices(model, fields, amount):
    """The price list, by tier or by megapixel of output and input; unknown is no number."""
    assert plan(model, **fields).cost.amount_usd == (None if amount is None else Decimal(amount))


def test_every_fact_has_its_source():
    """And the day it was read."""
    for model in models_of("bfl").values():
        rules = [
            *model.capabilities.parameters.values(),
            *model.capabilities.options.values(),
            model.capabilities.sizes,
        ]
        for fact in (model, *rules, *model.prices):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)


def test_options_are_those_of_the_provider():
    """What the file names is what the module has."""
    named = {name for model in models_of("bfl").values() for name in model.capabilities.options}
    assert named == set(BFLOptions.model_fields)


@pytest.mark.parametrize(
    ("base_url", "host", "may"),
    [
        ("https://api.bfl.ai", "api.us2.bfl.ai", True),
        ("https://api.eu.bfl.ai", "api.eu4.bfl.ai", True),
        ("https://api.bfl.ai", "delivery-us1.bfl.ai", False),
        ("https://api.bfl.ai", "api.bfl.ai.evil.example", False),
        ("https://proxy.example", "api.bfl.ai", False),
    ],
)
def test_key_goes_to_bfls_own_hosts(base_url, host, may):
    """To sibling regions too, since that is where polling URLs lead; never to a delivery host."""
    connection = imagegen.Connection("bfl", base_url=base_url, api_key="k" * 20)
    endpoint = Settings.load({"bfl": connection}).endpoint("bfl")
    assert HttpConnection(endpoint)._may_have_key(httpx2.URL(f"https://{host}/v1/get_result")) is may
    assert facts_of("bfl").key_header == "x-key"
