"""Recordings: a request and its answer in a JSON file, as `make live` writes them; a server that repeats them."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from imagegen.testing.faults import Answer, Received
from imagegen.testing.pictures import picture

_HTTPS_ORIGIN = re.compile(rb"https://[\w.-]+(?::\d+)?")
_OF_THE_WIRE = frozenset({"transfer-encoding", "content-encoding", "content-length", "connection"})
_PICTURE_COLOURS = ("red", "green", "blue", "white")


def recorded(path: Path | str) -> Answer:
    """The answer of a recording: ``{"request": {...}, "response": {"status", "headers", "body"}}``."""
    return _answer(json.loads(Path(path).read_text())["response"])


def _answer(response: dict[str, Any]) -> Answer:
    """As it was recorded, less the headers that were about the bytes on the wire."""
    body, kind = response["body"], response.get("body_type", "json")
    if kind != "json" and isinstance(body, str):
        body = base64.b64decode(body) if kind == "base64_bytes" else body.encode()
    kept = {name: value for name, value in response.get("headers", {}).items() if name.lower() not in _OF_THE_WIRE}
    return Answer(body, response["status"], kept)


class Recorded:
    """A server that answers each request as the recordings do, by method and path; several of one in turn.

    Give it to `FaultServer`, or return it from `ProviderSuite.fake`. Links in the answers lead back to it, where a
    picture lies behind each. It takes any body: what a provider refuses, a strict fake knows and a recording does not.
    """

    def __init__(self, *paths: Path | str) -> None:
        self._answers: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for path in paths:
            found = json.loads(Path(path).read_text())
            self._answers[_key(found["request"]["method"], found["request"]["url"])].append(found)
        self._asked: dict[tuple[str, str], int] = defaultdict(int)

    def __call__(self, received: Received) -> Answer:
        key = _key(received.method, received.path)
        recordings = next((each for known, each in self._answers.items() if _ends_alike(known, key)), None)
        if recordings is None and received.method != "GET":
            return Answer({"error": f"nothing is recorded for {received.method} {received.path}"}, 404)
        if recordings is None:
            colour = _PICTURE_COLOURS[len(received.path) % len(_PICTURE_COLOURS)]
            return Answer(picture(colour=colour), 200, {"content-type": "image/png"})
        at = min(self._asked[key], len(recordings) - 1)
        self._asked[key] += 1
        answer = _answer(recordings[at]["response"])
        here = f"http://{received.headers.get('host', '')}".encode()
        kind = {} if isinstance(answer.body, bytes) else {"content-type": "application/json"}
        return replace(answer, body=_HTTPS_ORIGIN.sub(here, answer.content()), headers={**kind, **answer.headers})


def _key(method: str, url: str) -> tuple[str, str]:
    return method, urlsplit(url).path


def _ends_alike(known: tuple[str, str], asked: tuple[str, str]) -> bool:
    """A connection's base URL may have lost the first part of the path, which the recording has."""
    return known[0] == asked[0] and (known[1].endswith(asked[1]) or asked[1].endswith(known[1]))
