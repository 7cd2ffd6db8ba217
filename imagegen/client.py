"""The way of a request, from top to bottom: plan, reserve, submit, poll, download, inspect, settle."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, Unpack

from imagegen import jobs, plugins, results
from imagegen.attempt import Allowance, RetryQuota, Submitted, Submitter, UnknownRule, billing_settled, deadline_error
from imagegen.background import Background
from imagegen.errors import ConfigurationError, ImageGenError
from imagegen.eventstream import EventStream, Tell
from imagegen.files import check_writable
from imagegen.http.messages import Exchange
from imagegen.jobs import OpenJob
from imagegen.lines import Line, Lines
from imagegen.parking import park
from imagegen.planning import Wish, plan_call, plan_one, resolve
from imagegen.provider import ask_cancel, has_jobs, pay
from imagegen.results import Piece
from imagegen.settings import Settings, missing_key
from imagegen.spool import Spool, default_folder
from imagegen.types.connection import Connection
from imagegen.types.job import Job, Operation, Output, Plan, RemoteJob
from imagegen.types.request import ImageRequest
from imagegen.types.result import ImageResult, Waiting
from imagegen.types.run import CallFields, Policy, Run, read_call
from imagegen.underway import UnderWay, plan_of


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
        self._lines = Lines(self._settings)
        self._background = Background()
        self._here: dict[str, asyncio.Task[ImageResult]] = {}

    # What a caller may ask.

    async def generate(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> ImageResult:
        """New pictures of ``prompt``.

        Raises:
            ImageGenError: No picture came; its kind says what to do, `attempts` and `billed` what it cost.
        """
        return await self._make(*self._read(prompt, keywords, "generate"))

    async def edit(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> ImageResult:
        """Pictures changed as ``prompt`` says: ``images=[...]``, and ``mask=`` where white repaints.

        Raises:
            ImageGenError: As `generate`; before anything is sent where an input is no whole picture or does not fit.
        """
        return await self._make(*self._read(prompt, keywords, "edit"))

    def stream(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> EventStream:
        """What happens while pictures are made, with ``images`` edited: ``async with client.stream(...) as events``.

        The last event is `Done`; an error raises from the loop, with `partials`. Leaving early detaches: what is paid
        ends in the background and is kept.
        """
        wish, run = self._read(prompt, keywords)
        return EventStream(lambda tell: self._make(replace(wish, stream=True), run, tell))

    def plan(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> Plan:
        """Exactly what `generate`, or with ``images`` `edit`, would do, and what it would cost; no network, no key.

        Raises:
            ImageGenError: As the verb would, before anything is sent.
        """
        wish, run = self._read(prompt, keywords)
        first, *others = plan_call(wish, run.models, self._settings)
        return replace(first, fallbacks=tuple(others))

    async def submit(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> Job:
        """Pay now, collect later with `resume`. At a synchronous provider the job lives here only: `Job.durable`.

        Raises:
            ImageGenError: Nothing was accepted.
        """
        self._lines.check_home()
        wish, run = self._read(prompt, keywords)
        plan, *_ = plan_call(wish, run.models, self._settings)
        _check_before_money(plan, run)
        if not has_jobs(self._lines.line(plan.model).provider):
            opened = self._open_job(plan)
            self._here[opened.job.id] = self._background.start(self._make(wish, run), opened.job.id)
            return opened.job
        call = UnderWay(run, allowance=Allowance(run.max_usd))
        self._quota.calls += 1
        opened = await self._run(plan, call, collect=False)
        await park(self._lines.line(plan.model), call, opened, call.pieces)
        return call.accepted(opened)

    async def resume(self, job: Job | str, **keywords: Unpack[CallFields]) -> ImageResult:
        """Collect accepted work: a `Job`, its text, or the id of one in the spool. Never submits.

        Raises:
            ImageGenError: It is not done in time, has expired, or ended without a picture.
        """
        self._lines.check_home()
        if isinstance(job, Job) and job.id in self._here:
            return await asyncio.shield(self._here[job.id])
        opened = OpenJob(jobs.read_job(job, self._spool), self._spool)
        found = opened.job
        _, run = read_call(found.request, {**keywords, "model": found.model}, self._defaults)
        call, line = UnderWay(run), self._lines.line(found.model)
        indexes = [part.index for part in found.parts]
        pieces = call.begin(plan_of(found, line.endpoint), line.endpoint.provider, indexes)
        outcomes = [jobs.outcome_of(part, found, self._spool) for part in found.parts]
        await asyncio.gather(*(self._collect(line, call, opened, *each) for each in zip(pieces, outcomes, strict=True)))
        return self._settle(call, opened)

    async def cancel(self, job: Job | str) -> None:
        """Stop a job at its provider; it may be billed all the same.

        Raises:
            UnsupportedError: The provider cannot stop it: it goes on, and can be collected.
        """
        self._lines.check_home()
        opened = OpenJob(jobs.read_job(job, self._spool), self._spool)
        _, run = read_call(opened.job.request, {"model": opened.job.model, "timeout_s": 30}, {})
        call, line = UnderWay(run), self._lines.line(opened.job.model)
        pieces = call.begin(plan_of(opened.job, line.endpoint), line.endpoint.provider)
        for piece, part in zip(pieces, opened.job.parts, strict=True):
            if part.remote is not None:
                async with asyncio.timeout_at(call.deadline):
                    await ask_cancel(line.provider, part.remote, line.call(call, piece))
                await opened.ended(part.index)

    async def close(self, grace_s: float = 10.0) -> tuple[str, ...]:
        """Let paid steps that nobody waits for end, for so long; stop the rest and name it."""
        parked = await self._background.drain(grace_s)
        await self._lines.close()
        return parked

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    # The way of a request.

    def _read(
        self, prompt: str | ImageRequest, keywords: Mapping[str, Any], operation: Operation | None = None
    ) -> tuple[Wish, Run]:
        request, run = read_call(prompt, keywords, self._defaults)
        return Wish(request, operation or ("edit" if request.images else "generate"), run.policy), run

    async def _make(self, wish: Wish, run: Run, listener: Tell | None = None) -> ImageResult:
        """Plan; run model after model, as far as the fallback rules go; settle."""
        self._lines.check_home()
        plans = plan_call(wish, run.models, self._settings)
        _check_before_money(plans[0], run)
        call, opened = UnderWay(run, allowance=Allowance(run.max_usd), listener=listener), None
        self._quota.calls += 1
        for plan in plans:
            missing = len(call.missing())
            if 0 < missing < wish.request.n:
                rest = replace(wish, request=wish.request.with_fields({"n": missing}))
                plan = plan_one(rest, plan.model, self._settings)
            opened = await self._run(plan, call)
            if not call.may_fall_back():
                break
        return self._settle(call, opened)

    def _open_job(self, plan: Plan) -> OpenJob:
        sent = plan.tasks[0].request.asked()
        job = Job(str(uuid.uuid4()), plan.model, plan.operation, plan.request, sent, plan.adaptations)
        return OpenJob(job, self._spool)

    async def _run(self, plan: Plan, call: UnderWay, collect: bool = True) -> OpenJob:
        """All tasks of one plan at once. A caller who leaves loses nothing: what is paid ends in the background."""
        endpoint, _ = resolve(plan.model, self._settings)
        opened, pieces = self._open_job(plan), call.begin(plan, endpoint.provider)
        if problem := missing_key(endpoint):
            for piece in pieces:
                piece.fail(ConfigurationError(problem))
            return opened
        line = self._lines.line(plan.model)
        try:
            await asyncio.gather(*(self._piece(line, call, opened, piece, collect) for piece in pieces))
        except BaseException:
            self._background.start(park(line, call, opened, pieces), f"{plan.model}, job {opened.job.id}")
            raise
        return opened

    async def _piece(self, line: Line, call: UnderWay, opened: OpenJob, piece: Piece, collect: bool) -> None:
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
        if collect or isinstance(paid.outcome, Output):
            await self._collect(line, call, opened, piece, paid.outcome, paid, submitter.wait_s)

    async def _paid_step(
        self, line: Line, call: UnderWay, opened: OpenJob, piece: Piece, exchange: Exchange
    ) -> Output | RemoteJob:
        """The one step that costs money, in a task of the client's own: it ends even if the caller leaves."""
        name = f"{opened.job.model}, job {opened.job.id}, submit {len(piece.attempts) + 1}"
        piece.step = self._background.start(self._pay(line, call, opened, piece, exchange), name)
        return await asyncio.shield(piece.step)

    async def _pay(
        self, line: Line, call: UnderWay, opened: OpenJob, piece: Piece, exchange: Exchange
    ) -> Output | RemoteJob:
        """Submit. What was accepted is written down before anything else happens."""
        try:
            async with asyncio.timeout_at(call.deadline):
                outcome = await pay(line.provider, piece.task, line.call(call, piece, exchange))
        except TimeoutError:
            raise deadline_error(exchange) from None
        except ImageGenError as error:
            raise billing_settled(error, line.endpoint.facts, piece.model) from None
        if (part := jobs.receipt(piece.index, piece.task, outcome)) is not None:
            await opened.accepted(part)
        return outcome

    async def _collect(
        self,
        line: Line,
        call: UnderWay,
        opened: OpenJob,
        piece: Piece,
        outcome: Output | RemoteJob,
        paid: Submitted | None = None,
        wait_s: float = 0.0,
    ) -> None:
        """Poll, download, inspect: free, and never a way back to submit."""
        waiting, remote = Waiting(), outcome if isinstance(outcome, RemoteJob) else None
        ask = line.call(call, piece)
        try:
            output = outcome if isinstance(outcome, Output) else await jobs.wait(line.provider, outcome, ask, waiting)
            found = await jobs.download(line.provider, output, remote, ask, waiting)
            await results.inspect(piece, found, output, call.run, call.tell)
            piece.settle_money(output, remote)
        except ImageGenError as error:
            piece.fail(error)
        piece.measure(call.began, wait_s, paid.exchange if paid else None, waiting)
        if not piece.collectable:
            await opened.ended(piece.index)

    def _settle(self, call: UnderWay, opened: OpenJob | None) -> ImageResult:
        result = call.settle(opened)
        plugins.announce_result(result)
        return result


def _check_before_money(plan: Plan, run: Run) -> None:
    """What can be known to fail now must not fail after paying."""
    Allowance(run.max_usd).reserve(plan.cost)
    if run.save_to is not None:
        check_writable(run.save_to)
