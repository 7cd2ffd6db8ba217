"""Pictures in a terminal: a real pseudo-terminal, and what is written to it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys

from PIL import Image

from imagegen.cli.preview import half_blocks

SHOW = """
import sys
sys.modules["textual_image"] = None  # as without the extra
from imagegen import PictureData
from imagegen.cli.preview import show
show(PictureData(open(sys.argv[1], "rb").read()))
"""


def test_half_blocks_bear_the_colours():
    """Two rows of pixels are one line: the upper is the ink, the lower the paper."""
    image = Image.new("RGB", (4, 4), "red")
    image.paste("blue", (0, 2, 4, 4))
    (line, *_) = half_blocks(image.resize((4, 4)), 4).split("\n")
    assert line.count("\u2580") == 4
    assert "38;2;255;0;0" in line


def test_terminal_shows_the_picture(tmp_path):
    """On a terminal the picture appears, as wide as it may be, and the colours are switched off after each line."""
    Image.new("RGB", (40, 20), (10, 200, 30)).save(tmp_path / "green.png")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SHOW, str(tmp_path / "green.png")], stderr=theirs, stdout=subprocess.DEVNULL
    ):
        os.close(theirs)
        text = read_all(ours).decode()
    os.close(ours)
    assert "38;2;10;200;30" in text
    assert len(re.findall("\x1b\\[0m", text)) == 15


def read_all(terminal: int) -> bytes:
    """Everything that is written until the other side is closed, which Linux tells as an error."""
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            shown += piece
    return shown
