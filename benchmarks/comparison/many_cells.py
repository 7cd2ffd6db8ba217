"""Three stub models over 500 prompts: 1,500 cells on a ledger, without probes. Seconds, and memory as cells grow.

Run: ``python benchmarks/comparison/many_cells.py``. Memory is the peak of the process, in a process of its own for each
number of cells, so that what grows with the cells shows.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = (50, 500)
MODELS = ["stub:painter", "stub:sloppy", "other:painter"]


def suite(cases: int) -> dict:
    """Prompts that the stub reads, each another."""
    colours, shapes = ("red", "green", "blue", "yellow"), ("circle", "square", "triangle", "star")
    prompts = [
        f"{number % 7 + 1} {colours[number % 4]} {shapes[number // 4 % 4]}s, number {number}" for number in range(cases)
    ]
    return {"name": "many", "defaults": {"size": "512x512"}, "cases": [{"prompt": each} for each in prompts]}


def run(cases: int, folder: Path) -> None:
    """One comparison; prints what it took."""
    import imagegen

    path = folder / "suite.yaml"
    path.write_text(json.dumps(suite(cases)))  # JSON is YAML
    began = time.perf_counter()
    connections = {"other": imagegen.Connection("stub")}
    with imagegen.Client(ledger=folder / "ledger", connections=connections) as client:
        found = imagegen.compare(path, models=MODELS, folder=folder / "out", probes=(), client=client)
    took_s = time.perf_counter() - began
    size = found.report.stat().st_size
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([found.progress.done, took_s, cpu.ru_utime + cpu.ru_stime, peak_mb, size / 1e6]))


def main() -> None:
    print("cells  seconds  CPU s  peak MB  report MB")
    for cases in CASES:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, str(cases), folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        cells, took_s, cpu_s, peak_mb, size_mb = json.loads(done.stdout.splitlines()[-1])
        print(f"{cells:5}  {took_s:7.1f}  {cpu_s:5.1f}  {peak_mb:7.0f}  {size_mb:9.2f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
