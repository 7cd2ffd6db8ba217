"""``imagegen probes``: what there is, and how often it errs."""

from __future__ import annotations

import json

from click.testing import CliRunner

from imagegen.cli.probes import probes


def test_probes_are_listed_with_their_error_rates():
    """One line each for people, one object each for programs."""
    lines = CliRunner().invoke(probes).stdout.splitlines()
    rows = json.loads(CliRunner().invoke(probes, ["--json"]).stdout)
    assert [line.split()[0] for line in lines] == [row["probe"] for row in rows]
    assert any("false pass" in line for line in lines)
    (technical,) = [row for row in rows if row["probe"] == "technical"]
    assert technical["missing"] is None
    assert technical["error_rates"]["false_pass"] <= 0.02
