"""The fault matrix, rows F31, F32 and F46: answers without end, links to where nobody may go, keys sent back."""

from __future__ import annotations

import asyncio
import json
import sys
import zlib

import pytest
from core.broken import chunk, header
from core.killing import JOBS, SYNC, rows
from core.matrix.test_submit import outcome_of, units
from core.serving import ERRORS, KEY, PNG, client
from core.test_jobs import Jobs

import imagegen
from imagegen import Billed
from imagegen.testing.faults import Answer, FaultServer

pytestmark = pytest.mark.anyio
ZEROS = bytes(1 << 20)
LINK = {"state": "done", "pictures": [{"url": "HOST/picture"}]}


def bomb_picture() -> bytes:
    """A small file of 20,000 x 20,000 pixels."""
    return header(20_000, 20_000) + chunk(b"IDAT", zlib.compress(bytes(60_001) * 200)) + chunk(b"IEND", b"")


def bomb_gzip() -> bytes:
    """Half a megabyte that unpacks to 512 MB."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(ZEROS) for _ in range(512)) + packer.flush()


class Endless(Jobs):
    """A server of jobs of which one kind of answer is hostile, sent as it is."""

    def __init__(self, at, head, parts):
        super().__init__(LINK)
        self.at, self.head, self.parts, self.sent = at, head, parts, 0
        self.server._meet = self._meet

    async def _meet(self, received, writer):
        if not received.path.startswith(self.at):
            await FaultServer._meet(self.server, received, writer)
            return
        writer.write(f"HTTP/1.1 {self.head}\r\n\r\n".encode())
        for part in self.parts():
            writer.write(part)
            await writer.drain()
            self.sent += len(part)
        raise ConnectionError("the end of it")


def without_end():
    while True:
        yield b"100000\r\n" + ZEROS + b"\r\n"


def as_json():
    yield b'100000\r\n{"x": "' + ZEROS[7:].replace(b"\0", b"a") + b"\r\n"
    while True:
        yield b"100000\r\n" + ZEROS.replace(b"\0", b"a") + b"\r\n"


def ten_gigabytes():
    for _ in range(10_000):
        yield ZEROS


CHUNKED, LENGTH = "200 OK\r\ntransfer-encoding: chunked", "200 OK\r\ncontent-length: 10737418240"
BOMB, PICTURE = bomb_gzip(), bomb_picture()
PACKED = f"OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {len(BOMB)}"
ENDLESS = {
    "a picture said to have 10 GB": ("/picture", LENGTH, ten_gigabytes, "BadOutputError", "unreadable"),
    "a picture without end": ("/picture", CHUNKED, without_end, "BadOutputError", "unreadable"),
    "a packed picture": (
        "/picture", f"200 {PACKED}", lambda: [BOMB], "DeadlineExceededError", "submitted",
    ),
    "a picture of 400 megapixels": (
        "/picture", f"200 OK\r\ncontent-length: {len(PICTURE)}", lambda: [PICTURE], "BadOutputError", "unreadable",
    ),
    "an answer without end": ("/draw", CHUNKED, as_json, "BadOutputError", "unreadable"),
    "a packed answer": (
        "/draw", f"200 {PACKED}", lambda: [BOMB], "BadOutputError", "unreadable",
    ),
    "an error without end": ("/draw", CHUNKED.replace("200", "500"), as_json, "OutcomeUnknownError", "unknown"),
    "a packed error": (
        "/draw", f"500 {PACKED}", lambda: [BOMB], "OutcomeUnknownError", "unknown",
    ),
    "a state without end": ("/jobs/", CHUNKED, as_json, "BadOutputError", "unreadable"),
}  # fmt: skip
ASK = """
import imagegen, json, resource, sys
url, ledger, acme, key, timeout_s = sys.argv[1:]
sys.path.append(acme)
connections = {"acme-jobs": imagegen.Connection(api_key=key, base_url=url)}
with imagegen.Client(connections=connections, ledger=ledger) as client:
    client.generate("a star", model="stub:painter", size="64x64")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        client.generate("a fox", model="acme-jobs:sketch", timeout_s=float(timeout_s))
        error = None
    except imagegen.ImageGenError as caught:
        error = type(caught).__name__
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([error, more / (1024 if sys.platform == "linux" else 1 << 20)]))
"""


@pytest.mark.parametrize("name", list(ENDLESS))
async def test_F31_an_answer_without_end(tmp_path, acme, name):
    """It is given up at the cap, in less than 100 MB, and the money is not hidden."""
    at, head, parts, error, state = ENDLESS[name]
    server = Endless(at, head, parts)
    timeout_s = "2" if error == "DeadlineExceededError" else "60"
    arguments = [str(tmp_path), str(acme), KEY, timeout_s]
    async with server:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ASK, server.server.url, *arguments, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await child.communicate()
    found, more_mb = json.loads(said)
    assert (found, server.server.submits) == (error, 1)
    assert units(tmp_path)[1:] == [state]
    assert more_mb < 100
    assert server.sent < 400 << 20


LINKS = [
    "https://127.0.0.1/p",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/p",
    "https://[::ffff:127.0.0.1]/p",
    "https://[64:ff9b::7f00:1]/p",
    "https://2130706433/p",
    "https://0177.0.0.1/p",
    "https://0x7f.1/p",
    "https://127.1/p",
    "https://localhost/p",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("url", LINKS)
async def test_F32_a_link_to_a_private_place(tmp_path, url):
    """It is not followed, and the picture is booked as paid and not had."""
    async with Jobs({"state": "done", "pictures": [{"url": url}]}) as server:
        async with client(server.server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=JOBS)
        assert isinstance(error, imagegen.BadOutputError), error
        assert (error.billed, server.server.submits) == (Billed.YES, 1)
    assert rows(tmp_path, "SELECT state, billed FROM units") == [("unreadable", "yes")]


async def test_F32_a_redirect_to_a_private_place(tmp_path):
    """A link of the provider's own leads elsewhere: the other server hears nothing."""
    async with FaultServer(Answer(PNG)) as other:
        moved = Answer(b"", 302, {"location": f"{other.url}/picture"})
        async with Jobs(LINK, picture=moved) as server, client(server.server, ledger=tmp_path) as asking:
            error = await outcome_of(asking, prompt="a fox", model=JOBS)
        assert (type(error), other.received) == (imagegen.BadOutputError, [])
    assert units(tmp_path) == ["unreadable"]


@pytest.mark.parametrize("place", ["another port", "https://169.254.169.254/", "https://[::ffff:127.0.0.1]/"])
async def test_F32_a_poll_url_to_another_place(tmp_path, place):
    """The key does not go there; the job was accepted, stays open, and is booked as paid."""
    async with FaultServer(Answer({"state": "done"})) as other:
        poll = f"{other.url}/jobs/1" if place == "another port" else place
        async with FaultServer(Answer({"id": "j", "poll": poll}, 202)) as server:
            async with client(server, ledger=tmp_path) as asking:
                error = await outcome_of(asking, prompt="a fox", model=JOBS)
            assert isinstance(error, imagegen.ConfigurationError)
            assert error.job is not None
            assert (error.billed, server.submits, other.received) == (Billed.YES, 1, [])
    assert rows(tmp_path, "SELECT state, billed FROM units") == [("submitted", "yes")]


PROMPT = "a fox with a name that nobody else has"


def told_back(received):
    """A megabyte that repeats the key and the prompt between terminal codes, as text and in JSON."""
    words = f"\x1b[31m{KEY}\x1b]0;{received.json()['prompt']}\x07 {KEY[::-1]} \u202e"
    return (words + "x" * 200) * 4000


@pytest.mark.parametrize("model", ["openai:gpt-image-2", SYNC])
@pytest.mark.parametrize(
    ("status", "state", "as_text"),
    [(400, "rejected", False), (500, "unknown", False), (502, "unknown", True), (200, "unreadable", True)],
)
async def test_F46_an_error_that_tells_everything_back(tmp_path, caplog, model, status, state, as_text):
    """No key in any file, log or message; the message is short and without codes, and the ledger keeps no prompt."""
    caplog.set_level("DEBUG")

    def answer(received):
        text = told_back(received)
        return Answer(text.encode() if as_text else ERRORS[model]("bad", text), status)

    async with FaultServer(answer) as server, client(server, ledger=tmp_path) as asking:
        error = await outcome_of(asking, prompt=PROMPT, model=model)
        assert isinstance(error, imagegen.ImageGenError)
        said = [str(error), repr(error), *(str(attempt) for attempt in error.attempts), caplog.text]
        assert not any(KEY in each for each in said)
        assert len(error.message) < 3000
        assert not set(error.message) & {"\x1b", "\x07", "\u202e"}
        assert server.submits == 1
    assert units(tmp_path) == [state]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("quarantine" in path.parts for path in files) == (status != 400)
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
        if "quarantine" not in path.parts and "open" not in path.parts:
            assert PROMPT.encode() not in path.read_bytes(), path
    (said,) = rows(tmp_path, "SELECT error FROM units")[0]
    assert len(said) < 3000 and "\x1b" not in said


async def test_F46_a_refusal_that_tells_everything_back(tmp_path):
    """The same in a good answer, where a module hands on a server's words for a picture that was refused."""

    def answer(received):
        return Answer({"pictures": [{"refused": told_back(received)}]})

    async with FaultServer(answer) as server, client(server, ledger=tmp_path) as asking:
        error = await outcome_of(asking, prompt=PROMPT, model=SYNC)
    assert isinstance(error, imagegen.ModerationError)
    assert len(error.message) < 3000
    assert KEY not in error.message and "\x1b" not in error.message
    said, state = rows(tmp_path, "SELECT error, state FROM units")[0]
    assert (KEY in said, PROMPT in said, state) == (False, False, "refused")
