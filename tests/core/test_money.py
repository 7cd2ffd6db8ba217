"""Money: tokens before the call, ranges, the best figure after it, honest sums."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen.catalogue import (
    Capabilities,
    FrameSheet,
    Grid,
    InputTokens,
    Model,
    OutputTokens,
    Parameter,
    PriceLine,
    SizeRule,
    Span,
)
from imagegen.money import patch_tokens, price_before
from imagegen.types.job import Task
from imagegen.types.request import ImageRequest
from imagegen.types.result import Cost

QUALITIES = ("low", "medium", "high")
ONE_TO_FIVE = {"low": Span(16, 16), "medium": Span(48, 48), "high": Span(96, 96)}
FREE = SizeRule(kind="free", multiple_of=16, max_ratio=3, max_edge_px=3840, min_px=655_360, max_px=8_294_400)
SHEET = FrameSheet(
    when={"output_format": "gif"},
    option="frame_count",
    grids=(Grid(frames=8, columns=4, rows=2), Grid(frames=9, columns=3, rows=3), Grid(frames=16, columns=4, rows=4)),
    confirmed=False,
)
TABLE = {"low": {"1024x1024": Span(272, 272), "1536x1024": Span(400, 400)}, "high": {"1024x1024": Span(4160, 4160)}}


def token_line(billable: str, usd: str | None, **more: Any) -> PriceLine:
    """A price a million tokens."""
    return PriceLine(billable=billable, usd=None if usd is None else Decimal(usd), per=1_000_000, **more)


def patch_model(**changes: Any) -> Model:
    """A model with free sizes at 5, 8 and 30 USD a million tokens."""
    fields: dict[str, Any] = {
        "capabilities": Capabilities(
            parameters={
                "quality": Parameter(values=QUALITIES),
                "output_format": Parameter(values=("png", "gif", "svg"), default="png"),
            },
            options={"frame_count": Parameter(default=9)},
            sizes=FREE,
        ),
        "prices": (
            token_line("text_input_tokens", "5"),
            token_line("image_input_tokens", "8"),
            token_line("image_output_tokens", "30"),
            token_line("svg_author_output_tokens", None, when={"output_format": "svg"}),
        ),
        "output_tokens": OutputTokens(patches=ONE_TO_FIVE, partial_image=100, sheet=SHEET),
        "input_tokens": InputTokens(text_extra=6, image_at_most=1536),
    }
    return Model(provider="acme", id="patches", **{**fields, **changes})


def picture_model(*prices: PriceLine, **capabilities: Any) -> Model:
    """A model that is priced by the picture."""
    return Model(provider="acme", id="pictures", capabilities=Capabilities(**capabilities), prices=prices)


def image_line(usd: str | None, **when: Any) -> PriceLine:
    return PriceLine(billable="image", usd=None if usd is None else Decimal(usd), when=when)


def task(prompt: str = "a fox", *, n: int = 1, options: Any = None, operation: Any = "generate", **fields: Any) -> Task:
    """One call for ``n`` pictures."""
    return Task(ImageRequest(prompt=prompt, n=n, **fields), "any", operation, n=n, options=options)


# Tokens of a picture.

_FORMULA = {
    16: (196, 158, 134, 157, 397, 205, 371),
    24: (439, 343, 301, 367, 892, 478, 865),
    48: (1756, 1372, 1204, 1413, 3568, 1843, 3336),
    64: (3122, 2459, 2140, 2511, 6343, 3276, 5930),
    96: (7024, 5488, 4815, 5650, 14272, 7370, 13342),
}
_SIZES = ((1024, 1024), (1536, 1024), (1024, 768), (2048, 1152), (2048, 2048), (2560, 1440), (3840, 2160))


@pytest.mark.parametrize(
    ("q", "size", "tokens"),
    [(q, size, found) for q, row in _FORMULA.items() for size, found in zip(_SIZES, row, strict=True)],
)
def test_patch_tokens_match_the_published_calculator(q, size, tokens):
    """Every figure of the calculator comes out to the token."""
    assert patch_tokens(*size, q) == tokens


@pytest.mark.parametrize(
    ("width", "height", "q", "tokens"),
    [
        (1792, 1024, 96, 5063),
        (3584, 2048, 96, 12329),
        (976, 704, 16, 129),
        (960, 720, 16, 130),
        (1536, 1536, 48, 2511),
        (3840, 2160, 96, 13342),
    ],
)
def test_patch_tokens_match_what_was_billed(width, height, q, tokens):
    """Figures that others measured or worked out come out too."""
    assert patch_tokens(width, height, q) == tokens


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 128))
def test_patch_tokens_do_not_care_which_side_is_up(width, height, q):
    """Portrait and landscape cost the same."""
    assert patch_tokens(width, height, q) == patch_tokens(height, width, q)


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 127))
def test_more_patches_never_cost_less(width, height, q):
    """A range of q gives a range of tokens."""
    assert patch_tokens(width, height, q) <= patch_tokens(width, height, q + 1)


# Before the call.


def test_known_size_and_quality_leave_the_prompt_open():
    """The picture is known to the token; the prompt takes one token to one a byte, and the overhead."""
    cost = price_before(patch_model(), task("a fox", size="1024x1024", quality="low"))
    picture = 196 * Decimal(30) / 1_000_000
    assert cost.known_usd == picture + 1 * Decimal(5) / 1_000_000
    assert cost.at_most_usd == picture + (5 + 6) * Decimal(5) / 1_000_000
    assert (cost.amount_usd, cost.source) == (None, "estimate")


def test_prompt_is_bounded_by_its_bytes_not_its_characters():
    """Scripts with many tokens a character stay below the bound."""
    model = patch_model(prices=(token_line("text_input_tokens", "5"),))
    assert price_before(model, task("狐" * 10)).at_most_usd == (30 + 6) * Decimal(5) / 1_000_000


def test_open_quality_ranges_over_all_of_them():
    """What the model may choose counts with the cheapest and the dearest."""
    model, at = patch_model(prices=(token_line("image_output_tokens", "30"),)), {"size": "1024x1024"}
    cost = price_before(model, task(**at))
    assert cost.known_usd == price_before(model, task(**at, quality="low")).amount_usd
    assert cost.at_most_usd == price_before(model, task(**at, quality="high")).amount_usd


def test_open_size_of_a_free_model_is_bounded_by_its_rule():
    """The dearest size is the largest square, the cheapest no dearer than any."""
    model = patch_model(prices=(token_line("image_output_tokens", "30"),))
    cost = price_before(model, task(quality="high"))
    assert cost.at_most_usd == patch_tokens(2880, 2880, 96) * Decimal(30) / 1_000_000
    assert cost.known_usd <= patch_tokens(1392, 480, 96) * Decimal(30) / 1_000_000


@given(
    st.integers(30, 240),
    st.integers(30, 240),
    st.sampled_from(QUALITIES),
    st.sampled_from([None, "gif"]),
    st.integers(1, 4),
)
def test_every_size_lies_within_the_open_range(across, down, quality, output_format, n):
    """The bounds of an open size hold for each size that the rule allows."""
    width, height = 16 * across, 16 * down
    grid = (3, 3) if output_format else (1, 1)
    sheet = (width * grid[0], height * grid[1])
    if not (655_360 <= sheet[0] * sheet[1] <= 8_294_400 and max(sheet) <= 3 * min(sheet)):
        return
    fields: dict[str, Any] = {"output_format": output_format, "n": n}
    one = price_before(patch_model(), task(**fields, size=f"{width}x{height}", quality=quality))
    every = price_before(patch_model(), task(**fields))
    assert every.known_usd <= one.known_usd <= one.at_most_usd <= every.at_most_usd


@given(
    st.text(min_size=1, max_size=50),
    st.sampled_from([None, *QUALITIES]),
    st.sampled_from([None, "1024x1024", "3840x2160"]),
    st.integers(1, 10),
    st.sampled_from([None, 0, 3]),
)
def test_upper_bound_is_never_below_the_lower(prompt, quality, size, n, partials):
    """Whatever is left open, the range is a range."""
    cost = price_before(patch_model(), task(prompt, quality=quality, size=size, n=n, partial_images=partials))
    assert Decimal(0) < cost.known_usd <= cost.at_most_usd


def test_n_pictures_cost_n_times_as_much():
    """A call for several is billed as so many renders, at most with the prompt in each."""
    one, four = (price_before(patch_model(), task(size="1024x1024", quality="low", n=n)) for n in (1, 4))
    assert four.at_most_usd == 4 * one.at_most_usd
    assert four.known_usd == 4 * 196 * Decimal("0.00003") + Decimal("0.000005")


def test_partial_pictures_raise_the_upper_bound_alone():
    """Each may cost 100 tokens more; fewer may come."""
    plain, partials = (price_before(patch_model(), task(size="1024x1024", partial_images=n)) for n in (None, 3))
    assert partials.at_most_usd - plain.at_most_usd == 300 * Decimal(30) / 1_000_000
    assert partials.known_usd == plain.known_usd


def test_input_pictures_and_mask_count_at_their_most():
    """Each input picture may take 1536 tokens; a mask counts as one more."""
    request = {"size": "1024x1024", "quality": "low", "images": [b"a", b"b"], "mask": b"c"}
    plain = price_before(patch_model(), task(size="1024x1024", quality="low"))
    edit = price_before(patch_model(), task(operation="edit", **request))
    assert edit.at_most_usd - plain.at_most_usd == 3 * 1536 * Decimal(8) / 1_000_000
    assert edit.known_usd == plain.known_usd


def test_input_pictures_of_unknown_size_leave_no_upper_bound():
    """A price a token and no idea how many tokens: no figure is made up."""
    model = patch_model(input_tokens=InputTokens(text_extra=6))
    assert price_before(model, task(size="1024x1024", images=[b"a"], operation="edit")).at_most_usd is None


@pytest.mark.parametrize(("frames", "sheet"), [(2, (4, 2)), (8, (4, 2)), (9, (3, 3)), (None, (3, 3)), (16, (4, 4))])
def test_gif_costs_what_its_sheet_costs(frames, sheet):
    """Frames share one picture; without a count the model's own number is taken."""

    class Options:
        frame_count = frames

    model = patch_model(prices=(token_line("image_output_tokens", "30"),))
    cost = price_before(model, task(size="320x320", quality="high", output_format="gif", options=Options()))
    tokens = patch_tokens(320 * sheet[0], 320 * sheet[1], 96)
    assert (cost.amount_usd, cost.source) == (tokens * Decimal(30) / 1_000_000, "estimate")


def test_svg_author_is_an_unknown_part():
    """The picture's cost is known, the author's is not: no upper bound, and nothing is left out."""
    plain = price_before(patch_model(), task(size="1024x1024", quality="low"))
    cost = price_before(patch_model(), task(size="1024x1024", quality="low", output_format="svg"))
    assert (cost.amount_usd, cost.at_most_usd, cost.known_usd) == (None, None, plain.known_usd)


def test_fixed_sizes_range_over_all_of_them():
    """Without a size a model of fixed sizes may make any."""
    model = patch_model(
        capabilities=Capabilities(
            parameters={"quality": Parameter(values=("low",))},
            sizes=SizeRule(kind="fixed", sizes=("1024x1024", "1536x1024")),
        ),
        output_tokens=OutputTokens(table=TABLE),
        prices=(token_line("image_output_tokens", "40"),),
    )
    cost = price_before(model, task())
    assert (cost.known_usd, cost.at_most_usd) == (272 * Decimal("0.00004"), 400 * Decimal("0.00004"))


def test_size_that_no_row_has_leaves_no_upper_bound():
    """A size outside the table is not priced by guess."""
    model = patch_model(output_tokens=OutputTokens(table=TABLE))
    assert price_before(model, task(size="2048x2048", quality="low")).at_most_usd is None


def test_price_a_picture_is_exact():
    """Where nothing is open the amount is known, from the price list."""
    cost = price_before(picture_model(image_line("0.04")), task(n=3))
    assert cost == Cost(Decimal("0.12"), Decimal("0.12"), Decimal("0.12"), "price_list")


def test_unconfirmed_price_is_an_estimate():
    """A price that is in doubt says so."""
    line = PriceLine(billable="image", usd=Decimal("0.04"), confirmed=False)
    assert price_before(picture_model(line), task()).source == "estimate"


def test_conditions_choose_the_first_line_that_applies():
    """The more special line stands first; several values may share one."""
    lines = (image_line("0.08", quality="high"), image_line("0.06", size=("1x1", "2x2")), image_line("0.04"))
    model = picture_model(*lines, parameters={"quality": Parameter(values=("low", "high"))})
    amounts = [
        price_before(model, task(**fields)).amount_usd
        for fields in ({"quality": "high", "size": "1x1"}, {"quality": "low", "size": "2x2"}, {"quality": "low"})
    ]
    assert amounts == [Decimal("0.08"), Decimal("0.06"), Decimal("0.04")]


def test_open_condition_gives_a_range():
    """A quality that the model chooses may be either price."""
    lines = (image_line("0.08", quality="high"), image_line("0.04", quality="low"))
    cost = price_before(picture_model(*lines, parameters={"quality": Parameter(values=("low", "high"))}), task())
    assert (cost.amount_usd, cost.known_usd, cost.at_most_usd) == (None, Decimal("0.04"), Decimal("0.08"))


def test_default_closes_an_open_condition():
    """A stated default is what comes when nothing is asked."""
    lines = (image_line("0.08", quality="high"), image_line("0.04", quality="low"))
    model = picture_model(*lines, parameters={"quality": Parameter(values=("low", "high"), default="low")})
    assert price_before(model, task()).amount_usd == Decimal("0.04")


def test_picture_that_no_line_prices_is_unknown():
    """A quality without a row is not free."""
    cost = price_before(picture_model(image_line("0.04", quality="low")), task(quality="high"))
    assert (cost.amount_usd, cost.known_usd, cost.at_most_usd) == (None, Decimal(0), None)


def test_call_and_megapixels_are_priced():
    """A price a call is due once, a price a megapixel by the size and the number of pictures."""
    lines = (
        PriceLine(billable="call", usd=Decimal("0.01")),
        PriceLine(billable="megapixel", usd=Decimal("0.02")),
    )
    assert price_before(picture_model(*lines), task(size="2000x1000", n=2)).amount_usd == Decimal("0.09")


def test_megapixels_of_an_open_size_are_bounded_by_the_rule():
    """Without a size the rule's fewest and most pixels count."""
    line = PriceLine(billable="megapixel", usd=Decimal(1))
    cost = price_before(picture_model(line, sizes=FREE), task())
    assert (cost.known_usd, cost.at_most_usd) == (Decimal("0.65536"), Decimal("8.2944"))


def test_surcharge_is_due_only_where_it_applies():
    """A line with a condition costs nothing elsewhere."""
    lines = (image_line("0.04"), PriceLine(billable="call", usd=Decimal("0.01"), when={"operation": "edit"}))
    amounts = [price_before(picture_model(*lines), task(operation=each)).amount_usd for each in ("generate", "edit")]
    assert amounts == [Decimal("0.04"), Decimal("0.05")]


@pytest.mark.parametrize("model", [None, Model(provider="acme", id="free")])
def test_without_prices_nothing_is_known(model):
    """Unknown is None, never 0."""
    assert price_before(model, task()) == Cost(None, Decimal(0), None, None)


def test_free_model_costs_nothing():
    """A price of 0 is a price."""
    assert price_before(picture_model(image_line("0")), task()).amount_usd == 0
