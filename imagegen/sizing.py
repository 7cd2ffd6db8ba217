"""Which size to ask a model for: does it fit, and which one it can make is nearest."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imagegen.catalogue import SizeRule

NEAR = 0.02
"""A ratio off by no more than this is the same ratio to the eye."""
TIER_SLACK = 1.05
"""A tier's number of pixels is a round one: what a model makes of it differs a little from ratio to ratio."""
_USUAL_PX = 1024 * 1024
_TRIED_STEPS = 6


def pixels(size: str) -> tuple[int, int]:
    """``"1024x768"`` as (width, height)."""
    width, _, height = size.partition("x")
    return int(width), int(height)


def ratio_error(size: str, width: float, height: float) -> float:
    """How far the ratio of ``size`` is from width to height: 0 the same, 0.02 two per cent."""
    own_width, own_height = pixels(size)
    return abs(math.log((own_width * height) / (own_height * width)))


def misfit(rule: SizeRule, size: str) -> str | None:
    """Why a model of this rule cannot make ``size``; None if it can."""
    width, height = pixels(size)
    if rule.kind == "fixed" and size not in rule.sizes:
        return f"it makes {', '.join(rule.sizes)}"
    if rule.kind != "free":
        return None
    long, short, area, step = max(width, height), min(width, height), width * height, rule.multiple_of
    if width % step or height % step:
        return f"both sides must be multiples of {step}"
    if rule.max_ratio and long > rule.max_ratio * short:
        return f"the long side may be at most {rule.max_ratio:g} times the short one"
    if rule.max_edge_px and long > rule.max_edge_px:
        return f"no side may be above {rule.max_edge_px} px"
    if rule.min_edge_px and short < rule.min_edge_px:
        return f"no side may be below {rule.min_edge_px} px"
    if rule.min_px and area < rule.min_px:
        return f"it makes at least {rule.min_px:,} pixels"
    if rule.max_px and area > rule.max_px:
        return f"it makes at most {rule.max_px:,} pixels"
    return None


def nearest(rule: SizeRule, size: str) -> list[str]:
    """Sizes the model can make, the most alike first: those of the same ratio and no more pixels come before others."""
    width, height = pixels(size)
    found = set(rule.sizes) if rule.kind == "fixed" else set(_around(rule, width, height))

    def unlikeness(candidate: str) -> tuple[bool, float]:
        own_width, own_height = pixels(candidate)
        area = math.log((own_width * own_height) / (width * height))
        return area > 0, ratio_error(candidate, width, height) + 0.25 * abs(area)

    return sorted(found, key=unlikeness)


def for_ratio(rule: SizeRule, aspect_ratio: str | None, tier: str | None) -> list[str]:
    """Sizes for a ratio and a tier of pixels, the best first: the exact ratio where the model can make it."""
    across, _, down = (aspect_ratio or "1:1").partition(":")
    width, height = int(across), int(down)
    wanted = _tier_px(rule, tier)
    if rule.kind == "fixed":
        found = [size for size in rule.sizes if tier is None or (wanted and 0.5 <= _area(size) / wanted <= 2)]
        return sorted(
            found, key=lambda size: (ratio_error(size, width, height), abs(math.log(_area(size) / _USUAL_PX)))
        )
    if wanted is None:
        return []
    scale = math.sqrt(wanted / (width * height))
    near = set(_around(rule, round(width * scale), round(height * scale))) | set(_exact(rule, width, height, wanted))

    def unlikeness(candidate: str) -> tuple[bool, float]:
        area = abs(math.log(_area(candidate) / wanted))
        error = ratio_error(candidate, width, height)
        return error > 1e-9 or area > 0.3, error + 0.25 * area

    return sorted(near, key=unlikeness)


def nearest_ratio(rule: SizeRule, width: int, height: int) -> str:
    """The ratio nearest to width to height that a model of named ratios, or of any up to a limit, takes."""
    if rule.aspect_ratios:
        return min(rule.aspect_ratios, key=lambda ratio: ratio_error(ratio.replace(":", "x"), width, height))
    taken = Fraction(width, height)
    if rule.max_ratio:
        limit = Fraction(rule.max_ratio).limit_denominator(100)
        taken = min(max(taken, 1 / limit), limit)
    return f"{taken.numerator}:{taken.denominator}"


def spelled(aspect_ratio: str | None, ways: Iterable[str]) -> str | None:
    """The ratio as that of the ``ways`` writes it which is the same, say ``9:19.5`` for 18:39; else as it is."""
    if aspect_ratio is None:
        return None
    return next((way for way in ways if _ratio(way) == _ratio(aspect_ratio)), aspect_ratio)


def _ratio(text: str) -> Fraction:
    across, _, down = text.partition(":")
    return Fraction(across) / Fraction(down)


def nearest_tier(rule: SizeRule, px: int) -> str | None:
    """The largest tier of no more pixels, give or take a round number's slack; else the smallest; None: no tiers."""
    rising = sorted(rule.tiers, key=lambda tier: rule.tiers[tier])
    fitting = [tier for tier in rising if rule.tiers[tier] <= px * TIER_SLACK]
    return fitting[-1] if fitting else rising[0] if rising else None


def _tier_px(rule: SizeRule, tier: str | None) -> int | None:
    if tier is not None:
        return rule.tiers.get(tier)
    return _area(rule.default) if rule.default else _USUAL_PX


def _area(size: str) -> int:
    width, height = pixels(size)
    return width * height


def _exact(rule: SizeRule, width: int, height: int, wanted: int) -> Iterator[str]:
    """Sizes of exactly this ratio, around the wanted number of pixels."""
    shrink = math.gcd(width, height)
    width, height = width // shrink, height // shrink
    step = math.lcm(
        rule.multiple_of // math.gcd(rule.multiple_of, width), rule.multiple_of // math.gcd(rule.multiple_of, height)
    )
    middle = round(math.sqrt(wanted / (width * height)) / step)
    for factor in range(max(1, middle - 1), middle + 2):
        size = f"{width * step * factor}x{height * step * factor}"
        if misfit(rule, size) is None:
            yield size


def _around(rule: SizeRule, width: int, height: int) -> Iterator[str]:
    """Sizes on the model's grid around width x height, brought within its limits first."""
    width, height = _within(rule, width, height)
    step = rule.multiple_of
    for across in range(-_TRIED_STEPS, 3):
        for down in range(-_TRIED_STEPS, 3):
            size = f"{max(1, width // step + across) * step}x{max(1, height // step + down) * step}"
            if misfit(rule, size) is None:
                yield size


def _within(rule: SizeRule, width: int, height: int) -> tuple[int, int]:
    """The same shape scaled into the limits; a shape that is too long is cut first."""
    if rule.max_ratio:
        width, height = (
            (min(width, int(height * rule.max_ratio)), height)
            if width > height
            else (width, min(height, int(width * rule.max_ratio)))
        )
    down = min(
        1.0,
        (rule.max_edge_px or math.inf) / max(width, height),
        math.sqrt((rule.max_px or math.inf) / (width * height)),
    )
    up = max(
        1.0,
        (rule.min_edge_px or 0) / min(width, height),
        math.sqrt((rule.min_px or 0) / (width * height)),
    )
    scale = down if down < 1 else up
    bump = rule.multiple_of if up > 1 else 0
    return int(width * scale) + bump, int(height * scale) + bump
