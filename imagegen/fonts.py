"""Fonts: Open Sans for Latin, Greek and Cyrillic; Noto Sans for other scripts where the extra ``[fonts]`` is installed.

A run is a piece of text in one font. What no font has is not written at all: an empty box would be a lie.
"""

from __future__ import annotations

import functools
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

_OF_SCRIPTS, _OF_EAST_ASIA = "manimgx_fonts", "manimgx_fonts_cjk"
_WEIGHT = 650
"""Half bold."""
_PROBE_PX = 40
_NO_CHARACTER = "\U0010ffff"
_JAPANESE, _KOREAN, _CHINESE = 0, 1, 2
"""Which face of the East Asian collection draws the characters as each language does."""


@dataclass(frozen=True, slots=True)
class Face:
    """One font file, and which of its fonts."""

    path: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one font."""

    text: str
    face: Face

    @property
    def shaped(self) -> bool:
        """Whether its letters join, combine or run from right to left, so that they cannot be set one by one."""
        return needs_shaping(self.text)


def needs_shaping(text: str) -> bool:
    """Whether a text has characters whose form or place depends on their neighbours."""
    return any(unicodedata.category(each) in ("Mn", "Mc", "Me", "Cf") or is_right_to_left(each) for each in text)


def is_right_to_left(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL", "RLE", "RLO", "RLI")


def missing(text: str) -> str:
    """The characters of a text that would come out wrong: in no font, or in need of shaping that is not there."""
    shaping = features.check("raqm")
    wrong = (
        each for each in text if _face_for(each, _faces_for(text)) is None or (needs_shaping(each) and not shaping)
    )
    return "".join(dict.fromkeys(wrong))


def runs_of(text: str) -> list[Run]:
    """The text in pieces of one font each, from the left to the right of the picture."""
    faces = _faces_for(text)
    pieces: list[tuple[Face, str]] = []
    for each in text:
        face = pieces[-1][0] if pieces and _goes_along(each) and _has(pieces[-1][0], each) else _face_for(each, faces)
        face = face or faces[0]
        if pieces and pieces[-1][0] == face:
            pieces[-1] = face, pieces[-1][1] + each
        else:
            pieces.append((face, each))
    runs = [Run(piece, face) for face, piece in pieces]
    return runs[::-1] if _starts_right(text) else runs


def _goes_along(character: str) -> bool:
    """Whether a character is set in the font of the one before it: blanks, marks, signs, digits."""
    return unicodedata.category(character)[0] in "ZMPCN"


def _starts_right(text: str) -> bool:
    strong = (each for each in text if unicodedata.bidirectional(each) in ("L", "R", "AL"))
    return is_right_to_left(next(strong, "a"))


def font(run: Run, size_px: int, weight: int = _WEIGHT) -> ImageFont.FreeTypeFont:
    """A font of its own for each use: FreeType's are not for two threads at once. 400 is regular, 700 bold."""
    return _loaded(run.face, size_px, weight, shaped=run.shaped)


def _loaded(face: Face, size_px: int, weight: int = _WEIGHT, *, shaped: bool) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
    loaded = ImageFont.truetype(face.path, size_px, index=face.index, layout_engine=layout)
    axes = loaded.get_variation_axes()
    loaded.set_variation_by_axes([_value(axis, weight) for axis in axes])
    return loaded


def _value(axis: ImageFont.Axis, weight: int) -> float:
    """As heavy as asked, and every other axis as it usually is."""
    if axis.get("name") == b"Weight":
        return min(weight, axis["maximum"] or weight)
    return axis["default"] or 0


def _face_for(character: str, faces: Sequence[Face]) -> Face | None:
    return next((face for face in faces if _has(face, character)), None)


@functools.lru_cache(maxsize=4096)
def _has(face: Face, character: str) -> bool:
    """Whether a font has this character: it then looks other than one that no font has."""
    if character == " " or unicodedata.category(character) == "Cf":
        return True
    return _look(face, character) != _look(face, _NO_CHARACTER)


def _look(face: Face, character: str) -> bytes:
    image = Image.new("L", (3 * _PROBE_PX, 3 * _PROBE_PX))
    with _PROBING:
        ImageDraw.Draw(image).text((_PROBE_PX, 2 * _PROBE_PX), character, fill=255, font=_probe(face), anchor="ls")
    return image.tobytes()


_PROBING = threading.Lock()
"""Fonts to try glyphs with are kept, unlike those to write with, so only one thread may use them."""


@functools.cache
def _probe(face: Face) -> ImageFont.FreeTypeFont:
    return _loaded(face, _PROBE_PX, shaped=False)


def _faces_for(text: str) -> tuple[Face, ...]:
    """The fonts to look in for each character, the first that has it is taken."""
    if any("\u3041" <= each <= "\u30ff" for each in text):
        return _faces(_JAPANESE)
    return _faces(_KOREAN if any("\uac00" <= each <= "\ud7a3" for each in text) else _CHINESE)


@functools.cache
def _faces(east_asia: int) -> tuple[Face, ...]:
    usual = Face(str(resources.files("fontpkg_open_sans") / "files" / "OpenSans[wdth,wght].ttf"))
    scripts = [path for path in _files(_OF_SCRIPTS) if "Italic" not in path and "Emoji" not in path]
    emoji = [path for path in _files(_OF_SCRIPTS) if "Emoji" in path]
    collection = [Face(path, east_asia) for path in _files(_OF_EAST_ASIA)]
    return (usual, *map(Face, scripts), *collection, *map(Face, emoji))


def _files(package: str) -> Iterator[str]:
    """The fonts in a package; none where it is not installed."""
    try:
        folder = Path(str(resources.files(package)))
    except ModuleNotFoundError:
        return iter(())
    return (str(path) for path in sorted(folder.iterdir()) if path.suffix in (".ttf", ".ttc", ".otf"))
