"""Tickets: what the splitter leaves in the text for a picture, and who may claim it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core.test_splitter import NOISE, split, taken, text_of
from pydantic import BaseModel, ConfigDict

from imagegen.errors import BadOutputError
from imagegen.http.messages import Reply
from imagegen.http.sinks import FileSink
from imagegen.types.picture import PictureData

# Tickets


class Wire(BaseModel):
    model_config = ConfigDict(extra="allow")
    picture: PictureData | None = None
    signature: str | None = None
    parts: list[dict[str, Any]] = []


def test_a_declared_picture_is_claimed_without_a_copy() -> None:
    """A `PictureData` field gets the very object the sink made."""
    found = split(b'{"picture": "%b"}' % text_of(NOISE).encode())
    parsed = Reply(200, {}, found.rest, split=found).parse(Wire)
    assert parsed.picture is found.pictures[0]
    assert parsed.picture.read() is found.pictures[0].read()


@pytest.mark.parametrize("place", ['"signature": %s', '"parts": [{"deep": {"er": [%s]}}]', '"unknown": {"a": %s}'])
def test_a_text_field_gets_its_text_back(place: str) -> None:
    """An opaque signature is no picture, wherever the model keeps it."""
    text = text_of(NOISE[:999])
    found = split(b'{"picture": "%b", %b}' % (text_of(NOISE).encode(), (place % json.dumps(text)).encode()))
    parsed = Reply(200, {}, found.rest, split=found).parse(Wire)
    assert parsed.picture is not None
    assert parsed.picture.read() is found.pictures[0].read()
    assert json.dumps(text) in parsed.model_dump_json(exclude={"picture"})


def test_a_field_that_refuses_the_ticket_gets_the_text() -> None:
    """A wire model may check its text; it checks the real one."""

    class Checked(BaseModel):
        text: str

        def model_post_init(self, context: Any) -> None:
            if len(self.text) < 1000:
                raise ValueError("too short")

    found = split(b'{"text": "%b"}' % text_of(NOISE).encode())
    assert Reply(200, {}, found.rest, split=found).parse(Checked).text == text_of(NOISE)


def test_an_answer_that_cannot_be_read_keeps_all_its_bytes() -> None:
    """It was paid for: a better reader may find the pictures yet."""
    body = b'{"picture": 7, "other": "%b"}' % text_of(NOISE).encode()
    found = split(body)
    with pytest.raises(BadOutputError) as caught:
        Reply(200, {}, found.rest, split=found).parse(Wire)
    assert caught.value.raw == body


def test_the_raw_reply_shows_claimed_pictures_as_sizes_and_keeps_other_text() -> None:
    """`raw` is the reply without pictures, and nothing but pictures is missing."""
    found = split(b'{"picture": "%b", "signature": "%b"}' % (text_of(NOISE).encode(), text_of(NOISE[:900]).encode()))
    reply = Reply(200, {}, found.rest, split=found)
    reply.parse(Wire)
    assert reply.raw() == {"picture": "<picture 1: 20000 bytes>", "signature": text_of(NOISE[:900])}


def test_a_ticket_cannot_be_forged() -> None:
    """Text that looks like a ticket of another body claims nothing."""
    first, second = (split(b'["%b"]' % text_of(NOISE).encode()) for _ in range(2))
    (forged,) = first._taken
    assert first.claim(forged) is not None
    assert second.claim(forged) is None


def test_more_than_nine_tickets_do_not_mix() -> None:
    """The first ticket is no part of the tenth."""
    pictures = [NOISE[start : start + 800] for start in range(12)]
    body = json.dumps([text_of(each) for each in pictures]).encode()
    found = split(body)
    assert found.original() == body
    assert taken(found) == pictures


def test_unclaimed_files_can_be_removed(tmp_path: Path) -> None:
    """Only the pictures that somebody asked for stay on disk."""
    found = split(json.dumps([text_of(NOISE), text_of(NOISE)]).encode(), [], lambda _: FileSink(tmp_path))
    claimed = found.claim(json.loads(found.rest)[1])
    found.discard_unclaimed()
    assert [claimed.path] == list(tmp_path.iterdir()) if claimed else False
