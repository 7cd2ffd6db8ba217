"""Replicate's words to ours: a prediction, how it ended, and the list of predictions."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from imagegen import (
    BadOutputError,
    Billed,
    DeadlineExceededError,
    ImageUrl,
    ListedJob,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    RemoteJob,
    Running,
    UnsupportedError,
)
from imagegen.http.lenient import or_none

if TYPE_CHECKING:
    from imagegen import ImageGenError, Reply

WAITING = frozenset({"starting", "processing"})
_ENDED = frozenset({"failed", "canceled", "aborted"})
_REFUSED = re.compile(r"nsfw|flagged|sensitive|\bE005\b", re.IGNORECASE)
"""Replicate has no code for a refusal: these words of its models are all there is. Unconfirmed; read 2026-11-22."""
_SEED = re.compile(r"using seed: *(\d+)", re.IGNORECASE)
_RESETS = re.compile(r"resets in ~?(\d+)s")


def as_list(value: Any) -> Any:
    return [] if value is None else value if isinstance(value, list) else [value]


_Link = Annotated[PictureData | str, Field(union_mode="left_to_right")]


class Urls(BaseModel):
    get: Annotated[str | None, or_none] = None
    cancel: Annotated[str | None, or_none] = None


class Prediction(BaseModel):
    id: str
    status: str
    model: Annotated[str | None, or_none] = None
    version: Annotated[str | None, or_none] = None
    output: Annotated[list[Annotated[_Link | None, or_none]], BeforeValidator(as_list)] = []
    error: Any = None
    logs: Annotated[str | None, or_none] = None
    data_removed: Annotated[bool | None, or_none] = None
    urls: Annotated[Urls | None, or_none] = None


class _Asked(BaseModel):
    prompt: Annotated[str | None, or_none] = None


class Listed(BaseModel):
    id: str
    created_at: Annotated[datetime | None, or_none] = None
    model: Annotated[str | None, or_none] = None
    version: Annotated[str | None, or_none] = None
    input: Annotated[_Asked | None, or_none] = None
    data_removed: Annotated[bool | None, or_none] = None
    urls: Annotated[Urls | None, or_none] = None


class Page(BaseModel):
    next: Annotated[str | None, or_none] = None
    results: list[Listed]


def found_in(made: Prediction, reply: Reply, job: RemoteJob, *, waited: bool = False) -> Output | Running:
    """What became of a prediction; ``waited``: its output counts before its status says that it is done."""
    if made.status in _ENDED:
        raise _end(made, reply)
    if made.data_removed and not made.output:
        raise DeadlineExceededError("Replicate keeps results for one hour: these are gone", expired=True)
    if made.status != "succeeded" and not (waited and made.output):
        return Running(made.status, queued=made.status == "starting", known=made.status in WAITING)
    return _output(made, reply, job)


def _output(made: Prediction, reply: Reply, job: RemoteJob) -> Output:
    """The pictures. What a safety checker took out is only missing: the log may say why."""
    images: list[PictureData | ImageUrl | ImageGenError] = [_picture(each) for each in made.output]
    missing = int(job.data.get("n", 1)) - len(images)
    if missing > 0 and _REFUSED.search(made.logs or ""):
        words = "left out by the model's safety checker"
        images += [ModerationError(words, stage="output", billed=Billed.YES) for _ in range(missing)]
    if not images:
        raise BadOutputError(
            "succeeded, and no picture; some models refuse so", reason="empty", raw=reply.original, status=reply.status
        )
    seed = _SEED.search(made.logs or "")
    pinned = f"{made.model}:{made.version}" if ":" in str(job.data.get("model", "")) else made.model
    return Output(images, seed=int(seed[1]) if seed else None, model=pinned if made.model else None, raw=reply.raw())


def _picture(found: PictureData | str | None) -> PictureData | ImageUrl | ImageGenError:
    if isinstance(found, PictureData):
        return found
    return ImageUrl(found) if found else BadOutputError("an output that is no link", reason="unreadable")


def _end(made: Prediction, reply: Reply) -> ProviderError:
    """How it ended. Aborted is before its start, and free; a run that was stopped costs the time it took."""
    words = made.error if isinstance(made.error, str) else json.dumps(made.error) if made.error else made.status
    if made.status == "failed" and _REFUSED.search(words):
        return ModerationError(words, stage="unknown", categories=[], status=reply.status, code=made.status)
    billed = Billed.NO if made.status == "aborted" else Billed.UNKNOWN
    return ProviderError(f"{made.status}: {words}", billed=billed, status=reply.status, code=made.status)


def pace_of(reply: Reply, words: str) -> float | None:
    seconds = reply.headers.get("ratelimit-reset", "")
    told = _RESETS.search(words)
    return float(seconds) if seconds.isdigit() else float(told[1]) if told else None


def listed_job(listed: Listed) -> ListedJob:
    """A prediction of the list; without its input nobody can tell whose it is.

    Raises:
        UnsupportedError: Its input is gone, so that the list cannot prove anything.
    """
    if listed.input is None or listed.data_removed:
        raise UnsupportedError("Replicate's list has dropped what was asked")
    urls = listed.urls or Urls()
    return ListedJob(
        RemoteJob(listed.id, url=urls.get, cancel_url=urls.cancel, data={"model": listed.model}),
        created_at=listed.created_at.timestamp() if listed.created_at else None,
        prompt=listed.input.prompt,
        model=listed.model,
        aliases=(f"{listed.model}:{listed.version}",) if listed.version else (),
    )
