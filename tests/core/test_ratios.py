"""Models that take a ratio and a tier instead of pixels, or no size at all; defaults of a size that are sent."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagegen import UnsupportedError
from imagegen.catalogue import SizeRule, config_folder
from imagegen.planning import Wish, plan_call
from imagegen.settings import Settings
from imagegen.sizing import nearest_ratio, nearest_tier, ratio_error
from imagegen.types.request import ImageRequest

NAMED = SizeRule(
    kind="ratio", aspect_ratios=("21:9", "16:9", "3:2", "1:1", "2:3"), tiers={"1K": 1_048_576, "2K": 4_194_304}
)
ANY = SizeRule(kind="ratio", max_ratio=2.3334)
MODELS = """
[models.tiered]
capabilities.operations = ["generate", "edit"]
capabilities.references = 1
capabilities.input_min_edge_px = 32
capabilities.input_max_px = 10_000
capabilities.sizes.kind = "ratio"
capabilities.sizes.aspect_ratios = ["16:9", "3:2", "1:1"]
capabilities.sizes.tiers = { 1K = 1_048_576, 2K = 4_194_304 }
capabilities.parameters.resolution = { values = ["1K", "2K"], default = "1K", send_default = true }
prices = [
  { billable = "image", usd = 0.05, when = { resolution = "1K" } },
  { billable = "image", usd = 0.10, when = { resolution = "2K" } },
]

[models.one-tier]
capabilities.sizes = { kind = "ratio", max_ratio = 2.3334, tiers = { 1K = 1_048_576 } }

[models.follows]
capabilities.operations = ["edit"]
capabilities.references = 1
capabilities.sizes = { kind = "none" }

[models.sized]
capabilities.operations = ["generate", "edit"]
capabilities.references = 2
capabilities.input_max_px = 4_000_000
capabilities.input_urls = true
prices = [
  { billable = "image", usd = 0.03 },
  { billable = "further_megapixel", usd = 0.02, megapixel_px = 1_048_576, rounds_up = true },
  { billable = "input_megapixel", usd = 0.01, megapixel_px = 1_048_576, rounds_up = true },
]

[models.sized.capabilities.sizes]
kind = "free"
multiple_of = 16
max_px = 4_194_304
default = "1024x1024"
default_operations = ["generate"]
send_default = true
"""


@pytest.fixture(autouse=True)
def more_models(own_folders: None) -> None:
    """Models of the stub, as a user's own catalogue adds them."""
    folder = config_folder() / "catalogue"
    folder.mkdir()
    (folder / "stub.toml").write_text(MODELS)


def plan(model, policy="adapt", operation="generate", **fields):
    return plan_call(Wish(ImageRequest(prompt="a", **fields), operation, policy), (f"stub:{model}",), Settings.load())[
        0
    ]


def shape(found):
    request = found.tasks[0].request
    return request.size, request.aspect_ratio, request.resolution


def picture(width, height):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


@given(st.integers(1, 9999), st.integers(1, 9999))
def test_nearest_ratio_is_the_nearest(width, height):
    """Of the named ones none is nearer; of any ratio it is itself, up to the limit."""
    error = ratio_error(nearest_ratio(NAMED, width, height).replace(":", "x"), width, height)
    assert all(error <= ratio_error(each.replace(":", "x"), width, height) for each in NAMED.aspect_ratios)
    taken = nearest_ratio(ANY, width, height)
    inside = max(width, height) <= min(width, height) * 7 / 3
    assert (ratio_error(taken.replace(":", "x"), width, height) < 1e-9) if inside else taken in ("7:3", "3:7")


@pytest.mark.parametrize(("px", "tier"), [(1_048_576, "1K"), (1_030_000, "1K"), (4_100_000, "2K"), (300_000, "1K")])
def test_nearest_tier_has_no_more_pixels(px, tier):
    """The largest that is not larger; where all are, the smallest."""
    assert nearest_tier(NAMED, px) == tier
    assert nearest_tier(ANY, px) is None


@pytest.mark.parametrize(
    ("model", "asked", "sent", "entries"),
    [
        ("tiered", {"aspect_ratio": "16:9"}, (None, "16:9", None), 0),
        ("tiered", {"aspect_ratio": "32:18", "resolution": "2K"}, (None, "16:9", "2K"), 0),
        ("tiered", {"aspect_ratio": "53:30"}, (None, "16:9", None), 1),
        ("tiered", {"size": "1024x1024"}, (None, "1:1", "1K"), 1),
        ("tiered", {"size": "2048x2048"}, (None, "1:1", "2K"), 1),
        ("tiered", {"resolution": "2K"}, (None, None, "2K"), 0),
        ("one-tier", {"aspect_ratio": "13:9"}, (None, "13:9", None), 0),
        ("one-tier", {"aspect_ratio": "1:1", "resolution": "1K"}, (None, "1:1", None), 0),
        ("one-tier", {"size": "1152x896"}, (None, "9:7", None), 1),
    ],
)
def test_shape_is_said_in_the_models_words(model, asked, sent, entries):
    """A ratio stays one, also in other numbers; a size becomes a ratio at a tier, which is told."""
    found = plan(model, **asked)
    assert shape(found) == sent
    assert len(found.adaptations) == entries


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("tiered", {"aspect_ratio": "2:1"}),
        ("tiered", {"size": "512x512"}),
        ("tiered", {"resolution": "4K"}),
        ("tiered", {"size": "1000x500"}),
        ("one-tier", {"aspect_ratio": "5:1"}),
        ("one-tier", {"resolution": "2K"}),
    ],
)
def test_another_shape_or_more_pixels_are_refused(model, asked):
    """Nothing is sent; what the model has is named."""
    with pytest.raises(UnsupportedError, match="nothing was sent"):
        plan(model, **asked)


def test_best_effort_takes_the_nearest():
    """With an entry that says what it became."""
    found = plan("tiered", policy="best_effort", size="512x512")
    assert shape(found) == (None, "1:1", "1K")
    assert [(each.field, each.asked, each.sent) for each in found.adaptations] == [("size", "512x512", "1:1 at 1K")]


def test_strict_takes_a_ratio_and_no_size():
    """A size is never exactly what a ratio at a tier is."""
    assert plan("tiered", policy="strict", aspect_ratio="3:2", resolution="1K").adaptations == ()
    with pytest.raises(UnsupportedError):
        plan("tiered", policy="strict", size="1024x1024")


@pytest.mark.parametrize("asked", [{"size": "64x64"}, {"aspect_ratio": "1:1"}, {"resolution": "1K"}])
def test_size_that_nobody_can_choose_is_refused(asked):
    """It would be dropped in silence otherwise; best effort drops it with an entry."""
    with pytest.raises(UnsupportedError, match="none can be asked"):
        plan("follows", operation="edit", images=[picture(64, 64)], **asked)
    found = plan("follows", "best_effort", "edit", images=[picture(64, 64)], **asked)
    assert (shape(found), len(found.adaptations)) == ((None, None, None), 1)
    assert plan("follows", "strict", "edit", images=[picture(64, 64)]).adaptations == ()


def test_tier_decides_the_price():
    """The default tier is sent and priced; a size costs what its tier does."""
    assert plan("tiered").tasks[0].defaults == {"resolution": "1K"}
    prices = [plan("tiered", **asked).cost.amount_usd for asked in ({}, {"resolution": "2K"}, {"size": "2048x2048"})]
    assert [str(each) for each in prices] == ["0.05", "0.10", "0.10"]


def test_default_size_is_sent_where_it_holds():
    """New pictures are of a known size and price; an edit's may be of any."""
    new, edit = plan("sized"), plan("sized", operation="edit", images=[picture(64, 64)])
    assert (new.tasks[0].defaults, new.defaults["size"]) == ({"size": "1024x1024"}, "1024x1024")
    assert ("size" in edit.defaults, edit.tasks[0].defaults) == (False, {})
    assert str(new.cost.amount_usd) == "0.03"
    assert (str(edit.cost.known_usd), str(edit.cost.at_most_usd)) == ("0.04", "0.10")


@pytest.mark.parametrize(
    ("size", "sources", "amount"),
    [
        ("1024x1024", [], "0.03"),
        ("1040x1024", [], "0.05"),
        ("2048x2048", [], "0.09"),
        ("512x512", [(100, 100)], "0.04"),
        ("512x512", [(100, 100), (1200, 1000)], "0.06"),
    ],
)
def test_megapixels_beyond_the_first_and_of_inputs(size, sources, amount):
    """Whole ones of each picture are counted, as the line says."""
    pictures = [picture(*each) for each in sources]
    found = plan("sized", operation="edit" if pictures else "generate", size=size, images=pictures)
    assert str(found.cost.amount_usd) == amount


def test_input_behind_a_url_has_an_upper_bound():
    """Nobody knows its pixels; the model takes no more than so many."""
    cost = plan("sized", operation="edit", size="512x512", images=["https://pictures.example/a.png"]).cost
    assert (str(cost.known_usd), str(cost.at_most_usd)) == ("0.03", "0.07")


@pytest.mark.parametrize(("size", "words"), [((31, 64), "from 32 px"), ((101, 100), "at most 10,000 pixels")])
def test_input_of_the_wrong_size_is_refused(size, words):
    """Before anything is sent."""
    with pytest.raises(UnsupportedError, match=words):
        plan("tiered", operation="edit", images=[picture(*size)])
