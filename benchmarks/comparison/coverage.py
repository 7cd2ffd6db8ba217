"""Whether the intervals of a comparison hold the truth: cells drawn from stated distributions, 100 times each.

    PYTHONPATH=tests python benchmarks/comparison/coverage.py [runs]

Nothing is called: `tests/comparison/worlds.py` draws the cells, `imagegen.comparison.numbers` reads them. Each world is
drawn with 30, 100 and 500 cases, as two models that are the same; some also as two that differ. Last, each is drawn as
one model over a hundred cases that stay the same.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import product

from comparison.covering import Coverage, differing, same_twice, this_suite
from comparison.worlds import World

SEED = 20261123
SIZES = (30, 100, 500)
SAME = {
    "success 0.95, latency even": World(0.95, 0.1, between=0.3, within=0.3),
    "success 0.9, cases far apart, 3 repeats": World(0.9, 0.4, between=0.5, within=0.5, repeats=3),
    "success 0.8, cases far apart, 3 repeats": World(0.8, 0.4, between=0.5, within=0.3, repeats=3),
    "success 0.7, cases near, 5 repeats": World(0.7, 0.05, between=0.1, within=0.5, repeats=5),
    "success 0.5, latency skewed": World(0.5, 0.0, between=0.2, within=0.8),
    "success 0.2, 3 repeats": World(0.2, 0.2, repeats=3),
    "success 0.05, 5 repeats": World(0.05, 0.1, repeats=5),
}
APART = {
    "near": (World(0.9, 0.2, repeats=2), World(0.85, 0.2, median_s=9.0, price=1.1, passes=0.65, repeats=2)),
    "far": (World(0.95, 0.2, repeats=2), World(0.75, 0.2, median_s=12.0, price=1.5, passes=0.5, repeats=2)),
}
KINDS = {"rates": ("rate ",), "latencies": ("latency ",), "prices": ("cost ",), "rates, plain Wilson": ("plain ",)}


def same(name: str, size: int, runs: int) -> Coverage:
    return same_twice(SAME[name], size, runs, SEED)


def apart(name: str, size: int, runs: int) -> Coverage:
    return differing(dict(zip("ab", APART[name], strict=True)), size, runs, SEED)


def kept(name: str, size: int, runs: int) -> Coverage:
    return this_suite(SAME[name], size, runs, SEED)


def shares(coverage: Coverage, starts: tuple[str, ...]) -> str:
    """Per cent of the stated intervals of these kinds that hold the truth, and how many were stated."""
    counts: Counter[str] = sum((each for kind, each in coverage.counts.items() if kind.startswith(starts)), Counter())
    stated = counts["in"] + counts["below"] + counts["above"]
    return f"{100 * counts['in'] / stated:.1f} of {stated}" if stated else "none"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for row in (head, ("---",) * len(head), *rows):
        print("| " + " | ".join(row) + " |")
    print()


def row(name: str, coverage: Coverage) -> tuple[str, ...]:
    return name, *(shares(coverage, starts) for starts in KINDS.values()), f"{coverage.false_runs} of {coverage.runs}"


def main(runs: int) -> None:
    started = time.perf_counter()
    jobs = [(name, size, runs) for name, size in product(SAME, SIZES)]
    pairs = [(name, size, runs) for name, size in product(APART, SIZES)]
    suites = [(name, 100, 4 * runs) for name in SAME]
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(same, *zip(*jobs, strict=True)))
        others = list(pool.map(apart, *zip(*pairs, strict=True)))
        keeping = list(pool.map(kept, *zip(*suites, strict=True)))
    rows = [row(f"{name}, {size} cases", each) for (name, size, _), each in zip(jobs, found, strict=True)]
    whole = Coverage()
    for each in found:
        whole += each
    table(("two models that are the same", *KINDS, "called different"), [*rows, row("all", whole)])
    kinds = [(kind, shares(whole, (kind,)), str(whole.counts[kind]["none"])) for kind in sorted(whole.counts)]
    table(("figure", "covered, %", "not stated"), kinds)
    levels = [
        (f"{name}, {size} cases", *(f"{shares(each, (kind,))}, found {each.false[kind]}" for kind in each.counts))
        for (name, size, _), each in zip(pairs, others, strict=True)
    ]
    table(("two models apart", *others[0].counts), levels)
    stay = [
        (f"{name}, 100 cases", shares(each, ("rate ",)), shares(each, ("plain ",)))
        for (name, _, _), each in zip(suites, keeping, strict=True)
    ]
    table(("the same cases, fresh repeats", "rate of success", "plain Wilson"), stay)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = usage.ru_utime + usage.ru_stime
    print(f"seed {SEED}, {runs} runs each, {time.perf_counter() - started:.0f} s, {cpu_s:.0f} s of CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
