"""What a person sees while a provider works."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """A line that moves while work goes on; on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    began, console = time.monotonic(), Console(stderr=True)
    with console.status(what) as status:
        handler = _Follower(lambda words: status.update(f"{what}: {words} ({time.monotonic() - began:.0f} s)"))
        logger = logging.getLogger("imagegen.progress")
        before = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(before)


class _Follower(logging.Handler):
    """Turns progress events into words."""

    def __init__(self, show: Any) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        position = getattr(event, "position", None)
        fraction = getattr(event, "fraction", None)
        if type(event).__name__ == "Queued":
            self._show("queued" if position is None else f"queued, {position} before it")
        elif event is not None:
            self._show(getattr(event, "status", "") + ("" if fraction is None else f" {fraction:.0%}"))
