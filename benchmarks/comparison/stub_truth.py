"""Whether intervals hold the truth through the real library: the stub is called, 100 times a whole comparison.

    PYTHONPATH=tests python benchmarks/comparison/stub_truth.py [runs]

Two connections lead to the same model, so that no difference is one. ``sloppy`` is called for 40 cases, twice each:
latencies are lognormal, the count is right in 75 %. ``metered`` is called for 30 cases, once each: a case's size and
quality set its price, latencies are uniform. Both are refused, spoilt or cut off with stated probabilities: what is
spoilt is paid, what is cut off costs nobody knows how much.

The latency is counted twice: as the stub states it for a picture's seed, which has an exact truth, and as the library
measured it, whose truth is that of all runs taken together (painting and a busy machine are in it).
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from random import Random
from statistics import NormalDist, fmean
from typing import Any, Literal

from comparison.covering import Coverage

import imagegen
from imagegen.comparison.cells import Cell, CellFinding, CellPicture
from imagegen.comparison.figures import Numbers
from imagegen.comparison.numbers import numbers_of
from imagegen.comparison.statistics import quantile
from imagegen_providers.stub import StubOptions, latency_s, painted, scene_of

SEED = 20261124
AT_ONCE = 16
REFUSED, CORRUPT, CUT = 0.1, 0.08, 0.05
FAULTS = [
    {"kind": "refused", "probability": REFUSED},
    {"kind": "corrupt", "probability": CORRUPT},
    {"kind": "unknown", "probability": CUT},
]
SPOILT = (1 - REFUSED) * CORRUPT
OK = (1 - REFUSED) * (1 - CORRUPT) * (1 - CUT)
RATES = {
    "succeeded": OK,
    "refused": REFUSED,
    "failed": 1 - OK - REFUSED,
    "unknown_cost": (1 - REFUSED) * (1 - CORRUPT) * CUT,
}
COUNT_RIGHT = 0.75
RIGHT = {"count": COUNT_RIGHT, "colour": 1, "shape": 1, "position": 1, "text": 1, "board": 1}
WORDS = ("one red circle", "two red circles", "three blue squares", "four green triangles", "five red circles")
MEDIAN_S, SIGMA, LOW_S, HIGH_S = 0.04, 0.6, 0.01, 0.08
TOKENS = (272, 408, 400, 1056, 1584, 1568, 4160, 6240, 6208)
"""Of ``metered``, by quality and size, as its catalogue has them."""
SIZES, QUALITIES = ("1024x1024", "1024x1536", "1536x1024"), ("low", "medium", "high")
PROMPT = "a red circle"
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95}


@dataclass(frozen=True)
class Study:
    """A suite that is run over and over, and what is true of it."""

    model: str
    repeats: int
    options: dict[str, Any]
    latencies: dict[str, float]
    paid: float
    """USD for a picture that came."""
    spoilt: float
    """USD for one that came spoilt: for ``metered`` at most, as the library says it."""
    usable: float

    @property
    def price(self) -> float:
        """USD a picture, spoilt ones paid too."""
        return self.paid + self.spoilt * SPOILT / OK

    def requests(self, chance: Random) -> list[dict[str, Any]]:
        """The cases of one run."""
        if self.model == "sloppy":
            return [{"prompt": chance.choice(WORDS), "size": "64x64"} for _ in range(40)]
        drawn = [(chance.choice(SIZES), chance.choice(QUALITIES)) for _ in range(30)]
        return [{"prompt": PROMPT, "size": size, "quality": quality} for size, quality in drawn]


def _lognormal() -> dict[str, float]:
    quantiles = {name: MEDIAN_S * math.exp(SIGMA * NormalDist().inv_cdf(share)) for name, share in SHARES.items()}
    return {**quantiles, "mean": MEDIAN_S * math.exp(SIGMA**2 / 2)}


STUDIES = (
    Study(
        "sloppy",
        2,
        {
            "latency_s": {"distribution": "lognormal", "median": MEDIAN_S, "sigma": SIGMA},
            "faults": FAULTS,
            "right": RIGHT,
        },
        _lognormal(),
        0.02,
        0.02,
        COUNT_RIGHT,
    ),
    Study(
        "metered",
        1,
        {"latency_s": {"distribution": "uniform", "low": LOW_S, "high": HIGH_S}, "faults": FAULTS},
        {name: LOW_S + share * (HIGH_S - LOW_S) for name, share in {**SHARES, "mean": 0.5}.items()},
        fmean(TOKENS) * 40e-6 + math.ceil(len(PROMPT) / 4) * 5e-6,
        fmean(TOKENS) * 40e-6 + len(PROMPT) * 5e-6,
        1.0,
    ),
)


def blanks(study: Study, chance: Random) -> list[tuple[Cell, int]]:
    """The cells of one comparison before they are called, each with its seed."""
    jobs = product(enumerate(study.requests(chance)), ("one", "two"), range(study.repeats))
    return [
        (
            Cell(
                "", f"case {at:02}", request["prompt"], "generate", request, "", f"{name}:{study.model}", repeat, "ok"
            ),
            seed,
        )
        for (at, request), name, repeat in jobs
        for seed in (chance.getrandbits(31),)
    ]


async def called(study: Study, runs: int) -> list[list[Cell]]:
    """Every comparison, all calls in mixed order: a slow minute of the machine is shared by all of them."""
    gate = asyncio.Semaphore(AT_ONCE)
    wanted = [(run, *job) for run in range(runs) for job in blanks(study, Random(f"{SEED} {study.model} {run}"))]
    Random(SEED).shuffle(wanted)
    connections = {name: imagegen.Connection("stub") for name in ("one", "two")}
    async with imagegen.AsyncClient(connections=connections, spool=False) as client:
        done = await asyncio.gather(*(_called(client, study, cell, gate, seed) for _, cell, seed in wanted))
    made: list[list[Cell]] = [[] for _ in range(runs)]
    for (run, _, _), cell in zip(wanted, done, strict=True):
        made[run].append(cell)
    return made


async def _called(client: imagegen.AsyncClient, study: Study, cell: Cell, gate: asyncio.Semaphore, seed: int) -> Cell:
    options = {"stub": study.options}
    async with gate:
        try:
            result = await client.generate(model=cell.model, seed=seed, options=options, **cell.fields)
        except imagegen.ImageGenError as error:
            return _without_picture(cell, error)
    image, latency, cost = result.images[0], result.latency, result.cost
    picture = CellPicture("", None, "", image.media_type, image.width or 0, image.height or 0, 0, image.seed)
    right = painted(cell.prompt, seed, study.model, RIGHT) == scene_of(cell.prompt)
    return replace(
        cell,
        pictures=(picture,),
        cost_usd=cost.amount_usd,
        cost_source=cost.source,
        total_s=latency.total_s,
        wait_s=latency.wait_s,
        findings=(CellFinding(0, "count", "pass" if right else "fail"),),
    )


def _without_picture(cell: Cell, error: imagegen.ImageGenError) -> Cell:
    outcome: Literal["refused", "failed", "unknown"] = "failed"
    if isinstance(error, imagegen.ModerationError):
        outcome = "refused"
    elif isinstance(error, imagegen.OutcomeUnknownError):
        outcome = "unknown"
    cost = {imagegen.Billed.NO: Decimal(0), imagegen.Billed.YES: error.possibly_billed_usd}.get(error.billed)
    return replace(cell, outcome=outcome, cost_usd=cost, error_kind=type(error).__name__)


def as_stated(cell: Cell, study: Study) -> Cell:
    """The cell with the latency that the stub draws from the picture's seed, without painting and machine."""
    if not cell.pictures or cell.pictures[0].seed is None:
        return cell
    return replace(cell, total_s=latency_s(StubOptions(**study.options), cell.pictures[0].seed), wait_s=None)


def note(coverage: Coverage, numbers: Numbers, study: Study) -> None:
    """Every interval of a run, against the truth."""
    for row in numbers.models:
        for name, truth in RATES.items():
            rate = getattr(row, name)
            coverage.note(f"rate {name}", rate.low, rate.high, truth)
        if study.model == "sloppy":
            passed = row.probes["count"].passed
            coverage.note("rate of probe", passed.low, passed.high, study.usable)
        for name, value in (("picture", study.price), ("usable", study.price / study.usable)):
            cost = getattr(row, f"cost_per_{name}")
            coverage.note(f"cost per {name}", cost.low, cost.high, value)
    note_latencies(coverage, numbers, "latency stated", study.latencies)
    coverage.note_differences(numbers.differences)


def note_latencies(coverage: Coverage, numbers: Numbers, kind: str, truths: dict[str, float]) -> None:
    for row, (name, truth) in product(numbers.models, truths.items()):
        coverage.note(f"{kind} {name}", row.latency[name].low, row.latency[name].high, truth)


def measured(study: Study, made: list[list[Cell]]) -> Coverage:
    """All intervals of all comparisons."""
    coverage = Coverage()
    values = sorted(cell.latency_s for cells in made for cell in cells if cell.latency_s is not None)
    truths = {**{name: quantile(values, share) for name, share in SHARES.items()}, "mean": fmean(values)}
    for number, cells in enumerate(made):
        note(coverage, numbers_of((as_stated(cell, study) for cell in cells), seed=number), study)
        note_latencies(coverage, numbers_of(cells, seed=number), "latency measured", truths)
    return coverage


def main(runs: int) -> None:
    for study in STUDIES:
        started, spent = time.perf_counter(), time.process_time()
        made = asyncio.run(called(study, runs))
        coverage = measured(study, made)
        print(f"| stub:{study.model} | covered, % | lay too low, too high | not stated |\n| --- | --- | --- | --- |")
        for kind, counts in sorted(coverage.counts.items()):
            share = f"{100 * coverage.share(kind):.1f} of {coverage.of(kind)}" if coverage.of(kind) else "none"
            print(f"| {kind} | {share} | {counts['above']}, {counts['below']} | {counts['none']} |")
        print(f"\ncalled different in {coverage.false_runs} of {coverage.runs} runs {dict(coverage.false)}")
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - spent
        print(f"seed {SEED}, {sum(map(len, made))} calls, {wall_s:.0f} s, {cpu_s:.0f} s of CPU\n", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
