"""From what was asked to what a model can take: every difference is an entry, and the policy says which are allowed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from imagegen import sizing
from imagegen.errors import UnsupportedError
from imagegen.types.request import ImageRequest
from imagegen.types.result import Adaptation

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from imagegen.catalogue import Model, Parameter, SizeRule
    from imagegen.types.job import Operation
    from imagegen.types.run import Policy

_QUALITIES = ("low", "medium", "high", "xhigh", "max")
_RASTER_NEIGHBOURS = {"png": ("webp", "jpeg"), "webp": ("png", "jpeg"), "jpeg": ("webp", "png")}
_WITH_ALPHA = ("png", "webp", "gif", "svg")
_SHAPE = ("size", "aspect_ratio", "resolution")
_EXACT = 1e-9
_DROPPED_FREELY = frozenset({"seed", "end_user_id", "output_compression", "partial_images", "quality"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between asked and sent, before the policy has spoken."""

    entry: Adaptation
    fields: dict[str, Any]
    """What it makes of the request."""
    refused: bool
    """True: only ``best_effort`` allows it."""
    exact: bool = False
    """True: the same thing in the model's own words, which is no adaptation."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a request is fitted to."""

    model: Model
    operation: Operation
    stream: bool
    price_at: Callable[[str], Decimal | None]
    """What the request can cost at most at another size, in USD."""


def adapt(request: ImageRequest, form: Form, policy: Policy) -> tuple[ImageRequest, tuple[Adaptation, ...]]:
    """The request as the model takes it, and what had to change.

    Raises:
        UnsupportedError: The model cannot do it, or the policy forbids the change; names the nearest it can do.
    """
    model = form.model
    limit = model.capabilities.max_prompt_chars
    if limit is not None and len(request.prompt) > limit:
        raise UnsupportedError(
            f"{model.name} takes prompts of at most {limit:,} characters, not {len(request.prompt):,}; nothing was sent"
        )
    entries = []
    steps: list[_Step] = [_format, _size, *_FIELD_STEPS]
    for step in steps:
        change = step(request, form)
        if change is None:
            continue
        if not change.exact:
            if policy == "strict" or (change.refused and policy != "best_effort"):
                raise UnsupportedError(_refusal(model, change))
            entries.append(change.entry)
        request = request.with_fields(change.fields)
    return request, tuple(entries)


def _refusal(model: Model, change: Change) -> str:
    entry = change.entry
    nearest = f"; nearest: {entry.sent}" if entry.sent is not None else ""
    return f"{model.name} cannot do {entry.field}={entry.asked}: {entry.why}{nearest}; nothing was sent"


def _field(name: str, request: ImageRequest, form: Form) -> Change | None:
    """A field that stands for itself: taken as it is, brought into range, or left out."""
    asked = getattr(request, name)
    if asked is None:
        return None
    if name == "partial_images" and not form.stream:
        return _change(name, asked, None, "only a stream shows them")
    rule = form.model.capabilities.parameters.get(name)
    if rule is None or (rule.operations and form.operation not in rule.operations):
        return _not_taken(name, asked)
    output_format = request.output_format or default_format(form.model)
    if rule.formats and output_format not in rule.formats:
        return _change(name, asked, None, f"only with {' or '.join(rule.formats)}")
    if rule.values and asked not in rule.values:
        return _quality(asked, rule) if name == "quality" else _not_a_value(name, asked, rule)
    needed = rule.value_formats.get(str(asked), (output_format,))
    if output_format not in needed:
        return _change(name, asked, None, f"only with {' or '.join(map(str, needed))}", refused=True)
    return _out_of_range(name, asked, rule)


_Step: TypeAlias = "Callable[[ImageRequest, Form], Change | None]"
_FIELD_STEPS = tuple(
    functools.partial(_field, name)
    for name in ImageRequest.model_fields
    if name not in {"prompt", "n", "size", "aspect_ratio", "resolution", "output_format", "images", "mask", "options"}
)


def _out_of_range(name: str, asked: Any, rule: Parameter) -> Change | None:
    if isinstance(asked, str) and rule.max_chars is not None and len(asked) > rule.max_chars:
        freely = name in _DROPPED_FREELY
        return _change(name, asked, None, f"at most {rule.max_chars} characters", refused=not freely)
    if isinstance(asked, int) and rule.maximum is not None and asked > rule.maximum:
        return _change(name, asked, _brought_down(name, asked, int(rule.maximum)), f"at most {rule.maximum:g}")
    return None


def _not_taken(name: str, asked: Any) -> Change:
    """An opaque background is what a model without backgrounds makes anyway."""
    freely = name in _DROPPED_FREELY or (name, asked) == ("background", "opaque")
    return _change(name, asked, None, "the model does not take it", refused=not freely)


def _not_a_value(name: str, asked: Any, parameter: Parameter) -> Change:
    freely = (name, asked) == ("background", "opaque")
    return _change(name, asked, None, f"it takes {', '.join(parameter.values)}", refused=not freely)


def _brought_down(name: str, asked: int, maximum: int) -> int:
    """A seed wraps around, so that different seeds stay different; an amount stops at the top."""
    return asked % (maximum + 1) if name == "seed" else maximum


def _quality(asked: str, parameter: Parameter) -> Change:
    known = [each for each in _QUALITIES if each in parameter.values]
    lower = [each for each in known if _QUALITIES.index(each) < _QUALITIES.index(asked)]
    why = f"it takes {', '.join(known)}"
    if lower:
        return _change("quality", asked, lower[-1], why)
    return _change("quality", asked, known[0] if known else None, why, refused=True)


def _format(request: ImageRequest, form: Form) -> Change | None:
    """The file format; others depend on it, so it comes first."""
    asked, parameter = request.output_format, form.model.capabilities.parameters.get("output_format")
    if asked is None or (parameter is not None and asked in parameter.values):
        return None
    if parameter is None:
        return _change("output_format", asked, None, "the model chooses", refused=asked in ("svg", "gif"))
    clear = request.background == "transparent"
    usable = [each for each in parameter.values if not clear or each in _WITH_ALPHA]
    near = [each for each in _RASTER_NEIGHBOURS.get(asked, ()) if each in usable]
    sent = near[0] if near else next(iter(usable), None)
    return _change("output_format", asked, sent, f"it makes {', '.join(parameter.values)}", refused=not near)


def default_format(model: Model) -> str | None:
    """The file format that the model makes when none is asked; None where nobody knows."""
    parameter = model.capabilities.parameters.get("output_format")
    return str(parameter.default) if parameter and parameter.default else None


def _size(request: ImageRequest, form: Form) -> Change | None:
    """Size, or ratio and tier, in the words of a model that takes sizes."""
    rule = form.model.capabilities.sizes_for(request.output_format)
    if rule.kind == "any":
        return None
    if rule.kind == "none":
        return _no_size(request)
    if rule.kind == "ratio":
        return _ratio_and_tier(request, form.model, rule)
    if request.size:
        why = sizing.misfit(rule, request.size)
        return (
            None if why is None else _other_size(request.size, why, sizing.nearest(rule, request.size), form.price_at)
        )
    if request.aspect_ratio or request.resolution:
        return _size_for_ratio(request, form.model, rule)
    return None


def _other_size(asked: str, why: str, near: list[str], price_at: Callable[[str], Decimal | None]) -> Change:
    """The nearest size of the same ratio with no more pixels that is not dearer; any other is refused."""
    width, height = sizing.pixels(asked)
    price = price_at(asked)
    for size in near:
        own_width, own_height = sizing.pixels(size)
        alike = sizing.ratio_error(size, width, height) <= sizing.NEAR and own_width * own_height <= width * height
        own_price = price_at(size) if alike else None
        if alike and (price is None or own_price is None or own_price <= price):
            return _change("size", asked, size, why)
    return _change("size", asked, near[0] if near else None, why, refused=True)


def _no_size(request: ImageRequest) -> Change | None:
    """For a model whose size nobody can choose."""
    asked = {name: getattr(request, name) for name in _SHAPE if getattr(request, name) is not None}
    if not asked:
        return None
    name, value = next(iter(asked.items()))
    entry = Adaptation(name, value, None, why="the size follows from the input, none can be asked for")
    return Change(entry, dict.fromkeys(asked), refused=True)


def _ratio_and_tier(request: ImageRequest, model: Model, rule: SizeRule) -> Change | None:
    """Size, or ratio and tier, in the words of a model that takes a ratio and perhaps a tier."""
    names_tier = "resolution" in model.capabilities.parameters
    if request.size:
        return _ratio_for_size(request.size, rule, names_tier)
    ratio, tier = request.aspect_ratio, request.resolution
    if tier is not None and tier not in rule.tiers:
        raise UnsupportedError(_no_such_tier(model, rule, "resolution", tier, tier))
    sent = {"aspect_ratio": ratio, "resolution": tier if names_tier else None}
    error = 0.0
    if ratio is not None:
        width, height = map(int, ratio.split(":"))
        near = sizing.nearest_ratio(rule, width, height)
        error = sizing.ratio_error(near.replace(":", "x"), width, height)
        sent["aspect_ratio"] = near
    if sent == {"aspect_ratio": ratio, "resolution": tier}:
        return None
    entry = Adaptation("aspect_ratio", ratio, sent["aspect_ratio"], why="the nearest ratio the model takes")
    return Change(entry, sent, refused=error > sizing.NEAR, exact=error < _EXACT)


def _ratio_for_size(asked: str, rule: SizeRule, names_tier: bool) -> Change:
    """The ratio and the tier nearest to a size. More pixels than asked are refused, and so is a count nobody knows."""
    width, height = sizing.pixels(asked)
    ratio, tier = sizing.nearest_ratio(rule, width, height), sizing.nearest_tier(rule, width * height)
    another = sizing.ratio_error(ratio.replace(":", "x"), width, height) > sizing.NEAR
    larger = tier is None or rule.tiers[tier] > width * height * sizing.TIER_SLACK
    words = f"{ratio} at {tier}" if tier else ratio
    entry = Adaptation("size", asked, words, why="it takes a ratio and its own tiers of pixels, not a size")
    sent = {"size": None, "aspect_ratio": ratio, "resolution": tier if names_tier else None}
    return Change(entry, sent, refused=another or larger)


def _no_such_tier(model: Model, rule: SizeRule, field: str, asked: str | None, tier: str | None) -> str:
    made = ", ".join(rule.tiers) or "no such tier of resolution"
    return f"{model.name} cannot do {field}={asked} at {tier}: it has {made}; nothing was sent"


def _size_for_ratio(request: ImageRequest, model: Model, rule: SizeRule) -> Change:
    """A size for a ratio or a tier; no adaptation where it is met exactly."""
    asked = request.aspect_ratio or request.resolution
    field = "aspect_ratio" if request.aspect_ratio else "resolution"
    found = sizing.for_ratio(rule, request.aspect_ratio, request.resolution)
    if not found:
        raise UnsupportedError(_no_such_tier(model, rule, field, asked, request.resolution))
    across, _, down = (request.aspect_ratio or "1:1").partition(":")
    error = sizing.ratio_error(found[0], int(across), int(down))
    replaced = {"size": found[0], "aspect_ratio": None, "resolution": None}
    entry = Adaptation(field, asked, found[0], why="the nearest size the model makes")
    return Change(entry, replaced, refused=error > sizing.NEAR, exact=error < _EXACT)


def _change(name: str, asked: Any, sent: Any, why: str, *, refused: bool = False) -> Change:
    return Change(Adaptation(name, asked, sent, why=why), {name: sent}, refused)
