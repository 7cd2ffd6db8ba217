"""Cost against latency as inline SVG: a point with its intervals for each model, and the Pareto front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen.comparison.report import figures
from imagegen.comparison.report.markup import Html, element, joined
from imagegen.comparison.report.scale import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imagegen.comparison.numbers import Estimate, ModelNumbers, Numbers

_WIDE, _NARROW = (1000, 440), (350, 360)
_LEFT, _TOP, _RIGHT, _BOTTOM = 62, 34, 18, 50
"""Margins in pixels."""
_LETTER_PX, _LINE_PX = 7.2, 15


@dataclass(frozen=True, slots=True)
class Point:
    """A model of which both figures are known."""

    number: int
    """From 0, its place in the summary."""
    model: str
    cost: Estimate
    latency: Estimate


def cost_against_latency(numbers: Numbers) -> Iterator[Html]:
    """The chart, its front in words, and who is not in it."""
    points = points_of(numbers)
    shown = {point.model for point in points}
    if points:
        front = pareto_front(points)
        yield _drawn(points, front, _WIDE, "chart wide", named=True)
        yield _drawn(points, front, _NARROW, "chart narrow", named=False)
        yield element("ol", *(_in_words(point, point in front) for point in points), class_="key")
        yield element(
            "p", "On the front (filled, joined by the line): nothing else is both cheaper and faster.", class_="hint"
        )
    missing = [row.model for row in numbers.models if row.model not in shown]
    if missing:
        yield element("p", f"Not in the chart, cost or latency unknown: {', '.join(missing)}.", class_="hint")


def points_of(numbers: Numbers) -> list[Point]:
    """Models with a known cost a picture and a known latency."""
    found = ((place, row, _latency(row), row.cost_per_picture) for place, row in enumerate(numbers.models))
    return [Point(place, row.model, cost, latency) for place, row, latency, cost in found if cost and latency]


def _latency(row: ModelNumbers) -> Estimate | None:
    return row.latency.get("p50") or row.latency.get("mean")


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Those than which no other is at least as cheap and as fast, and better in one; the cheapest first."""
    front = [one for one in points if not any(_beats(other, one) for other in points)]
    return sorted(front, key=lambda point: (point.cost.value, point.latency.value))


def _beats(one: Point, other: Point) -> bool:
    ours, theirs = (one.cost.value, one.latency.value), (other.cost.value, other.latency.value)
    return ours != theirs and ours[0] <= theirs[0] and ours[1] <= theirs[1]


def _in_words(point: Point, on_front: bool) -> Html:
    cost = figures.of_estimate(point.cost, figures.usd)
    latency = figures.of_estimate(point.latency, figures.seconds)
    name = element("b", point.model), element("span", " on the front" if on_front else "", class_="front")
    return element("li", *name, f" {cost} a picture, {latency}", value=point.number + 1, data_model=point.number)


def _drawn(points: Sequence[Point], front: Sequence[Point], size: tuple[int, int], class_: str, *, named: bool) -> Html:
    width, height = size
    across = Scale.over([_bounds(point.cost) for point in points], _LEFT, width - _RIGHT)
    up = Scale.over([_bounds(point.latency) for point in points], height - _BOTTOM, _TOP)
    inside = (
        element("title", "Cost a picture against latency"),
        *_axes(across, up, width, height),
        _line(front, across, up),
        *(_point(point, point in front, across, up) for point in points),
        *(_names(points, across, up, width) if named else _numbers(points, across, up)),
    )
    return element("svg", joined(inside), viewBox=f"0 0 {width} {height}", role="img", class_=class_)


def _bounds(estimate: Estimate) -> tuple[float, float, float]:
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return low, estimate.value, high


def _axes(across: Scale, up: Scale, width: int, height: int) -> Iterator[Html]:
    bottom, right = height - _BOTTOM, width - _RIGHT
    most = 8 if width > _NARROW[0] else 4
    for value, x in across.ticks(most):
        yield element("line", x1=x, x2=x, y1=_TOP, y2=bottom, class_="grid")
        yield element("text", figures.usd(value), x=x, y=bottom + 18, text_anchor="middle")
    for value, y in up.ticks(6):
        yield element("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="grid")
        yield element("text", figures.seconds(value), x=_LEFT - 7, y=y + 4, text_anchor="end")
    logarithmic = " (logarithmic)" if across.logarithmic else ""
    yield element("text", f"USD a picture{logarithmic}", x=right, y=height - 8, text_anchor="end", class_="axis")
    logarithmic = " (logarithmic)" if up.logarithmic else ""
    yield element("text", f"median seconds{logarithmic}", x=6, y=16, class_="axis")


def _line(front: Sequence[Point], across: Scale, up: Scale) -> Html:
    """In steps: between two models nothing is known to be possible."""
    at = [(across(point.cost.value), up(point.latency.value)) for point in front]
    steps = "".join(f"H{x}V{y}" for x, y in at[1:])
    return element("path", d=f"M{at[0][0]} {at[0][1]}{steps}", class_="front-line")


def _point(point: Point, on_front: bool, across: Scale, up: Scale) -> Html:
    x, y = across(point.cost.value), up(point.latency.value)
    left, _, right = map(across, _bounds(point.cost))
    low, _, high = map(up, _bounds(point.latency))
    inside = (
        element("line", x1=left, x2=right, y1=y, y2=y, class_="interval"),
        element("line", x1=x, x2=x, y1=low, y2=high, class_="interval"),
        element("circle", element("title", point.model), cx=x, cy=y, r=6, class_="on" if on_front else "off"),
    )
    return element("g", *inside, data_model=point.number)


def _numbers(points: Sequence[Point], across: Scale, up: Scale) -> Iterator[Html]:
    """A small drawing has the numbers of the list below it."""
    return _labels(points, across, up, _NARROW[0], lambda point: str(point.number + 1))


def _names(points: Sequence[Point], across: Scale, up: Scale, width: int) -> Iterator[Html]:
    return _labels(points, across, up, width, lambda point: f"{point.number + 1} {point.model}")


def _labels(
    points: Sequence[Point], across: Scale, up: Scale, width: int, said: Callable[[Point], str]
) -> Iterator[Html]:
    """Each beside its point, where nothing else is yet."""
    places = [(across(point.cost.value), up(point.latency.value)) for point in points]
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in places]
    for point, (x, y) in zip(points, places, strict=True):
        label = said(point)
        box = _free_box(x, y, _LETTER_PX * len(label), width, taken)
        taken.append(box)
        yield element("text", label, x=round(box[0], 1), y=round(box[3] - 4, 1), class_="name", data_model=point.number)


def _free_box(
    x: float, y: float, length: float, width: int, taken: Sequence[tuple[float, ...]]
) -> tuple[float, float, float, float]:
    """Right of the point and a little above its bars, else left, then further up and down."""
    boxes = [
        (left, y + rise, left + length, y + rise + _LINE_PX)
        for rise in (-19, 4, -34, 19, -49, 34)
        for left in (x + 9, x - 9 - length)
    ]
    inside = [box for box in boxes if box[0] >= _LEFT and box[2] <= width and box[1] >= 0] or boxes
    return next((box for box in inside if not any(_meet(box, other) for other in taken)), inside[0])


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
