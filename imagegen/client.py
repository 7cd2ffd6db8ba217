"""The way of a request, from top to bottom: plan, reserve, submit, poll, download, inspect, settle."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, Unpack

from imagegen import booking, judging, plugins, reconciling
from imagegen.background import Background
from imagegen.booking import Booking, check_before_money
from imagegen.books import Books, Found
from imagegen.errors import ConfigurationError, ImageGenError
from imagegen.eventstream import EventStream, Tell
from imagegen.jobs import OpenJob
from imagegen.keeping import OpenJobs
from imagegen.ledger import Ledger, ledger_path
from imagegen.ledger.claims import GIVES, Mine
from imagegen.lines import Lines
from imagegen.parking import finished, park
from imagegen.planning import Wish, plan_call, plan_one, resolve
from imagegen.provider import Judgement, has_jobs
from imagegen.results import Piece
from imagegen.running import PlanRun
from imagegen.settings import Settings, missing_key
from imagegen.spool import Spool, default_folder
from imagegen.stopping import stop
from imagegen.types.connection import Connection
from imagegen.types.cost import read_money
from imagegen.types.job import Job, OpenUnit, Operation, Plan, Reconciled
from imagegen.types.request import ImageRequest
from imagegen.types.result import ImageResult
from imagegen.types.run import CallFields, ClientSettings, Policy, Run, StorePrompts, read_call
from imagegen.underway import UnderWay, plan_of

_CANCEL_S = 30.0


class AsyncClient:
    """Makes pictures, for async code. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        *,
        connections: Mapping[str, Connection] | None = None,
        timeout_s: float | None = None,
        policy: Policy | None = None,
        ledger: bool | str | Path | None = None,
        budget_usd: Decimal | str | float | None = None,
        label: str | None = None,
        store_prompts: StorePrompts | None = None,
        spool: str | Path | bool | None = True,
    ) -> None:
        """
        Args:
            connections: By name; what is not given comes from the environment, the user's file or the catalogue.
            timeout_s: One clock over each call.
            policy: What may be changed to fit a model.
            ledger: A file or folder that keeps what was paid, across processes; True the user's own.
            budget_usd: What this client may spend; with a ``label``, what everything under it may, in every process
                on the same ledger. Without a ledger it holds in this process only.
            label: What spending is booked under.
            store_prompts: How much of a prompt the ledger keeps of a call that is over: ``hash``, ``full``, ``none``.
            spool: The folder for accepted jobs where there is no ledger: True the user's own, None off.
        """
        self._given: ClientSettings = {
            "connections": connections,
            "timeout_s": timeout_s,
            "policy": policy,
            "ledger": ledger,
            "budget_usd": budget_usd,
            "label": label,
            "store_prompts": store_prompts,
            "spool": spool,
        }
        self._settings = Settings.load(connections)
        given = {"timeout_s": timeout_s, "policy": policy}
        of_file = self._settings.client_defaults()
        where = of_file.get("ledger") if ledger is None else ledger
        book = Ledger(ledger_path(where) if where else None)
        verify = {"verify": "decode"} if book.durable else {}
        given = {name: value for name, value in given.items() if value}
        self._defaults = verify | self._settings.run_defaults() | given
        self._books = Books(
            book,
            Spool(default_folder() if spool is True else Path(spool)) if spool else None,
            budget_usd=read_money("budget_usd", budget_usd),
            label=label,
            store_prompts=store_prompts or of_file.get("store_prompts", "hash"),
        )
        self._lines = Lines(self._settings)
        self._background = Background()
        self._here: dict[str, asyncio.Task[ImageResult]] = {}
        self._open = OpenJobs()

    @property
    def keeps_ledger(self) -> bool:
        """Whether what it pays is written to a ledger that outlives the process."""
        return self._books.ledger.durable

    def copy(self, **changes: Unpack[ClientSettings]) -> AsyncClient:
        """A client of its own with the same settings but for ``changes``; budgets are not shared, a ledger is."""
        settings: ClientSettings = {**self._given, **changes}
        return AsyncClient(**settings)

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

    async def judge(
        self, pictures: Sequence[Any], question: str, *, model: str, timeout_s: float | None = None
    ) -> Judgement:
        """What a model that reads pictures says of them: ``client.judge([path], "Is it a fox?", model="google:...")``.

        It is paid for, once; neither the ledger nor a budget knows of it: the answer says what it cost.

        Args:
            pictures: As ``images`` of `edit`, but for URLs.
            timeout_s: One clock over everything; None: that of the client.

        Raises:
            ImageGenError: It gave no answer. `UnsupportedError`: the connection has no models that answer questions.
        """
        self.check_judge(model)
        _, model_id = resolve(model, self._settings)
        _, run = read_call(question, {"model": model, "timeout_s": timeout_s}, self._defaults)
        return await judging.judge(self._lines.line(model), model_id, pictures, question, run.timeout_s)

    def check_judge(self, model: str) -> None:
        """Find out whether `judge` could ask this model; nothing is sent.

        Raises:
            ImageGenError: As `judge`, before anything is sent.
        """
        self._lines.check_home()
        _, model_id = resolve(model, self._settings)
        judging.judge_of(self._lines.line(model), model_id)

    async def submit(self, prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> Job:
        """Pay now, collect later with `resume`. At a synchronous provider the job lives here only: `Job.durable`.

        Raises:
            ImageGenError: Nothing was accepted.
        """
        self._lines.check_home()
        wish, run = self._read(prompt, keywords)
        plan, *_ = plan_call(wish, run.models, self._settings)
        check_before_money(plan, run)
        if not has_jobs(self._lines.line(plan.model).provider):
            job = Job.planned(str(uuid.uuid4()), plan)
            self._here[job.id] = self._background.start(self._make(wish, run), job.id)
            return job
        call, booked = UnderWay(run, wish.request.n), self._books.open(wish.request, wish.operation, run)
        claimed = await self._books.claim(booked, call.deadline)
        if isinstance(claimed, ImageResult):
            return await self._books.job_of(booked.call)
        async with booked:
            if any(unit.state in GIVES for unit in claimed.units):
                return await self._books.job_of(booked.call)
            opened = await self._run(plan, call, booked, collect=False)
            await park(self._lines.line(plan.model), call, opened, call.pieces)
            return call.accepted(opened)

    async def resume(self, job: Job | str, **keywords: Unpack[CallFields]) -> ImageResult:
        """Collect accepted work: a `Job`, its text, or its id. Never submits, but with ``retry_unknown=True``.

        That pays again for what of the call has an unknown outcome.

        Raises:
            ImageGenError: It is not done in time, has expired, or ended without a picture.
        """
        self._lines.check_home()
        if isinstance(job, Job) and job.id in self._here:
            result = await asyncio.shield(self._here[job.id])
            self._here.pop(job.id, None)
            return result
        if keywords.get("retry_unknown"):
            return await self._make_again(job.id if isinstance(job, Job) else job, keywords)
        found = await self._books.find(job)
        if isinstance(found, ImageResult):
            return found
        _, run = read_call(found.job.request, {**keywords, "model": found.job.model}, self._defaults)
        call = UnderWay(run, sum(part.n for part in found.job.parts))
        async with found.booking as booked:
            booked.in_full = call.n == found.job.request.n
            return await self._settle(call, await self._collect_found(call, booked, found), booked)

    async def _collect_found(self, call: UnderWay, booked: Booking, found: Found) -> OpenJob:
        """What an earlier call was given, as the first pieces of this one."""
        running = self._running(found.job.model, call, booked, OpenJob(found.job, self._books.spare))
        endpoint = running.line.endpoint
        indexes = [part.index for part in found.job.parts]
        pieces = call.begin(plan_of(found.job, endpoint), endpoint.provider, indexes)
        for piece, unit in zip(pieces, found.units, strict=True):
            piece.unit = unit
        await asyncio.gather(*map(running.collect, pieces, found.outcomes))
        return running.opened

    async def _make_again(self, named: str, keywords: Mapping[str, Any]) -> ImageResult:
        """What of a call has an unknown outcome is asked anew, with the caller's consent to pay twice."""
        call_id, request, settings = await self._books.asked(named)
        wish, run = self._read(request, {**settings, **keywords})
        run = replace(run, retry_unknown=False)  # the consent was to one more submit
        call, booked = UnderWay(run, request.n), self._books.open(request, wish.operation, run)
        claimed = await self._books.take_up(booked, call_id)
        return claimed if isinstance(claimed, ImageResult) else await self._make_claimed(wish, call, booked, claimed)

    async def jobs(self) -> tuple[OpenUnit, ...]:
        """What was paid, or may be, and is not settled: on the ledger, nearest expiry first, and in the spool."""
        return await self._books.jobs()

    async def reconcile(self, job: str | None = None, *, billed: bool | None = None) -> tuple[Reconciled, ...]:
        """Settle unknown outcomes by the lists of the providers that have one; or one ``job`` by what you know of it.

        Raises:
            ConfigurationError: The job has no unknown outcome.
        """
        self._lines.check_home()
        if job is not None and billed is not None:
            return await reconciling.settle_by_hand(self._books, job, billed=billed)
        return tuple(await reconciling.reconcile(self._books, self._lines.line))

    async def cancel(self, job: Job | str) -> None:
        """Stop a job at its provider; it may be billed all the same.

        Raises:
            UnsupportedError: The provider cannot stop it: it goes on, and can be collected.
        """
        self._lines.check_home()
        found = await self._books.find(job)
        if isinstance(found, ImageResult):
            raise ConfigurationError("it was collected already: there is nothing to stop")
        opened = OpenJob(found.job, self._books.spare)
        timeout_s = min(_CANCEL_S, float(self._defaults.get("timeout_s", _CANCEL_S)))
        _, run = read_call(opened.job.request, {"model": opened.job.model, "timeout_s": timeout_s}, {})
        call = UnderWay(run, sum(part.n for part in opened.job.parts))
        await stop(self._lines.line(opened.job.model), call, found, opened)
        self._open.stopped(found.job)

    async def close(self, grace_s: float = 10.0) -> tuple[str, ...]:
        """Let paid steps that nobody waits for end, for so long; stop the rest; name it, and what is not collected."""
        parked = [f"{name}; it may have been billed" for name in await self._background.drain(grace_s)]
        parked += [f"{job.model}, job {job.id}; it is paid: collect it with resume()" for job in self._open.take_left()]
        await self._lines.close()
        await self._books.ledger.close()
        return tuple(parked)

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
        """Claim the call's key; plan; run model after model, as far as the fallback rules go; settle."""
        self._lines.check_home()
        call = UnderWay(run, wish.request.n, listener=listener)
        booked = self._books.open(wish.request, wish.operation, run)
        claimed = await self._books.claim(booked, call.deadline)
        return claimed if isinstance(claimed, ImageResult) else await self._make_claimed(wish, call, booked, claimed)

    async def _make_claimed(self, wish: Wish, call: UnderWay, booked: Booking, claimed: Mine) -> ImageResult:
        """Collect what an earlier try has paid for, submit the rest, settle."""
        async with booked:
            opened = await self._take_up(call, booked, claimed)
            if claimed.problem is not None:
                call.give_up(claimed.problem)
                return await self._settle(call, opened, booked)
            return await self._settle(call, await self._run_plans(wish, call, booked) or opened, booked)

    async def _take_up(self, call: UnderWay, booked: Booking, claimed: Mine) -> OpenJob | None:
        """What an earlier try at this call has paid for already."""
        if not any(unit.state in GIVES for unit in claimed.units):
            return None
        opened = await self._collect_found(call, booked, await self._books.rest_of(claimed))
        call.keep_failures()
        return opened

    async def _run_plans(self, wish: Wish, call: UnderWay, booked: Booking) -> OpenJob | None:
        """Submit what is missing; the job of the last model that was tried."""
        plans, opened = plan_call(wish, call.run.models, self._settings), None
        check_before_money(plans[0], call.run)
        for plan in plans:
            missing = len(call.missing())
            if missing == 0:
                break
            if missing < wish.request.n:
                rest = replace(wish, request=wish.request.with_fields({"n": missing}))
                plan = plan_one(rest, plan.model, self._settings)
            opened = await self._run(plan, call, booked)
            if not call.may_fall_back():
                break
        return opened

    def _open_job(self, plan: Plan, booked: Booking) -> OpenJob:
        job = Job.planned(booked.call.id, plan)
        if self._books.ledger.durable:
            booked.job, booked.asked = booking.job_text(job), booking.request_text(plan.request, booked)
        return self._open.open(job, self._books.spool)

    async def _run(self, plan: Plan, call: UnderWay, booked: Booking, collect: bool = True) -> OpenJob:
        """All tasks of one plan at once. A caller who leaves loses nothing: what is paid ends in the background."""
        endpoint, _ = resolve(plan.model, self._settings)
        opened, pieces = self._open_job(plan, booked), call.begin(plan, endpoint.provider)
        if problem := missing_key(endpoint):
            for piece in pieces:
                piece.fail(ConfigurationError(problem))
            return opened
        running = self._running(plan.model, call, booked, opened)
        try:
            await running.run(pieces, collect=collect)
        except BaseException:
            booked.parked = True
            name = f"{plan.model}, job {opened.job.id}"
            self._background.start(self._end_without_caller(running, pieces), name)
            raise
        return opened

    def _running(self, model: str, call: UnderWay, booked: Booking, opened: OpenJob) -> PlanRun:
        return PlanRun(self._lines.line(model), call, booked, opened, self._background, self._books.spare)

    async def _end_without_caller(self, running: PlanRun, pieces: list[Piece]) -> None:
        """What is paid ends and is kept: on the ledger as if somebody had waited, else in the spool."""
        running.booked.parked = False
        async with running.booked:
            if not self._books.ledger.durable:
                await park(running.line, running.call, running.opened, pieces)
                self._open.forget(running.opened)
                return
            for piece in pieces:
                if (outcome := await finished(piece)) is not None:
                    await running.collect(piece, outcome)
            if not all(piece.images or piece.failures for piece in pieces):
                return  # an accepted job is left: whoever collects it settles the call
            with contextlib.suppress(ImageGenError):
                await self._settle(running.call, running.opened, running.booked)
                self._open.kept_for_nobody(running.opened.job)

    async def _settle(self, call: UnderWay, opened: OpenJob | None, booked: Booking) -> ImageResult:
        if opened is not None:
            self._open.forget(opened)
        result = call.settle(opened, booked.problems)
        await booked.end(result, call.kept())
        late = tuple(each for each in booked.problems if each not in result.warnings)
        result = replace(result, warnings=result.warnings + late) if late else result
        plugins.announce_result(result)
        return result
