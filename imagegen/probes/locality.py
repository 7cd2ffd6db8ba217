"""Whether an edit left alone what it was not to touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imagegen.errors import ConfigurationError
from imagegen.probes.asking import Expected, one
from imagegen.probes.contract import ErrorRates, Expectation, Finding, Probe, Subject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imagegen.probes.seeing import Pixels

Kind = Literal["identical", "re-encoded", "recoloured", "shifted", "local leak", "redrawn"]

_GROWN_PX = 8
"""The mask is grown by so much: soft edges are not held against an edit."""
_LEAST = 0.02
"""Share of the picture that has to be outside the mask."""
_MOST_BOXES = 5


class ExpectedLocality(Expected):
    """What may have happened outside the mask."""

    allow: tuple[Kind, ...] = ("identical", "re-encoded")


class Locality(Probe):
    """Compares an edit with the picture that was edited, outside the mask, and names the kind of change."""

    name = "locality"
    needs = ("numpy", "cv2")
    error_rates: ClassVar[ErrorRates | None] = ErrorRates(
        0.004, 0.0, 0.0, "500 synthetic pictures: edits of textured and flat pictures"
    )

    def expects(self, expectation: Expectation) -> None:
        one(ExpectedLocality, expectation, self.name)

    def look(self, subject: Subject) -> Finding:
        from imagegen.probes.changes import compare
        from imagegen.probes.seeing import pixels_of

        allowed = one(ExpectedLocality, subject.expectation, self.name).allow
        if subject.mask is None or not subject.inputs:
            return self.found("undecided", "no mask says what was to stay")
        before, after = pixels_of(subject.inputs[0]), pixels_of(subject.picture, subject.media_type)
        resized = before.shape != after.shape
        if resized and abs(before.shape[0] * after.shape[1] / (before.shape[1] * after.shape[0]) - 1) > 0.02:
            return self.found("undecided", "the edit has other proportions", values={"size_kept": False})
        area = _outside(subject.mask, before)
        if area.mean() < _LEAST:
            return self.found("undecided", "the mask leaves nothing outside")
        found = compare(before, _fitted(after, before), area)
        values: dict[str, Any] = {
            "kind": found.kind,
            "size_kept": not resized,
            "largest": found.largest,
            "mean": round(found.mean, 3),
            "share_changed": round(found.share, 5),
            "ssim": round(found.ssim, 4),
            "psnr": None if found.largest == 0 else round(found.psnr, 1),
            "shift_right_px": round(found.shift[0], 1),
            "shift_down_px": round(found.shift[1], 1),
            "leaks": len(found.leaks),
            "boxes": " ".join(",".join(str(round(each)) for each in box) for box in found.leaks[:_MOST_BOXES]),
        }
        why = f"outside the mask it is {found.kind}"
        score = max(0.0, min(1.0, found.ssim)) * (1 - found.share)
        return self.found("pass" if found.kind in allowed else "fail", why, score, values=values)


def _outside(mask: bytes, like: Pixels) -> NDArray[np.bool_]:
    """Where a mask says that everything stays, as large as the picture.

    Raises:
        ConfigurationError: The mask could mean two things.
    """
    import cv2
    import numpy as np

    from imagegen.masks import repaint_area
    from imagegen.types.inputs import ImageInput

    try:
        area = np.asarray(repaint_area(ImageInput.of(mask)))
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    size = (like.shape[1], like.shape[0])
    fitted = area if area.shape == like.shape[:2] else cv2.resize(area, size, interpolation=cv2.INTER_NEAREST)
    grown = cv2.dilate(fitted, np.ones((2 * _GROWN_PX + 1, 2 * _GROWN_PX + 1), np.uint8))
    return np.asarray(grown == 0)


def _fitted(after: Pixels, before: Pixels) -> Pixels:
    """The edit in the size of the picture that was edited."""
    import cv2
    import numpy as np

    if after.shape == before.shape:
        return after
    how = cv2.INTER_AREA if after.shape[0] > before.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(after, (before.shape[1], before.shape[0]), interpolation=how), dtype=np.uint8)
