"""An axis: from values to pixels, linear or logarithmic, and where its ticks are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOO_WIDE = 8
"""Times the least figure: from here on a linear axis would press the small ones into a corner."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``low`` to ``high``, drawn between two pixels."""

    low: float
    high: float
    first_px: float
    last_px: float
    logarithmic: bool

    @classmethod
    def over(cls, spans: Sequence[tuple[float, float, float]], first_px: float, last_px: float) -> Self:
        """Wide enough for every span (low, value, high). Logarithmic only where all values are above zero."""
        values = [value for _, value, _ in spans]
        highest = max(high for _, _, high in spans)
        if min(values) > 0 and max(values) > _TOO_WIDE * min(values):
            lowest = min(max(low, value / _TOO_WIDE) for low, value, _ in spans)
            return cls(lowest / 1.25, highest * 1.25, first_px, last_px, logarithmic=True)
        return cls(0.0, highest * 1.1 or 1.0, first_px, last_px, logarithmic=False)

    def __call__(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.first_px + share * (self.last_px - self.first_px), 1)

    def ticks(self, most: int) -> list[tuple[float, float]]:
        """Round values and their pixels, ``most`` at most."""
        values = self._decades(most) if self.logarithmic else self._steps(most)
        return [(value, self(value)) for value in values if self.low <= value <= self.high]

    def _decades(self, most: int) -> list[float]:
        """1, 2, 5, 10, ...; where these are too many, fewer of a decade."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for kept in ((1, 2, 5), (1, 3), (1,)):
            values = [digit * 10.0**power for power in powers for digit in kept]
            if sum(self.low <= value <= self.high for value in values) <= most:
                break
        return values

    def _steps(self, most: int) -> list[float]:
        rough = (self.high - self.low) / most
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * times for times in (1, 2, 5, 10) if size * times >= rough)
        return [step * number for number in range(most + 1)]
