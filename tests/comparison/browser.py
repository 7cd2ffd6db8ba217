"""The system's Chromium, driven by playwright; none is ever downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def chromium() -> str | None:
    """Of ``IMAGEGEN_CHROMIUM``, else the first in PATH."""
    return os.environ.get("IMAGEGEN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        try:
            yield running
        finally:
            running.close()


class Opened:
    """A page from disk, and all that it asked for or complained of."""

    def __init__(self, browser: Any, path: Path, *, width: int = 1440, height: int = 900, **context: Any) -> None:
        self._context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **context)
        self.page = self._context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message) or dialog.dismiss())
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        self._context.close()

    @property
    def of_network(self) -> list[str]:
        """Requests that did not stay on this disk."""
        return [url for url in self.requests if not url.startswith(("file://", "data:"))]
