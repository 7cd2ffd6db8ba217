"""Defects that need no eye: another size or format than asked, no transparency, copies, blank or noise. Pillow only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imagegen.probes.asking import Expected, one
from imagegen.probes.contract import ErrorRates, Expectation, Finding, Probe, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

_SAME_BITS = 4
"""Of 256; two pictures that differ in at most so many bits of their dHash are taken for one."""
_SAME_LEVELS, _FLAT_LEVELS = 20, 12
"""Of any 32nd part of such pictures, as plain grounds have few bits; and of any pictures, as codecs turn those bits."""
_BLANK_SPREAD = 3.0
"""Levels of standard deviation up to which a picture is of one colour."""
_NOISE = 0.85
"""Share of a picture's spread that is gone when it is averaged in squares of 8, from which on it is noise."""
_CLEAR = 0.01
"""Share of pixels that have to be transparent for a transparent background."""


class ExpectedTechnical(Expected):
    """Nothing has to be said: everything is checked against the request."""

    blank: bool = False
    """A picture of one colour is what was asked for."""
    duplicates: bool = False
    """Pictures of one call may be the same."""


class Technical(Probe):
    """Checks the file against the request, and for pictures that are none. Runs on a bare install."""

    name = "technical"
    error_rates: ClassVar[ErrorRates | None] = ErrorRates(
        0.0, 0.0, 0.0, "500 synthetic pictures: files with a defect each"
    )

    def expects(self, expectation: Expectation) -> None:
        one(ExpectedTechnical, expectation, self.name)

    def look(self, subject: Subject) -> Finding:
        from imagegen import pictures

        wanted = one(ExpectedTechnical, subject.expectation, self.name)
        facts = pictures.read_facts(memoryview(subject.picture))
        problems, checks = list(_of_request(subject, facts)), ["size", "format"]
        values: dict[str, Any] = {
            "width": facts.width,
            "height": facts.height,
            "format": pictures.FORMATS[facts.media_type],
        }
        if facts.media_type == "image/svg+xml":
            return self.found(
                "fail" if problems else "undecided", "; ".join(problems) or "not a raster picture", values=values
            )
        try:
            image = pictures.decode(memoryview(subject.picture), facts.media_type)
            others = [pictures.decode(memoryview(each), _type_of(each)) for each in subject.siblings]
        except ValueError as error:
            return self.found("fail", str(error).splitlines()[0], 0.0, values=values)
        transparent = transparent_share(image)
        copies = sum(alike(image, each) for each in others)
        if subject.request.get("background") == "transparent" and transparent < _CLEAR:
            problems.append("not transparent")
        if not wanted.blank and spread(image) <= _BLANK_SPREAD and transparent < _CLEAR:
            problems.append("blank")
        if noise_share(image) >= _NOISE:
            problems.append("noise")
        if copies and not wanted.duplicates:
            problems.append(f"the same as {copies} other of this call")
        checks += ["transparency", "blank", "noise", "duplicates"]
        values |= {"transparent_share": round(transparent, 4), "copies": copies, "dhash": f"{dhash(image):064x}"}
        score = 1 - len(problems) / len(checks)
        return self.found("fail" if problems else "pass", "; ".join(problems) or "as asked", score, values=values)


def _type_of(data: bytes) -> str:
    from imagegen import pictures

    return pictures.read_facts(memoryview(data)).media_type


def _of_request(subject: Subject, facts: object) -> Iterator[str]:
    """What is not as the request says."""
    from imagegen import pictures

    assert isinstance(facts, pictures.Facts)
    size, wanted_format = subject.request.get("size"), subject.request.get("output_format")
    if size and facts.width and str(size) != f"{facts.width}x{facts.height}":
        yield f"{facts.width}x{facts.height}, not {size}"
    ratio = subject.request.get("aspect_ratio")
    if ratio and facts.width and facts.height:
        across, _, down = str(ratio).partition(":")
        if abs(facts.width / facts.height / (float(across) / float(down or 1)) - 1) > 0.03:
            yield f"{facts.width}x{facts.height} is not {ratio}"
    if wanted_format and pictures.FORMATS[facts.media_type] != {"jpg": "jpeg"}.get(wanted_format, wanted_format):
        yield f"{pictures.FORMATS[facts.media_type]}, not {wanted_format}"


def transparent_share(image: Image) -> float:
    """The share of pixels that are more clear than not."""
    if not image.has_transparency_data:
        return 0.0
    counts = image.convert("RGBA").getchannel("A").histogram()
    return sum(counts[:128]) / max(1, sum(counts))


def spread(image: Image) -> float:
    """Standard deviation, in levels, of the channel that varies the most."""
    from PIL import ImageStat

    return max(ImageStat.Stat(image.convert("RGB")).stddev)


def noise_share(image: Image) -> float:
    """The share of the spread that is in details smaller than 8 pixels, near 1 for noise and near 0 for a picture."""
    grey = image.convert("L")
    if min(grey.size) < 64:
        return 0.0
    from PIL import ImageStat

    whole = ImageStat.Stat(grey).stddev[0]
    return 1 - ImageStat.Stat(grey.reduce(8)).stddev[0] / whole if whole > _BLANK_SPREAD else 0.0


def dhash(image: Image) -> int:
    """256 bits: whether each pixel of a copy of 16 by 17 is brighter than its left neighbour."""
    from PIL import Image as Pictures

    small = image.convert("RGB").convert("L").resize((17, 16), Pictures.Resampling.BOX)
    values, bits = small.tobytes(), 0
    for row in range(16):
        for column in range(16):
            bits = bits << 1 | (values[17 * row + column + 1] > values[17 * row + column])
    return bits


def alike(one_image: Image, other: Image) -> bool:
    """Whether two pictures are the same but for their encoding: their hashes, and no part of another colour."""
    from PIL import Image as Pictures
    from PIL import ImageChops

    small = [each.convert("RGB").resize((32, 32), Pictures.Resampling.BOX) for each in (one_image, other)]
    largest = [ImageChops.difference(*small).getchannel(channel).getextrema()[1] for channel in range(3)]
    bits = (dhash(one_image) ^ dhash(other)).bit_count()
    most = _SAME_LEVELS if bits <= _SAME_BITS else _FLAT_LEVELS
    return all(isinstance(each, int) and each <= most for each in largest)
