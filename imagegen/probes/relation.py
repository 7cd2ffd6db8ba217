"""Whether things are where they were asked for: left or right of others, above or below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from imagegen.probes.asking import Expected, several
from imagegen.probes.contract import READER, ErrorRates, Expectation, Finding, Probe, Subject, absent
from imagegen.probes.spelling import best_match, plain
from imagegen.probes.things import ExpectedPlaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen.probes.blobs import Blob
    from imagegen.probes.seeing import Box, Pixels

_CLEARLY, _HARDLY = 0.5, 0.1
"""Distances of two middles along the axis, in shares of the two's mean length on it."""
_SLANT = 1.5
"""So much more across the axis than along it, and it is no longer what people call left of or above."""
_READ = 0.34
"""Where a text stands counts here, not how it is spelt: so many of its characters may be wrong."""


class ExpectedRelation(Expected):
    """``{left: {...}, of: {...}}``: every one of the first is on that side of every one of the second."""

    left: ExpectedPlaced | None = None
    right: ExpectedPlaced | None = None
    above: ExpectedPlaced | None = None
    below: ExpectedPlaced | None = None
    of: ExpectedPlaced

    @model_validator(mode="after")
    def _has_one_side(self) -> Self:
        if len(self._sides) != 1:
            raise ValueError("name one of left, right, above, below")
        return self

    @property
    def _sides(self) -> dict[str, ExpectedPlaced]:
        sides = {"left": self.left, "right": self.right, "above": self.above, "below": self.below}
        return {side: placed for side, placed in sides.items() if placed}

    @property
    def side(self) -> str:
        return next(iter(self._sides))

    @property
    def first(self) -> ExpectedPlaced:
        return self._sides[self.side]

    def __str__(self) -> str:
        return f"{self.first} {self.side + ' of' if self.side in ('left', 'right') else self.side} {self.of}"


class Relation(Probe):
    """Compares the places of flat shapes on a plain ground, and of texts."""

    name = "relation"
    needs = ("numpy", "cv2")
    error_rates: ClassVar[ErrorRates | None] = ErrorRates(
        0.0, 0.0, 0.012, "500 synthetic pictures: flat shapes and words"
    )

    def expects(self, expectation: Expectation) -> None:
        several(ExpectedRelation, expectation, self.name)

    def look(self, subject: Subject) -> Finding:
        from imagegen.probes.seeing import pixels_of

        wanted = several(ExpectedRelation, subject.expectation, self.name)
        seen = _Seen(pixels_of(subject.picture, subject.media_type), wanted)
        if seen.problem:
            return self.found("undecided", seen.problem)
        answers = [_answer(each, seen) for each in wanted]
        right = sum(answer is True for answer, _ in answers)
        values = {"right": right, "relations": len(wanted)}
        for answer, why in answers:
            if answer is False:
                return self.found("fail", why, right / len(wanted), values=values)
        unsure = next((why for answer, why in answers if answer is None), None)
        if unsure:
            return self.found("undecided", unsure, values=values)
        return self.found("pass", "; ".join(str(each) for each in wanted), 1.0, values=values)


class _Seen:
    """What one picture shows: its texts, where any matter, and its blobs apart from them."""

    def __init__(self, image: Pixels, wanted: Sequence[ExpectedRelation]) -> None:
        from imagegen.probes.blobs import blobs_of, outside

        placed = [side for each in wanted for side in (each.first, each.of)]
        self._texts: dict[str, Box | None] = {}
        self.problem: str | None = None
        boxes = self._read(image, [each for each in placed if each.text])
        blobs = blobs_of(image)
        if blobs is None and any(not each.text for each in placed):
            self.problem = "the ground is not plain"
        apart = outside(blobs or [], boxes)  # letters are no things; but readers take some things for letters
        sure = [blob for blob in blobs or () if any(each.fits(blob) for each in placed if not each.text)]
        self._blobs: list[Blob] = [blob for blob in blobs or () if blob in apart or blob in sure]

    def _read(self, image: Pixels, texts: Sequence[ExpectedPlaced]) -> list[Box]:
        if not texts:
            return []
        if absent(READER):
            self.problem = "no reader of text is installed"
            return []
        from imagegen.probes.ocr import reader_for
        from imagegen.probes.reading import View

        reader = reader_for([each.text or "" for each in texts], texts[0].language)
        if reader is None:
            self.problem = "no reader here for this script"
            return []
        view = View.of(reader.read(image))
        for each in texts:
            match = best_match(plain(each.text or ""), view.texts)
            found = [view.lines[at].box for at in match.lines] if match.error_rate <= _READ else []
            self._texts[each.text or ""] = _around(found) if found else None
        return [line.box for line in view.lines]

    def boxes(self, placed: ExpectedPlaced) -> list[Box] | None:
        """Where these things are; None where that is not sure."""
        if placed.text:
            box = self._texts[placed.text]
            return [box] if box else []
        fits = [placed.fits(blob) for blob in self._blobs]
        found = [blob.box for blob, fit in zip(self._blobs, fits, strict=True) if fit]
        return None if None in fits else found


def _around(boxes: Sequence[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _answer(wanted: ExpectedRelation, seen: _Seen) -> tuple[bool | None, str]:
    """Whether a relation holds, None for not sure; and why it does not."""
    first, second = seen.boxes(wanted.first), seen.boxes(wanted.of)
    if first is None or second is None:
        return None, "things of no clear shape or colour"
    for boxes, placed in ((first, wanted.first), (second, wanted.of)):
        if not boxes:
            return (None, f"{placed} was not read") if placed.text else (False, f"there is no {placed}")
    pairs = [(one, other) for one in first for other in second]
    offsets = [_offset(wanted.side, one, other) for one, other in pairs]
    if min(offsets) >= _CLEARLY and all(_slant(wanted.side, one, other) <= _SLANT for one, other in pairs):
        return True, ""
    return (False if min(offsets) <= _HARDLY else None), f"not so: {wanted}"


def _offset(side: str, one: Box, other: Box) -> float:
    """How far the first is on this side of the second, in shares of their mean length on that axis."""
    low, high = (0, 2) if side in ("left", "right") else (1, 3)
    length = (one[high] - one[low] + other[high] - other[low]) / 2
    ahead = (other[low] + other[high] - one[low] - one[high]) / 2
    return (ahead if side in ("left", "above") else -ahead) / max(1.0, length)


def _slant(side: str, one: Box, other: Box) -> float:
    """How far two are apart across the axis, in shares of how far they are along it."""
    across = abs(one[0] + one[2] - other[0] - other[2])
    down = abs(one[1] + one[3] - other[1] - other[3])
    along, aside = (across, down) if side in ("left", "right") else (down, across)
    return aside / max(1.0, along)
