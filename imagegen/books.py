"""A client's books: its ledger, budgets and label; who may make a call, and what an earlier one left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from imagegen import booking, jobs, replay
from imagegen.booking import Booking
from imagegen.errors import ConfigurationError, DeadlineExceededError
from imagegen.ledger import Budget, CallRow, Intent, Ledger, Store, UnitState
from imagegen.ledger.amounts import to_nano
from imagegen.ledger.claims import Busy, Mine, Stored, claim, take_up
from imagegen.ledger.reading import Reader
from imagegen.limits import Turns
from imagegen.threads import in_thread
from imagegen.types.job import Job, JobPart, OpenUnit, Output, RemoteJob, part_from_json
from imagegen.types.picture import PictureData
from imagegen.types.request import ImageRequest, request_of
from imagegen.types.run import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen.ledger import UnitRow
    from imagegen.ledger.files import Folder
    from imagegen.spool import Spool
    from imagegen.types.result import ImageResult
    from imagegen.types.run import StorePrompts

_ASK_AGAIN_S = 0.2
_HIDEABLE = 12
"""Characters from which on a prompt is taken out of what quotes it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A call of before: its job, and what each of its parts is, in order."""

    job: Job
    booking: Booking
    outcomes: Sequence[Output | RemoteJob]
    units: Sequence[int | None]


class Books:
    """What one client keeps account of."""

    def __init__(
        self,
        ledger: Ledger,
        spool: Spool | None,
        *,
        budget_usd: Decimal | None = None,
        label: str | None = None,
        store_prompts: StorePrompts = "hash",
    ) -> None:
        self.ledger = ledger
        self.spool = None if ledger.durable else spool
        self.spare = spool
        """Where receipts go when the ledger cannot be written after the money is spent."""
        self._turns = Turns(ledger)
        self._label = label
        self._client = uuid.uuid4().hex if budget_usd is not None and not label else None
        self._store_prompts: StorePrompts = store_prompts
        self._budgets = _budgets(budget_usd, label, self._client)

    def open(self, request: ImageRequest, operation: str, run: Run) -> Booking:
        """A new call, not yet written anywhere.

        Raises:
            ConfigurationError: A key or a cache without a ledger.
        """
        if (run.key or run.cache) and not self.ledger.durable:
            raise ConfigurationError(
                f"{'key' if run.key else 'cache'} needs a ledger: Client(ledger=True); nothing was sent"
            )
        call = booking.new_call(str(uuid.uuid4()), request, operation, run)
        call = booking.with_prompt(call, request.prompt, self._store_prompts)
        call = replace(call, label=self._label, client=self._client)
        problems = ["cache needs a seed: without one each call is a new picture"] if run.cache and not call.key else []
        hidden = self._hidden(request.prompt)
        return Booking(self.ledger, self._turns, call, run, self._budgets, hidden_prompt=hidden, problems=problems)

    def _hidden(self, prompt: str) -> str:
        """What no row may quote."""
        return "" if self._store_prompts == "full" or len(prompt) < _HIDEABLE else prompt

    async def claim(self, booked: Booking, deadline: float) -> Mine | ImageResult:
        """What the call's key says: make it, take up what is left of it, or here is its result.

        Raises:
            ConfigurationError: The key was used for something else.
            OutcomeUnknownError: An earlier call with this key may have been billed.
            ImageGenError: It was billed, and gave no picture; or somebody else is still making it at the deadline.
        """
        if booked.call.key is None:
            return Mine(booked.call)
        while isinstance(found := await self._ask(booked), Busy):
            if time.monotonic() + _ASK_AGAIN_S >= deadline:
                raise DeadlineExceededError(
                    f"another call with key {booked.call.key!r} is still under way; nothing was sent now"
                )
            await asyncio.sleep(_ASK_AGAIN_S)
        if isinstance(found, Stored):
            return await self._replayed(found, f"key {booked.call.key!r}")
        booked.call = found.call
        return found

    async def _ask(self, booked: Booking) -> Mine | Stored | Busy:
        retry = booked.run.retry_unknown
        return await self.ledger.do(claim, booked.call, self.ledger.alive, retry_unknown=retry)

    async def _replayed(self, found: Stored, why: str) -> ImageResult:
        assert self.ledger.folder is not None
        return await in_thread(replay.from_text, found.result, self.ledger.folder, why)

    # What an earlier call left behind.

    async def find(self, job: Job | str) -> Found | ImageResult:
        """An accepted call by itself, its text, or its id; its result, where it was collected already.

        Raises:
            ConfigurationError: No such job, or nothing of it can be collected.
        """
        if self.ledger.durable:
            held = await self._held(job.id if isinstance(job, Job) else job)
            if held is None:
                held = await self._adopted(jobs.read_job(job, self.spare))
            if isinstance(held, Stored):
                return await self._replayed(held, f"job {held.call_id[:8]}")
            if held is not None:
                return await self.rest_of(held)
        spooled = jobs.read_job(job, self.spare)
        return self._found_in_spool(spooled)

    def _found_in_spool(self, found: Job) -> Found:
        call = booking.new_call(found.id, found.request, found.operation, Run((found.model,)))
        outcomes = [jobs.outcome_of(part, jobs.kept_pictures(part, found, self.spare)) for part in found.parts]
        return Found(found, self._booking(call, found.request.prompt), outcomes, [None] * len(outcomes))

    async def _held(self, named: str) -> Mine | Stored | None:
        return None if named.lstrip().startswith("{") else await self.ledger.do(_held, named)

    async def _adopted(self, job: Job) -> Mine | Stored | None:
        """A job that this ledger has not seen; not one whose pictures lie in the spool."""
        if not any(part.files for part in job.parts):
            await self.ledger.do(_adopt, booking.adopted(job, self._label))
        return await self._held(job.id)

    async def job_of(self, call: CallRow) -> Job:
        """The job of a call that was claimed before, to be resumed."""
        row = await self.ledger.do(Store.call_by_key, call.key or "")
        if row is None or row["job"] is None:
            raise ConfigurationError(f"key {call.key!r} has no job to collect")
        units = [await self._part(unit) for unit in await self.ledger.do(Store.units, row["id"])]
        job = Job.from_json(_with_prompt(row["job"], await self._prompt(row["id"])))
        return replace(job, parts=tuple(each[0] for each in units if each is not None))

    def _booking(self, call: CallRow, prompt: str) -> Booking:
        return Booking(self.ledger, self._turns, call, Run(("",)), hidden_prompt=self._hidden(prompt))

    async def rest_of(self, mine: Mine) -> Found:
        """What a call gave and can still give: stored pictures, links and handles, as parts of its job."""
        found = [(unit.id, *each) for unit in mine.units if (each := await self._part(unit)) is not None]
        row = await self.ledger.do(Store.call, mine.call.id)
        if not found or row is None or row["job"] is None:
            raise ConfigurationError(f"job {mine.call.id[:8]} has nothing to collect")
        job = Job.from_json(_with_prompt(row["job"], await self._prompt(mine.call.id)))
        units, parts, outcomes = zip(*found, strict=True)
        booked = self._booking(mine.call, job.request.prompt)
        booked.left_by_another = True
        return Found(replace(job, parts=parts), booked, outcomes, units)

    async def _part(self, unit: UnitRow) -> tuple[JobPart, Output | RemoteJob] | None:
        if unit.state in (UnitState.SUBMITTED, UnitState.READY) and unit.part is not None:
            part = part_from_json(unit.part)
            return part, jobs.outcome_of(part, ())
        if unit.state is not UnitState.STORED:
            return None
        assert self.ledger.folder is not None
        names = tuple(row["file"] for row in await self.ledger.do(Store.pictures, unit.id))
        part = JobPart(unit.task, unit.pictures, unit.seed, files=names, cost_usd=unit.reported_usd)
        return part, jobs.outcome_of(part, await in_thread(_pictures, self.ledger.folder, names))

    async def _prompt(self, call_id: str) -> str:
        assert self.ledger.folder is not None
        text = await in_thread(self.ledger.folder.request, call_id)
        return str(json.loads(text)["request"].get("prompt", "")) if text else ""

    async def open_units(self) -> list[UnitRow]:
        """What is open on the ledger, nearest expiry first; submits of processes that are no more are unknown."""
        if not self.ledger.durable:
            return []
        with contextlib.suppress(ConfigurationError):  # what cannot be changed can still be looked at
            await self.ledger.adopt_orphans()
        return await self.ledger.read(Reader.open_units)

    async def jobs(self) -> tuple[OpenUnit, ...]:
        """Everything that is open, on the ledger and in the spool."""
        found = [_open_unit(unit) for unit in await self.open_units()]
        held = {unit.job for unit in found}
        for job in await in_thread(self.spare.jobs) if self.spare is not None else ():
            found += [_spooled(job, part) for part in job.parts if job.id not in held]
        return tuple(found)

    async def forget_request(self, call_id: str) -> None:
        """Forget what was asked in a call that has nothing open any more."""
        units = await self.ledger.do(Store.units, call_id)
        if self.ledger.folder is not None and not any(unit.state in booking.OPEN for unit in units):
            await in_thread(self.ledger.folder.drop_request, call_id)

    async def asked(self, named: str) -> tuple[str, ImageRequest, Mapping[str, Any]]:
        """What was asked in a call that is open, to ask it again: its id, its request, its run settings.

        Raises:
            ConfigurationError: It was not kept.
        """
        row = await self.ledger.do(Store.call, named) if self.ledger.durable else None
        folder = self.ledger.folder
        text = await in_thread(folder.request, row["id"]) if row is not None and folder is not None else None
        if row is None or text is None:
            raise ConfigurationError(f"what was asked in {named[:8]} was not kept: make the call again, with its key")
        fields = json.loads(text)
        return row["id"], request_of(fields["request"]), {name: fields[name] for name in ("model", "policy")}

    async def take_up(self, booked: Booking, call_id: str) -> Mine | ImageResult:
        """Make an earlier call this one's, its unknown outcomes asked anew.

        Raises:
            ConfigurationError: Somebody is still making it.
        """
        booked.call = replace(booked.call, id=call_id, key=None)
        found = await self.ledger.do(take_up, booked.call, call_id, self.ledger.alive, retry_unknown=True)
        if isinstance(found, Busy):
            raise ConfigurationError(f"job {call_id[:8]} is still under way; nothing was sent")
        if isinstance(found, Stored):
            return await self._replayed(found, f"job {call_id[:8]}")
        booked.call = found.call
        return found


def _open_unit(unit: UnitRow) -> OpenUnit:
    now = time.time()
    return OpenUnit(
        job=unit.call_id,
        model=f"{unit.connection}:{unit.model}",
        state=unit.state.value,
        pictures=unit.pictures,
        created_at=datetime.fromtimestamp(unit.created_at, UTC).isoformat(timespec="seconds"),
        age_s=now - unit.created_at,
        at_most_usd=unit.reserved_usd,
        expires_in_s=None if unit.expires_at is None else unit.expires_at - now,
        label=unit.label,
        error=unit.error,
    )


def _spooled(job: Job, part: JobPart) -> OpenUnit:
    age_s = time.time() - datetime.fromisoformat(job.created_at).timestamp()
    state = "submitted" if part.remote is not None else "ready"
    return OpenUnit(job.id, job.model, state, part.n, job.created_at, age_s, part.cost_usd, None)


def _pictures(folder: Folder, names: Sequence[str]) -> list[PictureData]:
    paths = [folder.file("pictures", name) for name in names]
    if gone := next((path for path in paths if not path.is_file()), None):
        raise ConfigurationError(f"the stored picture {gone} is gone: nothing was sent; another key pays again")
    return [PictureData(path=path) for path in paths]


def _adopt(store: Store, intents: Sequence[tuple[Intent, str]]) -> None:
    for intent, part in intents:
        store.adopt(intent, part)


def _held(store: Store, call_id: str) -> Mine | Stored | None:
    row = store.call(call_id)
    if row is None:
        return None
    if row["result"] is not None:
        return Stored(row["id"], row["result"])
    call = CallRow(row["id"], row["binding"], row["fingerprint"], row["operation"], row["key"], row["label"])
    return Mine(call, store.units(row["id"]))


def _budgets(budget_usd: Decimal | None, label: str | None, client: str | None) -> tuple[Budget, ...]:
    """A client's own budget; with a label that of everything under it, in every process."""
    if budget_usd is None:
        return ()
    scope = f"label:{label}" if label else f"client:{client}"
    return (Budget(scope, to_nano(budget_usd) or 0, f"budget_usd={budget_usd}" + (f" of {label}" if label else "")),)


def _with_prompt(text: str, prompt: str) -> str:
    fields = json.loads(text)
    fields["request"]["prompt"] = prompt or "(its prompt was not kept)"
    return json.dumps(fields)
