"""A notebook that uses the library, executed for real."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("nbclient")

CELL = """
import imagegen
imagegen.generate("a red circle", model="stub:painter", size="64x64", n=2, end_user_id="u1")
"""
EXECUTE = """
import nbclient, nbformat, sys
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(sys.stdin.read())])
nbclient.NotebookClient(book, timeout=60).execute()
print(nbformat.writes(book))
"""


def test_result_shows_its_pictures_and_cost(tmp_path):
    """In a notebook, where a loop is running, a call works and its result shows pictures, cost and changes."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EXECUTE],
        input=CELL,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    book = json.loads(done.stdout)
    shown = "".join(book["cells"][0]["outputs"][0]["data"]["text/html"])
    assert shown.count('<img src="data:image/png;base64,') == 2
    assert "$0" in shown
    assert "end_user_id" in shown
