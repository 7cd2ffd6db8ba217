"""One long base64 string of a JSON text: decoded piece by piece, and still able to say how it was written."""

from __future__ import annotations

import binascii
import re
from array import array
from typing import TYPE_CHECKING

from pybase64 import b64decode, b64encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen.http.sinks import Sink
    from imagegen.types.picture import PictureData

_PREFIX = re.compile(rb'(?i:data:(?:[^"\\,]|\\/){0,200};base64,)')
_TOKEN = re.compile(rb"(\\r\\n|\\(?:u[0-9A-Fa-f]{4}|.)| )", re.DOTALL)
_SPACES = b" \t\r\n"
_ESCAPES = {rb"\r\n": b"", rb"\n": b"", rb"\r": b"", rb"\t": b"", rb"\/": b"/", b" ": b""}
_URL_SAFE = b"-_"
_SPARSE = 8
"""Escapes and spaces are remembered one by one: with more than one in so many characters a text stays a text."""


class NotBase64Error(ValueError):
    """The string is something else, however late that shows."""


class Base64Text:
    """Decodes a string into a sink, which is made when the first piece has proved to be base64.

    `original` writes it again from what was decoded and from what decoding loses: prefix, alphabet, escapes, spaces,
    padding and the last characters.
    """

    def __init__(self, new_sink: Callable[[], Sink]) -> None:
        self.picture: PictureData | None = None
        """What was decoded; None until `finish`."""
        self._new_sink = new_sink
        self._sink: Sink | None = None
        self._prefix: bytes | None = None
        self._url_safe: bool | None = None
        self._open = b""  # up to three characters that wait for the rest of their four
        self._padding = b""
        self._spelling = _Spelling()

    def feed(self, data: bytes, start: int, stop: int) -> None:
        """Decode ``data[start:stop]``, which cuts no escape in two; the first piece holds the whole prefix.

        Raises:
            NotBase64Error: It is not base64; nothing of this piece was taken.
            PictureTooLargeError: Too many bytes for one picture.
        """
        prefix = self._prefix
        if prefix is None:
            found = _PREFIX.match(data, start, stop)
            prefix = found[0] if found else b""
            start += len(prefix)
        self._take(data, start, stop)
        self._prefix = prefix

    def _take(self, data: bytes, start: int, stop: int) -> None:
        if data.find(b"\\", start, stop) < 0:
            try:
                self._decode(data, start, stop)
                return self._spelling.plain(stop - start)
            except NotBase64Error:
                if data.find(b" ", start, stop) < 0:
                    raise
        texts, tokens = _parts(data[start:stop])
        if not self._spelling.has_room(texts, tokens):
            raise NotBase64Error
        meanings = {token: _meaning(token) for token in set(tokens)}
        merged = [b""] * (len(texts) + len(tokens))
        merged[::2], merged[1::2] = texts, [meanings[token] for token in tokens]
        plain = b"".join(merged)
        self._decode(plain, 0, len(plain))
        return self._spelling.irregular(texts, tokens)

    def _decode(self, data: bytes, start: int, stop: int) -> None:
        end = data.find(b"=", start, stop)
        end = stop if end < 0 else end
        padding = self._padding + data[end:stop]
        if padding not in (b"", b"=", b"==") or (self._padding and end > start):
            raise NotBase64Error
        url_safe = self._alphabet(data, start, end)
        middle = min(end, start + -len(self._open) % 4)
        last = middle + (end - middle) // 4 * 4
        opened, left = self._open + data[start:middle], data[last:end]
        if b" " in opened + left:
            raise NotBase64Error
        pieces = [_bytes_of(opened, url_safe)] if len(opened) == 4 else []
        pieces.append(_bytes_of(memoryview(data)[middle:last], url_safe))
        for piece in pieces:
            self._write(piece)
        self._open = (b"" if len(opened) == 4 else opened) + left
        self._padding, self._url_safe = padding, url_safe

    def _alphabet(self, data: bytes, start: int, stop: int) -> bool | None:
        """Whether the text is in the url-safe alphabet; None where it may still be in either."""
        if self._url_safe is not False:
            if data.find(b"/", start, stop) >= 0 or data.find(b"+", start, stop) >= 0:
                if self._url_safe:
                    raise NotBase64Error
                return False
            if data.find(b"-", start, stop) >= 0 or data.find(b"_", start, stop) >= 0:
                return True
        return self._url_safe

    def _write(self, piece: bytes) -> None:
        if self._sink is None:
            self._sink = self._new_sink()
        self._sink.write(piece)

    def finish(self) -> PictureData:
        """The picture, now that the closing quote is there.

        Raises:
            NotBase64Error: No base64 has this length.
        """
        if self._sink is None:
            raise NotBase64Error
        if self._open:
            self._sink.write(_bytes_of(self._open + b"=" * (4 - len(self._open)), self._url_safe))
        self.picture = self._sink.finish()
        return self.picture

    def original(self) -> bytes:
        """The string as it stood in the JSON, as far as it was fed. It cannot be fed any more."""
        if self._sink is None:
            return b""
        self.picture = self.picture or self._sink.finish()
        whole = self.picture.size_bytes // 3 * 3
        plain = b64encode(self.picture.view()[:whole], _URL_SAFE if self._url_safe else None)
        return (self._prefix or b"") + self._spelling.applied_to(plain + self._open + self._padding)

    def abort(self) -> None:
        """Forget what was decoded."""
        if self.picture is not None:
            self.picture.discard()
        elif self._sink is not None:
            self._sink.abort()


class _Spelling:
    """Where a string was not written plainly: escapes, and spaces and line ends that mean nothing."""

    def __init__(self) -> None:
        self._gaps = array("I")  # characters before each token
        self._tokens = array("H")
        self._known: dict[bytes, int] = {}
        self._since = 0
        self._length = 0

    def plain(self, count: int) -> None:
        """So many characters stood there as they are."""
        self._since += count
        self._length += count

    def has_room(self, texts: list[bytes], tokens: list[bytes]) -> bool:
        """Whether tokens are still few among the characters."""
        return (len(self._gaps) + len(tokens)) * _SPARSE <= self._length + sum(map(len, texts))

    def irregular(self, texts: list[bytes], tokens: list[bytes]) -> None:
        """A token stood between every two of these texts."""
        for token in set(tokens):
            self._known.setdefault(token, len(self._known))
        self._tokens.extend([self._known[token] for token in tokens])
        gaps = [len(text) for text in texts]
        self._length += sum(gaps)
        gaps[0] += self._since
        self._since = gaps.pop()
        self._gaps.extend(gaps)

    def applied_to(self, plain: bytes) -> bytes:
        """The text as it was written."""
        if not self._gaps:
            return plain
        written, position = [], 0
        tokens = list(self._known)
        for gap, number in zip(self._gaps, self._tokens, strict=True):
            written += [plain[position : position + gap], tokens[number]]
            position += gap + len(_meaning(tokens[number]))
        return b"".join([*written, plain[position:]])


def _parts(piece: bytes) -> tuple[list[bytes], list[bytes]]:
    """The texts between escapes and spaces, and those. Most encoders write one kind of them only: that is quicker."""
    found = _TOKEN.search(piece)
    if found is None:
        return [piece], []
    first, texts = found[0], piece.split(found[0])
    if all(piece.count(sign) == first.count(sign) * (len(texts) - 1) for sign in (b"\\", b" ")):
        return texts, [first] * (len(texts) - 1)
    parts = _TOKEN.split(piece)
    return parts[::2], parts[1::2]


def _meaning(token: bytes) -> bytes:
    """What an escape or a space stands for in base64."""
    if token in _ESCAPES:
        return _ESCAPES[token]
    if token[1:2] != b"u" or token[2:4] != b"00":
        raise NotBase64Error
    character = bytes([int(token[4:], 16)])
    return b"" if character in _SPACES else character


def _bytes_of(text: bytes | memoryview, url_safe: bool | None) -> bytes:
    try:
        return b64decode(text, _URL_SAFE if url_safe else None, validate=True)
    except binascii.Error:
        raise NotBase64Error from None
