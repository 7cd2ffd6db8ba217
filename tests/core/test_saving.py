"""Pictures that were paid for and a disk that fails: never lost, never said to be saved where they are not."""

from __future__ import annotations

import asyncio
import base64
import errno
import io
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from core.serving import KEY, client, openai_answer, spooled
from core.test_files import fail_to_flush, failing
from PIL import Image as Pillow

import imagegen
from imagegen.cli import saving
from imagegen.http.sinks import FileSink, PictureTooLargeError
from imagegen.pictures import read_facts
from imagegen.testing.faults import Answer, FaultServer
from imagegen.types.picture import PictureData
from imagegen.types.result import Image

pytestmark = pytest.mark.anyio
OPENAI = "openai:gpt-image-2"


def noise(side: int = 300) -> bytes:
    """A PNG that no encoder can make small."""
    buffer = io.BytesIO()
    Pillow.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = noise()


def picture(data: bytes = PICTURE) -> Image:
    facts = read_facts(memoryview(data))
    return Image(PictureData(data), facts.media_type, facts.width, facts.height, facts.has_alpha)


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """A disk that is full after so many bytes of a file: the system refuses the rest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def break_step(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one step of saving fail, as a disk that goes bad does."""
    if step in ("flush file", "flush folder"):
        monkeypatch.setattr(os, "fsync", fail_to_flush(step == "flush folder", errno.EIO))
    else:
        monkeypatch.setattr(os, step, failing(errno.EIO))


# One picture, saved by hand


@pytest.mark.parametrize("step", ["flush file", "replace", "flush folder"])
def test_picture_survives_a_save_that_fails(tmp_path, monkeypatch, step):
    """The error is raised, no rest lies about, and the same picture can be saved elsewhere."""
    image = picture()
    with monkeypatch.context() as broken:
        break_step(step, broken)
        with pytest.raises(OSError, match="Input/output"):
            image.save(tmp_path / "a.png")
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]
    assert image.save(tmp_path / "b.png").read_bytes() == image.data == PICTURE


def test_picture_survives_a_full_disk(tmp_path):
    """A write that the system cuts short leaves no half file, and the picture in memory."""
    image = picture()
    with files_of_at_most(100_000), pytest.raises(OSError) as caught:
        image.save(tmp_path / "a.png")
    assert caught.value.errno == errno.EFBIG
    assert os.listdir(tmp_path) == []
    assert image.data == PICTURE


def test_older_picture_survives_a_save_that_fails(tmp_path):
    """What is replaced is replaced whole or not at all."""
    (tmp_path / "a.png").write_bytes(b"older")
    with files_of_at_most(100_000), pytest.raises(OSError):
        picture().save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"older"


def test_save_in_no_folder(tmp_path):
    """A folder that is not there is an error; the picture stays."""
    image = picture()
    with pytest.raises(FileNotFoundError):
        image.save(tmp_path / "none" / "a.png")
    assert image.data == PICTURE


def test_vector_picture_is_saved_as_it_came(tmp_path):
    """Scripts and links in it are neither run nor taken out; its suffix is its type's, whatever was asked."""
    data = b'<svg width="9" height="9"><script>alert(1)</script><image href="file:///etc/passwd"/></svg>\r\n'
    path = picture(data).save(tmp_path / "a.html")
    assert path.name == "a.svg"
    assert path.read_bytes() == data


# Pictures that go straight to a folder


@pytest.mark.parametrize("step", ["flush file", "link", "flush folder"])
@pytest.mark.parametrize("in_url", [True, False])
async def test_paid_picture_survives_a_folder_that_fails(tmp_path, monkeypatch, step, in_url):
    """It is in memory then, a warning says so, and it can be saved elsewhere."""
    async with FaultServer(Answer(PICTURE)) as pictures:
        answer = Answer({"created": 1, "data": [{"url": f"{pictures.url}/a.png"}]}) if in_url else big(1)
        async with FaultServer(answer) as server, client(server, connections=own_network(server)) as asking:
            with monkeypatch.context() as broken:
                break_step(step, broken)
                result = await asking.generate("a fox", model=OPENAI, save_to=tmp_path / "to")
    assert result.image.path is None
    assert "in memory only" in " ".join(result.warnings)
    assert not [name for name in os.listdir(tmp_path / "to") if name.endswith(".part")]
    assert result.image.save(tmp_path / "b.png").read_bytes() == PICTURE


def big(count: int) -> Answer:
    return Answer({"created": 1, "data": [{"b64_json": base64.b64encode(PICTURE).decode()}] * count})


def own_network(server: FaultServer) -> dict[str, imagegen.Connection]:
    """A connection whose result URLs may lead to a server of our own."""
    return {"openai": imagegen.Connection(api_key=KEY, base_url=server.url, allow_private=True)}


async def test_paid_pictures_survive_a_full_disk(tmp_path):
    """The disk fills while they arrive: what was written so far goes on in memory, and no half file stays."""
    async with FaultServer(big(2)) as server, client(server) as asking:
        with files_of_at_most(100_000):
            result = await asking.generate("a fox", model=OPENAI, n=2, save_to=tmp_path)
    assert [image.data for image in result.images] == [PICTURE, PICTURE]
    assert len([each for each in result.warnings if "in memory only" in each]) == 1  # the same words, said once
    assert os.listdir(tmp_path) == []


async def test_paid_picture_survives_the_end_of_its_folder(tmp_path):
    """Somebody removes the folder while the provider is drawing."""
    folder = tmp_path / "to"

    def answer(received):
        shutil.rmtree(folder)
        return openai_answer(received)

    async with FaultServer(answer) as server, client(server) as asking:
        result = await asking.generate("a fox", model=OPENAI, save_to=folder)
    assert read_facts(memoryview(result.image.data)).whole
    assert "No such file" in " ".join(result.warnings)


FULL = """
import asyncio, os, subprocess, sys, imagegen
from pathlib import Path
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
(folder / "rest").write_bytes(b"x" * (60 << 10))
image = imagegen.generate("noise", model="stub:painter", size="512x512", save_to=folder)
assert image.image.path is None and "No space left" in " ".join(image.warnings), (image.images, image.warnings)
assert os.listdir(folder) == ["rest"], os.listdir(folder)
try:
    image.image.save(folder / "a.png")
except OSError as error:
    assert error.errno == 28, error
else:
    raise AssertionError("saved on a full disk")
assert os.listdir(folder) == ["rest"], os.listdir(folder)
print("kept", len(image.image.data))
"""


def test_paid_picture_survives_a_disk_that_is_really_full(tmp_path):
    """A file system of 64 KB of our own: the picture is kept, and the full disk is as it was."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no right to a file system of one's own")
    (tmp_path / "small").mkdir()
    run = ["unshare", "-rm", sys.executable, "-c", FULL, str(tmp_path / "small")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept")


async def test_flushing_does_not_hold_up_the_loop(tmp_path, monkeypatch):
    """A disk takes its time; other calls go on."""
    threads, real = set(), os.fsync

    def fsync(handle):
        threads.add(threading.get_ident())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    async with FaultServer(openai_answer) as server, client(server, spool=False) as asking:
        await asking.generate("a fox", model=OPENAI, save_to=tmp_path)
    assert threads
    assert threading.get_ident() not in threads


async def test_many_calls_share_a_folder(tmp_path):
    """Calls side by side find names of their own; nothing is replaced and nothing is lost."""
    async with FaultServer(openai_answer) as server, client(server) as asking:
        calls = [asking.generate("a fox", model=OPENAI, n=2, save_to=tmp_path) for _ in range(12)]
        results = await asyncio.gather(*calls)
    paths = {image.path for result in results for image in result.images}
    assert len(paths) == 24
    assert {path.name for path in paths} == set(os.listdir(tmp_path))


async def test_leaving_while_a_picture_is_moved_loses_nothing(tmp_path, monkeypatch):
    """A call cancelled in the middle of its last step: the picture is in its folder, and not kept twice."""
    begun, go_on, real = threading.Event(), threading.Event(), os.fsync

    def fsync(handle):
        if not begun.is_set():  # the first: the picture's, on its way into the folder
            begun.set()
            go_on.wait(20)
        real(handle)

    async with FaultServer(big(1)) as server, client(server) as asking:
        with monkeypatch.context() as slow:
            slow.setattr(os, "fsync", fsync)
            call = asyncio.ensure_future(asking.generate("a fox", model=OPENAI, save_to=tmp_path / "to"))
            await asyncio.to_thread(begun.wait, 20)
            call.cancel()
            await asyncio.sleep(0.3)  # long enough for somebody who does not wait to take the file away
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await call
        await asking.close()
    found = [each for each in (tmp_path / "to").iterdir() if each.suffix == ".png"]
    kept = [name for name in spooled(Path(os.environ["IMAGEGEN_STATE_DIR"])) if name.endswith(".picture")]
    assert [each.read_bytes() for each in found] == [PICTURE]
    assert kept == []


def test_only_temporary_files_are_discarded(tmp_path):
    """A picture that nobody uses takes no file of the caller's with it."""
    (tmp_path / "mine.png").write_bytes(PICTURE)
    PictureData(path=tmp_path / "mine.png").discard()
    sink = FileSink(tmp_path)
    sink.write(PICTURE)
    sink.finish().discard()
    assert os.listdir(tmp_path) == ["mine.png"]


def test_a_sink_in_memory_keeps_the_cap(tmp_path):
    """A full disk is no way around 50 MB."""
    with files_of_at_most(50_000):
        sink = FileSink(tmp_path, max_bytes=150_000)
        sink.write(PICTURE[:140_000])
        with pytest.raises(PictureTooLargeError):
            sink.write(PICTURE[140_000:160_000])
    sink.abort()
    assert os.listdir(tmp_path) == []


# The command line


def test_command_line_finds_another_place(tmp_path, monkeypatch, capsys):
    """What was paid is written somewhere, and the line says where, though the first folder and the next are gone."""
    monkeypatch.setattr(saving.tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    path = saving._save(picture(), tmp_path / "none" / "a.png", force=False)
    assert path.read_bytes() == PICTURE
    assert str(path) in capsys.readouterr().err
    shutil.rmtree(path.parent)


def test_command_line_takes_a_free_name(tmp_path):
    """Beside thousands of older pictures."""
    for number in range(1, 2000):
        (tmp_path / ("a.png" if number == 1 else f"a-{number}.png")).touch()
    assert saving._save(picture(), tmp_path / "a", force=False).name == "a-2000.png"
