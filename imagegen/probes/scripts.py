"""Which reader can read a text: by its characters and its language."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

_RAPID = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "FULLWIDTH", "IDEOGRAPHIC")
_STACKED = range(0x1EA0, 0x1EFA)
"""Vietnamese letters with two marks, which the reader drops."""
_PACKS: Mapping[str, str] = {
    "vi": "vie",
    "ko": "kor",
    "ru": "rus",
    "uk": "ukr",
    "bg": "bul",
    "sr": "srp",
    "el": "ell",
    "ar": "ara",
    "fa": "fas",
    "he": "heb",
    "hi": "hin",
    "th": "tha",
}
"""Languages of Tesseract, by what a suite calls them."""
_OF_SCRIPT: Mapping[str, str] = {
    "HANGUL": "kor",
    "CYRILLIC": "rus",
    "GREEK": "ell",
    "ARABIC": "ara",
    "HEBREW": "heb",
    "DEVANAGARI": "hin",
    "THAI": "tha",
}


def readable_by_rapid(text: str, language: str | None = None) -> bool:
    """Whether RapidOCR's own models read such a text: measured, not what its list says."""
    if language in _PACKS or any(ord(each) in _STACKED for each in unicodedata.normalize("NFC", text)):
        return False
    return all(_script(each) in _RAPID for each in text if each.isalpha())


def pack_for(text: str, language: str | None = None) -> str | None:
    """The language pack of Tesseract that reads it; None where none is known."""
    if language is not None and language in _PACKS:
        return _PACKS[language]
    if any(ord(each) in _STACKED for each in text):
        return "vie"
    found = {_OF_SCRIPT.get(_script(each)) for each in text if each.isalpha() and _script(each) != "LATIN"}
    return found.pop() if len(found) == 1 else None


def _script(character: str) -> str:
    return unicodedata.name(character, "").split(" ")[0].split("-")[0]
