"""Sizes: what fits, and what is nearest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen.catalogue import SizeRule
from imagegen.sizing import for_ratio, misfit, nearest, pixels, ratio_error, spelled

FREE = SizeRule(
    kind="free", multiple_of=16, max_ratio=3, max_edge_px=3840, min_px=655_360, max_px=8_294_400,
    tiers={"1K": 1_048_576, "2K": 4_194_304, "4K": 8_294_400},
)  # fmt: skip
FIXED = SizeRule(kind="fixed", sizes=("1024x1024", "1536x1024", "1024x1536"))


@pytest.mark.parametrize(
    ("size", "why"),
    [
        ("1920x1080", "multiples of 16"),
        ("4096x1024", "3 times"),
        ("4000x2000", "3840 px"),
        ("512x512", "at least 655,360"),
        ("3840x3840", "at most 8,294,400"),
    ],
)
def test_misfit_says_why(size, why):
    """A size that a model cannot make is refused with the rule that it breaks."""
    assert why in (misfit(FREE, size) or "")


@pytest.mark.parametrize("size", ["1024x1024", "3840x2160", "1920x1088", "1024x640", "2880x960"])
def test_size_within_the_rule_fits(size):
    """Sizes that keep every limit are taken as they are."""
    assert misfit(FREE, size) is None


def test_nearest_to_full_hd_is_not_larger():
    """1920x1080 is not a multiple of 16; what comes first has its ratio and no more pixels."""
    best = nearest(FREE, "1920x1080")[0]
    width, height = pixels(best)
    assert ratio_error(best, 1920, 1080) < 0.02
    assert 0.95 * 1920 * 1080 < width * height <= 1920 * 1080


def test_nearest_fixed_size_is_of_the_same_shape():
    """Among fixed sizes the one of the same shape is first."""
    assert nearest(FIXED, "1600x1067")[0] == "1536x1024"


@given(st.integers(1, 12000), st.integers(1, 12000))
def test_whatever_is_proposed_fits(width, height):
    """No proposal breaks the rule it was made for, whatever was asked."""
    proposals = nearest(FREE, f"{width}x{height}")
    assert proposals
    assert all(misfit(FREE, size) is None for size in proposals)


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([None, "1K", "2K", "4K"]))
def test_a_ratio_gives_sizes_that_fit(across, down, tier):
    """Every size for a ratio can be made; within the model's own shapes the best is within 2 % of it."""
    proposals = for_ratio(FREE, f"{across}:{down}", tier)
    assert all(misfit(FREE, size) is None for size in proposals)
    if max(across, down) <= 2.9 * min(across, down):
        assert ratio_error(proposals[0], across, down) < 0.02


@pytest.mark.parametrize(("ratio", "size"), [("1:1", "1024x1024"), ("16:9", "1280x720"), ("3:2", "1248x832")])
def test_a_usual_ratio_is_met_exactly(ratio, size):
    """Usual ratios have an exact size on the grid, near the usual number of pixels."""
    assert for_ratio(FREE, ratio, None)[0] == size


def test_a_tier_that_a_model_lacks_gives_nothing():
    """Fixed sizes of one megapixel have no 4K."""
    assert for_ratio(FIXED, "1:1", "4K") == []


def test_ratio_in_a_providers_spelling():
    """The same ratio with a decimal point; one that nobody spells otherwise stays as it is."""
    ways = ("9:19.5", "2.35:1")
    assert [spelled(ratio, ways) for ratio in ("18:39", "6:13", "47:20", "1:1", None)] == [
        *("9:19.5", "9:19.5", "2.35:1", "1:1"),
        None,
    ]
