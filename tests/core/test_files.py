"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from imagegen.errors import ConfigurationError
from imagegen.files import check_writable, write_atomic


def test_write_leaves_one_whole_file(tmp_path):
    """After a write there is the file, with its mode, and nothing beside it."""
    write_atomic(tmp_path / "a.bin", b"data", mode=0o600)
    assert os.listdir(tmp_path) == ["a.bin"]
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o600


def test_existing_file_stays(tmp_path):
    """Without overwrite an older file is not touched, and no rest stays behind."""
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "a.bin", b"new", overwrite=False)
    assert os.listdir(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


def test_a_link_is_replaced_not_followed(tmp_path):
    """Saving over a symbolic link replaces the link; what it pointed to stays."""
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "a.bin").symlink_to(tmp_path / "target")
    write_atomic(tmp_path / "a.bin", b"new")
    assert (tmp_path / "target").read_bytes() == b"precious"


def test_folder_is_made(tmp_path):
    """A folder that is not there is made."""
    check_writable(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()


def test_file_in_place_of_a_folder_is_one_line(tmp_path):
    """What cannot be a folder is told before money is spent."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="nothing was sent"):
        check_writable(tmp_path / "file" / "below")
