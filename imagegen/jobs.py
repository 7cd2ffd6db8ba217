"""After the money: poll, download. Free, repeated until the deadline, and never a way back to submit."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imagegen.errors import (
    BadOutputError,
    Billed,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    ImageGenError,
    InvalidRequestError,
    OutcomeUnknownError,
    RateLimitError,
)
from imagegen.http.fetch import ExpiredError, FetchError, UnsafeUrlError
from imagegen.http.sinks import MemorySink, PictureTooLargeError
from imagegen.provider import ask_state
from imagegen.threads import in_thread
from imagegen.types.events import Event, Partial, Progress, Queued
from imagegen.types.job import Job, JobPart, Output, RemoteJob, Running
from imagegen.types.picture import ImageUrl, PictureData
from imagegen.types.result import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagegen.provider import Call, Provider
    from imagegen.spool import Spool
    from imagegen.types.job import Task

_log = logging.getLogger("imagegen.jobs")
_progress = logging.getLogger("imagegen.progress")
_FIRST_POLL_S = 0.1
_SLOWEST_POLL_S = 3.0
_ONE_POLL_S = 60.0
_GONE_AFTER_S = 5.0
"""How long a queue must say that the job does not exist before it is believed: some say so just after accepting it."""


@dataclass(slots=True)
class OpenJob:
    """The receipts of one call: what was accepted and not yet collected, in the spool and in memory."""

    job: Job
    spool: Spool | None
    problems: list[str] = field(default_factory=list)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def accepted(self, part: JobPart) -> None:
        """Write an accepted job down. It is paid: nothing is asked of it before this is done."""
        self.job = self.job.with_part(part)
        await self._write()

    async def _write(self) -> None:
        """One writer at a time, and always the newest state: parts are accepted and end side by side."""
        async with self._writing:
            if self.spool is None:
                return
            if not self.job.parts:
                await in_thread(self.spool.remove, self.job)
            elif problem := await in_thread(self.spool.write, self.job):
                self.problems.append(problem)

    async def keep_pictures(self, part: JobPart, pictures: Sequence[PictureData]) -> None:
        """Keep what arrived when nobody waited any more."""
        if self.spool is None:
            _log.warning(
                "%d paid pictures of %s arrived for nobody, and the spool is off", len(pictures), self.job.model
            )
            return
        names = await in_thread(self.spool.write_pictures, self.job, part.index, pictures)
        for picture in pictures:
            picture.discard()
        await self.accepted(replace(part, remote=None, urls=(), files=names))
        _log.warning("pictures of a cancelled call are kept: resume(%r)", self.job.id)

    async def ended(self, index: int) -> None:
        """Forget a part that gave all it will ever give; with the last one, the file."""
        if any(part.index == index for part in self.job.parts):
            self.job = replace(self.job, parts=tuple(part for part in self.job.parts if part.index != index))
            await self._write()


def receipt(index: int, task: Task, outcome: Output | RemoteJob) -> JobPart | None:
    """What must be written down of a paid answer before anything is fetched; None where all is in hand."""
    part = JobPart(index, task.count, task.request.seed)
    if isinstance(outcome, RemoteJob):
        return replace(part, remote=outcome)
    urls = tuple(image.url for image in outcome.images if isinstance(image, ImageUrl))
    return replace(part, urls=urls, cost_usd=outcome.cost_usd, usage=outcome.usage) if urls else None


def outcome_of(part: JobPart, kept: Sequence[PictureData]) -> Output | RemoteJob:
    """Where a part of a resumed job goes on: its handle, its links, or the pictures that were kept."""
    if part.remote is not None:
        return part.remote
    links = [ImageUrl(url) for url in part.urls]
    return Output([*links, *kept], usage=part.usage, cost_usd=part.cost_usd, seed=part.seed)


def kept_pictures(part: JobPart, job: Job, spool: Spool | None) -> list[PictureData]:
    """The pictures of a part that lie in the spool.

    Raises:
        ConfigurationError: They are not in this one.
    """
    if part.files and spool is None:
        raise ConfigurationError(f"job {job.id} kept its pictures in a spool, and the spool is off")
    return [PictureData(spool.picture(job, name).read_bytes()) for name in part.files] if spool is not None else []


def read_job(job: Job | str, spool: Spool | None) -> Job:
    """A job from itself, from its text, or from the spool by its id.

    Raises:
        ConfigurationError: It is none of these.
    """
    if isinstance(job, Job):
        return job
    if job.lstrip().startswith("{"):
        return Job.from_json(job)
    if spool is None:
        raise ConfigurationError("the spool is off: pass a job or its text")
    return spool.read(job)


def report(task: int, tell: Callable[[Event], None], event: Queued | Progress | Partial) -> None:
    """Tell the caller's stream, and whoever listens to the log ``imagegen.progress`` (the event is its ``event``)."""
    event = replace(event, task=task)
    _progress.debug("%s", event, extra={"event": event})
    tell(event)


async def wait(provider: Provider, remote: RemoteJob, call: Call, waiting: Waiting) -> Output:
    """Ask until the job is done. An unknown state is running; only the deadline ends that.

    Raises:
        DeadlineExceededError: Not done in time, or the provider has dropped it (``expired``).
        ImageGenError: The provider ended it: refused, failed, cancelled.
    """
    began = turn = time.monotonic()
    gone_since, delay, warned = math.inf, _FIRST_POLL_S, ""
    while True:
        try:
            async with asyncio.timeout(min(_ONE_POLL_S, _left(call))):
                state = await ask_state(provider, remote, call)
        except ImageGenError as error:
            gone_since = min(gone_since, time.monotonic()) if isinstance(error, InvalidRequestError) else math.inf
            delay = max(delay, _poll_again_in(error, time.monotonic() - gone_since))
        except TimeoutError:
            _log.debug("%s: no answer about job %s; asking again", provider.name, remote.id)
        else:
            if isinstance(state, Output):
                now = time.monotonic()
                waiting.queue_s, waiting.render_s = turn - began, now - turn
                return state
            gone_since = math.inf
            turn = time.monotonic() if state.queued else turn
            warned = _report(state, call, warned)
        if _left(call) <= delay:
            raise _too_late(remote)
        await asyncio.sleep(delay)
        delay = min(_SLOWEST_POLL_S, delay * 1.3)


def _poll_again_in(error: ImageGenError, gone_s: float) -> float:
    """Seconds until the next poll after a poll that failed; raises what no other poll would mend."""
    match error:
        case InvalidRequestError() if gone_s >= _GONE_AFTER_S:
            raise DeadlineExceededError(
                f"the provider no longer knows the job ({error.message})", expired=True
            ) from error
        case RateLimitError(retry_after_s=pace):
            return pace or _SLOWEST_POLL_S
        case ConnectionFailedError() | OutcomeUnknownError() | InvalidRequestError():
            return _FIRST_POLL_S
        case BadOutputError(reason="unreadable"):
            return _FIRST_POLL_S
        case _:
            raise error


def _report(state: Running, call: Call, warned: str) -> str:
    if state.queued:
        call.report(Queued(state.queue_position))
    else:
        call.report(Progress(state.progress, state.status))
    if not state.known and state.status != warned:
        _log.warning("unknown job state %r: taken as running", state.status)
        return state.status
    return warned


def _too_late(remote: RemoteJob) -> DeadlineExceededError:
    return DeadlineExceededError(f"job {remote.id} is not done in time; it is paid: collect it with resume()")


def _left(call: Call) -> float:
    return call.deadline - asyncio.get_running_loop().time()


async def download(
    provider: Provider, output: Output, remote: RemoteJob | None, call: Call, waiting: Waiting
) -> list[PictureData | ImageGenError]:
    """Every picture of ``output`` as bytes; in place of one that cannot be had, the error that says why."""
    began = time.monotonic()
    found: list[PictureData | ImageGenError] = []
    for slot, image in enumerate(output.images):
        if isinstance(image, ImageUrl):
            try:
                found.append(await _fetched(provider, image, slot, remote, call))
            except ImageGenError as error:
                found.append(error)
        else:
            found.append(PictureData(image) if isinstance(image, bytes) else image)
    if any(isinstance(image, ImageUrl) for image in output.images):
        waiting.download_s = (waiting.download_s or 0.0) + time.monotonic() - began
    return found


async def _fetched(provider: Provider, image: ImageUrl, slot: int, remote: RemoteJob | None, call: Call) -> PictureData:
    """One picture behind a URL: again until the deadline; a link that expired is asked for anew once."""
    delay, renewed = _FIRST_POLL_S, False
    new_sink = call.exchange.new_sink or MemorySink
    while True:
        try:
            async with asyncio.timeout(max(0.0, _left(call))):
                return await call.http.fetcher.fetch(image.url, new_sink)
        except (UnsafeUrlError, PictureTooLargeError) as error:
            raise BadOutputError(f"paid, and not fetched: {error}", reason="unreadable") from None
        except ExpiredError as error:
            fresh = None if renewed or remote is None else await _renewed(provider, remote, slot, call)
            if fresh is None:
                raise DeadlineExceededError(
                    f"the picture's link has expired ({error})", expired=True, billed=Billed.YES
                ) from None
            image, renewed = fresh, True
        except FetchError as error:
            if _left(call) <= delay:
                raise DeadlineExceededError(
                    f"paid, and not downloaded in time ({error}); resume() tries again"
                ) from None
        except TimeoutError:
            raise DeadlineExceededError("paid, and not downloaded in time; resume() tries again") from None
        await asyncio.sleep(delay)
        delay = min(_SLOWEST_POLL_S, delay * 2)


async def _renewed(provider: Provider, remote: RemoteJob, slot: int, call: Call) -> ImageUrl | None:
    """A fresh link from the job, where it still has one; a poll that fails is no answer, and is repeated."""
    state = await wait(provider, remote, call, Waiting())
    found = state.images[slot] if slot < len(state.images) else None
    return found if isinstance(found, ImageUrl) else None
