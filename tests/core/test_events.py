"""The event reader gives every event of a stream, however the stream is cut, and its pictures decoded."""

from __future__ import annotations

import base64
import json
import random
import tracemalloc
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from imagegen.http.events import EventReader
from imagegen.http.messages import ServerEvent
from imagegen.http.sinks import FileSink, MemorySink, PictureTooLargeError
from imagegen.http.splitter import TextTooLargeError
from imagegen.types.picture import PictureData

NOISE = random.Random(3).randbytes(900)
PARTIAL = json.dumps({"type": "partial_image", "b64_json": base64.b64encode(NOISE).decode()})
STREAM = f"""event: image_generation.partial_image
: hello
data: {PARTIAL}

id: 7
retry: 10
data: {{"a":
data:  1}}

event:no space
data:[DONE]

event: nothing without data

event: nothing with empty data
data:

data
data

: the end
"""


class Partial(BaseModel):
    type: str
    b64_json: PictureData


def read(stream: bytes, cuts: list[int] | None = None, **options: Any) -> list[ServerEvent]:
    """All events of a stream fed in pieces cut at these places."""
    reader = EventReader(MemorySink, **options)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts or []), len(stream)]
    events = [event for cut in pairwise(places) for event in reader.feed(stream[slice(*cut)])]
    assert reader.finish() is None
    return events


def check(events: list[ServerEvent]) -> None:
    """These are the events of STREAM."""
    assert [event.event for event in events] == [
        "image_generation.partial_image",
        "message",
        "no space",
        "message",
    ]
    assert events[0].data.parse(Partial).b64_json.read() == NOISE
    assert events[1].data.body == b'{"a":\n 1}'
    assert events[2].data.body == b"[DONE]"
    assert events[3].data.body == b"\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_cut_at_every_byte(end: str, bom: str) -> None:
    """Every line end, with a byte order mark or without, gives the same events wherever the stream is cut."""
    stream = (bom + STREAM.replace("\n", end)).encode()
    for cut in range(len(stream) + 1):
        check(read(stream, [cut]))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_fed_byte_by_byte(end: str) -> None:
    """Pieces of one byte give the same as one piece."""
    stream = ("\ufeff" + STREAM.replace("\n", end)).encode()
    check(read(stream, list(range(len(stream)))))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 1 << 20), max_size=20),
    st.sampled_from([["\n", "\r\n"], ["\r", "\r\n"]]).flatmap(lambda ends: st.lists(st.sampled_from(ends), min_size=2)),
)
def test_mixed_line_ends_cut_anywhere(cuts: list[int], ends: list[str]) -> None:
    """Line ends may even change within a stream; a return before a feed is one end."""
    lines = STREAM.split("\n")
    stream = "".join(line + ends[number % len(ends)] for number, line in enumerate(lines[:-1])).encode()
    check(read(stream, cuts))


def test_an_event_is_there_with_the_last_byte_of_its_empty_line() -> None:
    """Nobody waits for the second half of a line end."""
    reader = EventReader(MemorySink)
    assert reader.feed(b"data: 1\r") == []
    (event,) = reader.feed(b"\r")
    assert event.data.body == b"1"
    assert reader.feed(b"\ndata: 2\r\n") == []
    (event,) = reader.feed(b"\r")
    assert event.data.body == b"2"


def test_the_picture_is_decoded_before_the_event_ends() -> None:
    """At the event's end nothing is left to do: the sink has every byte by then."""
    written = bytearray()

    class Spy(MemorySink):
        def write(self, data: bytes | memoryview, /) -> None:
            written.extend(data)
            super().write(data)

    reader = EventReader(Spy)
    reader.feed(f"data: {PARTIAL}".encode())
    assert written == NOISE


def test_an_event_as_large_as_a_picture() -> None:
    """A picture of 3 MB passes in pieces and takes little more than itself."""
    picture = random.Random(1).randbytes(3 << 20)
    data = json.dumps({"type": "x", "b64_json": base64.b64encode(picture).decode()})
    stream = f"event: done\ndata: {data}\n\n".encode()
    tracemalloc.start()
    reader = EventReader(MemorySink)
    events = [event for at in range(0, len(stream), 16_384) for event in reader.feed(stream[at : at + 16_384])]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert events[0].data.parse(Partial).b64_json.read() == picture
    assert most < 1.3 * len(picture) + (1 << 20)


def test_a_stream_cut_in_an_event_says_so() -> None:
    """The unfinished event is told apart and shows what came of it."""
    reader = EventReader(MemorySink)
    (whole,) = reader.feed(f"data: 1\n\nevent: done\ndata: {PARTIAL[:-50]}".encode())
    assert whole.data.body == b"1"
    cut = reader.finish()
    assert cut is not None
    assert (cut.event, cut.data.body) == ("done", PARTIAL[:-50].encode())
    assert cut.data.split is None


def test_an_event_that_lacks_its_empty_line_is_not_lost() -> None:
    """A server that stops short by one line end has still sent the picture."""
    reader = EventReader(MemorySink)
    assert reader.feed(f"event: done\ndata: {PARTIAL}\n".encode()) == []
    last = reader.finish()
    assert last is not None
    assert last.data.parse(Partial).b64_json.read() == NOISE


@pytest.mark.parametrize("end", [b"", b"da", b"event: x", b": comment", b"event: x\n"])
def test_a_stream_that_ends_without_data_is_whole(end: bytes) -> None:
    """What carries no data is no event."""
    reader = EventReader(MemorySink)
    assert len(reader.feed(b"data: 1\n\n" + end)) == 1
    assert reader.finish() is None


def test_text_that_is_no_json_passes() -> None:
    """A lone quote is a text like any other."""
    (event,) = read(b'data: 5" wide\n\n')
    assert event.data.body == b'5" wide'
    assert event.data.raw() == '5" wide'


def test_every_event_has_the_headers_of_the_answer() -> None:
    """A request id is known to each event."""
    (event,) = read(b"data: 1\n\n", headers={"X-Request-Id": "r-1"})
    assert event.data.request_id == "r-1"


def test_text_past_the_cap_is_refused() -> None:
    """An event that never ends cannot fill the memory."""
    reader = EventReader(MemorySink, max_text_bytes=10_000)
    with pytest.raises(TextTooLargeError):
        reader.feed(b"data: words, words, words\n" * 1000)


def test_a_line_that_never_ends_takes_no_memory() -> None:
    """Neither can a comment."""
    reader = EventReader(MemorySink)
    tracemalloc.start()
    for _ in range(100):
        reader.feed(b":" * 65_536)
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now < 1 << 18


def test_a_picture_past_the_cap_is_refused_and_removed(tmp_path: Path) -> None:
    """The sink's cap holds in a stream too, and nothing stays behind."""
    reader = EventReader(lambda _: FileSink(tmp_path, max_bytes=800))
    with pytest.raises(PictureTooLargeError):
        reader.feed(f"data: {PARTIAL}\n\n".encode())
    reader.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_broken_event_leaves_no_file(tmp_path: Path) -> None:
    """What was decoded of an event that is no JSON is text again, and no file stays."""
    reader = EventReader(lambda _: FileSink(tmp_path))
    (event,) = reader.feed(f"data: {PARTIAL[:-20]}\n\n".encode())
    assert event.data.body == PARTIAL[:-20].encode()
    assert list(tmp_path.iterdir()) == []


def test_an_aborted_stream_leaves_no_file(tmp_path: Path) -> None:
    """Cancelled in the middle of a picture."""
    reader = EventReader(partial(lambda folder, _: FileSink(folder), tmp_path))
    reader.feed(f"data: {PARTIAL[:-20]}".encode())
    assert len(list(tmp_path.iterdir())) == 1
    reader.abort()
    assert list(tmp_path.iterdir()) == []
