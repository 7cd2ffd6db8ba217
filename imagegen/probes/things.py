"""Things as a suite names them: a colour, a shape, a text; the models, and the probes that count and colour them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from imagegen.probes.asking import Expected, several
from imagegen.probes.colour_names import known_colour
from imagegen.probes.contract import ErrorRates, Expectation, Finding, Probe, Subject

if TYPE_CHECKING:
    from imagegen.probes.blobs import Blob

SHAPE_NAMES = (
    *("circle", "ellipse", "square", "rectangle", "triangle", "diamond"),
    *("pentagon", "hexagon", "star", "heart", "cross"),
)
_SAME_SHAPE = {"disc": "circle", "disk": "circle", "dot": "circle", "oval": "ellipse", "rhombus": "diamond"}


def _known_shape(name: str) -> str:
    found = _SAME_SHAPE.get(name.lower(), name.lower())
    if found not in SHAPE_NAMES:
        raise ValueError(f"no shape is called {name!r}; there are: {', '.join(SHAPE_NAMES)}")
    return found


ColourName = Annotated[str, AfterValidator(known_colour)]
ShapeName = Annotated[str, AfterValidator(_known_shape)]


class ExpectedThing(Expected):
    """A kind of flat things: of a colour, of a shape, or both."""

    colour: ColourName | None = None
    shape: ShapeName | None = None

    def __str__(self) -> str:
        return " ".join(each for each in (self.colour, self.shape) if each) or "thing"

    def fits(self, blob: Blob) -> bool | None:
        """Whether a blob is one of these; None where that cannot be said."""
        from imagegen.probes.colours import is_called

        shape = None if blob.shape is None else blob.shape == self.shape
        colour = is_called(blob.lab, self.colour) if self.colour else True
        answers = {shape if self.shape else True, colour}
        return False if False in answers else (None if None in answers else True)


class ExpectedCount(ExpectedThing):
    """So many things of a kind."""

    count: int = Field(ge=0, le=50)


class ExpectedColour(Expected):
    """A colour that things have; all of the shape, where one is named."""

    colour: ColourName
    shape: ShapeName | None = None
    count: int | None = None
    """Not looked at here, so that one list may serve for counts too."""

    def __str__(self) -> str:
        return f"{self.colour} {self.shape or 'thing'}"


def flat_things(subject: Subject) -> list[Blob] | None:
    """The blobs of a picture; None where its ground is not plain."""
    from imagegen.probes.blobs import blobs_of
    from imagegen.probes.seeing import pixels_of

    return blobs_of(pixels_of(subject.picture, subject.media_type))


class Count(Probe):
    """Counts flat shapes on a plain ground."""

    name = "count"
    needs = ("numpy", "cv2")
    error_rates: ClassVar[ErrorRates | None] = ErrorRates(
        0.0, 0.0, 0.014, "500 synthetic pictures: flat shapes, a fifth nearly touching"
    )

    def expects(self, expectation: Expectation) -> None:
        several(ExpectedCount, expectation, self.name)

    def look(self, subject: Subject) -> Finding:
        wanted = several(ExpectedCount, subject.expectation, self.name)
        blobs = flat_things(subject)
        if blobs is None:
            return self.found("undecided", "the ground is not plain")
        sure = [sum(each.fits(blob) is True for blob in blobs) for each in wanted]
        perhaps = [sum(each.fits(blob) is None for blob in blobs) for each in wanted]
        values: dict[str, int] = {str(each): seen for each, seen in zip(wanted, sure, strict=True)} | {
            "unclear": sum(perhaps)
        }
        score = sum(each.count == seen for each, seen in zip(wanted, sure, strict=True)) / len(wanted)
        for each, seen, unclear in zip(wanted, sure, perhaps, strict=True):
            if seen > each.count or (seen != each.count and not unclear):
                return self.found("fail", f"{seen} of {each}, not {each.count}", score, values=values)
        if any(perhaps):
            return self.found(
                "undecided", "things that touch, are cut off or have no clear shape or colour", values=values
            )
        return self.found("pass", ", ".join(f"{each.count} {each}" for each in wanted), 1.0, values=values)


class Colour(Probe):
    """Whether the things of each shape have the colours that were asked for, and no others."""

    name = "colour"
    needs = ("numpy", "cv2")
    error_rates: ClassVar[ErrorRates | None] = ErrorRates(0.0, 0.0, 0.002, "500 synthetic pictures: flat shapes")

    def expects(self, expectation: Expectation) -> None:
        several(ExpectedColour, expectation, self.name)

    def look(self, subject: Subject) -> Finding:
        wanted = several(ExpectedColour, subject.expectation, self.name)
        blobs = flat_things(subject)
        if blobs is None:
            return self.found("undecided", "the ground is not plain")
        seen = {shape: coloured(blobs, shape, wanted) for shape in dict.fromkeys(each.shape for each in wanted)}
        wrong = sum(each.wrong for each in seen.values())
        absent = [str(each) for each in wanted if each.colour not in seen[each.shape].colours]
        unclear = sum(each.unclear for each in seen.values())
        values = {"wrong": wrong, "unclear": unclear, "missing": ", ".join(absent)}
        score = (len(wanted) - len(absent)) / len(wanted) / (2 if wrong else 1)
        if wrong:
            return self.found("fail", f"{wrong} of another colour", score, values=values)
        if unclear:
            return self.found("undecided", "things of no clear colour or shape", values=values)
        if absent:
            return self.found("fail", f"no {absent[0]}", score, values=values)
        return self.found("pass", ", ".join(str(each) for each in wanted), 1.0, values=values)


class Coloured(Expected):
    """The colours in which the things of one shape were seen."""

    colours: frozenset[str]
    wrong: int
    unclear: int


def coloured(blobs: Sequence[Blob], shape: str | None, wanted: Sequence[ExpectedColour]) -> Coloured:
    """Which of the colours that a shape was to have it has; a thing without a clear shape may be of that shape."""
    colours = [each.colour for each in wanted if each.shape == shape]
    found, wrong, unclear = set[str](), 0, 0
    for blob in blobs:
        if shape is not None and blob.shape not in (shape, None):
            continue
        fits = {colour: ExpectedThing(colour=colour).fits(blob) for colour in colours}
        if shape is not None and blob.shape is None:
            unclear += 1
        elif True in fits.values():
            found |= {colour for colour, fit in fits.items() if fit}
        elif None in fits.values():
            unclear += 1
        else:
            wrong += 1
    return Coloured(colours=frozenset(found), wrong=wrong, unclear=unclear)


class ExpectedPlaced(ExpectedThing):
    """One side of a relation: things of a kind, or a text."""

    text: str | None = None
    language: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.text or self.colour or self.shape):
            raise ValueError("name a colour, a shape or a text")
        if self.text and (self.colour or self.shape):
            raise ValueError("either a text, or a colour and a shape")
        return self

    def __str__(self) -> str:
        return f"{self.text!r}" if self.text else super().__str__()
