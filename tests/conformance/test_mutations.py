"""The suite can fail: it is red for every fault that is worked into a copy of a provider, and green without one."""

from __future__ import annotations

import pytest
from mutations import SUSPECTS, suite_with

FAULTY = [(suspect, fault) for suspect in SUSPECTS for fault in suspect.faults()]


@pytest.mark.parametrize(("suspect", "fault"), FAULTY, ids=lambda value: getattr(value, "test", value))
def test_suite_sees_the_fault(suspect, fault):
    """One of the tests that are there for it fails; an error of the run itself would be another exit code."""
    run = suite_with(suspect, fault)
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-2000:]
    assert "FAILED" in run.stdout


def test_suite_sees_none_where_there_is_none():
    """The copy alone changes nothing."""
    run = suite_with(SUSPECTS[0], None)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
