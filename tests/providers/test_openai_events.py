"""What each event of OpenAI's streams means: the translation, against samples and by hand."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imagegen import (
    BadOutputError,
    Billed,
    ImageRequest,
    ModerationError,
    Partial,
    ProviderError,
    QuotaError,
    Reply,
    ServerEvent,
    Task,
    Usage,
)
from imagegen.http.events import EventReader
from imagegen.http.sinks import MemorySink
from imagegen_providers.openai import OpenAI

if TYPE_CHECKING:
    pass

OWN = Path(__file__).parent / "wire" / "openai"
COLLECTED = Path(__file__).parents[3] / "shared" / "wire" / "openai"
"""Samples of others, which are not part of the project."""
TASK = Task(ImageRequest(prompt="a fox", partial_images=2), "gpt-image-2", "generate", stream=True)
SMALL = base64.b64encode(b"\x89PNG and more").decode()


# What an event means.


def read(text: bytes, piece: int) -> list[ServerEvent]:
    """The events of a stream that arrives in pieces."""
    reader = EventReader(MemorySink)
    return [event for start in range(0, len(text), piece) for event in reader.feed(text[start : start + piece])]


def meant(name: str, folder: Path, piece: int = 10_000) -> list[Any]:
    """What a sample's events come to."""
    if not (folder / name).is_file():
        pytest.skip(f"no collected samples beside the project: {name}")
    return [OpenAI().parse_event(event, TASK) for event in read((folder / name).read_bytes(), piece)]


@pytest.mark.parametrize("folder", [OWN, COLLECTED], ids=["own", "collected"])
@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("name", "usage"),
    [("generate_stream.sse", Usage(15, 0, None, 639)), ("edit_stream.sse", Usage(19, 1024, None, 1472))],
)
def test_streams_give_partials_and_the_picture(name, usage, piece, folder):
    """However the stream is cut: every unfinished picture with its number, then the finished one with its count."""
    *partials, output = meant(name, folder, piece)
    assert [each.index for each in partials] == list(range(len(partials)))
    assert all(isinstance(each, Partial) and each.content.read().startswith(b"\x89PNG") for each in partials)
    assert output.images[0].read().startswith(b"\x89PNG")
    assert output.usage == usage
    assert output.echo["output_format"] == "png"


@pytest.mark.parametrize("folder", [OWN, COLLECTED], ids=["own", "collected"])
def test_error_in_a_stream_is_what_it_says(folder):
    """A refusal after the first unfinished picture: stage, categories, and nothing of it is tried again."""
    with pytest.raises(ModerationError) as raised:
        meant("stream_error.sse", folder)
    assert (raised.value.stage, len(raised.value.categories), raised.value.status) == ("output", 1, 200)


def event(data: Any, name: str = "message") -> ServerEvent:
    return ServerEvent(name, Reply.of(data if isinstance(data, bytes) else json.dumps(data).encode()))


BLOCKED = {"code": "moderation_blocked", "message": "no", "type": "image_generation_user_error", "param": None}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (event({"error": BLOCKED}), ModerationError),
        (event({"type": "error", "error": BLOCKED}, "error"), ModerationError),
        (event(BLOCKED, "error"), ModerationError),
        (event({**BLOCKED, "type": "error"}), ModerationError),
        (event({"error": "no, busy"}), ProviderError),
        (event(b"no, busy", "error"), ProviderError),
        (event({"error": {"code": "insufficient_quota", "message": "no"}}), QuotaError),
        (event({"error": {"type": "server_error", "message": "no"}}), ProviderError),
    ],
)
def test_every_form_of_error_event(given, kind):
    """In a member or bare, with or without the event's name; the words are kept."""
    with pytest.raises(ProviderError, match="no") as raised:
        OpenAI().parse_event(given, TASK)
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    "given",
    [
        event(b"[DONE]"),
        event({"type": "image_generation.started"}),
        event({"type": "image_generation.partial_image"}),
        event({"type": "image_generation.partial_image", "b64_json": "???"}),
        event({"type": "ping", "error": None}),
        event({}),
    ],
)
def test_events_that_mean_nothing_here(given):
    """An API may grow, and an unfinished picture that cannot be read is not worth the finished one."""
    assert OpenAI().parse_event(given, TASK) is None


def test_event_named_beside_its_data():
    """Some servers say the kind in the event's name alone, and count nothing."""
    partial = OpenAI().parse_event(event({"b64_json": SMALL}, "image_generation.partial_image"), TASK)
    output = OpenAI().parse_event(event({"b64_json": SMALL}, "image_edit.completed"), TASK)
    assert (partial.index, output.usage, len(output.images)) == (0, None, 1)


def test_last_event_without_a_picture_is_paid_and_empty():
    """It is the end of the stream all the same."""
    (found,) = OpenAI().parse_event(event({"type": "image_generation.completed", "b64_json": "???"}), TASK).images
    assert (type(found), found.billed) == (BadOutputError, Billed.YES)


def test_event_that_cannot_be_read_keeps_its_bytes():
    """It may have been the paid picture."""
    with pytest.raises(BadOutputError) as raised:
        OpenAI().parse_event(event(b'{"type": "image_gen'), TASK)
    assert raised.value.raw == b'{"type": "image_gen'
