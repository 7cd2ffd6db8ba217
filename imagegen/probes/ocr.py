"""The two readers of text: RapidOCR in this process, and the Tesseract program where it is installed."""

from __future__ import annotations

import functools
import math
import shutil
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from imagegen.probes.scripts import pack_for, readable_by_rapid
from imagegen.probes.seeing import Box, Pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a picture."""

    text: str
    corners: tuple[tuple[float, float], ...]
    """Top left, top right, bottom right, bottom left of the text, as it reads."""
    sureness: float
    """0 to 1, the reader's own."""

    @property
    def box(self) -> Box:
        across, down = zip(*self.corners, strict=True)
        return min(across), min(down), max(across), max(down)

    @property
    def height(self) -> float:
        """Pixels from its top to its foot, as it reads."""
        return math.dist(self.corners[0], self.corners[3])

    @property
    def angle(self) -> float:
        """Degrees clockwise, -180 to 180."""
        (left, top), (right, bottom) = self.corners[0], self.corners[1]
        return math.degrees(math.atan2(bottom - top, right - left))

    def moved(self, left: float, top: float, scale: float = 1.0) -> Line:
        """The same line in a picture of which this one was a part, enlarged ``scale`` times."""
        corners = tuple((x / scale + left, y / scale + top) for x, y in self.corners)
        return Line(self.text, corners, self.sureness)


class Reader(Protocol):
    """Reads text in pictures."""

    def read(self, image: Pixels) -> list[Line]:
        """The lines that a picture shows, in no order."""
        ...

    def read_line(self, image: Pixels) -> tuple[str, float]:
        """The text of a picture that is one upright line, and how sure it is."""
        ...


def reader_for(texts: Sequence[str], language: str | None) -> Reader | None:
    """Who can read these texts here; None where nobody can."""
    if all(readable_by_rapid(text, language) for text in texts):
        return Rapid()
    packs = {pack_for(text, language) for text in texts}
    pack = packs.pop() if len(packs) == 1 else None
    return Tesseract(pack) if pack and pack in tesseract_packs() else None


class Rapid:
    """RapidOCR with the models of its own wheel: Latin, Chinese, Japanese."""

    def read(self, image: Pixels) -> list[Line]:
        with _READING:
            found = _engine()(image, use_det=True, use_cls=True, use_rec=True)  # what a call says stays
        if getattr(found, "boxes", None) is None or found.txts is None:
            return []
        rows = zip(found.boxes, found.txts, found.scores, strict=True)
        return [Line(str(text), tuple((float(x), float(y)) for x, y in box), float(score)) for box, text, score in rows]

    def read_line(self, image: Pixels) -> tuple[str, float]:
        with _READING:
            found = _engine()(image, use_det=False, use_cls=False, use_rec=True)
        return (str(found.txts[0]), float(found.scores[0])) if found.txts else ("", 0.0)


_READING = threading.Lock()
"""The engine keeps the state of a call in itself."""


@functools.cache
def _engine() -> Any:
    """Loaded at the first use: some seconds and 300 MB. One thread, so that probes side by side share the cores."""
    from rapidocr import RapidOCR

    threads = "EngineConfig.onnxruntime.intra_op_num_threads"
    return RapidOCR(params={"Global.log_level": "critical", threads: 1})


class Tesseract:
    """The Tesseract program of the operating system, with one language pack."""

    def __init__(self, pack: str) -> None:
        self._pack = pack

    def read(self, image: Pixels) -> list[Line]:
        return _lines(self._run(image, "6"))

    def read_line(self, image: Pixels) -> tuple[str, float]:
        lines = _lines(self._run(image, "7"))
        return " ".join(line.text for line in lines), min((line.sureness for line in lines), default=0.0)

    def _run(self, image: Pixels, layout: str) -> str:
        coded = cv2.imencode(".png", image)[1].tobytes()
        command = [shutil.which("tesseract") or "tesseract", "-", "-", "-l", self._pack, "--psm", layout, "tsv"]
        done = subprocess.run(command, input=coded, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - no shell, our own words
        return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def _lines(table: str) -> list[Line]:
    """Lines from Tesseract's table of words: level, page, block, paragraph, line, word, box, confidence, text."""
    words: dict[tuple[str, ...], list[list[str]]] = {}
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():
            words.setdefault(tuple(cells[1:5]), []).append(cells)
    return [_line(cells) for cells in words.values()]


def _line(cells: list[list[str]]) -> Line:
    boxes = np.array([[float(each) for each in row[6:10]] for row in cells])
    left, top = (float(each) for each in boxes[:, :2].min(axis=0))
    right, bottom = (float(each) for each in (boxes[:, :2] + boxes[:, 2:]).max(axis=0))
    sureness = min(float(row[10]) for row in cells) / 100
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Line(" ".join(row[11] for row in cells), corners, max(0.0, sureness))


@functools.cache
def tesseract_packs() -> frozenset[str]:
    """The language packs that are installed; none where the program is not."""
    program = shutil.which("tesseract")
    if program is None:
        return frozenset()
    done = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - as above
    return frozenset(done.stdout.split()[1:]) if done.returncode == 0 else frozenset()
