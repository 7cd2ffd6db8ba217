"""Acme: two providers in one module. ``acme`` answers with the pictures, ``acme-jobs`` accepts a job first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

import imagegen
from imagegen import (
    ImageUrl,
    ModerationError,
    Output,
    PictureData,
    ProviderError,
    ProviderOptions,
    QuotaError,
    RemoteJob,
    Reply,
    Running,
    Task,
    Wire,
)


class AcmeOptions(ProviderOptions):
    """What Acme alone has."""

    provider = "acme"
    strokes: int | None = None
    """1 to 9."""


class AcmeJobsOptions(AcmeOptions):
    """The same under the other name."""

    provider = "acme-jobs"


class _Picture(BaseModel):
    data: PictureData | None = None
    url: str | None = None
    refused: str | None = None


class _Drawn(BaseModel):
    pictures: list[_Picture]
    price: Decimal | None = None


class _Accepted(BaseModel):
    id: str
    poll: str
    price: Decimal | None = None


class _State(BaseModel):
    state: str
    position: int | None = None
    pictures: list[_Picture] = []
    billed: imagegen.Billed = imagegen.Billed.NO


class _Error(BaseModel):
    code: str
    message: str = ""


class _Failed(BaseModel):
    error: _Error


class Acme(imagegen.HttpProvider):
    """Answers with the pictures themselves."""

    name = "acme"
    Options = AcmeOptions

    def generate(self, task: Task) -> Wire:
        return Wire.post("/draw", json=_body(task))

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        drawn = reply.parse(_Drawn)
        return Output([_image(each) for each in drawn.pictures], cost_usd=drawn.price, raw=reply.raw())

    def read_error(self, reply: Reply) -> ProviderError | None:
        try:
            error = reply.parse(_Failed).error
        except imagegen.BadOutputError:
            return None
        if error.code == "unsafe":
            return ModerationError(error.message, stage="input", code=error.code)
        if error.code == "no_credit":
            return QuotaError(error.message, code=error.code)
        return ProviderError(error.message, code=error.code)


class AcmeJobs(Acme):
    """Accepts a job, which is then asked for."""

    name = "acme-jobs"
    Options = AcmeJobsOptions

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        accepted = reply.parse(_Accepted)
        return RemoteJob(accepted.id, url=accepted.poll, cost_usd=accepted.price, request_id=reply.request_id)

    def poll(self, job: RemoteJob) -> Wire:
        return Wire.get(job.url or "")

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Output | Running:
        found = reply.parse(_State)
        if found.state == "done":
            return Output([_image(each) for each in found.pictures])
        if found.state == "refused":
            raise ModerationError("refused", stage="output")
        if found.state in ("failed", "cancelled"):
            raise ProviderError(found.state, billed=found.billed)
        if found.state == "expired":
            raise imagegen.DeadlineExceededError("the result was dropped", expired=True, billed=found.billed)
        known = found.state in ("waiting", "drawing")
        return Running(found.state, queue_position=found.position, queued=found.state == "waiting", known=known)


def _body(task: Task) -> dict[str, Any]:
    request, options = task.request, task.options
    body = {
        "model": task.model,
        "prompt": request.prompt,
        "count": task.n,
        "size": request.size,
        "seed": request.seed,
        "clear": True if request.background == "transparent" else None,
        "strokes": getattr(options, "strokes", None) or task.defaults.get("strokes"),
    }
    return {name: value for name, value in body.items() if value is not None}


def _image(picture: _Picture) -> PictureData | ImageUrl | imagegen.ImageGenError:
    if picture.data is not None:
        return picture.data
    if picture.url is not None:
        return ImageUrl(picture.url)
    return ModerationError(picture.refused or "no picture", stage="output", billed=imagegen.Billed.NO)


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    """Either of the two."""
    return {each.name: each for each in (Acme, AcmeJobs)}.get(name)
