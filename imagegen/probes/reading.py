"""Looking for strings in a picture: at all of it, then in tiles, turned upright and enlarged, before saying no."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from imagegen.probes.ocr import Line, Reader
from imagegen.probes.seeing import Pixels, rim_of, scaled, tiles, turned
from imagegen.probes.spelling import Match, best_match, plain

_TILE_PX = 640
_LINE_PX = 48
"""As high as the recogniser takes its lines."""
_SMALL_PX = 800
"""A picture up to so large is also looked at in twice its size."""
_ENLARGED_PX = 960
_MARGIN_PX = 24
_SURE = 0.9
"""From here on, a look that read another text speaks against one that read the right one."""
_SPECK = 0.2
"""Share of the picture's side; with the margin."""
_NEAR = 0.6
"""A line with at most so many character errors is looked at closely."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was read where one string should be."""

    match: Match
    again: tuple[str, ...]
    """What closer looks at the same place gave."""
    sureness: float
    height: float | None
    """Of the line, in pixels."""
    against: str = ""
    """Where it was read right: another text that an earlier look was sure to read in its place."""
    specks: bool = False
    """Whether nothing could be read, and something small is there all the same."""


@dataclass(frozen=True, slots=True)
class View:
    """What one look at a picture gave: its lines from top to bottom, as they are compared."""

    lines: list[Line]
    texts: list[str]

    @classmethod
    def of(cls, lines: Sequence[Line], *, ignore_case: bool = False) -> View:
        ordered = in_order(lines)
        return cls(ordered, [plain(line.text, ignore_case=ignore_case) for line in ordered])


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Lines as they are read: downwards, and from the left in one row, in the direction in which most are turned."""
    if not lines:
        return []
    angle = math.radians(float(np.median([line.angle for line in lines])))
    height = float(np.median([line.height for line in lines]))

    def place(line: Line) -> tuple[float, float]:
        x, y = (sum(each) / 4 for each in zip(*line.corners, strict=True))
        down = y * math.cos(angle) - x * math.sin(angle)
        return round(down / max(1.0, height)), x * math.cos(angle) + y * math.sin(angle)

    return sorted(lines, key=place)


class Search:
    """Strings looked for in one picture."""

    def __init__(self, reader: Reader, image: Pixels, angle: float, *, ignore_case: bool = False) -> None:
        self._reader, self._image, self._angle, self._ignore_case = reader, image, angle, ignore_case
        self.first = View.of(reader.read(image), ignore_case=ignore_case)
        self._views = [self.first]
        self._more = self._further()

    def sight(self, wanted: str) -> Sighting:
        """The best that any look gave; looks go on until the string or surely another is read in its place."""
        best = self._best(wanted)
        while not best.exact and not self._against(wanted) and (view := next(self._more, None)) is not None:
            self._views.append(view)
            best = self._best(wanted)
        view = next(each for each in self._views if best_match(wanted, each.texts) == best)
        found = [view.lines[at] for at in best.lines]
        height = max((line.height for line in found), default=None)
        if best.exact:
            return Sighting(best, (), 1.0, height, self._against(wanted))
        if best.error_rate > _NEAR:
            return Sighting(best, (), min((line.sureness for line in found), default=0.0), height)
        again, sureness = self._closer(found)
        for seen in again:
            if best_match(wanted, [seen]).exact:
                return Sighting(Match(wanted, wanted, best.lines), again, sureness, height, self._against(wanted))
        return Sighting(best, again, sureness, height)

    def _against(self, wanted: str) -> str:
        """What a look was sure to read, and is nearly but not the string."""
        for view in self._views:
            match = best_match(wanted, view.texts)
            if match.exact:
                return ""
            sureness = min((view.lines[at].sureness for at in match.lines), default=0.0)
            if match.error_rate <= _NEAR / 2 and not match.blanks_only and sureness >= _SURE:
                return match.seen
        return ""

    def _specks(self) -> bool:
        """Whether a plain picture has something small that no look could read."""
        box = None if any(view.lines for view in self._views) else inked_box(self._image)
        return box is not None and min(box[2] - box[0], box[3] - box[1]) < _SPECK * min(self._image.shape[:2])

    def _best(self, wanted: str) -> Match:
        matches = [best_match(wanted, view.texts) for view in self._views]
        return min(matches, key=lambda match: (not match.exact, match.error_rate))

    def _further(self) -> Iterator[View]:
        """More looks at the whole picture, the cheap ones first."""
        if self._angle % 360:
            yield self._read(turned(self._image, -self._angle))
        if max(self._image.shape[:2]) > _TILE_PX:
            yield self._tiled()
        yield from self._inked()
        if max(self._image.shape[:2]) <= _SMALL_PX:
            doubled = [line.moved(0, 0, 2) for line in self._reader.read(scaled(self._image, 2))]
            yield View.of(doubled, ignore_case=self._ignore_case)

    def _inked(self) -> Iterator[View]:
        """The part of a plain picture in which anything is, enlarged: readers overlook small type on large grounds."""
        box = inked_box(self._image)
        if box is not None:
            left, top, right, bottom = box
            scale = min(4.0, _ENLARGED_PX / max(right - left, bottom - top))
            if scale > 1.2:
                found = self._reader.read(scaled(self._image[top:bottom, left:right], scale))
                yield View.of([line.moved(left, top, scale) for line in found], ignore_case=self._ignore_case)

    def _read(self, image: Pixels) -> View:
        return View.of(self._reader.read(image), ignore_case=self._ignore_case)

    def _tiled(self) -> View:
        """Tile by tile; a line that two tiles show is taken from the one that shows more of it."""
        lines: list[Line] = []
        for left, top, tile in tiles(self._image, _TILE_PX):
            lines += [line.moved(left, top) for line in self._reader.read(tile)]
        return View.of(merged(lines), ignore_case=self._ignore_case)

    def _closer(self, lines: Sequence[Line]) -> tuple[tuple[str, ...], float]:
        """The lines cut out, set upright and enlarged, read again in two sizes; and how sure the least sure was."""
        texts, sureness = [], min(line.sureness for line in lines)
        for margin in (0.1, 0.35):
            read = [self._read_line(upright(self._image, line, margin)) for line in lines]
            texts.append(plain(" ".join(text for text, _ in read), ignore_case=self._ignore_case))
            sureness = min(sureness, *(sure for _, sure in read))
        return tuple(texts), sureness

    def _read_line(self, line: Pixels) -> tuple[str, float]:
        """As it stands or upside down: a line's corners do not say which."""
        ways = line, np.ascontiguousarray(line[::-1, ::-1])
        return max((self._reader.read_line(way) for way in ways), key=lambda read: read[1])


def inked_box(image: Pixels) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of all that is not ground, with a margin; None where that is nothing or nearly all."""
    smooth = cv2.blur(image, (3, 3)).astype(np.int16)
    apart = np.abs(smooth - np.median(rim_of(image), axis=0).astype(np.int16)).max(axis=2)
    noise = float(np.quantile(np.abs(rim_of(np.asarray(apart[:, :, None]))), 0.99))
    ink = cv2.morphologyEx((apart > max(30.0, 1.5 * noise)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    if not ink.any():
        return None
    left, top, wide, high = cv2.boundingRect(ink)
    left, top, right, bottom = left - _MARGIN_PX, top - _MARGIN_PX, left + wide + _MARGIN_PX, top + high + _MARGIN_PX
    return max(0, left), max(0, top), min(image.shape[1], right), min(image.shape[0], bottom)


def merged(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that lie mostly in a longer one."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda each: -len(each.text)):
        if all(_shared(line, other) < 0.5 for other in kept):
            kept.append(line)
    return kept


def _shared(line: Line, other: Line) -> float:
    """The share of a line's box that lies in another's."""
    one, two = line.box, other.box
    wide, high = min(one[2], two[2]) - max(one[0], two[0]), min(one[3], two[3]) - max(one[1], two[1])
    return max(0.0, wide) * max(0.0, high) / max(1.0, (one[2] - one[0]) * (one[3] - one[1]))


def upright(image: Pixels, line: Line, margin: float) -> Pixels:
    """A line cut out along its corners, with a margin in shares of its height, as high as readers like lines."""
    corners = np.array(line.corners, dtype=np.float32)
    wide, high = math.dist(corners[0], corners[1]), math.dist(corners[0], corners[3])
    if high > 1.5 * wide:  # it reads downwards
        corners, wide, high = np.roll(corners, -1, axis=0), high, wide
    edge = margin * _LINE_PX
    scale = _LINE_PX / max(1.0, high)
    right, bottom = edge + wide * scale, edge + _LINE_PX
    target = np.array([(edge, edge), (right, edge), (right, bottom), (edge, bottom)], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    size = (max(16, int(right + edge)), int(bottom + edge))
    cut = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, dtype=np.uint8)
