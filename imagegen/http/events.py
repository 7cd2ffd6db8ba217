"""Reads ``text/event-stream`` as it arrives; a picture in an event is decoded by its last byte.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen.http.messages import Reply, ServerEvent
from imagegen.http.splitter import Splitter, TruncatedBodyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen.http.sinks import SinkFactory

MAX_EVENT_TEXT_BYTES = 8_000_000
_BOM = b"\xef\xbb\xbf"
_MAX_NAME_BYTES = 65_536


class EventReader:
    """Turns the bytes of a stream, cut anywhere, into events.

    A line of data goes through the splitter as it comes, so an event may be as large as its pictures; its text may have
    8 MB. After an error, call `abort`: it removes what was written.
    """

    def __init__(
        self,
        new_sink: SinkFactory,
        headers: Mapping[str, str] | None = None,
        *,
        max_text_bytes: int = MAX_EVENT_TEXT_BYTES,
    ) -> None:
        self._new_sink = new_sink
        self._headers = headers or {}
        self._max_text = max_text_bytes
        self._start = b""  # of the stream, while it may still be a byte order mark
        self._started = False
        self._after_return = False
        self._line = b""  # what came of a line that is no data, or cannot be told yet
        self._in_data = False
        self._at_value = False
        self._name = ""
        self._data: Splitter | None = None

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes; the events that they complete.

        Raises:
            PictureTooLargeError: A picture has more bytes than its sink takes.
            TextTooLargeError: An event has more text than 8 MB.
        """
        if not self._started:
            chunk = self._without_bom(chunk)
        events = []
        position = 0
        while position < len(chunk):
            if self._after_return and chunk.startswith(b"\n", position):
                position += 1
            self._after_return = False
            end, after = _line_end(chunk, position)
            self._part_of_line(chunk[position:end])
            if after:
                self._after_return = chunk[end] == 0x0D
                ended = self._end_of_line()
                events += [ended] if ended else []
            position = end + after
        return events

    def finish(self) -> ServerEvent | None:
        """What came of an event that had not ended when the stream did; None where every event was whole.

        It may lack no more than the empty line, or be cut anywhere: by the format's rules it is no event.
        """
        return self._end_of_event()

    def abort(self) -> None:
        """Forget the event that has not ended."""
        if self._data is not None:
            self._data.abort()
        self._data = None

    def _without_bom(self, chunk: bytes) -> bytes:
        self._start += chunk
        if _BOM.startswith(self._start):
            return b""
        chunk, self._start, self._started = self._start.removeprefix(_BOM), b"", True
        return chunk

    def _part_of_line(self, part: bytes) -> None:
        if not self._in_data:
            part = self._line + part
            if not part.startswith(b"data:"):
                self._line = part[:_MAX_NAME_BYTES]
                return
            self._begin_data()
            part = part[5:]
        if part and self._at_value:
            part = part.removeprefix(b" ")
            self._at_value = False
        if part and self._data is not None:
            self._data.feed(part)

    def _begin_data(self) -> None:
        self._line, self._in_data, self._at_value = b"", True, True
        if self._data is None:
            self._data = Splitter(self._new_sink, max_text_bytes=self._max_text)
        else:
            self._data.feed(b"\n")

    def _end_of_line(self) -> ServerEvent | None:
        line, self._line = self._line, b""
        was_data, self._in_data = self._in_data, False
        if was_data:
            return None
        if not line:
            return self._end_of_event()
        if line == b"data":
            self._begin_data()
            self._in_data = False
        elif line.startswith(b"event:"):
            self._name = line[6:].removeprefix(b" ").decode("utf-8", "replace")
        return None

    def _end_of_event(self) -> ServerEvent | None:
        name, self._name = self._name, ""
        data, self._data = self._data, None
        reply = self._reply(data) if data is not None else None
        return ServerEvent(name or "message", reply) if reply is not None and reply.body else None

    def _reply(self, data: Splitter) -> Reply:
        try:
            split = data.finish()
        except TruncatedBodyError:  # a text with a lone quote, or broken JSON: as it came
            body = data.original()
            data.abort()
            return Reply(200, self._headers, body)
        return Reply(200, self._headers, split.rest, split=split)


def _line_end(chunk: bytes, start: int) -> tuple[int, int]:
    """Where the line ends, and the length of its end: 0 where it goes on behind the chunk."""
    feed = chunk.find(b"\n", start)
    stop = feed if feed >= 0 else len(chunk)
    carriage = chunk.find(b"\r", start, stop)
    return (carriage, 1) if carriage >= 0 else (stop, int(feed >= 0))
