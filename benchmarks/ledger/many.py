"""Ten thousand keyed calls, then `resume` over all of their rows, then all of them again: nothing more is sent.

python benchmarks/ledger/many.py [calls]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time

from calls import MODEL, serve

import imagegen

AT_ONCE = 32


async def all_calls(client: imagegen.AsyncClient, count: int) -> list[str]:
    """Every call under its key; the names of the files."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> str:
        async with gate:
            result = await client.generate(f"a fox {number}", model=MODEL, key=f"k{number}", verify="header")
        assert result.image.path is not None
        return result.image.path.name

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def main(count: int, url: str, asked: multiprocessing.connection.Connection) -> None:
    connections = {"openai": imagegen.Connection(api_key="sk-benchmark-only", base_url=url)}

    def submits() -> int:
        asked.send(True)
        return int(asked.recv())

    with tempfile.TemporaryDirectory() as folder:
        async with imagegen.AsyncClient(connections=connections, ledger=folder) as client:
            began = time.perf_counter()
            first = await all_calls(client, count)
            print(f"{count:,} calls: {time.perf_counter() - began:.1f} s, {submits():,} POSTs")
        before = submits()
        async with imagegen.AsyncClient(connections=connections, ledger=folder) as client:
            began = time.perf_counter()
            jobs = [unit for unit in await client.jobs() if unit.collectable]
            for unit in jobs:
                await client.resume(unit.job)
            print(f"resume: {time.perf_counter() - began:.3f} s, {submits() - before} POSTs, {len(jobs)} jobs")
            began = time.perf_counter()
            again = await all_calls(client, count)
            print(f"the same again: {time.perf_counter() - began:.1f} s, {submits() - before} POSTs, ", end="")
            print("the same files" if again == first else "OTHER FILES")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, 16), daemon=True)
    server.start()
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, ours.recv(), ours))
