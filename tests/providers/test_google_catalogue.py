"""Google's catalogue: prices, sources, options; against genai-prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from genai_prices.data import providers

import imagegen
from imagegen import UnsupportedError
from imagegen.catalogue import models_of
from imagegen.money import price_before
from imagegen.types.job import Task
from imagegen.types.request import ImageRequest
from imagegen_providers.google import JUDGE, GoogleOptions

MODELS = models_of("google")


@pytest.mark.parametrize(
    ("model", "tier", "picture"),
    [
        ("gemini-nano-banana-2.1", "1K", "0.0336"),
        ("gemini-nano-banana-2.1", "4K", "0.1134"),
        ("gemini-3-pro-image", "2K", "0.1344"),
        ("gemini-3-pro-image", "4K", "0.24"),
        ("gemini-3.1-flash-lite-image", "1K", "0.0336"),
        ("gemini-3.1-flash-image", "1K", "0.0672"),
        ("gemini-2.5-flash-image", None, "0.0387"),
    ],
)
def test_known_part_is_the_price_of_the_picture(model, tier, picture):
    """By tier; words and thoughts come on top, at most a window of them, so the whole is a range."""
    known = MODELS[model]
    task = Task(ImageRequest(prompt="x", resolution=tier), model, "generate", capabilities=known.capabilities)
    cost = price_before(known, task)
    words = {line.billable: line.usd for line in known.prices}["text_input_tokens"] / 1_000_000
    assert cost.known_usd - words == Decimal(picture)
    assert cost.amount_usd is None
    assert cost.at_most_usd > cost.known_usd


def test_every_fact_has_its_source():
    """And the day it was read."""
    for model in MODELS.values():
        rules = [*model.capabilities.parameters.values(), *model.capabilities.options.values(), *model.prices]
        tokens = [each for each in (model.output_tokens, model.input_tokens) if each is not None]
        for fact in (model, *rules, *tokens):
            assert (bool(fact.source), fact.read is not None) == (True, True), (model.id, fact)


def test_options_are_those_of_the_provider():
    """What the file names is what the module has."""
    named = {name for model in MODELS.values() for name in model.capabilities.options}
    assert named == set(GoogleOptions.model_fields)


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        ("imagen-4.0-generate-001", "gemini-nano-banana-2.1"),
        ("gemini-3-pro-image-preview", "gemini-3-pro-image"),
        ("gemini-3.1-flash-image-preview", "gemini-nano-banana-2.1"),
    ],
)
def test_model_that_is_gone_names_its_successor(model, instead):
    """Google's live for months: nothing is sent to one that was switched off."""
    with pytest.raises(UnsupportedError, match=f"use google:{instead}"):
        imagegen.plan("x", model=f"google:{model}")


def test_judge_is_in_the_catalogue():
    """So that its answers have a price; it makes no pictures."""
    assert MODELS[JUDGE].capabilities.operations == ("judge",)
    assert MODELS[JUDGE] not in imagegen.models(operation="generate")


@pytest.mark.parametrize("model", sorted(name for name in MODELS if MODELS[name].prices))
def test_prices_agree_with_genai_prices(model):
    """Input, words and pictures; the judge's at its present price."""
    found = next(each for each in providers if each.id == "google" for each in each.models if each.is_match(model))
    prices = found.prices[0].prices if isinstance(found.prices, list) else found.prices
    ours = {line.billable: line.usd for line in MODELS[model].prices if not line.when}
    assert ours["text_input_tokens"] == ours["image_input_tokens"] == prices.input_mtok
    assert ours["text_output_tokens"] == prices.output_mtok
    assert ours.get("image_output_tokens") == prices.output_image_mtok
