"""Keys that cannot be printed, and foreign text made fit to be shown."""

from __future__ import annotations

import base64
import copy
import dataclasses
import inspect
import json
import logging
import pickle
import pprint
import time
import traceback
from urllib.parse import quote

import pytest
from core.serving import ERRORS, client, openai_answer

import imagegen
from imagegen import Connection
from imagegen.secrets import Secret, clean, without_key
from imagegen.testing.faults import Answer, FaultServer, Garbage, Instead

KEY = "canary-4f9d1c7e-key"
MODELS = ["openai:gpt-image-2", "acme:sketch"]


@pytest.mark.parametrize(
    "shown",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        lambda secret: f"{secret:>40}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - the old way is what is tested
        pprint.pformat,
        lambda secret: pprint.pformat(inspect.getmembers(secret)),
        lambda secret: json.dumps({"key": secret}, default=str),
        lambda secret: json.dumps({"key": secret}, default=repr),
        lambda secret: str(copy.copy(secret)),
        lambda secret: str(copy.deepcopy({"key": [secret]})),
        lambda secret: str(ValueError("bad", secret)),
    ],
)
def test_secret_is_never_shown(shown):
    """No way of turning a key into text gives the key."""
    assert KEY not in shown(Secret(KEY))


@pytest.mark.parametrize("written", [pickle.dumps, json.dumps, bytes, vars, list])
def test_secret_is_never_written(written):
    """A key cannot be pickled, listed or turned into JSON by accident."""
    with pytest.raises(TypeError):
        written(Secret(KEY))


def test_copy_of_a_secret_is_a_secret():
    """Settings can be copied; their keys stay what they are."""
    connection = copy.deepcopy(Connection(api_key=KEY))
    assert isinstance(connection.api_key, Secret)
    assert connection.api_key.reveal() == KEY
    assert KEY not in str(dataclasses.asdict(connection))


def test_no_local_variable_shows_a_key():
    """A traceback that prints locals, as some loggers do, prints no key."""

    def fail(key):
        raise ValueError("no")

    with pytest.raises(ValueError) as caught:
        fail(Secret(KEY))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "Secret(set)" in shown


def test_connection_hides_its_key():
    """A connection can be printed and logged."""
    connection = Connection(api_key=KEY)
    assert KEY not in repr(connection)
    assert KEY not in str(vars(type(connection)))


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdefgh12345678",
        "authorization: Bearer abcdefghijklmnop",
        '{"x-goog-api-key": "AIzaSyA1234567890abcdefghijklmno"}',
        f"key was {KEY}",
    ],
)
def test_clean_takes_keys_out(text):
    """What looks like a key, or is one of ours, does not survive."""
    shown = clean(text, Secret(KEY))
    for part in ("abcdefgh12345678", "abcdefghijklmnop", "AIzaSyA1234567890", KEY):
        assert part not in shown


def test_clean_makes_one_harmless_line():
    """Control characters, terminal escapes and line breaks cannot reach a terminal; long text is cut."""
    shown = clean("a\x1b[31mred\nnew\u202eline" + "x" * 10_000)
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert len(shown) < 2100


def test_clean_cuts_pictures():
    """A data URL in an error is cut after its head."""
    assert len(clean("see data:image/png;base64," + "A" * 5000)) < 100


WRITTEN = {
    "plainly": KEY,
    "in JSON": json.dumps({"key": KEY}),
    "in a URL": f"https://api.example/x?a=1&key={KEY}&b=2",
    "in headers": str({"x-acme-key": KEY, "authorization": f"Bearer {KEY}"}),
    "in base64": base64.b64encode(KEY.encode()).decode(),
    "in base64 after one byte": base64.b64encode(f":{KEY}:".encode()).decode(),
    "in base64 after two bytes": base64.b64encode(f"u:{KEY}".encode()).decode(),
    "in base64 of a page": base64.b64encode(f"user-name:{KEY} and more".encode()).decode(),
    "percent-encoded": "".join(f"%{byte:02x}" for byte in KEY.encode()),
    "PERCENT-ENCODED": "".join(f"%{byte:02X}" for byte in KEY.encode()),
    "often": f"{KEY} " * 50_000,
    "around the cut": "x" * (8 * 2048 - 5) + KEY,
}


def traces(text: str) -> list[str]:
    """What of the key can be read in a text, however it was written."""
    forms = [KEY[:8], KEY[-8:], quote(KEY[:8]), WRITTEN["percent-encoded"][:18], WRITTEN["PERCENT-ENCODED"][:18]]
    for before in range(3):
        inner = base64.b64encode(bytes(before) + KEY.encode())[4:20].decode()
        forms += [inner, inner.translate(str.maketrans("+/", "-_"))]
    return [form for form in forms if form in text]


@pytest.mark.parametrize("way", WRITTEN)
def test_the_key_comes_through_in_no_form(way):
    """The redactor knows the forms in which a server or a library may repeat it."""
    assert traces(WRITTEN[way][:20_000])
    assert traces(clean(WRITTEN[way], Secret(KEY))) == []
    assert traces(without_key(WRITTEN[way].encode(), Secret(KEY)).decode()) == []


def test_a_key_with_signs_is_found_where_they_are_encoded():
    """Slashes and plus signs are written differently in a URL and in JSON."""
    key = 'ab/cd+ef==gh"ij/kl'
    for written in (
        key,
        quote(key, safe=""),
        quote(key, safe="").lower(),
        json.dumps(key),
        json.dumps(key).replace("/", "\\/"),
    ):
        assert "kl" not in clean(f"a {written} z", Secret(key))


def test_a_word_for_a_key_does_not_spoil_answers():
    """Servers of one's own take any key: an answer that has the word in it stays as it is."""
    body = b'{"data": [], "quality": "none"}'
    assert without_key(body, Secret("none")) == body
    assert without_key(body, None) == body


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET https://api.example/v1?api_key=abcd1234abcd failed", "abcd1234abcd"),
        ("https://cdn.example/x.png?X-Amz-Credential=AKIA12345&X-Amz-Signature=deadbeef", "deadbeef"),
        ("https://cdn.example/x.png?sv=1&sig=s3cr3t%3D", "s3cr3t"),
        ("proxy http://user:hunter2@proxy:8080 said no", "hunter2"),
        ("{'authorization': 'Basic dXNlcjpodW50ZXIy'}", "dXNlcjpodW50ZXIy"),
        ("Authorization: Key 12345678:abcdefgh", "12345678:abcdefgh"),
    ],
)
def test_clean_takes_out_what_opens_doors(text, hidden):
    """Also a key that is nobody's here: in a query, a password in a URL, a header."""
    assert hidden not in clean(text)


@pytest.mark.parametrize("text", ["Invalid size: 1024x1024 is not among: 512x512", "no key=value pair in the token"])
def test_clean_leaves_words_alone(text):
    """What is said of the request can still be read."""
    assert clean(text) == text


@pytest.mark.parametrize(
    "sign",
    [
        "\x1b",
        "\x9b",
        "\x07",
        "\x08",
        "\x7f",
        "\0",
        "\u202e",
        "\u2066",
        "\u061c",
        "\u200b",
        "\ufeff",
        "\U000e0041",
        "\ud800",
    ],
)
def test_clean_escapes_what_is_not_seen(sign):
    """Terminal commands, text that runs backwards, hidden text and half characters are shown as what they are."""
    shown = clean(f"a{sign}b")
    assert sign not in shown
    assert shown.isascii()


def test_clean_of_a_megabyte_is_quick():
    """A large answer is cut, whatever it is made of."""
    for piece in ("\x1b[31m", "data:image/png;base64,", "key-", "://a:", "Bearer ", "=&key", "A", KEY, "\u202e"):
        began = time.process_time()
        assert len(clean(piece * (1_000_000 // len(piece)), Secret(KEY))) <= 2051
        assert time.process_time() - began < 1


# Over the wire


def evidence(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """All that is left of a failed call."""
    shown = "".join(traceback.format_exception(error))
    parts = [str(error), repr(error), shown, caplog.text, repr(getattr(error, "raw", b""))]
    return "\n".join([*parts, *(str(attempt) for attempt in getattr(error, "attempts", ()))])


@pytest.mark.anyio
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("code", [400, 401, 429, 500])
@pytest.mark.parametrize("way", ["plainly", "in base64", "in base64 after one byte", "percent-encoded", "in headers"])
async def test_an_error_that_repeats_the_key_does_not_show_it(caplog, model, code, way):
    """Not in the message, the traceback with its locals, the log, the attempts or the bytes that were kept."""
    caplog.set_level(logging.DEBUG)
    fault = Instead(Answer(ERRORS[model]("x", f"bad {WRITTEN[way]}"), code, {"retry-after": "3600"}))
    async with FaultServer(openai_answer, [fault]) as server, client(server) as asking:
        with pytest.raises(imagegen.ImageGenError) as caught:
            await asking.generate("a fox", model=model)
    assert traces(evidence(caught.value, caplog)) == []
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    inside = [frame.f_locals for frame in frames if frame.f_globals["__name__"] != __name__]
    assert traces(repr(inside)) == []


@pytest.mark.anyio
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"error": {"message": KEY, "code": "x"}}).encode(),
        json.dumps({"data": [{"b64_json": KEY}], "pictures": [{"data": KEY}], "x": KEY}).encode(),
        f'{{"data": [{{"b64_json": "{KEY}'.encode(),
        f"<html>{KEY}</html>".encode(),
    ],
)
async def test_a_success_that_repeats_the_key_does_not_show_it(caplog, model, body):
    """A 200 that is none, cut or whole: what is kept of it is kept without the key."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    for length in (len(body), len(body) + 10):
        async with FaultServer(openai_answer, [Garbage(head % length + body)]) as server, client(server) as asking:
            with pytest.raises(imagegen.ImageGenError) as caught:
                await asking.generate("a fox", model=model)
        assert traces(evidence(caught.value, caplog)) == []


@pytest.mark.anyio
async def test_an_event_that_repeats_the_key_does_not_show_it(caplog):
    """Streams report errors in the middle of a success."""
    events = b'event: error\ndata: {"type": "error", "error": {"message": "bad key %s"}}\n\n' % KEY.encode()
    answer = Answer(events, headers={"content-type": "text/event-stream"})
    async with FaultServer(answer) as server, client(server) as asking:
        async with asking.stream("a fox", model="openai:gpt-image-2", partial_images=1) as seen:
            with pytest.raises(imagegen.ImageGenError) as caught:
                await anext(aiter(seen))
    assert "bad" in caught.value.message
    assert traces(evidence(caught.value, caplog)) == []


@pytest.mark.anyio
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("code", [400, 500])
async def test_a_megabyte_of_terminal_commands_is_one_short_line(model, code):
    """What a server says is cut and escaped before anybody prints it."""
    words = "\x1b]0;owned\x07\x1b[2J\r\n\u202e" + "a\x1b[31m" * 200_000
    async with FaultServer(openai_answer, [Instead(Answer(ERRORS[model]("x", words), code))]) as server:
        async with client(server) as asking:
            with pytest.raises(imagegen.ImageGenError) as caught:
                await asking.generate("a fox", model=model)
    assert len(str(caught.value)) < 2300
    assert str(caught.value).isprintable()
    assert "owned" in str(caught.value)
