"""Planning: what would be sent, what is changed on the way, and what is refused before money is spent."""

from __future__ import annotations

import pytest
from core.serving import KEY
from hypothesis import given
from hypothesis import strategies as st

import imagegen
from imagegen import ConfigurationError, UnsupportedError
from imagegen.planning import Wish, plan_call
from imagegen.settings import Settings
from imagegen.types.request import ImageRequest

FLARE, TWO, FIXED = "openai:gpt-image-2.5-flare", "openai:gpt-image-2", "openai:gpt-image-1"
AZURE = {"azure": imagegen.Connection("openai", base_url="https://eu.azure.invalid/openai/v1", api_key=KEY)}


def plan(model, policy="adapt", connections=None, **fields):
    """The first plan for one request."""
    request = ImageRequest(**{"prompt": "a red fox", **fields})
    return plan_call(Wish(request, "generate", policy), (model,), Settings.load(connections))[0]


def test_a_plan_shows_the_request_word_for_word():
    """What is planned is the very request that would be sent."""
    (wire,) = plan(FLARE, size="1024x1024", quality="low").wires
    assert (wire.method, wire.path) == ("POST", "/images/generations")
    assert wire.json == {"model": "gpt-image-2.5-flare", "prompt": "a red fox", "size": "1024x1024", "quality": "low"}


def test_what_fits_is_not_changed():
    """A request that the model can do exactly has no adaptation, not even under the strict policy."""
    found = plan(
        FLARE, policy="strict", size="1536x1024", quality="max", background="transparent", output_format="webp"
    )
    assert found.adaptations == ()


@pytest.mark.parametrize(
    ("fields", "field", "sent"),
    [
        ({"seed": 7}, "seed", None),
        ({"quality": "max"}, "quality", "high"),
        ({"size": "1920x1080"}, "size", "1904x1072"),
        ({"output_format": "png", "output_compression": 50}, "output_compression", None),
        ({"aspect_ratio": "16:11"}, "aspect_ratio", None),
    ],
)
def test_small_changes_are_entries(fields, field, sent):
    """Under the default policy a small change is made, with what was asked, what is sent and why."""
    entries = [each for each in plan(TWO, **fields).adaptations if each.field == field]
    if field == "aspect_ratio":
        assert entries == []  # 16:11 is on the grid, so nothing is changed
        return
    (entry,) = entries
    assert (entry.asked, entry.sent) == (fields[field], sent)
    assert entry.why


@pytest.mark.parametrize("fields", [{"seed": 7}, {"quality": "max"}, {"size": "1920x1080"}])
def test_strict_refuses_every_change(fields):
    """Under the strict policy each of these is refused, and nothing is sent."""
    with pytest.raises(UnsupportedError, match="nothing was sent"):
        plan(TWO, policy="strict", **fields)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (FIXED, {"size": "512x512"}),
        (FIXED, {"size": "1024x768"}),
        (TWO, {"size": "256x256"}),
        (TWO, {"output_format": "gif"}),
        (TWO, {"negative_prompt": "trees"}),
        (FIXED, {"resolution": "4K"}),
    ],
)
def test_large_changes_are_refused_by_default(model, fields):
    """More pixels, another shape, another kind of file, a dropped negative prompt: not without being asked."""
    with pytest.raises(UnsupportedError):
        plan(f"azure:{model.partition(':')[2]}", connections=AZURE, **fields)


@pytest.mark.parametrize("fields", [{"size": "256x256"}, {"output_format": "gif"}, {"negative_prompt": "trees"}])
def test_best_effort_makes_them_with_an_entry(fields):
    """Under best effort they are made, and told."""
    found = plan(TWO, policy="best_effort", **fields)
    assert [each.field for each in found.adaptations] == list(fields)


def test_refusal_names_the_nearest():
    """A size that the model cannot make is answered with the nearest that it can."""
    with pytest.raises(UnsupportedError, match="nearest: 1024x1024"):
        plan("azure:gpt-image-1", connections=AZURE, size="512x512")


def test_retired_model_names_date_and_replacement():
    """A retired model is refused before the network, with the date and what to move to."""
    with pytest.raises(UnsupportedError, match=r"2026-10-23.*openai:gpt-image"):
        plan(FIXED)


def test_retired_model_lives_on_elsewhere():
    """Another server keeps its own dates: GPT Image 1 works there, at its old price."""
    found = plan("azure:gpt-image-1", connections=AZURE, size="1024x1024", quality="high")
    assert found.cost.at_most_usd is not None
    assert 0.166 < found.cost.at_most_usd < 0.168


def test_unknown_model_is_sent_as_asked():
    """A model that is newer than the catalogue works, with a warning and without a price."""
    found = plan("openai:gpt-image-9", size="17x19", seed=None)
    assert found.wires[0].json["size"] == "17x19"
    assert "not in the catalogue" in found.warnings[0]
    assert found.cost.at_most_usd is None


def test_misspelt_model_names_the_nearest():
    """A model that looks like a known one is named."""
    assert "gpt-image-2" in plan("openai:gpt-imge-2").warnings[0]
    with pytest.raises(UnsupportedError, match="painter"):
        plan("stub:paintr")


@pytest.mark.parametrize("model", ["painter", ":painter", "stub:", ""])
def test_a_model_has_two_parts(model):
    """A model's name is connection:model; anything else says so."""
    with pytest.raises(ConfigurationError, match="connection:model"):
        plan(model)


def test_a_model_is_split_at_the_first_colon():
    """What comes after the first colon is the provider's own."""
    assert plan("openai:ft:gpt-image-2:mine").tasks[0].model == "ft:gpt-image-2:mine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"opnai": {}}, "did you mean openai"),
        ({"openai": {"moderatoin": "low"}}, "moderatoin"),
        ({"openai": {"moderation": 3}}, "moderation"),
    ],
)
def test_unknown_option_is_refused(options, said):
    """A namespace or a key that does not exist cannot pass."""
    with pytest.raises(ConfigurationError, match=said):
        plan(FLARE, options=options)


def test_option_that_the_model_lacks_is_refused():
    """An option is checked against the model, not only against the provider."""
    with pytest.raises(UnsupportedError, match="complexity"):
        plan(TWO, options={"openai": {"complexity": "low"}})


def test_options_of_others_wait():
    """Options for several providers can stand in one request, so that swapping the model changes one string."""
    plan(FLARE, options={"openai": {"moderation": "low"}, "stub": {"latency_s": 1}})


def test_fallbacks_are_planned_too():
    """With several models the plan shows what comes next."""
    request = ImageRequest(prompt="a")
    plans = plan_call(Wish(request, "generate"), (FIXED, TWO, "stub:painter"), Settings.load())
    assert [each.model for each in plans] == [TWO, "stub:painter"]


@given(st.integers(1, 40), st.integers(0, 2**31) | st.none())
def test_n_is_split_without_loss(n, seed):
    """However many are asked, the calls make exactly that many, and no two pictures share a seed."""
    found = plan(TWO if seed is None else "stub:slow", n=n, seed=seed, size="1024x1024")
    assert sum(task.count for task in found.tasks) == n
    if seed is not None:
        seeds = [task.request.seed + i for task in found.tasks for i in range(task.count)]
        assert seeds == list(range(seed, seed + n))


@given(
    st.sampled_from([TWO, FLARE, "openai:gpt-image-2.6-sunburst", "stub:painter"]),
    st.fixed_dictionaries(
        {},
        optional={
            "size": st.builds("{}x{}".format, st.integers(1, 5000), st.integers(1, 5000)),
            "quality": st.sampled_from(["low", "medium", "high", "xhigh", "max"]),
            "background": st.sampled_from(["transparent", "opaque"]),
            "output_format": st.sampled_from(["png", "webp"]),
            "seed": st.integers(0, 2**40),
            "output_compression": st.integers(0, 100),
            "end_user_id": st.just("u"),
            "n": st.integers(1, 12),
        },
    ),
)
def test_every_difference_is_an_entry(model, fields):
    """Whatever a plan would send differently from what was asked is among its adaptations, and nothing else is."""
    try:
        found = plan(model, **fields)
    except UnsupportedError:
        return
    sent = found.tasks[0].request
    changed = {name for name in fields if name != "n" and getattr(sent, name) != fields[name]}
    assert changed == {entry.field for entry in found.adaptations}


@given(st.integers(500, 4000), st.integers(500, 4000))
def test_adapted_size_is_no_larger_and_no_dearer(width, height):
    """A size that is adapted silently costs no more pixels and no more money."""
    size = f"{width}x{height}"
    try:
        sent = plan(TWO, size=size, quality="high").tasks[0].request.size
    except UnsupportedError:
        return
    sent_width, sent_height = map(int, sent.split("x"))
    assert sent_width * sent_height <= width * height
    assert abs(sent_width / sent_height / (width / height) - 1) < 0.021


def test_hidden_defaults_are_shown():
    """What the model chooses by itself, and the bill depends on, stands in the plan."""
    assert plan(FLARE).defaults["quality"] == "auto"


def test_plan_is_json_without_a_key(monkeypatch):
    """A plan needs no key and shows none."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert "canary" not in str(plan(FLARE).to_dict())
