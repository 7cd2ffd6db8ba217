"""Measures how often each probe errs, on synthetic pictures of which the truth is known; prints the table.

python benchmarks/probes/measure.py [probe ...] [--count 500] [--seed 7] [--save FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from boarded import grid_cases
from cases import Case
from edited import locality_cases, technical_cases
from lettered import text_cases
from shaped import colour_cases, count_cases, relation_cases

from imagegen.probes import ErrorRates, Finding, Probe, Subject, probe

SETS: dict[str, Callable[[int, int], list[Case]]] = {
    "text": text_cases,
    "count": count_cases,
    "colour": colour_cases,
    "relation": relation_cases,
    "grid": grid_cases,
    "locality": locality_cases,
    "technical": technical_cases,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe said of one case, and how long that took."""

    probe: str
    right: bool
    kind: str
    about: str
    verdict: str
    why: str
    took_s: float


def looked_at(name: str, case: Case) -> Finding:
    """What a probe says of a case."""
    return _made(name).look(Subject(case.picture, case.media_type, expectation=case.expectation, **case.more))


@cache
def _made(name: str) -> Probe:
    return probe(name)()


@cache
def _cases(name: str, count: int, seed: int) -> list[Case]:
    return SETS[name](count, seed)


def measured(job: tuple[str, int, int, int]) -> Outcome:
    """One case of a set."""
    name, at, count, seed = job
    case = _cases(name, count, seed)[at]
    started = time.monotonic()
    found = looked_at(name, case)
    return Outcome(name, case.right, case.kind, case.about, found.verdict, found.why, time.monotonic() - started)


def rates_of(outcomes: Iterable[Outcome], measured_on: str = "") -> ErrorRates:
    """False passes among the wrong pictures, false fails among the right ones, undecided among all."""
    said = Counter((each.right, each.verdict) for each in outcomes)
    right = sum(number for (is_right, _), number in said.items() if is_right)
    wrong = said.total() - right
    undecided = said[True, "undecided"] + said[False, "undecided"]
    shares = said[False, "pass"] / max(1, wrong), said[True, "fail"] / max(1, right), undecided / max(1, said.total())
    return ErrorRates(*(round(share, 4) for share in shares), measured_on)


def table_of(outcomes: list[Outcome]) -> str:
    """A row for each probe, and one for each kind of picture in its set."""
    rows = ["| probe | pictures | false pass | false fail | undecided | s a picture |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(each.probe for each in outcomes):
        own = [each for each in outcomes if each.probe == name]
        rows.append(_row(f"**{name}**", own))
        kinds = sorted({each.kind for each in own})
        rows += [_row(f"{name}: {kind}", [each for each in own if each.kind == kind]) for kind in kinds]
    return "\n".join(rows)


def _row(label: str, outcomes: list[Outcome]) -> str:
    rates = rates_of(outcomes)
    wrong, right = sum(not each.right for each in outcomes), sum(each.right for each in outcomes)
    false_pass = f"{rates.false_pass:.1%} of {wrong}" if wrong else "-"
    false_fail = f"{rates.false_fail:.1%} of {right}" if right else "-"
    seconds = sum(each.took_s for each in outcomes) / len(outcomes)
    return f"| {label} | {len(outcomes)} | {false_pass} | {false_fail} | {rates.undecided:.1%} | {seconds:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("probes", nargs="*", default=list(SETS))
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--save", type=Path, help="every outcome, a line of JSON each, as it comes")
    asked = parser.parse_args()
    jobs = [(name, at, asked.count, asked.seed) for name in asked.probes for at in range(asked.count)]
    outcomes, started = [], time.monotonic()
    with ProcessPoolExecutor(asked.workers) as pool:
        for outcome in pool.map(measured, jobs):
            outcomes.append(outcome)
            if asked.save:
                with asked.save.open("a") as file:
                    fields = {name: getattr(outcome, name) for name in Outcome.__slots__}
                    file.write(json.dumps(fields, ensure_ascii=False) + "\n")
    print(f"{datetime.now(UTC):%Y-%m-%d}, seed {asked.seed}, {time.monotonic() - started:.0f} s in all\n")
    print(table_of(outcomes))


if __name__ == "__main__":
    main()
