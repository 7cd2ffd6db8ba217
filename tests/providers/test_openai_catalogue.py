"""OpenAI's catalogue file against the figures it was written from, and against genai-prices."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices.data import providers

from imagegen import catalogue
from imagegen.catalogue import Fact, Model, ProviderFacts, Span
from imagegen.money import price_after, price_before
from imagegen.types.job import Task
from imagegen.types.request import ImageRequest
from imagegen.types.result import Usage
from imagegen_providers.openai import OpenAIOptions

NOBODYS = Path("/no/such/folder")
MODELS = catalogue.models_of("openai", NOBODYS)
FIRST_FAMILY = ("gpt-image-1.5", "chatgpt-image-latest", "gpt-image-1-mini", "gpt-image-1")
FREE_SIZES = (
    "gpt-image-2",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
)
ONE_TEXT_TOKEN = Decimal("0.000005")
ONE_IMAGE_TOKEN = Decimal("0.00003")


def task(model: str, prompt: str = "a fox", options: Any = None, **fields: Any) -> Task:
    """One call for one picture."""
    return Task(ImageRequest(prompt=prompt, **fields), model, "generate", options=options)


def facts_in(value: Any, path: str) -> list[tuple[str, Any]]:
    """Every row below ``value`` that carries a source, with the path to it."""
    found = [(path, value)] if isinstance(value, Fact | Model | ProviderFacts) else []
    if dataclasses.is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, dict):
        found += [row for name, each in value.items() for row in facts_in(each, f"{path}.{name}")]
    elif isinstance(value, tuple):
        found += [row for number, each in enumerate(value) for row in facts_in(each, f"{path}[{number}]")]
    return found


def test_every_row_has_a_source_and_a_date():
    """Nothing is stated that nobody could look up."""
    rows = [row for name, model in MODELS.items() for row in facts_in(model, name)]
    rows += facts_in(catalogue.facts_of("openai", NOBODYS), "provider")
    assert len(rows) > 150
    assert [path for path, row in rows if not row.source or row.read is None] == []


def test_all_models_are_there():
    """The living, the dying and the dead."""
    assert set(MODELS) == {*FREE_SIZES, *FIRST_FAMILY, "dall-e-2", "dall-e-3"}


def test_provider_is_reached_as_documented():
    """Address, key and account settings; nothing is claimed to be free or repeatable."""
    facts = catalogue.facts_of("openai", NOBODYS)
    assert (facts.base_url, facts.key_variables) == ("https://api.openai.com/v1", ("OPENAI_API_KEY",))
    assert (facts.key_header, facts.key_prefix) == ("Authorization", "Bearer ")
    assert facts.key_hosts == ("api.openai.com", "*.api.openai.com")
    assert facts.environment == {"organization": "OPENAI_ORG_ID", "project": "OPENAI_PROJECT_ID"}
    assert (facts.idempotency_header, facts.free_failures) == (None, ())


# How long they live.


@pytest.mark.parametrize(
    ("model", "last_day", "azure"),
    [
        ("dall-e-2", date(2026, 5, 12), None),
        ("dall-e-3", date(2026, 5, 12), None),
        ("gpt-image-1", date(2026, 10, 23), date(2026, 10, 23)),
        ("gpt-image-1.5", date(2026, 12, 1), date(2026, 12, 16)),
        ("gpt-image-1-mini", date(2026, 12, 1), date(2027, 4, 7)),
        ("chatgpt-image-latest", date(2026, 12, 1), None),
        ("gpt-image-2", None, date(2027, 10, 21)),
        ("gpt-image-2.5-sunburst", None, date(2027, 9, 9)),
        ("gpt-image-2.5-flare", None, date(2027, 9, 9)),
        ("gpt-image-2.6-sunburst", None, None),
        ("gpt-image-2.6-flare", None, None),
    ],
)
def test_last_days_here_and_at_azure(model, last_day, azure):
    """Each host keeps its own dates."""
    elsewhere = MODELS[model].elsewhere
    assert MODELS[model].shutdown == last_day
    assert (elsewhere["azure"].shutdown if elsewhere else None) == azure


def test_whoever_goes_names_who_follows():
    """A replacement is a model that stays."""
    replaced = {name: model.replacement for name, model in MODELS.items() if model.shutdown}
    assert {MODELS[name].status for name in replaced.values()} == {"current"}


def test_retired_model_says_when_and_where_to_go():
    """The sentence a caller gets."""
    status, words = catalogue.retirement(MODELS["gpt-image-1"], date(2026, 11, 22))
    assert (status, words) == (
        "retired",
        "openai:gpt-image-1 was shut down on 2026-10-23: use openai:gpt-image-2.6-sunburst",
    )


@pytest.mark.parametrize(
    ("snapshot", "model"),
    [
        ("gpt-image-2-2026-04-21", "gpt-image-2"),
        ("gpt-image-2.5-flare-2026-09-08", "gpt-image-2.5-flare"),
        ("gpt-image-2.5-sunburst-2026-09-08", "gpt-image-2.5-sunburst"),
        ("gpt-image-1.5-2025-12-16", "gpt-image-1.5"),
    ],
)
def test_snapshots_are_their_models(snapshot, model):
    """A dated id is priced and checked as its model."""
    assert catalogue.find_model("openai", snapshot, NOBODYS).id == model


# What they take.


def test_free_sizes_follow_one_rule():
    """Multiples of 16 from 1:3 to 3:1, up to 3840 px and 8,294,400 px in all."""
    rules = {dataclasses.astuple(MODELS[name].capabilities.sizes)[4:12] for name in FREE_SIZES}
    assert rules == {("free", (), 16, 3.0, None, 3840, 655_360, 8_294_400)}


def test_first_family_has_three_sizes():
    """A square and two shapes."""
    for name in FIRST_FAMILY:
        rule = MODELS[name].capabilities.sizes
        assert (rule.kind, set(rule.sizes)) == ("fixed", {"1024x1024", "1536x1024", "1024x1536"})


def test_gif_size_is_that_of_a_frame():
    """Nine frames of 512x512 are one sheet of 1536x1536, although a still of 512x512 is too small."""
    capabilities = MODELS["gpt-image-2.6-flare"].capabilities
    assert capabilities.sizes_for("gif").min_px <= 512 * 512 < capabilities.sizes_for("png").min_px


@pytest.mark.parametrize("model", [*FREE_SIZES, *FIRST_FAMILY])
def test_what_all_of_them_take(model):
    """Ten pictures, sixteen references, masks, streams, three formats with compression for two."""
    capabilities = MODELS[model].capabilities
    parameters = capabilities.parameters
    assert (capabilities.n_per_call, capabilities.references) == (10, 16)
    assert (capabilities.mask, capabilities.streaming) == (True, True)
    assert capabilities.max_prompt_chars == 32_000
    assert parameters["output_format"].values[:3] == ("png", "jpeg", "webp")
    assert parameters["output_compression"].formats == ("jpeg", "webp")
    assert parameters["background"].value_formats == {"transparent": ("png", "webp")}
    assert capabilities.options["moderation"].values == ("low", "auto")
    assert {"seed", "negative_prompt"}.isdisjoint(parameters)


@pytest.mark.parametrize(
    ("model", "qualities", "options"),
    [
        ("gpt-image-2", 3, {"moderation"}),
        ("gpt-image-2.5-flare", 5, {"moderation", "markup"}),
        (
            "gpt-image-2.6-flare",
            5,
            {"moderation", "markup", "complexity", "frame_count", "frame_duration_ms", "svg"},
        ),
        ("gpt-image-1.5", 3, {"moderation", "input_fidelity"}),
        ("gpt-image-1-mini", 3, {"moderation", "input_fidelity"}),
    ],
)
def test_what_only_some_take(model, qualities, options):
    """Qualities and options by generation; every edit may name pictures that lie at OpenAI."""
    capabilities = MODELS[model].capabilities
    assert len(capabilities.parameters["quality"].values) == qualities
    assert set(capabilities.options) == options | {"image_file_ids", "mask_file_id"}


def test_options_are_those_of_the_provider():
    """What the file names is what the provider's options have; those about pictures are for edits alone."""
    named = {name: option for model in MODELS.values() for name, option in model.capabilities.options.items()}
    assert set(named) == set(OpenAIOptions.model_fields)
    for_edits = {"input_fidelity", "markup", "image_file_ids", "mask_file_id"}
    assert {name for name, option in named.items() if option.operations == ("edit",)} == for_edits


# What they cost.


@pytest.mark.parametrize("model", FIRST_FAMILY)
@pytest.mark.parametrize(
    ("quality", "square", "tall", "wide"),
    [("low", 272, 408, 400), ("medium", 1056, 1584, 1568), ("high", 4160, 6240, 6208)],
)
def test_tokens_of_the_first_family(model, quality, square, tall, wide):
    """The guide's table, as the least where the published prices say more."""
    row = MODELS[model].output_tokens.table[quality]
    assert [row[size].least for size in ("1024x1024", "1024x1536", "1536x1024")] == [square, tall, wide]
    if model != "gpt-image-1-mini":
        assert row["1024x1024"] == Span(square, square)


@pytest.mark.parametrize(
    ("model", "size", "dollars"),
    [
        ("gpt-image-2", "1024x1024", ".006 .053 .211"),
        ("gpt-image-2", "1536x1024", ".005 .041 .165"),
        ("gpt-image-2.5-flare", "1024x1024", ".006 .013 .053 .094 .211"),
        ("gpt-image-2.5-sunburst", "1536x1024", ".005 .010 .041"),
        ("gpt-image-1.5", "1024x1024", ".009 .034 .133"),
        ("gpt-image-1.5", "1536x1024", ".013 .050 .199"),
        ("gpt-image-1", "1024x1024", ".011 .042 .166"),
        ("gpt-image-1", "1536x1024", ".016 .063 .248"),
    ],
)
def test_dollars_a_picture(model, size, dollars):
    """The published figures a picture, to the tenth of a cent."""
    for quality, amount in zip(("low", "medium", "high", "xhigh", "max"), dollars.split(), strict=False):
        cost = price_before(MODELS[model], task(model, size=size, quality=quality))
        assert (cost.known_usd - ONE_TEXT_TOKEN).quantize(Decimal("0.001")) == Decimal(amount)


@pytest.mark.parametrize(("model", "dollars"), [("gpt-image-2", ".400"), ("gpt-image-2.5-flare", ".100")])
def test_dollars_of_the_largest_picture(model, dollars):
    """3840x2160 at high."""
    cost = price_before(MODELS[model], task(model, size="3840x2160", quality="high"))
    assert cost.known_usd.quantize(Decimal("0.001")) == Decimal(dollars)


def test_bounds_of_a_picture_of_known_size():
    """One token of margin, the prompt's bytes and six more."""
    cost = price_before(MODELS["gpt-image-2"], task("gpt-image-2", size="3840x2160", quality="high"))
    assert cost.known_usd == 13_341 * ONE_IMAGE_TOKEN + ONE_TEXT_TOKEN
    assert cost.at_most_usd == 13_343 * ONE_IMAGE_TOKEN + 11 * ONE_TEXT_TOKEN


@pytest.mark.parametrize(
    ("size", "quality", "measured"),
    [("1536x1024", "low", 664), ("1536x1024", "high", 1353), ("3840x2160", "high", 3337), ("1024x1024", None, 5800)],
)
def test_range_of_the_newest_holds_what_was_measured(size, quality, measured):
    """Where the tokens are not settled a range is given, and it is called an estimate."""
    cost = price_before(MODELS["gpt-image-2.6-flare"], task("gpt-image-2.6-flare", size=size, quality=quality))
    assert cost.known_usd <= measured * ONE_IMAGE_TOKEN <= cost.at_most_usd
    assert (cost.amount_usd, cost.source) == (None, "estimate")


def test_published_prices_of_the_smallest_lie_within_its_range():
    """Its page says more a picture than tokens times rate: a budget has to hold either."""
    for quality, dollars in (("low", ".005"), ("medium", ".011"), ("high", ".036")):
        cost = price_before(MODELS["gpt-image-1-mini"], task("gpt-image-1-mini", size="1024x1024", quality=quality))
        assert cost.known_usd < Decimal(dollars) <= cost.at_most_usd


@pytest.mark.parametrize("name", [name for name in MODELS if not name.startswith("dall-e")])
def test_every_model_has_an_upper_bound(name):
    """A budget can be kept whatever is left open."""
    cost = price_before(MODELS[name], task(name))
    assert Decimal(0) < cost.known_usd < cost.at_most_usd < Decimal(1)


def test_partial_pictures_cost_a_hundred_tokens_each():
    """In the upper bound."""
    plain, partials = (
        price_before(MODELS["gpt-image-2"], task("gpt-image-2", size="1024x1024", partial_images=n)) for n in (None, 2)
    )
    assert partials.at_most_usd - plain.at_most_usd == 200 * ONE_IMAGE_TOKEN


# Golden costs: the usage of sample answers.


@pytest.mark.parametrize(
    ("model", "usage", "amount", "known"),
    [
        ("gpt-image-2.5-flare", Usage(15, 0, 0, 439), "0.013245", "0.013245"),
        ("gpt-image-2.6-flare", Usage(13, 0, 0, 2511), "0.075395", "0.075395"),
        ("gpt-image-2.5-flare", Usage(15, 0, None, 639), "0.019245", "0.019245"),
        ("gpt-image-1.5", Usage(48, 0, 209, 272), "0.011034", "0.011034"),
        ("gpt-image-1", Usage(10, 194, None, 4160), "0.16839", "0.16839"),
        ("gpt-image-1-mini", Usage(10, 0, None, 1056), "0.008468", "0.008468"),
        (
            "gpt-image-2.6-flare",
            Usage(14, 0, 0, 1756, {"svg_author_input_tokens": 1204, "svg_author_output_tokens": 3310}),
            None,
            "0.05275",
        ),
    ],
)
def test_cost_of_what_was_counted(model, usage, amount, known):
    """Tokens times price, exactly; an svg's author has no known price."""
    asked = task(model, output_format="svg" if usage.other else "png")
    cost = price_after(MODELS[model], usage, None, 1, asked)
    assert cost.amount_usd == (None if amount is None else Decimal(amount))
    assert (cost.known_usd, cost.source) == (Decimal(known), "usage")


def test_gif_is_estimated_by_its_sheet():
    """Nine frames of 512x512 at high were billed like one picture of 1536x1536."""
    asked = task("gpt-image-2.6-flare", size="512x512", quality="high", output_format="gif")
    cost = price_before(MODELS["gpt-image-2.6-flare"], asked)
    assert cost.known_usd <= 2511 * ONE_IMAGE_TOKEN <= cost.at_most_usd
    assert cost.source == "estimate"


# Against genai-prices.

_THEIR_NAMES = {
    "input_mtok": "text_input_tokens",
    "cache_read_mtok": "cached_text_input_tokens",
    "input_image_mtok": "image_input_tokens",
    "cache_image_read_mtok": "cached_image_input_tokens",
    "output_image_mtok": "image_output_tokens",
    "output_mtok": "text_output_tokens",
}
NOT_THERE = {
    "gpt-image-2.6-sunburst",  # newer than its list
    "gpt-image-2.6-flare",
    "dall-e-2",  # gone before it began
    "dall-e-3",
}
DISAGREEMENTS = {
    # model, billable, kind: (ours, theirs). Ours says that no text is billed, theirs has no rate for it.
    ("gpt-image-2", "text_output_tokens", "usd"): ("0", None),
    ("gpt-image-2.5-sunburst", "text_output_tokens", "usd"): ("0", None),
    ("gpt-image-2.5-flare", "text_output_tokens", "usd"): ("0", None),
}


def theirs(model: str) -> dict[tuple[str, str], Decimal] | None:
    """Prices by billable and kind; where they have one rate for output, it is the picture's."""
    openai = next(each for each in providers if each.id == "openai")
    found = next((each for each in openai.models if each.is_match(model)), None)
    if found is None:
        return None
    batch = [each.prices for each in found.price_variants or () if each.when == {"processing": "batch"}]
    prices: dict[tuple[str, str], Decimal] = {}
    for kind, price in [("usd", found.prices), *(("batch_usd", each) for each in batch)]:
        rates = {ours: getattr(price, name) for name, ours in _THEIR_NAMES.items() if getattr(price, name) is not None}
        if "image_output_tokens" not in rates:
            rates["image_output_tokens"] = rates.pop("text_output_tokens")
        prices |= {(billable, kind): rate for billable, rate in rates.items()}
    return prices


def ours(model: str) -> dict[tuple[str, str], Decimal]:
    """The same from our file."""
    lines = [line for line in MODELS[model].prices if not line.when]
    both = {(line.billable, kind): getattr(line, kind) for line in lines for kind in ("usd", "batch_usd")}
    return {key: price for key, price in both.items() if price is not None}


def test_prices_agree_with_genai_prices():
    """What differs is in the table above, row by row; anything new fails."""
    found = {}
    for model in MODELS.keys() - NOT_THERE:
        mine, other = ours(model), theirs(model)
        assert other is not None, model
        for billable, kind in mine.keys() | other.keys():
            pair = mine.get((billable, kind)), other.get((billable, kind))
            if pair[0] != pair[1]:
                found[model, billable, kind] = tuple(None if each is None else str(each) for each in pair)
    assert found == DISAGREEMENTS


@pytest.mark.parametrize("model", sorted(NOT_THERE))
def test_models_that_genai_prices_lacks_are_still_lacking(model):
    """Once it has one of them, its prices are to be compared."""
    assert theirs(model) is None
