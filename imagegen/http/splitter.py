"""Takes the pictures out of a JSON text while it arrives, so that a picture is never text and is decoded once.

Any string of at least 1 KiB that is base64 leaves the text and goes to a sink as bytes; a ticket stands in its place.
No key is looked at, so every API that sends pictures inside JSON costs the same.
"""

from __future__ import annotations

import re
import secrets
from functools import partial
from typing import TYPE_CHECKING

from imagegen.http.base64_text import Base64Text, NotBase64Error
from imagegen.http.tickets import Split

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen.http.sinks import SinkFactory

MAX_TEXT_BYTES = 32_000_000
_LONG = 1024
_PIECE = 1 << 18
_SPACE = re.compile(rb"[ \t\r\n]*")


class TruncatedBodyError(ValueError):
    """The body ended inside a string."""


class TextTooLargeError(ValueError):
    """More text than an answer may have besides its pictures."""


class Splitter:
    """Splits one JSON text, fed in pieces cut anywhere, into pictures and a small rest.

    After any error but before letting go, call `abort`: it removes what was written.
    """

    def __init__(
        self, new_sink: SinkFactory, body_bytes: int | None = None, *, max_text_bytes: int = MAX_TEXT_BYTES
    ) -> None:
        self._new_sink = new_sink
        self._body_bytes = body_bytes
        self._max_text = max_text_bytes
        self._nonce = secrets.token_hex(16)
        self._fed = 0
        self._rest = bytearray()
        self._left = b""  # the end of what was fed, where it cannot be judged yet
        self._step: Callable[[Splitter, bytes, int], int] = (
            Splitter._outside
        )  # unbound: a cycle would hold the pictures
        self._string: Base64Text | None = None
        self._taken: dict[str, Base64Text] = {}

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the text.

        Raises:
            PictureTooLargeError: A picture has more bytes than its sink takes.
            TextTooLargeError: The rest is no small one.
        """
        data = self._left + chunk if self._left else chunk
        self._fed += len(chunk)
        self._left = b""
        position = 0
        while position < len(data):
            position = self._step(self, data, position)
        if len(self._rest) > self._max_text:
            raise TextTooLargeError(f"an answer with more than {self._max_text} bytes of text")

    def finish(self) -> Split:
        """What the text was made of.

        Raises:
            TruncatedBodyError: It ended inside a string.
        """
        if self._left or self._string is not None or self._step is Splitter._in_text:
            raise TruncatedBodyError("the answer ends inside a string")
        return Split(bytes(self._rest), self._taken)

    def original(self) -> bytes:
        """The text so far, byte for byte as it came: what is left of an answer that was cut. It ends the splitting."""
        string = self._string.original() if self._string else b""
        return Split(bytes(self._rest), self._taken).original() + string + self._left

    def abort(self) -> None:
        """Forget everything, and remove the files of pictures."""
        for string in (*self._taken.values(), self._string):
            if string is not None:
                string.abort()

    # Each step takes data[start:] as far as it can and says how far that was. It ends where another step takes over, or
    # at the end of the data, with what it cannot judge yet in `_left`.

    def _outside(self, data: bytes, start: int) -> int:
        """Between strings, and over the short ones."""
        position = start
        while (quote := data.find(b'"', position)) >= 0:
            end = _closing_quote(data, quote + 1, quote + 1 + _LONG)
            if end >= 0:
                position = end + 1
            elif len(data) > quote + _LONG:
                self._rest += data[start : quote + 1]
                return self._begin(data, quote + 1)
            else:
                self._rest += data[start:quote]
                self._left = data[quote:]
                return len(data)
        self._rest += data[start:]
        return len(data)

    def _begin(self, data: bytes, start: int) -> int:
        """A long string: its first KiB shows whether to try."""
        left_bytes = self._body_bytes - (self._fed - len(data) + start) if self._body_bytes else 0
        expected_bytes = left_bytes * 3 // 4 if left_bytes > 0 else None
        string = Base64Text(partial(self._new_sink, expected_bytes))
        stop = _before_cut_escape(data, start, start + _LONG)
        try:
            string.feed(data, start, stop)
        except NotBase64Error:
            self._step = Splitter._in_text
            return start
        self._string, self._step = string, Splitter._in_base64
        return stop

    def _in_text(self, data: bytes, start: int) -> int:
        """In a long string that is no base64."""
        end = _closing_quote(data, start, len(data))
        if end >= 0:
            self._step = Splitter._outside
            self._rest += data[start : end + 1]
            return end + 1
        stop = _before_cut_escape(data, start, len(data))
        self._rest += data[start:stop]
        self._left = data[stop:]
        return len(data)

    def _in_base64(self, data: bytes, start: int) -> int:
        """In a long string that was base64 so far."""
        assert self._string is not None
        limit = min(len(data), start + _PIECE)
        end = _closing_quote(data, start, limit)
        stop = end if end >= 0 else _before_cut_escape(data, start, limit)
        try:
            self._string.feed(data, start, stop)
            start = stop
            if end >= 0:
                self._string.finish()
        except NotBase64Error:
            self._give_back(self._string)
            return start
        if end >= 0:
            self._leave_ticket(self._string)
            return end + 1
        if limit < len(data):
            return stop
        self._left = data[stop:]
        return len(data)

    def _give_back(self, string: Base64Text) -> None:
        self._rest += string.original()
        string.abort()
        self._string, self._step = None, Splitter._in_text

    def _leave_ticket(self, string: Base64Text) -> None:
        ticket = f"<picture {len(self._taken) + 1} {self._nonce}>"
        self._taken[ticket] = string
        self._rest += b'%b"' % ticket.encode()
        self._string, self._step = None, Splitter._after_ticket

    def _after_ticket(self, data: bytes, start: int) -> int:
        """Behind a string that was taken out; before a colon it was a name, and names stay."""
        found = _SPACE.match(data, start)
        assert found is not None
        if found.end() < len(data):
            if data.startswith(b":", found.end()):
                self._put_name_back()
            self._step = Splitter._outside
        self._rest += found[0]
        return found.end()

    def _put_name_back(self) -> None:
        ticket, string = self._taken.popitem()
        start = self._rest.rindex(ticket.encode())
        self._rest[start : start + len(ticket)] = string.original()
        string.abort()


def _closing_quote(data: bytes, start: int, stop: int) -> int:
    """Where the string that goes on at ``start`` ends; -1 if not before ``stop``."""
    quote = data.find(b'"', start, stop)
    while quote >= 0 and _is_escaped(data, start, quote):
        quote = data.find(b'"', quote + 1, stop)
    return quote


def _is_escaped(data: bytes, start: int, position: int) -> bool:
    """Whether the backslashes right before ``position`` are odd in number."""
    first = position
    while first > start and data[first - 1] == 0x5C:
        first -= 1
    return (position - first) % 2 == 1


def _before_cut_escape(data: bytes, start: int, stop: int) -> int:
    """The last place up to ``stop`` where a cut parts no escape such as ``\\u002b``."""
    stop = min(stop, len(data))
    backslash = data.rfind(b"\\", max(start, stop - 5), stop)
    if backslash < 0 or _is_escaped(data, start, backslash):
        return stop
    length = 6 if data.startswith(b"u", backslash + 1) else 2
    return stop if backslash + length <= stop else backslash
