"""Keys that cannot be printed, and the one redactor for text that came from elsewhere."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Self
from urllib.parse import quote

_LIMIT = 2048
_MARK = "[key]"
_SHORTEST = 4
"""A key of fewer characters is none, and would take half of every text with it."""
_NO_WORD = 12
_BEGINNING = 24
"""So much of a prompt is enough to know it by."""
_KEY_SHAPES = re.compile(
    r"(?i)\b(?:sk|pk|rk|xai|gsk|r8|hf|fal|key)[-_][A-Za-z0-9_\-*]{8,}"  # the customary prefixes of keys
    r"|\bAIza[A-Za-z0-9_\-]{20,}"
    r"|(?:bearer|api-key|x-key|x-goog-api-key)[\"':=\s]+[A-Za-z0-9._\-]{8,}"
    r"|\bauthorization[\"']?\s*[:=]\s*[\"']?(?:[a-z]+\s+)?[A-Za-z0-9._~+/:\-]{8,}=*"
    r"|(?<=[?&;])(?:key|sig|[a-z0-9_-]*(?:api_?key|token|secret|signature|credential))=[^&\s\"'<>]{4,}"
    r"|(?<=://)[^/\s@:]+:[^/\s@]+(?=@)"  # a name and a password in a URL
)
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, terminal escapes among them
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they turn the text around
    r"\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f"  # invisible
    r"\ud800-\udfff]"  # half characters, which nothing can print
)
_DATA_URL = re.compile(r"(data:[^,\s]{0,64},)[A-Za-z0-9+/=_\-]{64,}")


class Secret:
    """A key. Nothing prints it, formats it, pickles it or turns it into JSON; `reveal` is the one way out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: Callable[[], str] = lambda: (
            value
        )  # whoever lists attributes, a debugger or a tracing tool, sees a function

    def reveal(self) -> str:
        """The key itself, for the header it goes into."""
        return self._value()

    def __repr__(self) -> str:
        return "Secret(set)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a key is not written anywhere")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash(("Secret", self.reveal()))


def clean(text: str, *secrets: Secret | None) -> str:
    """Foreign text fit to be shown: no key, no control character, no picture, one line, at most 2 KB."""
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, _MARK)
    text = _DATA_URL.sub(r"\1...", text[: 8 * _LIMIT])
    text = _KEY_SHAPES.sub(_MARK, text)
    text = " ".join(_UNSAFE.sub(_escaped, text).split())
    return text if len(text) <= _LIMIT else text[:_LIMIT] + "..."


def without_key(data: bytes, secret: Secret | None) -> bytes:
    """The bytes of an answer, else as they came: some servers repeat the key. A word for a key (``none``) may stay."""
    if secret is None or len(secret.reveal()) < _NO_WORD:
        return data
    for form in _forms(secret):
        data = data.replace(form.encode(), _MARK.encode())
    return data


def without_prompt(text: str, prompt: str) -> str:
    """An error's text without the prompt that it repeats, be it cut short. A short prompt is as any other words."""
    for form in dict.fromkeys(
        (prompt, clean(prompt), json.dumps(prompt)[1:-1], json.dumps(prompt, ensure_ascii=False)[1:-1])
    ):
        start, at = form[:_BEGINNING], -1
        while len(start) >= _NO_WORD and (at := text.find(start, at + 1)) >= 0:
            same = _alike(text[at:], form)
            text = f"{text[:at]}[prompt]{text[at + same :]}"
    return text


def _alike(text: str, form: str) -> int:
    """How many characters of ``text`` are those of ``form``."""
    return next(
        (at for at, (one, other) in enumerate(zip(text, form, strict=False)) if one != other), min(len(text), len(form))
    )


def _forms(secret: Secret | None) -> Iterator[str]:
    """How a key may be written: plainly, in JSON, in a URL, in base64."""
    key = secret.reveal() if secret is not None else ""
    if len(key) < _SHORTEST:
        return
    data = key.encode()
    quoted, every = quote(key, safe=""), "".join(f"%{byte:02X}" for byte in data)
    written = json.dumps(key)[1:-1]
    yield from dict.fromkeys((key, written, written.replace("/", "\\/"), quoted, _small(quoted), every, _small(every)))
    for before in range(3):  # of every three bytes that base64 puts together, the key may begin at any
        text = base64.b64encode(bytes(before) + data).decode()
        inner = text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(inner) > _SHORTEST:
            yield from dict.fromkeys((inner, inner.translate(_URL_SAFE)))


_URL_SAFE = str.maketrans("+/", "-_")


def _small(quoted: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
