"""What a ledger adds to a call: limits, intent, picture file (flushed, renamed, flushed folder), settlement.

    python benchmarks/ledger/calls.py [calls]

A call with a ledger follows one without, turn by turn, against a loopback server in a process of its own; both check
pictures by their headers. The difference of each pair is what the ledger adds. Pictures are PNGs of noise, 1.5 MB.
"""

from __future__ import annotations

import asyncio
import base64
import io
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection

from PIL import Image

import imagegen
from imagegen.testing.faults import Answer, FaultServer

MODEL = "openai:gpt-image-2"


def picture(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(buffer, "PNG")
    return buffer.getvalue()


def serve(pipe: Connection, side: int) -> None:
    """The provider: says its address, then how many POSTs came, when asked."""

    async def run() -> None:
        data = base64.b64encode(picture(side)).decode()
        async with FaultServer(Answer({"created": 1, "data": [{"b64_json": data}]})) as server:
            pipe.send(server.url)
            while await asyncio.to_thread(pipe.recv):
                pipe.send(server.submits)

    asyncio.run(run())


async def main(calls: int, url: str) -> None:
    connections = {"openai": imagegen.Connection(api_key="sk-benchmark-only", base_url=url)}
    spent: dict[str, list[float]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            imagegen.AsyncClient(connections=connections) as without,
            imagegen.AsyncClient(connections=connections, ledger=folder) as with_ledger,
        ):
            for number in range(calls + 10):
                for name, client in (("without", without), ("with", with_ledger)):
                    began = time.perf_counter()
                    await client.generate(f"a fox {number}", model=MODEL, verify="header")
                    if number >= 10:
                        spent[name].append((time.perf_counter() - began) * 1000)
    added = [after - before for before, after in zip(spent["without"], spent["with"], strict=True)]
    for name, values in [*spent.items(), ("added", added)]:
        values.sort()
        at = {share: values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.9, 0.99)}
        print(f"{name:8} " + "  ".join(f"p{share * 100:.0f} {value:6.2f} ms" for share, value in at.items()))


if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, 700), daemon=True)
    server.start()
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, ours.recv()))
