"""What a call of imagegen costs beside lean httpx2 and openai-python: CPU, wall, memory, stalls of the event loop.

    python benchmarks/overhead/calls.py [--quick] [--large]

The server is a process of its own, on loopback; every byte that a client gives is checked, outside the clock. Clients
take turns, round by round: a figure is the median of the rounds, a ratio the median of the rounds' own ratios. Linux
only: peaks of memory are the kernel's. Needs what ``tests/requirements.txt`` names.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import importlib
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from clients import CLIENTS, SIZES, Client
from server import picture

HERE = Path(__file__).parent
SMALL, MIDDLE, BIG, LARGE = SIZES

Figures: TypeAlias = Mapping[str, float]
"""Name of a row to what one client took in one round."""
Table: TypeAlias = dict[str, dict[str, list[float]]]
"""Row, client, rounds."""


class Target(NamedTuple):
    """From the performance document: the client has at most (or at least) ``limit`` times what ``other`` has."""

    row: str
    client: str
    other: str | None
    """None: ``limit`` is in the row's own unit."""
    limit: float
    at_least: bool = False


def _for_both(row: str, other: str | None, limit: float, at_least: bool = False) -> list[Target]:
    return [Target(row, f"imagegen {name}", other, limit, at_least) for name in ("openai", "plain")]


TARGETS = [
    Target("CPU ms a call, 1 kB", "imagegen plain", "httpx2", 1.4),
    Target("CPU ms a call, 1 kB", "imagegen openai", "openai-python", 1.0),
    *_for_both("CPU ms a call, 6 MB", "httpx2", 1.15),
    *_for_both("CPU ms a call, 6 MB", "openai-python", 0.45),
    *_for_both("CPU ms a call, 20 MB", "httpx2", 1.15),
    *_for_both("CPU ms a call, 20 MB", "openai-python", 0.45),
    *_for_both("pictures a second, 64 x 1.5 MB at once", "openai-python", 2.0, at_least=True),
    *_for_both("pictures a second, 256 x 1.5 MB at once", "openai-python", 2.0, at_least=True),
    *_for_both("longest stall ms, 8 x 6 MB at once", "openai-python", 0.15),
    *_for_both("held, peak a picture / its size, RSS", None, 1.15),
    *_for_both("held, peak a picture / its size, traced", None, 1.15),
    *_for_both("to disk, peak MB a call, 16 x 6 MB, RSS", None, 1.0),
    *_for_both("to disk, peak MB a call, 16 x 6 MB, traced", None, 1.0),
    *_for_both("to disk, peak MB a call, 1 x 20 MB, RSS", None, 1.0),
    *_for_both("to disk, peak MB a call, 1 x 20 MB, traced", None, 1.0),
]


# In one process: CPU, wall, stalls


async def one_by_one(client: Client, size: int, calls: int, name: str) -> Figures:
    """CPU and wall of one call after another."""
    cpu_s = wall_s = 0.0
    for _ in range(calls):
        cpu, wall = time.process_time(), time.perf_counter()
        found = await client.draw(size)
        wall_s += time.perf_counter() - wall
        cpu_s += time.process_time() - cpu
        _check(found, size)
        del found
    return {f"CPU ms a call, {name}": 1000 * cpu_s / calls, f"wall ms a call, {name}": 1000 * wall_s / calls}


async def at_once(client: Client, size: int, calls: int, name: str) -> Figures:
    """Pictures a second, and CPU a picture, of calls that all begin together."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = await asyncio.gather(*(client.draw(size) for _ in range(calls)))
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    for each in found:
        _check(each, size)
    words = f"{calls} x {name} at once"
    return {f"pictures a second, {words}": calls / wall_s, f"CPU ms a picture, {words}": 1000 * cpu_s / calls}


async def stall(client: Client, size: int, calls: int, name: str) -> Figures:
    """The longest time for which another task of the loop had to wait."""
    longest, tick_s = 0.0, 0.001

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(tick_s)
            longest = max(longest, time.perf_counter() - began - tick_s)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    found = await asyncio.gather(*(client.draw(size) for _ in range(calls)))
    await asyncio.sleep(2 * tick_s)
    watching.cancel()
    for each in found:
        _check(each, size)
    return {f"longest stall ms, {calls} x {name} at once": 1000 * longest}


def _check(found: bytes | memoryview, size: int) -> None:
    if found != picture(size):
        raise SystemExit(f"wrong bytes: {len(found)} of {len(picture(size))}")


@dataclass(frozen=True)
class Case:
    """One thing that is measured; the whole of it once a round and client."""

    take: Callable[[Client, int, int, str], Awaitable[Figures]]
    size: int
    calls: int
    name: str
    rounds: int


def cases(quick: bool, large: bool) -> list[Case]:
    """What a run does."""
    rounds = 3 if quick else 11
    every = [
        Case(one_by_one, SMALL, 20 if quick else 100, "1 kB", rounds),
        Case(one_by_one, MIDDLE, 4 if quick else 10, "1.5 MB", rounds),
        Case(one_by_one, BIG, 2 if quick else 5, "6 MB", rounds),
        Case(at_once, MIDDLE, 64, "1.5 MB", rounds),
        Case(stall, BIG, 8, "6 MB", rounds),
    ]
    if large:
        every.insert(3, Case(one_by_one, LARGE, 2, "20 MB", rounds))
    if not quick:
        every.insert(-1, Case(at_once, MIDDLE, 256, "1.5 MB", 5))
    return every


async def speed(url: str, table: Table, every: Sequence[Case]) -> None:
    """All cases, clients interleaved; the first call of each turn is not counted."""
    clients = [(name, make(url)) for name, make in CLIENTS.items()]
    for case in every:
        for number in range(case.rounds):
            for name, client in clients[number % len(clients) :] + clients[: number % len(clients)]:
                _check(await client.draw(case.size), case.size)
                gc.collect()
                for row, figure in (await case.take(client, case.size, case.calls, case.name)).items():
                    table[row][name].append(figure)
    for _, client in clients:
        await client.close()


# In fresh processes: memory


def memory(url: str, name: str, size: int, calls: int, to_disk: bool, traced: bool) -> float:
    """Bytes a call by which the peak stands above a client that has made one small call."""
    return asyncio.run(_memory(CLIENTS[name](url), size, calls, to_disk, traced))


async def _memory(client: Client, size: int, calls: int, to_disk: bool, traced: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        draw = functools.partial(client.save, folder=Path(folder)) if to_disk else client.draw
        await draw(SMALL)
        gc.collect()
        if traced:
            tracemalloc.start()
        else:
            Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
        before = _peak_bytes(traced)
        found = await asyncio.gather(*(draw(size) for _ in range(calls)))
        above = _peak_bytes(traced) - before
        tracemalloc.stop()
        for each in found:
            _check(each.read_bytes() if isinstance(each, Path) else each, size)
    await client.close()
    return above / calls


def _peak_bytes(traced: bool) -> int:
    if traced:
        return tracemalloc.get_traced_memory()[1]
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def memories(url: str, table: Table, runs: int) -> None:
    """Peaks of memory; each figure from a process of its own."""
    for traced, kind in ((False, "RSS"), (True, "traced")):
        kinds = [
            (f"held, peak a picture / its size, {kind}", BIG, 16, False, len(picture(BIG))),
            (f"to disk, peak MB a call, 16 x 6 MB, {kind}", BIG, 16, True, 1_000_000),
            (f"to disk, peak MB a call, 1 x 20 MB, {kind}", LARGE, 1, True, 1_000_000),
        ]
        for row, size, calls, to_disk, unit in kinds:
            for _ in range(1 if traced else runs):
                for name in CLIENTS:
                    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
                        taken = fresh.submit(memory, url, name, size, calls, to_disk, traced).result()
                    table[row][name].append(taken / unit)


# The table


def shown(table: Table) -> str:
    """Every row, then every target, as Markdown."""
    lines = [f"| | {' | '.join(CLIENTS)} |", "|---|" + "---|" * len(CLIENTS)]
    for row, figures in table.items():
        cells = [f"{statistics.median(figures[name]):.3g}" for name in CLIENTS]
        cells[1:] = [f"{cell} ({_ratio(figures, name):.2f} x)" for cell, name in zip(cells, CLIENTS, strict=True)][1:]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    lines += ["", "In brackets: against httpx2.", "", "| target | measured | |", "|---|---|---|"]
    return "\n".join([*lines, *(_verdict(target, table[target.row]) for target in TARGETS if target.row in table)])


def _ratio(figures: Mapping[str, list[float]], name: str, other: str = "httpx2") -> float:
    return statistics.median(own / its for own, its in zip(figures[name], figures[other], strict=True))


def _verdict(target: Target, figures: Mapping[str, list[float]]) -> str:
    own = statistics.median(figures[target.client])
    measured = own if target.other is None else _ratio(figures, target.client, target.other)
    met = measured >= target.limit if target.at_least else measured <= target.limit
    bound = (
        f"at {'least' if target.at_least else 'most'} {target.limit:g}{f' x {target.other}' if target.other else ''}"
    )
    return f"| {target.client}: {target.row}, {bound} | {measured:.2f} | {'met' if met else '**missed**'} |"


# What it runs on


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The server's address."""
    command = [sys.executable, str(HERE / "server.py"), *map(str, SIZES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """The plugin of the tests installed in a folder of its own, and nobody's own settings or keys."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        plugin = HERE.parents[1] / "tests" / "plugin"
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--target", folder, str(plugin)], check=True)
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "IMAGEGEN_CONFIG_DIR", "IMAGEGEN_STATE_DIR"):
            os.environ.pop(name, None)
        os.environ |= {"XDG_CONFIG_HOME": f"{folder}/config", "XDG_STATE_HOME": f"{folder}/state"}
        sys.path.append(folder)
        importlib.invalidate_caches()
        yield


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds: two minutes, and noisy")
    parser.add_argument("--large", action="store_true", help="pictures of 20 MB too")
    options = parser.parse_args()
    table: Table = defaultdict(lambda: defaultdict(list))
    with prepared(), serving() as url:
        asyncio.run(speed(url, table, cases(options.quick, options.large)))
        memories(url, table, 1 if options.quick else 3)
    print(shown(table))


if __name__ == "__main__":
    main()
