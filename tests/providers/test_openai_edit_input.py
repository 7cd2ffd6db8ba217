"""What OpenAI's edits refuse before anything is sent, how strict the fake is, and how little memory an edit takes."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai import FakeOpenAI, fake_openai
from fakes.openai_edit_rules import Edit, Upload, checked_edit
from fakes.openai_inputs import SIZE, area, noise, png, transparent_where
from fakes.openai_rules import Refusal
from PIL import Image

import imagegen
from imagegen import ConfigurationError, Connection, ImageInput, ImageRequest, Reply, Task, UnsupportedError
from imagegen_providers.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
KEY = "sk-test-0000000000000000"
MODEL = "openai:gpt-image-2"
URL = "https://pictures.example/a.png"


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeOpenAI]:
    with fake_openai(key=KEY) as found:
        yield found


@pytest.fixture
def server(listening: FakeOpenAI) -> FakeOpenAI:
    """The fake, as if just started."""
    listening.forget()
    listening.elsewhere = {URL: png(), "file-1": png(), "file-mask": png(transparent_where())}
    return listening


def client(server: FakeOpenAI, **settings: Any) -> imagegen.AsyncClient:
    connection = Connection(api_key=KEY, base_url=server.base_url)
    return imagegen.AsyncClient(connections={"openai": connection}, **{"timeout_s": 30, **settings})


# Refused before anything is sent.


def bomb() -> bytes:
    """A png of 50000x50000 pixels by its header."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def both_vary() -> Image.Image:
    """White and black stripes, of which a part is clear."""
    mask = area().convert("RGBA")
    mask.putalpha(Image.linear_gradient("L").resize(SIZE))
    return mask


def drawing(size: tuple[int, int] = SIZE, mode: str = "RGBA") -> bytes:
    return png(Image.new(mode, size))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no picture": ({"images": [b"hello, I am a text"]}, "not a picture"),
    "empty": ({"images": [b""]}, "not a picture"),
    "cut short": ({"images": [png()[:-20]]}, "cut short"),
    "half": ({"images": [png()[: len(png()) // 2]]}, "cut short"),
    "bomb": ({"images": [bomb()]}, "megapixels"),
    "too large": ({"images": [png() + bytes(50_000_001)]}, "50,000,000"),
    "gif": ({"images": [png(kind="GIF")]}, "gif"),
    "seventeen": ({"images": [png()] * 17}, "at most 16"),
    "with file ids 17": ({"images": [png()] * 16, "options": {"openai": {"image_file_ids": ["f"]}}}, "at most 16"),
    "no file": ({"images": ["no-such-file.png"]}, "no such picture"),
    "plain http": ({"images": ["http://pictures.example/a.png"]}, "https"),
    "too large beside a URL": ({"images": [URL, png() + bytes(16_000_000)]}, "too large"),
    "no pictures": ({"images": []}, "needs a picture"),
    "mask of another size": ({"images": [png()], "mask": area((640, 1024))}, "one size"),
    "mask that could mean two things": ({"images": [png()], "mask": both_vary()}, "both"),
    "mask that is no picture": ({"images": [png()], "mask": b"hello"}, "not a picture"),
    "mask cut short": ({"images": [png()], "mask": png(area())[:-20]}, "cut short"),
    "mask that is a bomb": ({"images": [png()], "mask": bomb()}, "megapixels"),
    "mask behind a URL": ({"images": [png()], "mask": URL}, "mask"),
    "two masks": ({"images": [png()], "mask": area(), "options": {"openai": {"mask_file_id": "f"}}}, "not both"),
    "mask and markup": ({"images": [png()], "mask": area(), "options": {"openai": {"markup": drawing()}}}, "not both"),
    "markup of another size": ({"images": [png()], "options": {"openai": {"markup": drawing((64, 64))}}}, "one size"),
    "opaque markup": ({"images": [png()], "options": {"openai": {"markup": drawing(mode="RGB")}}}, "transparency"),
    "markup that is no picture": ({"images": [png()], "options": {"openai": {"markup": b"hello"}}}, "not a picture"),
    "markup behind a URL": ({"images": [png()], "options": {"openai": {"markup": URL}}}, "not a URL"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
async def test_bad_input_is_refused_before_anything_is_sent(server, name):
    """One line says what is wrong; the server never hears of it."""
    fields, words = BAD[name]
    async with client(server) as asking:
        with pytest.raises((UnsupportedError, ConfigurationError), match=words) as caught:
            await asking.edit("a fox", model="openai:gpt-image-2.6-flare", **fields)
    assert (server.requests, caught.value.billed.value) == ([], "no")
    assert "\n" not in caught.value.message


async def test_markup_is_not_for_every_model(server):
    """The catalogue says which."""
    async with client(server) as asking:
        with pytest.raises(UnsupportedError, match="markup"):
            await asking.edit("a", images=[png()], model=MODEL, options={"openai": {"markup": drawing()}})
    assert server.requests == []


async def test_pictures_are_for_an_edit(server):
    """A call for new pictures does not drop them in silence."""
    async with client(server) as asking:
        with pytest.raises(ConfigurationError, match="edit"):
            await asking.generate("a fox", images=[png()], model=MODEL)
    assert server.requests == []


# The fake is strict, so that tests against it mean something.


def upload(name: str = "image", content: bytes | None = None, media_type: str = "image/png") -> Upload:
    return Upload(name, "a.png", media_type, png() if content is None else content)


def edit_of(images: int = 1, **fields: Any) -> Edit:
    guides = {name: fields.pop(name) for name in ("mask", "markup") if name in fields}
    return Edit({"prompt": "a", "model": "gpt-image-2", **fields}, [upload()] * images, **guides)


def edit_with(image: Upload) -> Edit:
    return Edit({"prompt": "a", "model": "gpt-image-2"}, [image])


CLEAR = upload("mask", png(transparent_where()))


@pytest.mark.parametrize(
    ("edit", "param"),
    [
        (edit_of(0), "image"),
        (edit_of(17), "image"),
        (edit_of(style="vivid"), "style"),
        (edit_of(response_format="url"), "response_format"),
        (edit_of(input_fidelity="low"), "input_fidelity"),
        (edit_of(model="gpt-image-1-mini", input_fidelity="high"), "input_fidelity"),
        (edit_of(moderation="none"), "moderation"),
        (edit_of(mask=upload("mask")), "mask"),
        (edit_of(mask=upload("mask", png(kind="JPEG"), "image/jpeg")), "mask"),
        (edit_of(mask=upload("mask", png(transparent_where((64, 64))))), "mask"),
        (edit_of(mask=upload("mask", png(noise(1200).convert("RGBA")))), "mask"),
        (edit_of(markup=CLEAR), "markup"),
        (edit_of(model="gpt-image-2.5-flare", mask=CLEAR, markup=CLEAR), "markup"),
        (edit_with(upload(content=png(kind="GIF"), media_type="image/gif")), "image"),
        (edit_with(upload(content=png(kind="GIF"))), "image"),
        (edit_with(upload(content=png() + bytes(50_000_000))), "image"),
        (edit_with(upload(content=png()[:60])), "image"),
    ],
)  # fmt: skip
def test_fake_refuses_what_edits_refuse(edit, param):
    """Each rule of the sheet, on the fake itself."""
    with pytest.raises(Refusal) as raised:
        checked_edit(edit, False)
    assert raised.value.body["error"]["param"] == param


async def test_fake_knows_its_part_names(server):
    """Two parts called ``image`` are one too many."""
    wire = OpenAI().wire(Task(ImageRequest(prompt="a", images=[png()]), "gpt-image-2", "edit"))
    doubled = imagegen.Wire.multipart(wire.path, wire.form, [*wire.files, ("image", ImageInput(png()))])
    found = await sent(server, doubled)
    assert (found.status, server.refusals[0]["code"]) == (400, "duplicate_parameter")


async def sent(server: FakeOpenAI, wire: imagegen.Wire) -> Reply:
    """A request of our own making, over the core's HTTP."""
    from imagegen.http.connection import HttpConnection
    from imagegen.http.messages import Exchange
    from imagegen.settings import Settings

    endpoint = Settings({"openai": Connection(api_key=KEY, base_url=server.base_url)}).endpoint("openai")
    http = HttpConnection(endpoint, OpenAI().auth)
    try:
        return await http.send(wire, Exchange())
    finally:
        await http.aclose()


# Memory.

DEVOURER = """
import http.server, sys
reply = open(sys.argv[1], "rb").read()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        left = int(self.headers["content-length"])
        while left:
            left -= len(self.rfile.read(min(left, 65536)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
"""A server in a process of its own, so that its memory is not counted as ours."""


@pytest.mark.parametrize("kind", ["files", "bytes"])
async def test_edit_holds_no_copy_of_what_it_sends(tmp_path, kind):
    """Four pictures of 6 MB go out in pieces: the peak is the reply and 2 MB."""
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(png(noise(1430 + number), compress_level=0))
    reply = png(noise(1024), compress_level=0)
    (tmp_path / "reply").write_bytes(
        json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(reply).decode()}]}).encode()
    )
    given = paths if kind == "files" else [path.read_bytes() for path in paths]
    assert sum(path.stat().st_size for path in paths) > 24_000_000
    command = [sys.executable, "-c", DEVOURER, tmp_path / "reply"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 - it starts once, before all
        try:
            assert process.stdout is not None
            url = f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
            connections = {"openai": Connection(api_key=KEY, base_url=url)}
            async with imagegen.AsyncClient(connections=connections, spool=None) as asking:
                await asking.edit("warm up", images=[png()], model=MODEL)
                tracemalloc.start()
                result = await asking.edit("a fox", images=given, model=MODEL)
                _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            process.kill()
    assert result.image.data == reply
    print(f"peak {peak:,} with a reply of {len(reply):,}")
    assert peak < len(reply) + 2_000_000, f"{peak:,}"
