"""Replicate: any of its image models as a prediction; the core submits, polls and downloads.

API: Replicate's OpenAPI 1.0.0-a1, its pages on lifecycle, rate limits and retention, model pages; read 2026-11-22.
A model is ``owner/name``, ``owner/name:version`` or ``deployments/owner/name``. Each has an input of its own: what they
call pictures, masks and sizes stands in replicate.toml.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import imagegen
from imagegen import (
    Output,
    ProviderError,
    RateLimitError,
    RemoteJob,
    Running,
    UnsupportedError,
    Wire,
)
from imagegen.http.status import checked
from imagegen_providers.replicate.answer import WAITING, Page, Prediction, Urls, as_list, found_in, listed_job, pace_of
from imagegen_providers.replicate.asking import ReplicateOptions, address_of, headers_of, input_of

if TYPE_CHECKING:
    from imagegen import Call, ListedJob, Reply, Task

_KEPT_S = 3600.0
_PAGES = 100


class Replicate(imagegen.HttpProvider):
    """Image models at Replicate, by their ids."""

    name = "replicate"
    Options = ReplicateOptions

    def generate(self, task: Task) -> Wire:
        options = task.options.model_dump(exclude_none=True) if task.options else {}
        path, version = address_of(task.model)
        body = {**version, "input": input_of(task, options)}
        return Wire.post(path, json=body, headers=headers_of(options))

    edit = generate  # the input says whether there is a picture to change

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        """A waited answer can hold its output while its status still says processing: the output decides."""
        made = reply.parse(Prediction)
        urls = made.urls or Urls()
        data = {"model": task.model, "n": task.count}
        job = RemoteJob(made.id, url=urls.get, cancel_url=urls.cancel, request_id=reply.request_id, data=data)
        if made.status in WAITING and len(made.output) < task.count:
            return job
        return job if isinstance(found := found_in(made, reply, job, waited=True), Running) else found

    def poll(self, job: RemoteJob) -> Wire:
        return Wire.get(job.url or f"/predictions/{job.id}")

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Output | Running:
        return found_in(reply.parse(Prediction), reply, job)

    def cancel(self, job: RemoteJob) -> Wire:
        return Wire.post(job.cancel_url or f"/predictions/{job.id}/cancel")

    def read_error(self, reply: Reply) -> ProviderError | None:
        """Replicate's title, detail and bad fields; a pace stands in a header of its own, or in the words only."""
        body = reply.raw()
        if not isinstance(body, dict):
            return None
        told = [str(body[name]) for name in ("title", "detail") if body.get(name)]
        fields = [json.dumps(each) for each in as_list(body.get("invalid_fields"))]
        words = ": ".join(told) + "".join(f"; {each}" for each in fields)
        if not words:
            return None
        if reply.status == 429 and "retry-after" not in reply.headers:
            return RateLimitError(words, retry_after_s=pace_of(reply, words))
        return ProviderError(words, code=body.get("type") if isinstance(body.get("type"), str) else None)

    def lists(self, model: str) -> bool:
        """Whether the list says which submit made a prediction: not for a deployment's, nor for a bare version's."""
        return "/" in model and not model.startswith("deployments/")

    async def list_jobs(self, since: float, call: Call) -> list[ListedJob]:
        """Predictions, the newest first, as long as their inputs are kept: without a prompt none can be recognized."""
        if time.time() - since >= _KEPT_S:
            raise UnsupportedError("Replicate keeps what was asked for one hour only")
        try:
            async with asyncio.timeout_at(call.deadline):
                return await self._listed(since, call)
        except TimeoutError:
            raise UnsupportedError("Replicate's list of predictions took too long") from None

    async def _listed(self, since: float, call: Call) -> list[ListedJob]:
        found: list[ListedJob] = []
        wire = Wire.get("/predictions")
        for _ in range(_PAGES):
            page = checked(await self.send(wire, call), self.read_error).parse(Page)
            recent = [each for each in page.results if each.created_at is None or each.created_at.timestamp() >= since]
            found += [listed_job(each) for each in recent]
            if page.next is None or len(recent) < len(page.results):
                return found
            wire = Wire.get(page.next)
        raise UnsupportedError("Replicate's list of predictions is too long to be read back so far")


@imagegen.hookimpl
def imagegen_provider(name: str) -> type[imagegen.Provider] | None:
    return Replicate if name == Replicate.name else None
