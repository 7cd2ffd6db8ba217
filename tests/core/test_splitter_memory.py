"""How much memory splitting takes: that of the pictures, or none where they go to files."""

from __future__ import annotations

import gc
import json
import random
import tracemalloc
from pathlib import Path

import pytest
from core.splitting import split, text_of

from imagegen.http.sinks import FileSink, MemorySink, SinkFactory
from imagegen.http.splitter import Split, Splitter


def peak(body: bytes, new_sink: SinkFactory, chunk: int, body_bytes: int | None) -> tuple[int, Split]:
    """The most memory taken while splitting, the body not counted."""
    gc.collect()
    tracemalloc.start()
    splitter = Splitter(new_sink, body_bytes)
    for start in range(0, len(body), chunk):
        splitter.feed(body[start : start + chunk])
    found = splitter.finish()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, found


@pytest.mark.parametrize("chunk", [16_384, 1 << 20, 1 << 30])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("count", "megabytes"), [(1, 6), (4, 3)])
def test_memory_stays_near_the_pictures(count: int, megabytes: int, known: bool, chunk: int) -> None:
    """A picture takes its own size, little more, and is never there twice."""
    text = text_of(random.Random(1).randbytes(megabytes << 20))
    body = json.dumps([text] * count).encode()
    most, found = peak(body, MemorySink, chunk, len(body) if known else None)
    assert len(found.pictures) == count
    fed_copy = min(chunk, len(body)) if chunk < len(body) else 0
    assert most <= 1.2 * (count * megabytes << 20) + fed_copy + (1 << 20)


def test_the_first_of_four_does_not_take_the_room_of_all() -> None:
    """What is reserved grows with what has come, not with what the header says."""
    text = text_of(random.Random(1).randbytes(6 << 20))
    splitter = Splitter(MemorySink, 4 * len(text))
    tracemalloc.start()
    for start in range(0, len(text), 65_536):
        splitter.feed(('["' if not start else "").encode() + text[start : start + 65_536].encode())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.5 * (6 << 20) + (1 << 20)


def test_straight_to_disk_takes_no_memory(tmp_path: Path) -> None:
    """A file sink holds less than 1 MB, whatever the size."""
    body = json.dumps([text_of(random.Random(1).randbytes(6 << 20))] * 2).encode()
    most, found = peak(body, lambda _: FileSink(tmp_path), 65_536, len(body))
    assert found.pictures[1].size_bytes == 6 << 20
    assert most <= 1 << 20


def test_pictures_are_freed_without_the_garbage_collector() -> None:
    """No cycle holds megabytes until the collector happens to run."""
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        found = split(json.dumps([text_of(bytes(1 << 20))]).encode())
        assert len(found.pictures) == 1
        del found
        now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        gc.enable()
    assert now < 1 << 18


def test_a_finished_picture_is_not_copied() -> None:
    """The block that was filled becomes the `bytes`."""
    data = bytes(4 << 20)
    tracemalloc.start()
    sink = MemorySink(5 << 20)
    sink.write(data)
    picture = sink.finish()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert picture.size_bytes == 4 << 20
    assert most < 6 << 20
    assert picture.read() is picture.read()
