"""Whether a picture shows the texts that were asked for, to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from imagegen.probes.asking import Expected, one
from imagegen.probes.contract import READER, ErrorRates, Expectation, Finding, Probe, Subject
from imagegen.probes.spelling import extra, plain

if TYPE_CHECKING:
    from imagegen.probes.ocr import Reader
    from imagegen.probes.reading import Search, Sighting

_SURE = 0.8
"""Below this the reader does not know itself what it read."""
_USUAL_PX = 32


class ExpectedText(Expected):
    """Texts to be found in a picture."""

    strings: list[str] = Field(min_length=1)
    language: str | None = None
    """``en``, ``zh``, ``ja``; None: told from the characters."""
    angle: float = 0
    """Degrees clockwise at which they were asked for."""
    height: float | None = Field(default=None, gt=0)
    """The font's size in pixels that was asked for."""
    case: Literal["exact", "ignore"] = "exact"


class Text(Probe):
    """Reads the picture; before it says no, it looks closer, and reads a clean copy of its own to know its limits."""

    name = "text"
    needs = ("numpy", "cv2", *READER)
    error_rates: ClassVar[ErrorRates | None] = ErrorRates(
        0.0, 0.012, 0.05, "500 synthetic pictures: English, Chinese, Japanese lines of 8 to 52 px, turned"
    )

    def expects(self, expectation: Expectation) -> None:
        one(ExpectedText, expectation, self.name)

    def look(self, subject: Subject) -> Finding:
        from imagegen.probes.ocr import reader_for
        from imagegen.probes.reading import Search
        from imagegen.probes.seeing import pixels_of

        wanted = one(ExpectedText, subject.expectation, self.name)
        reader = reader_for(wanted.strings, wanted.language)
        if reader is None:
            return self.found("undecided", "no reader here for this script", values={"strings": len(wanted.strings)})
        search = Search(
            reader,
            pixels_of(subject.picture, subject.media_type),
            wanted.angle,
            ignore_case=wanted.case == "ignore",
        )
        strings = [plain(each, ignore_case=wanted.case == "ignore") for each in wanted.strings]
        return self._judged(wanted, search, [search.sight(each) for each in strings], reader)

    def _judged(self, wanted: ExpectedText, search: Search, sightings: list[Sighting], reader: Reader) -> Finding:
        count = len(sightings)
        right = sum(each.match.exact for each in sightings)
        error_rate = sum(each.match.error_rate for each in sightings) / count
        unasked = extra(search.first.texts, [each.match.wanted for each in sightings])
        values = {
            "exact": right,
            "strings": count,
            "character_error_rate": round(error_rate, 4),
            "word_accuracy": round(sum(each.match.word_accuracy for each in sightings) / count, 4),
            "extra_text": unasked,
            "read": " / ".join(search.first.texts),
        }
        if right == count:
            if against := next((each for each in sightings if each.against), None):
                why = f"{against.match.wanted!r} reads {against.against!r} in another look"
                return self.found("undecided", why, 1.0, values=values)
            return self.found("pass", "every text is there to the letter", 1.0, values=values)
        wrong = [each for each in sightings if not each.match.exact]
        doubts = [_doubt(each, wanted, reader) for each in wrong]
        if all(doubts):
            return self.found("undecided", doubts[0] or "", 1 - error_rate, values=values)
        sighting = wrong[doubts.index(None)]
        seen = f"reads {sighting.match.seen!r}" if sighting.match.seen else "is not there"
        return self.found("fail", f"{sighting.match.wanted!r} {seen}", 1 - error_rate, values=values)


def _doubt(sighting: Sighting, wanted: ExpectedText, reader: Reader) -> str | None:
    """Why a text that was not found may be there all the same; None where nothing speaks for it."""
    match = sighting.match
    if sighting.specks:
        return "something is there, too small for the reader"
    if sighting.again:
        if any(seen != match.seen for seen in sighting.again):
            return f"{match.wanted!r} reads {match.seen!r} and, looked at closer, {sighting.again[-1]!r}"
        if sighting.sureness < _SURE:
            return f"{match.wanted!r} cannot be read with certainty"
    if not _reads_clean_copy(match.wanted, wanted, sighting.height, reader):
        return f"the reader cannot read {match.wanted!r} in our own clean copy"
    return None


def _reads_clean_copy(text: str, wanted: ExpectedText, seen_px: float | None, reader: Reader) -> bool:
    from imagegen.probes.clean_copy import WEIGHTS, clean_copy, writable
    from imagegen.probes.reading import Search

    if not writable(text):
        return False
    height_px = wanted.height or (seen_px and 0.8 * seen_px) or _USUAL_PX
    for weight in WEIGHTS:
        search = Search(
            reader,
            clean_copy(text, height_px, wanted.angle, weight),
            wanted.angle,
            ignore_case=wanted.case == "ignore",
        )
        if not search.sight(plain(text, ignore_case=wanted.case == "ignore")).match.exact:
            return False
    return True
