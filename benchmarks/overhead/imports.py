"""What ``import imagegen`` adds to a bare interpreter: median wall and CPU time of fresh processes, interleaved.

python benchmarks/overhead/imports.py [RUNS]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

CASES = {
    "bare interpreter": "pass",
    "import imagegen": "import imagegen",
    "imagegen.models()": "import imagegen; imagegen.models()",
    "imagegen models": "from imagegen.cli import main; import sys; sys.stdout = None; main(['models'])",
    "imagegen.Client": "import imagegen; imagegen.Client",
    "import pydantic": "import pydantic; pydantic.BaseModel",
    "import httpx2": "import httpx2; httpx2.AsyncClient",
    "import openai": "import openai; openai.AsyncOpenAI",
}


def once(code: str) -> tuple[float, float]:
    """Wall and CPU milliseconds of one fresh process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall * 1000, cpu * 1000


def main(runs: int) -> None:
    """Print a row a case: median milliseconds, and what it adds to the bare interpreter."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    for number in range(runs + 1):
        for name, code in CASES.items():
            measured = once(code)
            if number:  # the first round warms the disk's cache
                found[name].append(measured)
    bare_wall, bare_cpu = (statistics.median(each) for each in zip(*found["bare interpreter"], strict=True))
    print(f"{'':<20} {'wall ms':>9} {'added':>8} {'CPU ms':>9} {'added':>8}   (median of {runs})")
    for name, rows in found.items():
        wall, cpu = (statistics.median(each) for each in zip(*rows, strict=True))
        print(f"{name:<20} {wall:>9.1f} {wall - bare_wall:>8.1f} {cpu:>9.1f} {cpu - bare_cpu:>8.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
