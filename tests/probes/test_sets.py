"""Each probe on a small part of the synthetic sets; the whole sets are measured by ``benchmarks/probes/measure.py``."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from imagegen.probes import probe

pytestmark = [
    pytest.mark.skipif(find_spec("rapidocr") is None, reason="the extra [probes] is not installed"),
    pytest.mark.skipif(find_spec("manimgx_fonts_cjk") is None, reason="the extra [fonts] is not installed"),
]
PICTURES = {"text": 12, "count": 60, "colour": 60, "relation": 60, "grid": 60, "locality": 60, "technical": 60}


@pytest.mark.parametrize("name", PICTURES)
def test_errs_as_rarely_as_it_says(name):
    """At most one wrong picture passes, at most two right ones fail, a seventh stays undecided."""
    from measure import SETS, looked_at

    verdicts = [(case, looked_at(name, case)) for case in SETS[name](PICTURES[name], 11)]
    passed_wrongly = [case.about for case, found in verdicts if not case.right and found.verdict == "pass"]
    failed_wrongly = [
        f"{case.about}: {found.why}" for case, found in verdicts if case.right and found.verdict == "fail"
    ]
    assert len(passed_wrongly) <= 1, passed_wrongly
    assert len(failed_wrongly) <= 2, failed_wrongly
    assert sum(found.verdict == "undecided" for _, found in verdicts) <= max(3, len(verdicts) / 7)


@pytest.mark.parametrize("name", PICTURES)
def test_stated_rates_are_the_committed_ones(name):
    """What a probe says of itself is the row of the committed table, and within the targets."""
    from pathlib import Path

    import measure

    rates = probe(name).error_rates
    assert rates is not None
    table = (Path(measure.__file__).parent / "README.md").read_text()
    (row,) = [line for line in table.splitlines() if line.startswith(f"| **{name}**")]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[3].startswith(f"{rates.false_pass:.1%} ")
    assert cells[4].startswith(f"{rates.false_fail:.1%} ")
    assert cells[5] == f"{rates.undecided:.1%}"
    assert rates.false_pass <= 0.02
    assert rates.false_fail <= 0.05
    assert rates.undecided <= 0.1
