"""Files that appear whole or not at all, in the folder that was meant, in an order that survives a power cut."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from imagegen import files
from imagegen.errors import ConfigurationError
from imagegen.files import check_writable, free_path, give_name, open_temporary, write_atomic


@pytest.fixture(params=["by handle", "by path"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With handles of folders, and as on a platform that has none."""
    monkeypatch.setattr(files, "_BY_HANDLE", request.param == "by handle")
    return request.param


def failing(number: int) -> Any:
    """A step of the system that does nothing but fail."""

    def fail(*arguments: Any, **keywords: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def fail_to_flush(folders: bool, number: int) -> Any:
    """An ``os.fsync`` that fails for folders, or for files."""
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode) == folders:
            raise OSError(number, os.strerror(number))
        real(handle)

    return fsync


@pytest.mark.usefixtures("way")
def test_write_leaves_one_whole_file(tmp_path):
    """After a write there is the file, with its mode, and nothing beside it."""
    write_atomic(tmp_path / "a.bin", b"data", mode=0o600)
    assert os.listdir(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"data"
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o600


def test_the_users_mask_is_obeyed(tmp_path):
    """Who keeps files private gets private pictures."""
    old = os.umask(0o077)
    try:
        write_atomic(tmp_path / "a.bin", b"data")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o600


@pytest.mark.usefixtures("way")
def test_existing_file_is_replaced(tmp_path):
    """With overwrite the new bytes take the name."""
    (tmp_path / "a.bin").write_bytes(b"old")
    write_atomic(tmp_path / "a.bin", b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"


@pytest.mark.usefixtures("way")
def test_existing_file_stays(tmp_path):
    """Without overwrite an older file is not touched, and no rest stays behind."""
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "a.bin", b"new", overwrite=False)
    assert os.listdir(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
@pytest.mark.parametrize("there", [True, False])
def test_a_disk_without_second_names(tmp_path, monkeypatch, number, there):
    """On FAT and the like a picture is saved all the same, and an older file stays."""
    monkeypatch.setattr(os, "link", failing(number))
    if there:
        (tmp_path / "a.bin").write_bytes(b"old")
        with pytest.raises(FileExistsError):
            write_atomic(tmp_path / "a.bin", b"new", overwrite=False)
    else:
        write_atomic(tmp_path / "a.bin", b"new", overwrite=False)
    assert os.listdir(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == (b"old" if there else b"new")


def test_a_name_taken_in_two_steps_is_given_back(tmp_path, monkeypatch):
    """Where the second step fails, no empty file stays."""
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        write_atomic(tmp_path / "a.bin", b"new", overwrite=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_is_replaced_not_followed(tmp_path, overwrite, dangling):
    """A symbolic link at the target is replaced, or is a file that is there; what it points to is not touched."""
    precious = tmp_path / "precious"
    if not dangling:
        precious.write_bytes(b"precious")
    (tmp_path / "a.bin").symlink_to(precious)
    if overwrite:
        write_atomic(tmp_path / "a.bin", b"new")
        assert not (tmp_path / "a.bin").is_symlink()
        assert (tmp_path / "a.bin").read_bytes() == b"new"
    else:
        with pytest.raises(FileExistsError):
            write_atomic(tmp_path / "a.bin", b"new", overwrite=False)
    assert precious.exists() != dangling
    assert dangling or precious.read_bytes() == b"precious"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dangling", [True, False])
def test_no_link_can_be_planted_at_the_temporary_name(tmp_path, monkeypatch, dangling):
    """Even one who guesses the name gets nothing written through his link."""
    monkeypatch.setattr(files, "_temporary_name", lambda: ".imagegen-guessed.part")
    precious = tmp_path / "precious"
    if not dangling:
        precious.write_bytes(b"precious")
    (tmp_path / ".imagegen-guessed.part").symlink_to(precious)
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "a.bin", b"new")
    assert not (tmp_path / "a.bin").exists()
    assert precious.exists() != dangling
    assert dangling or precious.read_bytes() == b"precious"


@pytest.mark.usefixtures("way")
def test_a_temporary_file_exchanged_for_a_link_gets_no_name(tmp_path):
    """A link put in its place after it was written is not taken for it."""
    (tmp_path / "precious").write_bytes(b"precious")
    temporary, handle = open_temporary(tmp_path)
    os.close(handle)
    temporary.unlink()
    temporary.symlink_to(tmp_path / "precious")
    with pytest.raises(OSError):
        give_name(temporary, tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


def test_a_folder_exchanged_half_way_gets_nothing(tmp_path, monkeypatch):
    """The handle decides: a link put in the folder's place while the picture is written is not followed."""
    meant, moved, evil = tmp_path / "meant", tmp_path / "moved", tmp_path / "evil"
    meant.mkdir()
    evil.mkdir()
    real = os.fsync

    def exchange(handle: int) -> None:
        if not moved.exists():
            meant.rename(moved)
            meant.symlink_to(evil)
        real(handle)

    monkeypatch.setattr(os, "fsync", exchange)
    write_atomic(meant / "a.bin", b"data")
    assert os.listdir(evil) == []
    assert os.listdir(moved) == ["a.bin"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_file_then_name_then_folder_reach_the_disk(tmp_path, monkeypatch, overwrite):
    """The file is flushed before it gets its name, and the folder after."""
    steps: list[str] = []
    flush, replace, link = os.fsync, os.replace, os.link

    def fsync(handle: int) -> None:
        found = os.fstat(handle)
        steps.append("flush folder" if stat.S_ISDIR(found.st_mode) else f"flush file of {found.st_size}")
        flush(handle)

    def named(real: Any) -> Any:
        def name(old: Any, new: Any, **keywords: Any) -> None:
            steps.append(f"name {Path(new).name}")
            real(old, new, **keywords)

        return name

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", named(replace))
    monkeypatch.setattr(os, "link", named(link))
    write_atomic(tmp_path / "a.bin", b"data", overwrite=overwrite)
    assert steps == ["flush file of 4", "name a.bin", "flush folder"]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("step", ["file", "replace", "link"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch, step, number):
    """Flushing or naming fails: the error is raised, and there is neither a file nor a rest of one."""
    if step == "file":
        monkeypatch.setattr(os, "fsync", fail_to_flush(False, number))
    else:
        monkeypatch.setattr(os, step, failing(number))
    with pytest.raises(OSError) as caught:
        write_atomic(tmp_path / "a.bin", b"data", overwrite=step != "link")
    assert caught.value.errno == number
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_a_folder_that_fails_to_flush_is_an_error(tmp_path, monkeypatch, number):
    """A name that may be gone after a power cut is not passed off as saved."""
    monkeypatch.setattr(os, "fsync", fail_to_flush(True, number))
    with pytest.raises(OSError) as caught:
        write_atomic(tmp_path / "a.bin", b"data")
    assert caught.value.errno == number
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_folder_that_cannot_be_flushed_is_none(tmp_path, monkeypatch):
    """Some file systems have no way to; that is no failure."""
    monkeypatch.setattr(os, "fsync", fail_to_flush(True, errno.EINVAL))
    write_atomic(tmp_path / "a.bin", b"data")
    assert (tmp_path / "a.bin").read_bytes() == b"data"


@pytest.mark.parametrize(("taken", "free"), [(0, "a.png"), (1, "a-2.png"), (2, "a-3.png"), (5000, "a-5001.png")])
def test_a_free_name_is_found_at_once(tmp_path, monkeypatch, taken, free):
    """Not by trying one number after another: a folder of 5,000 pictures takes two dozen looks."""
    for number in range(1, taken + 1):
        (tmp_path / ("a.png" if number == 1 else f"a-{number}.png")).touch()
    looks, real = [], os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: looks.append(path) or real(path))
    assert free_path(tmp_path / "a.png").name == free
    assert len(looks) <= 26


def test_a_free_name_among_gaps_is_free(tmp_path):
    """Numbers may be missing, and a link to nowhere has a name too."""
    for number in (2, 3, 4, 8, 9, 16):
        (tmp_path / f"a-{number}.png").touch()
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    assert not os.path.lexists(free_path(tmp_path / "a.png"))


def test_folder_is_made(tmp_path):
    """A folder that is not there is made."""
    check_writable(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    assert os.listdir(tmp_path / "new" / "folder") == []


def test_file_in_place_of_a_folder_is_one_line(tmp_path):
    """What cannot be a folder is told before money is spent."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="nothing was sent"):
        check_writable(tmp_path / "file" / "below")
