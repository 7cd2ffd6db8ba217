"""What goes over HTTP and what comes back, as providers' modules see it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from imagegen.errors import BadOutputError
from imagegen.secrets import clean
from imagegen.types.picture import TICKETS, PictureData
from imagegen.types.request import one_line

if TYPE_CHECKING:
    from imagegen.http.sinks import SinkFactory
    from imagegen.http.tickets import Split
    from imagegen.types.inputs import ImageInput

T = TypeVar("T", bound=BaseModel)
_LONG_BASE64 = re.compile(r"[A-Za-z0-9+/]{1024}")
_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "cf-ray")


@dataclass(frozen=True, slots=True)
class Wire:
    """One HTTP request in the provider's words, without key or host: what `plan` shows and what is sent."""

    method: str
    path: str
    """Below the connection's base URL; or a whole URL that a reply gave, which is then checked against the hosts."""
    json: Any = None
    form: Mapping[str, str] | None = None
    """Text parts of a multipart body, in order; None: the body is JSON."""
    files: tuple[tuple[str, ImageInput], ...] = ()
    """File parts of a multipart body, in order: the part's name and the picture; streamed, never copied whole."""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def post(
        cls,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Wire:
        return cls("POST", path, json=json, headers=headers or {}, query=query or {})

    @classmethod
    def multipart(
        cls,
        path: str,
        form: Mapping[str, str],
        files: Sequence[tuple[str, ImageInput]],
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Wire:
        return cls("POST", path, form=form, files=tuple(files), headers=headers or {}, query=query or {})

    @classmethod
    def get(cls, path: str, *, query: Mapping[str, str] | None = None) -> Wire:
        return cls("GET", path, query=query or {})

    def to_dict(self) -> dict[str, Any]:
        """The request as JSON values."""
        shown: dict[str, Any] = {"method": self.method, "path": self.path}
        if self.query:
            shown["query"] = dict(self.query)
        if self.headers:
            shown["headers"] = dict(self.headers)
        if self.form is None:
            return shown | {"json": _without_pictures(self.json)}
        parts = [{"name": name, "value": value} for name, value in self.form.items()]
        parts += [{"name": name, "picture": repr(picture)} for name, picture in self.files]
        return shown | {"multipart": parts}


class Reply:
    """A complete HTTP answer: status, headers, and the body without the pictures that stood in it."""

    __slots__ = ("body", "headers", "picture", "split", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        split: Split | None = None,
        picture: PictureData | None = None,
    ) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        """The body; where it was JSON, with a short ticket in place of every picture."""
        self.picture = picture
        """The body, where it was itself a picture."""
        self.split = split
        """What the splitter took out of the body."""

    @classmethod
    def of(cls, body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """A reply from a recorded body (JSON values, or bytes): for tests of a translation."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return cls(status, headers or {"content-type": "application/json"}, raw)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        """The provider's own id of this answer."""
        found = next((self.headers[name] for name in _REQUEST_IDS if name in self.headers), None)
        return clean(found)[:200] if found else None

    def parse(self, model: type[T]) -> T:
        """The body as ``model``; unknown members are ignored, pictures land in its `PictureData` fields.

        Raises:
            BadOutputError: It is not JSON, or not of this shape. The bytes are kept.
        """
        try:
            return _parsed(model, self.body, self.split) if self.split else model.model_validate_json(self.body)
        except ValidationError as error:
            raise BadOutputError(
                f"an answer we cannot read: {clean(one_line(error))}",
                reason="unreadable",
                raw=self.original,
                status=self.status,
                request_id=self.request_id,
            ) from None

    @property
    def original(self) -> bytes:
        """The body byte for byte as it came, pictures included; written anew where the splitter took some out."""
        return self.split.put_back(self.body, self.split.tickets) if self.split else self.body

    def raw(self) -> Any:
        """The body as JSON values without pictures; text where it is no JSON."""
        try:
            return json.loads(self.split.described(self.body) if self.split else self.body)
        except ValueError:
            return clean(self.body[:4096].decode("utf-8", "replace"))

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"


def _parsed(model: type[T], body: bytes, split: Split) -> T:
    """``body`` as ``model``, where a field of text gets its text back, and so does one that refuses a ticket."""
    context = {TICKETS: split}
    try:
        found = model.model_validate_json(body, context=context)
    except ValidationError:
        left = split.unclaimed()
        if not left:
            raise
    else:
        left = split.left_in(found)
        if not left:
            return found
    return model.model_validate_json(split.put_back(body, left), context=context)


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of an event stream."""

    event: str
    data: Reply
    """Its data, without the pictures that stood in it; `parse` reads it."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer as they pass: where pictures go, and when the bytes moved (monotonic clock)."""

    new_sink: SinkFactory | None = None
    """Where a picture of the answer is put; None: into memory."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What the core adds to the request: an idempotency key where the provider honours one."""
    started: bool | None = None
    """Whether any of the body was handed to the socket; None where no HTTP of ours is involved."""
    sent: float | None = None
    """The last byte of the request's body left."""
    answered: float | None = None
    """The head of the answer came."""
    finished: float | None = None
    """The last byte of the answer came."""
    first_partial: float | None = None
    """The first unfinished picture was handed over."""
    status: int | None = None
    request_id: str | None = None
    server_s: float | None = None


def _without_pictures(value: Any) -> Any:
    """JSON values fit to be shown: of a picture, as a data URL or bare base64, the kind and the size are left."""
    if isinstance(value, dict):
        return {name: _without_pictures(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_pictures(each) for each in value]
    if isinstance(value, str) and len(value) > 1024 and value.startswith("data:"):
        return f"{value.partition(',')[0]},<{len(value)} characters>"
    if isinstance(value, str) and _LONG_BASE64.match(value):
        return f"base64,<{len(value)} characters>"
    return value


current_exchange: ContextVar[Exchange | None] = ContextVar("current_exchange", default=None)
"""Whose bytes these are; set by the core around each exchange, so that an SDK in between need not pass it on."""
