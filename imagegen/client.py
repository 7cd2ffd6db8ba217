"""The way of a request, from top to bottom: plan, reserve, submit, poll, download, inspect, settle."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, Unpack

from imagegen import jobs, plugins, results
from imagegen.attempt import Allowance, RetryQuota, Submitter, UnknownRule, billing_settled, deadline_error
from imagegen.background import Background
from imagegen.errors import ConfigurationError, ImageGenError, UnsupportedError
from imagegen.files import check_writable
from imagegen.http.connection import HttpConnection
from imagegen.http.messages import Exchange
from imagegen.http.sinks import FileSink
from imagegen.jobs import OpenJob
from imagegen.planning import plan_call, plan_one, resolve
from imagegen.provider import Call, Provider, pay
from imagegen.results import Piece
from imagegen.settings import Settings, missing_key
from imagegen.spool import Spool, default_folder
from imagegen.types.connection import Connection, Endpoint
from imagegen.types.job import Job, JobPart, Operation, Output, Plan, RemoteJob
from imagegen.types.picture import PictureData
from imagegen.types.request import ImageRequest
from imagegen.types.result import ImageResult, Waiting
from imagegen.types.run import CallFields, Policy, Run, read_call
from imagegen.underway import UnderWay, plan_of

_log = logging.getLogger("imagegen.client")


@dataclass(slots=True)
class _Line:
    """A connection in use: where it leads, who translates, and the HTTP it goes over."""

    endpoint: Endpoint
    provider: Provider
    http: HttpConnection


class AsyncClient:
    """Makes pictures, for async code. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        *,
        connections: Mapping[str, Connection] | None = None,
        timeout_s: float | None = None,
        policy: Policy | None = None,
        spool: str | Path | bool | None = True,
    ) -> None:
        """``spool`` is the folder for accepted jobs: True the user's state folder, None off."""
        self._settings = Settings.load(connections)
        given = {"timeout_s": timeout_s, "policy": policy}
        self._defaults = self._settings.run_defaults() | {name: value for name, value in given.items() if value}
        self._spool = Spool(default_folder() if spool is True else Path(spool)) if spool else None
        self._quota = RetryQuota()
        self._background = Background()
        self._lines: dict[str, _Line] = {}
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None

    # What a caller may ask.

    async def generate(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> ImageResult:
        """New pictures of ``prompt``.

        Raises:
            ImageGenError: No picture came; its kind says what to do, `attempts` and `billed` what it cost.
        """
        request, run = read_call(prompt, keywords, self._defaults)
        return await self._make("generate", request, run)

    def plan(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> Plan:
        """Exactly what `generate` would do, and what it would cost; no network, no key.

        Raises:
            ImageGenError: As `generate` would, before anything is sent.
        """
        request, run = read_call(prompt, keywords, self._defaults)
        first, *others = plan_call(request, "generate", run.models, run.policy, self._settings)
        return replace(first, fallbacks=tuple(others))

    async def resume(self, job: Job | str, **keywords: Unpack[CallFields]) -> ImageResult:
        """Collect accepted work: a `Job`, its text, or the id of one in the spool. Never submits.

        Raises:
            ImageGenError: It is not done in time, has expired, or ended without a picture.
        """
        self._check_home()
        opened = OpenJob(jobs.read_job(job, self._spool), self._spool)
        found = opened.job
        _, run = read_call(found.request, {**keywords, "model": found.model}, self._defaults)
        call, line = UnderWay(run), self._line(found.model)
        plan = plan_of(found, line.endpoint, resolve(found.model, self._settings)[1])
        pieces = call.begin(plan, line.endpoint.provider)
        outcomes = [jobs.outcome_of(part, found, self._spool) for part in found.parts]
        for piece, part in zip(pieces, found.parts, strict=True):
            piece.index = part.index
        await asyncio.gather(*(self._collect(line, call, opened, *each) for each in zip(pieces, outcomes, strict=True)))
        return self._settle(call, opened)

    async def close(self, grace_s: float = 10.0) -> tuple[str, ...]:
        """Let paid steps that nobody waits for end, for so long; stop the rest and name it."""
        parked = await self._background.drain(grace_s)
        for line in self._lines.values():
            await line.provider.aclose()
            await line.http.aclose()
        self._lines.clear()
        return parked

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    # The way of a request.

    async def _make(self, operation: Operation, request: ImageRequest, run: Run) -> ImageResult:
        """Plan; run model after model, as far as the fallback rules go; settle."""
        self._check_home()
        plans = plan_call(request, operation, run.models, run.policy, self._settings)
        _check_before_money(request, plans[0], run)
        call, opened = UnderWay(run, allowance=Allowance(run.max_usd)), None
        self._quota.calls += 1
        for plan in plans:
            missing = len(call.missing())
            if 0 < missing < request.n:
                rest = request.with_fields({"n": missing})
                plan = plan_one(rest, operation, plan.model, run.policy, self._settings)
            opened = await self._run(plan, call)
            if not call.may_fall_back():
                break
        return self._settle(call, opened)

    async def _run(self, plan: Plan, call: UnderWay) -> OpenJob:
        """All tasks of one plan at once. A caller who leaves loses nothing: what is paid ends in the background."""
        endpoint, _ = resolve(plan.model, self._settings)
        pieces = call.begin(plan, endpoint.provider)
        sent = plan.tasks[0].request.asked() if plan.tasks else {}
        job = Job(str(uuid.uuid4()), plan.model, plan.operation, plan.request, sent, plan.adaptations)
        opened = OpenJob(job, self._spool)
        if problem := missing_key(endpoint):
            for piece in pieces:
                piece.fail(ConfigurationError(problem))
            return opened
        line = self._line(plan.model)
        try:
            await asyncio.gather(*(self._piece(line, call, opened, piece) for piece in pieces))
        except BaseException:
            self._background.start(self._park(line, call, opened, pieces), f"{plan.model}, job {job.id}")
            raise
        return opened

    async def _piece(self, line: _Line, call: UnderWay, opened: OpenJob, piece: Piece) -> None:
        """One task: reserve and submit as the table of states allows, then collect. Its errors stay with it."""
        submitter = Submitter(
            model=opened.job.model,
            task=piece.index,
            cost=piece.upper,
            began=call.began,
            deadline=call.deadline,
            quota=self._quota,
            allowance=call.allowance,
            unknown_rule=UnknownRule.of(call.run.retry_unknown, line.endpoint.facts),
            attempts=piece.attempts,
        )
        try:
            paid = await submitter.submit(lambda exchange: self._paid_step(line, call, opened, piece, exchange))
        except ImageGenError as error:
            piece.fail(error)
            return
        await self._collect(line, call, opened, piece, paid.outcome, paid.exchange, submitter.wait_s)

    async def _paid_step(
        self, line: _Line, call: UnderWay, opened: OpenJob, piece: Piece, exchange: Exchange
    ) -> Output | RemoteJob:
        """The one step that costs money, in a task of the client's own: it ends even if the caller leaves."""
        name = f"{opened.job.model}, job {opened.job.id}, submit {len(piece.attempts) + 1}"
        piece.step = self._background.start(self._pay(line, call, opened, piece, exchange), name)
        return await asyncio.shield(piece.step)

    async def _pay(
        self, line: _Line, call: UnderWay, opened: OpenJob, piece: Piece, exchange: Exchange
    ) -> Output | RemoteJob:
        """Submit. What was accepted is written down before anything else happens."""
        try:
            async with asyncio.timeout_at(call.deadline):
                outcome = await pay(line.provider, piece.task, self._call(line, call, exchange, piece))
        except TimeoutError:
            raise deadline_error(exchange) from None
        except ImageGenError as error:
            raise billing_settled(error, line.endpoint.facts, piece.model) from None
        if (part := jobs.receipt(piece.index, piece.task, outcome)) is not None:
            await opened.accepted(part)
        return outcome

    async def _collect(
        self,
        line: _Line,
        call: UnderWay,
        opened: OpenJob,
        piece: Piece,
        outcome: Output | RemoteJob,
        exchange: Exchange | None = None,
        wait_s: float = 0.0,
    ) -> None:
        """Poll, download, inspect: free, and never a way back to submit."""
        waiting, remote = Waiting(), outcome if isinstance(outcome, RemoteJob) else None
        ask = self._call(line, call, Exchange(), piece)
        try:
            output = outcome if isinstance(outcome, Output) else await jobs.wait(line.provider, outcome, ask, waiting)
            found = await jobs.download(line.provider, output, remote, ask, waiting)
            await results.inspect(piece, found, output, call.run)
            piece.settle_money(output, remote)
        except ImageGenError as error:
            piece.fail(error)
        piece.measure(call.began, wait_s, exchange, waiting)
        if not piece.collectable:
            await opened.ended(piece.index)

    def _settle(self, call: UnderWay, opened: OpenJob | None) -> ImageResult:
        result = call.settle(opened)
        plugins.announce_result(result)
        return result

    async def _park(self, line: _Line, call: UnderWay, opened: OpenJob, pieces: list[Piece]) -> None:
        """The caller has left: keep the pictures that are there, and those that steps under way still bring."""
        for piece in pieces:
            images = [image.content for image in piece.images.values() if image.path is None]
            if not images and piece.step is not None:
                images = await self._still_coming(line, call, piece, piece.step)
            if images:
                await opened.keep_pictures(JobPart(piece.index, len(images), piece.task.request.seed), images)

    async def _still_coming(
        self, line: _Line, call: UnderWay, piece: Piece, step: asyncio.Task[Output | RemoteJob]
    ) -> list[PictureData]:
        """What a step gives that nobody waits for. A job is in the spool already; pictures are fetched now."""
        try:
            outcome = await step
            if isinstance(outcome, RemoteJob):
                return []
            found = await jobs.download(
                line.provider, outcome, None, self._call(line, call, Exchange(), piece), Waiting()
            )
        except ImageGenError as error:
            _log.warning("a cancelled call to %s ended: %s", line.endpoint.name, error.message)
            return []
        return [each for each in found if isinstance(each, PictureData)]

    # What it holds.

    def _line(self, model: str) -> _Line:
        endpoint, _ = resolve(model, self._settings)
        if endpoint.name not in self._lines:
            provider = plugins.provider_class(endpoint.provider)()
            self._lines[endpoint.name] = _Line(endpoint, provider, HttpConnection(endpoint))
        return self._lines[endpoint.name]

    def _call(self, line: _Line, call: UnderWay, exchange: Exchange, piece: Piece) -> Call:
        facts, folder = line.endpoint.facts, call.run.save_to
        if facts.idempotency_header:
            exchange.headers = {facts.idempotency_header: piece.task.key}
        if folder is not None:
            exchange.new_sink = lambda size: FileSink(folder)
        return Call(line.endpoint, line.http, call.deadline, functools.partial(jobs.report, piece.index), exchange)

    def _check_home(self) -> None:
        """One process, one loop: sockets and tasks cannot move."""
        here = (os.getpid(), asyncio.get_running_loop())
        self._home = self._home or here
        if self._home[0] != here[0]:
            raise ConfigurationError("this client was made before a fork: make one in the new process")
        if self._home[1] is not here[1]:
            raise ConfigurationError("this client belongs to another event loop: make one for each")


def _check_before_money(request: ImageRequest, plan: Plan, run: Run) -> None:
    """What can be known to fail now must not fail after paying."""
    if request.images:
        raise UnsupportedError("generate takes no input pictures; nothing was sent")
    Allowance(run.max_usd).reserve(plan.cost)
    if run.save_to is not None:
        check_writable(run.save_to)
