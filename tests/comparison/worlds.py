"""Worlds whose truth is known: models with stated rates, latencies and prices, and cells drawn from them.

Cases are drawn anew every time, each with a hardness, a slowness and a price of its own, which all its repeats share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from statistics import NormalDist, fmean

from imagegen.comparison.cells import Cell, CellFinding, CellPicture

PRICES = (0.011, 0.016, 0.042, 0.063, 0.167)
UNDECIDED = 0.1
PICTURE = CellPicture("p.png", None, "0" * 64, "image/png", 64, 64, 1000)


@dataclass(frozen=True)
class World:
    """One model, and how much its cases differ."""

    success: float = 0.9
    alike: float = 0.1
    """Correlation of the answers within a case; 0: cases do not differ."""
    median_s: float = 8.0
    between: float = 0.3
    """Standard deviation of the logarithm of the latency, between cases."""
    within: float = 0.4
    """The same within a case."""
    repeats: int = 1
    passes: float = 0.7
    """Of the pictures that the probe can decide."""
    price: float = 1.0
    """Times `PRICES`, one of which is a case's."""
    failures_billed: float = 0.3

    @property
    def rates(self) -> dict[str, float]:
        """What each rate is in truth."""
        return {"succeeded": self.success, "refused": (1 - self.success) / 2, "failed": (1 - self.success) / 2}

    @property
    def latencies(self) -> dict[str, float]:
        """What each figure of the latency is in truth."""
        sigma = math.hypot(self.between, self.within)
        shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95}
        quantiles = {
            name: self.median_s * math.exp(sigma * NormalDist().inv_cdf(share)) for name, share in shares.items()
        }
        return {**quantiles, "mean": self.median_s * math.exp(sigma**2 / 2)}

    @property
    def cost_per_picture(self) -> float:
        billed = self.success + (1 - self.success) * self.failures_billed
        return self.price * fmean(PRICES) * billed / self.success

    @property
    def cost_per_usable(self) -> float:
        return self.cost_per_picture / (1 - (1 - UNDECIDED) * (1 - self.passes))


@dataclass(frozen=True)
class Case:
    """What is the same for every model and every repeat."""

    name: str
    hardness: Random
    slowness: float
    price: float


def cells(worlds: dict[str, World], cases: int, chance: Random) -> Iterator[Cell]:
    """Cells of models over the same freshly drawn cases."""
    for number in range(cases):
        hardness, slowness, price = chance.random(), chance.gauss(0, 1), chance.choice(PRICES)
        for model, world in worlds.items():
            case = Case(f"case {number:03}", Random(hardness), slowness, price)
            yield from case_cells(model, world, case, chance)


def success_of(world: World, hardness: float) -> float:
    """How often a case of this hardness succeeds."""
    return _around(world.success, world.alike, Random(hardness))


def case_cells(model: str, world: World, case: Case, chance: Random) -> Iterator[Cell]:
    """All repeats of a case at a model."""
    success = _around(world.success, world.alike, case.hardness)
    passes = _around(world.passes, world.alike, case.hardness)
    for repeat in range(world.repeats):
        outcome = "ok" if chance.random() < success else chance.choice(["refused", "failed"])
        billed = outcome == "ok" or chance.random() < world.failures_billed
        cost = Decimal(str(round(case.price * world.price, 6))) if billed else Decimal(0)
        cell = replace(_cell(model, case.name, repeat), outcome=outcome, cost_usd=cost, cost_source="usage")
        if outcome == "ok":
            seconds = world.median_s * math.exp(world.between * case.slowness + chance.gauss(0, world.within))
            cell = replace(cell, pictures=(PICTURE,), total_s=seconds, findings=(_finding(passes, chance),))
        yield cell


def _around(mean: float, alike: float, chance: Random) -> float:
    """A case's own rate: beta, such that two answers within a case correlate by ``alike``."""
    scale = (1 - alike) / alike if alike else 0.0
    return chance.betavariate(mean * scale, (1 - mean) * scale) if alike else mean


def _finding(passes: float, chance: Random) -> CellFinding:
    if chance.random() < UNDECIDED:
        return CellFinding(0, "text", "undecided")
    right = chance.random() < passes
    return CellFinding(0, "text", "pass" if right else "fail", float(right))


def _cell(model: str, case: str, repeat: int) -> Cell:
    return Cell(f"{model} {case} {repeat}", case, "a fox", "generate", {}, "", model, repeat, "ok")
