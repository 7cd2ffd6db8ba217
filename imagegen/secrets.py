"""Keys that cannot be printed, and the one redactor for text that came from elsewhere."""

from __future__ import annotations

import re
from typing import Any, NoReturn

_LIMIT = 2048
_MARK = "[key]"
_KEY_SHAPES = re.compile(
    r"(?i)\b(?:sk|pk|rk|xai|gsk|r8|hf|fal|key)[-_][A-Za-z0-9_\-*]{8,}"  # the customary prefixes of keys
    r"|\bAIza[A-Za-z0-9_\-]{20,}"
    r"|(?:bearer|api-key|x-key|x-goog-api-key)[\"':=\s]+[A-Za-z0-9._\-]{8,}"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_DATA_URL = re.compile(r"(data:[^,\s]{0,64},)[A-Za-z0-9+/=_\-]{64,}")


class Secret:
    """A key. Nothing prints it, formats it, pickles it or turns it into JSON; `reveal` is the one way out."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The key itself, for the header it goes into."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(set)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a key is not written anywhere")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.__value == other.__value

    def __hash__(self) -> int:
        return hash(("Secret", self.__value))


def clean(text: str, *secrets: Secret | None) -> str:
    """Foreign text fit to be shown: no key, no control character, no picture, one line, at most 2 KB."""
    for secret in secrets:
        if secret is not None and len(secret.reveal()) >= 4:
            text = text.replace(secret.reveal(), _MARK)
    text = _DATA_URL.sub(r"\1...", text[: 8 * _LIMIT])
    text = _KEY_SHAPES.sub(_MARK, text)
    text = " ".join(_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text).split())
    return text if len(text) <= _LIMIT else text[:_LIMIT] + "..."
