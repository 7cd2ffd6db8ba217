"""What went over the wire, kept as a sample: no key, no account, no id, no signature, no picture of anybody's.

A recording has the shape of the samples in ``tests/providers/wire`` and can replace one.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import io
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from PIL import Image

from imagegen import pictures, plugins
from imagegen.provider import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagegen import Reply, Wire
    from imagegen.types.connection import Endpoint

TEST_KEY = "TEST_KEY"
_HEADERS = ("content-type", "retry-after")
"""Headers of an answer that a sample needs; all others may name somebody."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NAMES_SOMEBODY = re.compile(r"(?i)(?:^|_|-)(?:id|ids|account|organization|project|user|owner|team|tenant|email)$")
_DATA_URL = re.compile(r"data:([a-z]+/[a-z+.-]+);base64,([A-Za-z0-9+/=]+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{60,}={0,2}")
_RANDOM = re.compile(r"(?=.*\d)[\w-]{10,}")


@dataclass(slots=True)
class Exchange:
    """One request of a provider's module and the whole answer to it."""

    wire: Wire
    base_url: str
    status: int
    headers: dict[str, str]
    body: bytes


@contextlib.contextmanager
def recorded(provider: str) -> Iterator[list[Exchange]]:
    """Everything that the provider's module sends, with the answers before anything is taken out of them.

    `HttpProvider.send` is the one place that every request of a module passes, its key not yet on it.
    """
    kind = plugins.provider_class(provider)
    assert issubclass(kind, HttpProvider)
    send, found = kind.send, []

    async def recording(self: HttpProvider, wire: Wire, call: Any) -> Reply:
        reply = await send(self, wire, call)
        body = reply.picture.read() if reply.picture is not None else reply.original
        found.append(Exchange(wire, call.http.base_url, reply.status, dict(reply.headers), body))
        return reply

    kind.send = recording
    try:
        yield found
    finally:
        kind.send = send


def write(folder: Path, operation: str, exchanges: list[Exchange], endpoint: Endpoint, key: str) -> list[Path]:
    """A sample for each address that was asked, of the last answer it gave; numbered from the second.

    Raises:
        RuntimeError: The key would be in one of them: nothing was written.
    """
    last = {(each.wire.method, each.wire.path): each for each in exchanges}
    redactor = Redactor(endpoint, key)
    texts = [json.dumps(redactor.sample(each), indent=2, ensure_ascii=False) + "\n" for each in last.values()]
    if key and any(key in text for text in texts):
        raise RuntimeError("the key would be in the recording")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{operation}{f'_{number}' if number else ''}.json" for number in _numbers(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


def _numbers(count: int) -> list[int]:
    return [0, *range(2, count + 1)][:count]


@dataclass(slots=True)
class Redactor:
    """Takes out of exchanges what nobody else should see; what is the same before is the same after."""

    endpoint: Endpoint
    key: str
    _aliases: dict[str, str] = field(default_factory=dict)

    def sample(self, exchange: Exchange) -> dict[str, Any]:
        """The exchange as a sample."""
        request = self._request(exchange)
        response = self._response(exchange)
        kind = "success" if 200 <= exchange.status < 300 else "error"
        meta = {"kind": kind, "basis": "recorded from the service, then redacted: keys, ids, signatures, pictures"}
        found: dict[str, Any] = self._renamed({"meta": meta, "request": request, "response": response})
        return found

    def _request(self, exchange: Exchange) -> dict[str, Any]:
        wire, facts = exchange.wire, self.endpoint.facts
        url = wire.path if "://" in wire.path else (facts.base_url or exchange.base_url).rstrip("/") + wire.path
        if wire.query:
            url += "?" + urlencode(dict(wire.query))
        headers = {facts.key_header.lower(): facts.key_prefix + TEST_KEY}
        found: dict[str, Any] = {"method": wire.method, "url": self._value(url), "headers": headers}
        if wire.form is not None:
            files = {name: self._file(picture.filename, picture.read()) for name, picture in wire.files}
            headers["content-type"] = "multipart/form-data; boundary=X"
            return found | {"body_type": "multipart", "body": {"fields": self._value(dict(wire.form)), "files": files}}
        if wire.json is None:
            return found | {"body_type": "none", "body": None}
        headers["content-type"] = "application/json"
        return found | {"body_type": "json", "body": self._value(wire.json)}

    def _file(self, name: str, data: bytes) -> dict[str, str]:
        media_type = pictures.read_facts(memoryview(data)).media_type
        return {"filename": name, "content_type": media_type, "base64": base64.b64encode(tiny(media_type)).decode()}

    def _response(self, exchange: Exchange) -> dict[str, Any]:
        names = (*_HEADERS, (self.endpoint.facts.server_ms_header or "").lower())
        headers = {name: self._text(value) for name, value in exchange.headers.items() if name in names}
        found: dict[str, Any] = {"status": exchange.status, "headers": headers}
        try:
            return found | {"body_type": "json", "body": self._value(json.loads(exchange.body))}
        except ValueError:
            media_type = headers.get("content-type", "").partition(";")[0]
        if media_type.startswith("image/"):
            return found | {"body_type": "base64_bytes", "body": base64.b64encode(tiny(media_type)).decode()}
        return found | {"body_type": "text", "body": self._text(exchange.body.decode("utf-8", "replace"))}

    def _value(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._value(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self._value(each, name) for each in value]
        if not isinstance(value, str):
            return value
        if _NAMES_SOMEBODY.search(name) and not name.startswith("model") and len(value) >= 6 and "://" not in value:
            return self._alias(value)
        return self._text(value)

    def _text(self, text: str) -> str:
        """A text without key, pictures and signatures; ids get their other names at the end."""
        for uuid in _UUID.findall(text):
            self._alias(uuid)
        text = text.replace(self.key, TEST_KEY) if self.key else text
        if "://" in text[:10]:
            return self._url(text)
        text = _DATA_URL.sub(lambda found: f"data:{found[1]};base64,{_base64(tiny(found[1]))}", text)
        return _BASE64.sub(lambda found: _shrunk(found[0]), text) if not text.startswith("data:") else text

    def _url(self, url: str) -> str:
        """Without user, without what its query's values say; elsewhere than at the API also without its random parts.

        A result lies open to everybody who knows its address.
        """
        parts = urlsplit(url)
        known = [value for _, value in parse_qsl(parts.query) if value in self._aliases]
        query = [(name, value if value in known else "TEST") for name, value in parse_qsl(parts.query)]
        path, netloc = parts.path, parts.netloc.rpartition("@")[2]
        own, public = urlsplit(self.endpoint.base_url or ""), urlsplit(self.endpoint.facts.base_url or "")
        if netloc == own.netloc:
            return urlunsplit((public.scheme or parts.scheme, public.netloc or netloc, path, urlencode(query), ""))
        if not self._is_api(netloc):
            path = "/".join(self._segment(each) for each in path.split("/"))
        return urlunsplit((parts.scheme, netloc, path, urlencode(query), ""))

    def _segment(self, segment: str) -> str:
        stem, dot, suffix = segment.rpartition(".")
        stem = stem if dot else segment
        return f"{self._alias(stem)}{dot}{suffix if dot else ''}" if _RANDOM.fullmatch(stem) else segment

    def _is_api(self, host: str) -> bool:
        facts = self.endpoint.facts
        return any(fnmatch.fnmatch(host, pattern) for pattern in (*facts.key_hosts, *facts.poll_hosts))

    def _alias(self, value: str) -> str:
        if value not in self._aliases:
            number = len(self._aliases) + 1
            uuid = f"00000000-0000-4000-8000-{number:012d}"
            self._aliases[value] = uuid if _UUID.fullmatch(value) else f"redacted-{number:04d}"
        return value

    def _renamed(self, value: Any) -> Any:
        """Every id in its other name, wherever it stands: a job's is also in its address."""
        text = json.dumps(value, ensure_ascii=False)
        for known in sorted(self._aliases, key=len, reverse=True):
            text = text.replace(json.dumps(known, ensure_ascii=False)[1:-1], self._aliases[known])
        return json.loads(text)


def tiny(media_type: str) -> bytes:
    """A picture of two by two pixels."""
    if media_type == "image/svg+xml":
        return b'<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"></svg>'
    file = io.BytesIO()
    Image.new("RGB", (2, 2), (200, 40, 40)).save(file, pictures.FORMATS.get(media_type, "png"))
    return file.getvalue()


def _shrunk(text: str) -> str:
    """Bare base64: a picture becomes a tiny one; anything else of that length (a signature) a short text."""
    try:
        data = base64.b64decode(text, validate=True)
        return _base64(tiny(pictures.read_facts(memoryview(data)).media_type))
    except ValueError:
        return _base64(b"redacted")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
