"""What a call cost, once the provider has answered, and sums of costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.test_money import image_line, patch_model, picture_model, task, token_line
from hypothesis import given
from hypothesis import strategies as st

from imagegen.catalogue import (
    Capabilities,
    Model,
    OutputTokens,
    Parameter,
    PriceLine,
    SizeRule,
    Span,
)
from imagegen.money import add_costs, price_after, price_before, price_of_words
from imagegen.types.job import Task
from imagegen.types.request import ImageRequest
from imagegen.types.result import Cost, Usage

# After the call.


def test_reported_cost_wins():
    """The provider's own figure is taken as it is."""
    usage = Usage(image_output_tokens=1)
    cost = price_after(patch_model(), usage, Decimal("0.07"), 1, task())
    assert cost == Cost(Decimal("0.07"), Decimal("0.07"), Decimal("0.07"), "provider")


def test_usage_times_price_comes_next():
    """What was counted is multiplied with its price, exactly."""
    usage = Usage(text_input_tokens=15, image_input_tokens=0, text_output_tokens=0, image_output_tokens=439)
    cost = price_after(patch_model(), usage, None, 1, task(quality="medium"))
    assert cost == Cost(Decimal("0.013245"), Decimal("0.013245"), Decimal("0.013245"), "usage")


def test_counted_without_a_price_leaves_the_amount_unknown():
    """What nobody has a price for is not counted as nothing."""
    usage = Usage(text_input_tokens=10, image_output_tokens=100, other={"thinking_tokens": 5})
    cost = price_after(patch_model(), usage, None, 1, task())
    assert (cost.amount_usd, cost.at_most_usd, cost.known_usd) == (None, None, Decimal("0.00305"))
    assert cost.source == "usage"


def test_svg_author_that_was_counted_is_unknown_too():
    """A line without a figure is charged, nobody knows how much."""
    usage = Usage(text_input_tokens=14, image_output_tokens=1756, other={"svg_author_output_tokens": 3310})
    cost = price_after(patch_model(), usage, None, 1, task(output_format="svg"))
    assert (cost.amount_usd, cost.known_usd) == (None, Decimal("0.05275"))


def test_svg_author_that_was_not_counted_is_unknown_too():
    """An svg without its author's count is not cheaper for it."""
    usage = Usage(text_input_tokens=14, image_output_tokens=1756)
    assert price_after(patch_model(), usage, None, 1, task(output_format="svg")).amount_usd is None


def test_nothing_counted_of_an_unpriced_kind_is_no_doubt():
    """A zero needs no price."""
    usage = Usage(text_input_tokens=10, text_output_tokens=0, image_output_tokens=100)
    assert price_after(patch_model(), usage, None, 1, task()).amount_usd == Decimal("0.00305")


def test_output_that_was_not_counted_keeps_its_estimate():
    """Half a count is not taken for the whole."""
    cost = price_after(patch_model(), Usage(text_input_tokens=10), None, 1, task(size="1024x1024", quality="low"))
    assert (cost.amount_usd, cost.source) == (Decimal("0.00593"), "price_list")


def test_without_usage_the_estimate_stands():
    """An answer that counted nothing costs what was expected."""
    asked = task(size="1024x1024", quality="low")
    assert price_after(patch_model(), None, None, 1, asked) == price_before(patch_model(), asked)


def test_price_list_counts_the_pictures_that_are_billed():
    """Three of four came: three are paid."""
    cost = price_after(picture_model(image_line("0.04")), None, None, 3, task(n=4))
    assert (cost.amount_usd, cost.source) == (Decimal("0.12"), "price_list")


def test_usage_of_an_unknown_model_has_no_price():
    """Counts alone are no money."""
    assert price_after(None, Usage(image_output_tokens=5), None, 1, task()) == Cost(None, Decimal(0), None, None)


# Sums.


def test_sum_of_known_costs():
    """Amounts add up; the weakest source is named."""
    total = add_costs(
        [Cost(Decimal(1), Decimal(1), Decimal(1), "provider"), Cost(Decimal(2), Decimal(2), None, "usage")]
    )
    assert total == Cost(Decimal(3), Decimal(3), Decimal(3), "usage")


def test_one_unknown_part_leaves_the_sum_unknown():
    """The known part and the upper bound go on being summed."""
    total = add_costs([Cost(Decimal(1), Decimal(1), Decimal(1), "usage"), Cost(None, at_most_usd=Decimal(5))])
    assert total == Cost(None, Decimal(1), Decimal(6), "usage")


def test_part_without_upper_bound_leaves_the_sum_without():
    """No upper bound is not a bound of 0."""
    assert add_costs([Cost(Decimal(1), Decimal(1), Decimal(1), "usage"), Cost(None)]).at_most_usd is None


def test_sum_of_nothing_is_nothing():
    """No submit, no cost."""
    assert add_costs([]) == Cost(Decimal(0), Decimal(0), Decimal(0), None)


_amounts = st.decimals(0, 100, places=6)
_costs = st.builds(
    lambda least, more, known: (
        Cost(least, least, least, "usage") if known else Cost(None, least, least + more, "estimate")
    ),
    _amounts,
    _amounts,
    st.booleans(),
)


@given(st.lists(_costs, max_size=6))
def test_sum_keeps_the_order_of_its_bounds(costs):
    """Known part, amount and upper bound stay in order."""
    total = add_costs(costs)
    assert total.known_usd <= total.at_most_usd
    assert total.amount_usd is None or total.known_usd == total.amount_usd == total.at_most_usd


def test_tokens_by_tier():
    """A model of tiers: the asked one, else its default, else any of them; a tier without a figure is unknown."""
    line = token_line("image_output_tokens", "30")
    tiers = {"1K": Span(1120, 1120), "4K": Span(3000, 4000)}
    ratio = SizeRule(kind="ratio", tiers={"1K": 1, "4K": 2})

    def most(asked: str | None, default: str | None) -> Decimal | None:
        capabilities = Capabilities(sizes=ratio, parameters={"resolution": Parameter(default=default)})
        model = Model(
            provider="x", id="m", capabilities=capabilities, prices=(line,), output_tokens=OutputTokens(tiers=tiers)
        )
        request = ImageRequest(prompt="x", resolution=asked)
        return price_before(model, Task(request, "m", "generate", capabilities=capabilities)).at_most_usd

    assert (most("1K", "4K"), most(None, "1K")) == (Decimal("0.0336"), Decimal("0.0336"))
    assert (most(None, None), most("2K", None)) == (Decimal("0.12"), None)


def test_words_cost_what_was_counted():
    """Each kind of token at its price; without a price, or a count, nobody knows."""
    model = Model(provider="x", id="m", prices=(token_line("text_input_tokens", "1", when={"quality": "low"}),))
    priced = replace(model, prices=(token_line("text_input_tokens", "2"), token_line("text_output_tokens", "4")))
    usage = Usage(text_input_tokens=100, text_output_tokens=10, image_output_tokens=0)
    assert price_of_words(priced, usage).amount_usd == Decimal("0.00024")
    assert [price_of_words(*each).amount_usd for each in ((model, usage), (None, usage), (priced, None))] == [None] * 3


def test_each_input_picture_has_its_price():
    """Once a call, however many come out."""
    lines = (PriceLine(billable="image", usd=Decimal("0.02")), PriceLine(billable="input_image", usd=Decimal("0.002")))
    request = ImageRequest(prompt="x", images=[b"a", b"b"])
    assert price_before(
        Model(provider="x", id="m", prices=lines), Task(request, "m", "edit", n=3)
    ).amount_usd == Decimal("0.064")
