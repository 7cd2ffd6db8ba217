"""Which differences are more than chance, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen.comparison.report import figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imagegen.comparison.numbers import Difference, Numbers


def found(numbers: Numbers) -> list[Difference]:
    """Those whose interval excludes zero; nothing else is called a difference."""
    return [each for each in numbers.differences if each.is_one]


def not_found(numbers: Numbers) -> list[Difference]:
    """Pairs that these cells cannot tell apart, which does not say that they are equal."""
    return [each for each in numbers.differences if not each.is_one]


def sentence(difference: Difference) -> str:
    """``latency mean: a is 1.2 s lower than b (0.6 to 1.8 s, level 95 %)``."""
    said = figures.of_metric(difference.metric)
    direction = "higher" if difference.value > 0 else "lower"
    low, high = sorted((abs(difference.low), abs(difference.high)))
    size = f"{difference.a} is {said(abs(difference.value))} {direction} than {difference.b}"
    return f"{difference.metric}: {size} ({figures.span(low, high, said)}, level {level(difference)})"


def size(difference: Difference) -> str:
    """The first model's less the second's, ``+1.2 s``."""
    return _signed(difference, difference.value)


def interval(difference: Difference) -> str:
    """``+0.6 s to +1.8 s``."""
    return f"{_signed(difference, difference.low)} to {_signed(difference, difference.high)}"


def _signed(difference: Difference, value: float) -> str:
    sign = "+" if value > 0 else "\u2212" if value < 0 else ""
    return sign + figures.of_metric(difference.metric)(abs(value))


def level(difference: Difference) -> str:
    """Of the interval; more than 95 % where several are looked at together."""
    return f"{100 * difference.level:.4g} %"


def of_model(numbers: Numbers, model: str) -> Iterator[str]:
    """What is surely different at one model: ``success: higher than b, c``, one line a metric and direction."""
    above: dict[tuple[str, str], list[str]] = {}
    for metric, direction, other in _sides(found(numbers), model):
        above.setdefault((metric, direction), []).append(other)
    for (metric, direction), others in above.items():
        yield f"{metric}: {direction} than {', '.join(others)}"


def _sides(differences: Iterable[Difference], model: str) -> Iterator[tuple[str, str, str]]:
    for each in differences:
        if each.a == model:
            yield each.metric, "higher" if each.value > 0 else "lower", each.b
        elif each.b == model:
            yield each.metric, "lower" if each.value > 0 else "higher", each.a
