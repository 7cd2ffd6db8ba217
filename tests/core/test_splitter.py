"""The splitter takes out every picture, leaves everything else, and can put back what it took, byte for byte."""

from __future__ import annotations

import base64
import json
import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from core.splitting import split, taken, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen.http.sinks import FileSink, MemorySink, PictureTooLargeError
from imagegen.http.splitter import Splitter, TextTooLargeError, TruncatedBodyError

NOISE = random.Random(7).randbytes(20_000)


def plainly(data: bytes) -> str:
    return text_of(data)


def with_prefix(data: bytes) -> str:
    return "data:image/png;base64," + text_of(data)


def with_escaped_prefix(data: bytes) -> str:
    return r"DATA:image\/png;charset=utf-8;Base64," + text_of(data)


def url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def without_padding(data: bytes) -> str:
    return text_of(data).rstrip("=")


def php(data: bytes) -> str:
    return text_of(data).replace("/", r"\/")


def dot_net(data: bytes) -> str:
    return text_of(data).replace("+", r"\u002B")


def gson(data: bytes) -> str:
    return text_of(data).replace("=", r"\u003d")


def in_lines(data: bytes) -> str:
    text = text_of(data)
    return "".join(text[start : start + 76] + r"\r\n" for start in range(0, len(text), 76))


def spaced(data: bytes) -> str:
    text = text_of(data)
    return text[:100] + "  " + text[100:900] + r"\u000a\t" + text[900:] + " "


def php_spaced(data: bytes) -> str:
    text = text_of(data)
    return php(data[:600]) + " " + text[800:1100] + "  " + text[1100:].replace("/", r"\/")


def in_odd_last_bits(data: bytes) -> str:
    """The last character carries bits that decoding drops."""
    text = text_of(data + b"\0").rstrip("=")
    return text[:-1] + "B" if len(text) % 4 else text


SPELLINGS = [
    plainly,
    with_prefix,
    with_escaped_prefix,
    url_safe,
    without_padding,
    php,
    dot_net,
    gson,
    in_lines,
    spaced,
    php_spaced,
]


@pytest.mark.parametrize("size", [900, 901, 902, 20_000])
@pytest.mark.parametrize("write", SPELLINGS)
def test_every_spelling_is_decoded_and_remembered(write: Any, size: int) -> None:
    """However base64 is written, its bytes are found and its text can be given back exactly."""
    body = b'{"a": [1, "%b"], "b": "x"}' % write(NOISE[:size]).encode()
    found = split(body)
    assert taken(found) == [NOISE[:size]]
    assert found.original() == body
    assert len(found.rest) < 120


@pytest.mark.parametrize("write", SPELLINGS)
def test_cut_at_every_byte(write: Any) -> None:
    """A cut anywhere changes neither the pictures nor the text."""
    body = b'{"data": [{"b64_json": "%b"}], "n": 1}' % write(NOISE[:800]).encode()
    for cut in range(len(body) + 1):
        found = split(body, [cut])
        assert taken(found) == [NOISE[:800]]
        assert found.original() == body


@pytest.mark.parametrize("write", SPELLINGS)
def test_fed_byte_by_byte(write: Any) -> None:
    """Pieces of one byte give the same as one piece."""
    body = b'["%b", "%b"]' % (write(NOISE[:800]).encode(), write(NOISE[800:1700]).encode())
    found = split(body, list(range(len(body))))
    assert taken(found) == [NOISE[:800], NOISE[800:1700]]
    assert found.original() == body


def test_last_bits_that_decoding_drops_come_back() -> None:
    """A sloppy encoder's last character is given back as it was."""
    body = b'["%b"]' % in_odd_last_bits(NOISE[:900]).encode()
    found = split(body)
    assert len(taken(found)) == 1
    assert found.original() == body


# Any document

_SHORT = st.text(max_size=30).map(lambda text: (json.dumps(text), None))
_PICTURE = st.builds(
    lambda seed, size, write: (f'"{write(random.Random(seed).randbytes(size))}"', True),
    st.integers(0, 1 << 30),
    st.integers(768, 3000),
    st.sampled_from(SPELLINGS),
)
_NOT_QUITE = st.builds(
    lambda seed, place, wrong: (
        '"' + (text := text_of(random.Random(seed).randbytes(1200)))[:place] + wrong + text[place:] + '"',
        None,
    ),
    st.integers(0, 1 << 30),
    st.integers(0, 1599),
    st.sampled_from(["!", r"\"", r"\\", r"\u00e9", r"\u0022", "é", "==", "-/_+", r"\b", "=A", "."]),
)
_PROSE = st.text(min_size=1024, max_size=1500).map(lambda text: (json.dumps("." + text, ensure_ascii=False), None))
_LEAF = st.one_of(_SHORT, _PICTURE, _NOT_QUITE, _PROSE, st.sampled_from([("1.5e3", None), ("null", None)]))
_DOCUMENT = st.recursive(
    _LEAF.map(lambda leaf: [leaf]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(_listed := lambda items: [("[", None), *_joined(items), ("]", None)]),
        st.lists(st.tuples(st.one_of(_SHORT, _PICTURE, _NOT_QUITE), inner), max_size=3).map(
            lambda items: [
                ("{ ", None),
                *_joined([[(name[0], None), ("\n : ", None), *value] for name, value in items]),
                (" }", None),
            ]
        ),
    ),
    max_leaves=6,
)


def _joined(items: list[list[tuple[str, Any]]]) -> list[tuple[str, Any]]:
    parts = []
    for number, item in enumerate(items):
        parts += ([(" ,", None)] if number else []) + item
    return parts


def reference(text: str) -> bytes:
    """The picture in a JSON string by the plain way: parse, then decode."""
    value = json.loads(text)
    value = value.partition(",")[2] if value[:5].lower() == "data:" else value
    value = "".join(value.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(value + "=" * (-len(value) % 4))


@settings(deadline=None, max_examples=150)
@given(_DOCUMENT, st.lists(st.integers(0, 1 << 30), max_size=12))
def test_any_document_cut_anywhere(parts: list[tuple[str, Any]], cuts: list[int]) -> None:
    """Pictures, rest and original are the same as by parsing the whole and decoding it."""
    body = "".join(text for text, _ in parts).encode()
    found = split(body, cuts)
    assert found.original() == body
    assert taken(found) == [reference(text) for text, is_picture in parts if is_picture]
    tickets = iter(found._taken)
    rest = "".join(json.dumps(next(tickets)) if is_picture else text for text, is_picture in parts)
    assert found.rest.decode() == rest
    json.loads(rest)


# What is no picture


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1023,
        "word " * 400,
        text_of(NOISE)[:-8] + "!" + text_of(NOISE)[-7:],
        text_of(NOISE)[:2001],
        text_of(NOISE) + "====",
        text_of(NOISE[:1000]) + text_of(NOISE[:1000]),
        text_of(NOISE[:1000]) + text_of(NOISE[:999]),
        text_of(NOISE[:900]) + "-_",
        base64.urlsafe_b64encode(NOISE[:1800]).decode() + text_of(NOISE[:900]),
        "data:text/plain," + "a" * 2000,
        r"\u0041" * 1000,
        r"\\" * 1000,
        " " * 2000,
        "\u00e9" * 2000,
    ],
)
def test_other_long_strings_stay(value: str) -> None:
    """A string that is no base64, however late that shows, stays as it was."""
    body = b'{"a": "%b", "b": 2}' % value.encode()
    for step in (len(body), 7, 1):
        found = split(body, list(range(0, len(body), step)))
        assert found.rest == body
        assert not found.pictures


def test_five_megabytes_are_put_back_when_the_end_is_wrong(tmp_path: Path) -> None:
    """What was decoded for nothing is text again, and leaves no file."""
    text = text_of(NOISE * 250)
    body = b'["%b\xc3\xa9"]' % text.encode()
    found = split(body, list(range(0, len(body), 65536)), lambda _: FileSink(tmp_path))
    assert found.rest == body
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("colon", [b":", b" \n\t:"])
def test_names_stay(colon: bytes) -> None:
    """A name in front of a colon is never taken, wherever the colon is cut off; its value is."""
    name, value = text_of(NOISE[:900]).encode(), text_of(NOISE[:1000]).encode()
    body = b'{"%b"%b "%b"}' % (name, colon, value)
    for cuts in ([], list(range(len(body)))):
        found = split(body, cuts)
        assert name in found.rest
        assert taken(found) == [NOISE[:1000]]
        assert found.original() == body


def test_prose_opens_no_sink() -> None:
    """A long text costs no temporary file."""

    def no_sink(expected: int | None) -> Any:
        raise AssertionError("a sink was made")

    split(b'["%b"]' % (b"Once upon a time, " * 5000), [1000, 2000, 50_000], no_sink)


# Ends


@pytest.mark.parametrize("kept", [5, 300, 1500, 1600, 2600])
def test_a_body_that_ends_inside_a_string_is_truncated(tmp_path: Path, kept: int) -> None:
    """The cut is told, what came can be given back, and no file stays."""
    body = (b'["%b", "short", "' % text_of(NOISE[:1000]).encode() + b"words, words " * 100)[:kept]
    splitter = Splitter(lambda _: FileSink(tmp_path))
    splitter.feed(body)
    with pytest.raises(TruncatedBodyError):
        splitter.finish()
    assert splitter.original() == body
    splitter.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_body_cut_after_a_lone_backslash_is_truncated() -> None:
    """Half an escape is no end."""
    splitter = Splitter(MemorySink)
    splitter.feed(b'["%b\\' % text_of(NOISE[:999]).encode())
    with pytest.raises(TruncatedBodyError):
        splitter.finish()
    assert splitter.original().endswith(b"\\")


def test_abort_removes_finished_pictures_too(tmp_path: Path) -> None:
    """Nothing written for a call that failed stays on disk."""
    splitter = Splitter(lambda _: FileSink(tmp_path))
    splitter.feed(b'["%b", "%b' % (text_of(NOISE).encode(), text_of(NOISE).encode()))
    assert len(list(tmp_path.iterdir())) == 2
    splitter.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_past_the_cap_is_refused() -> None:
    """One picture cannot fill the memory."""
    splitter = Splitter(partial(MemorySink, max_bytes=10_000))
    with pytest.raises(PictureTooLargeError):
        splitter.feed(b'["%b"]' % text_of(NOISE).encode())
    splitter.abort()


def test_text_past_the_cap_is_refused() -> None:
    """An endless text cannot fill the memory either."""
    splitter = Splitter(MemorySink, max_text_bytes=10_000)
    with pytest.raises(TextTooLargeError):
        splitter.feed(b'["%b"]' % (b"words, words " * 1000))


def test_a_wrong_length_of_the_body_does_no_harm() -> None:
    """What the server says of the size is not trusted."""
    body = b'["%b"]' % text_of(NOISE).encode()
    for body_bytes in (1, 5000, 10**12):
        assert taken(split(body, [9000], body_bytes=body_bytes)) == [NOISE]
