"""What a ledger adds to a call: limits, intent, picture file (flushed, renamed, flushed folder), settlement.

    python benchmarks/ledger/calls.py [calls]

First the three steps alone, as a call makes them: limits, reservation and intent; the picture's file, hashed, flushed,
renamed, its folder flushed; settlement and result. Then whole calls: one with a ledger follows one without, turn by
turn, against a loopback server in a process of its own; both check pictures by their headers. Pictures are PNGs of
noise, 1.5 MB.
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
from imagegen import Billed, Limits, PictureData
from imagegen.ledger import Begun, CallRow, Intent, Kept, Ledger, Settlement, UnitState, ledger_path
from imagegen.testing.faults import Answer, FaultServer
from imagegen.threads import in_thread

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


async def steps(calls: int) -> None:
    """What the ledger does in a call, without the call."""
    data, took = PictureData(picture(700)), []
    limits = Limits(concurrent=1000, requests_per_minute=10**6, images_per_minute=10**6)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(ledger_path(folder))
        assert ledger.folder is not None
        for number in range(calls + 10):
            call = CallRow(str(number), "b", "f", "generate")
            cents = {"estimated_least": 10**7, "estimated_most": 10**7, "limits": limits}
            intent = Intent(call, "{}", 0, 1, "k", "c", "c#1", "f", "m", 1, **cents)
            began = time.perf_counter()
            begun = await ledger.begin(intent, "{}")
            assert isinstance(begun, Begun)
            sha256, path = await in_thread(ledger.folder.keep, data, "image/png")
            kept = (Kept(0, sha256, path.name, "image/png", data.size_bytes),)
            how = Settlement(UnitState.STORED, Billed.YES, computed=10**7, came=1, pictures=kept, trouble="ok")
            await ledger.finish(call.id, [(begun.unit, how)], "{}" * 500)
            if number >= 10:
                took.append((time.perf_counter() - began) * 1000)
        await ledger.close()
    show("steps", took)


def show(name: str, values: list[float]) -> None:
    values.sort()
    at = {share: values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.9, 0.99)}
    print(f"{name:8} " + "  ".join(f"p{share * 100:.0f} {value:6.2f} ms" for share, value in at.items()))


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
        show(name, values)


if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, 700), daemon=True)
    server.start()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    asyncio.run(steps(count))
    asyncio.run(main(count, ours.recv()))
