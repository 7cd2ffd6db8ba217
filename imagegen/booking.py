"""One call on the ledger: its key, the units it pays for, its pictures, its result.

Without a ledger the same runs in memory: budgets and limits hold in this process, and nothing is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from imagegen import replay
from imagegen.attempt import state_of, trouble_of
from imagegen.errors import (
    BadOutputError,
    Billed,
    BudgetExceededError,
    ConfigurationError,
    DeadlineExceededError,
    ImageGenError,
    ModerationError,
    RateLimitError,
)
from imagegen.files import check_writable
from imagegen.ledger import Budget, CallRow, Intent, Kept, Settlement, Store, UnitState
from imagegen.ledger.amounts import to_nano, to_nano_up
from imagegen.ledger.claims import take_left
from imagegen.secrets import without_prompt
from imagegen.threads import in_thread
from imagegen.types.job import JobPart, part_to_json
from imagegen.types.picture import PictureData
from imagegen.types.result import AttemptState
from imagegen.types.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen.http.messages import Exchange
    from imagegen.ledger import Ledger
    from imagegen.limits import Turns
    from imagegen.results import Piece
    from imagegen.types.connection import Endpoint
    from imagegen.types.job import Job, Plan
    from imagegen.types.request import ImageRequest
    from imagegen.types.result import ImageResult

_log = logging.getLogger("imagegen.booking")
_STATES = {
    AttemptState.NOT_SENT: UnitState.NOT_SENT,
    AttemptState.REJECTED: UnitState.REJECTED,
    AttemptState.REFUSED: UnitState.REFUSED,
    AttemptState.UNKNOWN: UnitState.UNKNOWN,
    AttemptState.BILLED: UnitState.UNREADABLE,
}


@dataclass(slots=True)
class Booking:
    """One call, as the ledger follows it."""

    ledger: Ledger
    turns: Turns
    call: CallRow
    run: Run
    budgets: Sequence[Budget] = ()
    job: str | None = None
    asked: str | None = None
    """What was asked, to be kept from the first submit to the end."""
    hidden_prompt: str = ""
    """What no row may quote; empty where prompts are kept in full, or too short to tell from other words."""
    unsettled: list[tuple[int, Settlement]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    in_full: bool = True
    """Whether the result is that of all pictures that were asked, so that it can stand for the call."""
    left_by_another: bool = False
    """Whether the call was begun before: entering takes it over from whoever has left it."""
    ended: bool = False
    parked: bool = False
    """True once its end is somebody else's: what was paid ends in the background."""

    async def __aenter__(self) -> Self:
        if self.left_by_another and not await self.ledger.do(take_left, self.call.id, self.ledger.alive):
            raise ConfigurationError(f"job {self.call.id[:8]} is still under way: ask again when it has ended")
        return self

    async def __aexit__(self, *exception: object) -> None:
        if not self.ended and not self.parked:
            await asyncio.shield(self.end(None))

    # Paying.

    async def reserve(self, endpoint: Endpoint, piece: Piece, deadline: float) -> float:
        """Write the intent of the next submit and set its money aside; the seconds that it waited for its turn.

        Raises:
            ImageGenError: It does not fit a budget, its turn would come too late, or the ledger cannot be written.
        """
        intent = await self._intent(endpoint, piece)
        asked, self.asked = self.asked, None
        piece.unit, waited = await self.turns.take(intent, deadline, asked)
        return waited

    async def _intent(self, endpoint: Endpoint, piece: Piece) -> Intent:
        task, family = piece.task, (piece.model.family if piece.model else "") or piece.task.model
        ceiling = self.run.max_usd_per_image
        return Intent(
            call=self.call,
            job=self.job,
            task=piece.index,
            attempt=len(piece.attempts) + 1,
            task_key=task.key,
            connection=endpoint.name,
            account=await self.ledger.account(endpoint),
            family=family,
            model=task.model,
            pictures=task.count,
            seed=task.request.seed,
            estimated_least=to_nano(piece.upper.known_usd) if piece.upper.at_most_usd is not None else None,
            estimated_most=to_nano_up(piece.upper.at_most_usd),
            ceiling=to_nano_up(ceiling * task.count) if ceiling is not None else None,
            budgets=[*self.budgets, *self._ceiling()],
            limits=endpoint.limits.of(family),
        )

    def _ceiling(self) -> list[Budget]:
        """The call's own ``max_usd``, over every try at it."""
        most = self.run.max_usd
        return [] if most is None else [Budget(f"call:{self.call.id}", to_nano(most) or 0, f"max_usd={most}")]

    async def may_repeat(self, endpoint: Endpoint) -> bool:
        """Whether a submit may be made once more: processes share what they may repeat."""
        return await self.ledger.do(Store.take_repeat, await self.ledger.account(endpoint))

    async def not_paid(self, endpoint: Endpoint, piece: Piece, error: ImageGenError, exchange: Exchange) -> None:
        """Book a submit that gave neither picture nor job."""
        if self.ledger.folder is not None and (raw := getattr(error, "raw", b"")):
            error.message += await self._quarantined(raw)
            error.args = (error.message,)
        if isinstance(error, RateLimitError) and error.retry_after_s:
            account, family = await self.ledger.account(endpoint), (piece.model.family if piece.model else "")
            await self._write(Store.state_pace, account, family or piece.task.model, error.retry_after_s)
        state = _STATES[state_of(error)]
        if state is UnitState.UNKNOWN and error.billed is Billed.NO:
            state = UnitState.REJECTED  # documented as free
        how = Settlement(
            state,
            error.billed,
            computed=0 if error.billed is Billed.NO else None,
            error=self._without_prompt(error.message),
            status=getattr(error, "status", None) or exchange.status,
            request_id=getattr(error, "request_id", None) or exchange.request_id,
            trouble=trouble_of(error),
        )
        await self._settle(piece, how)

    async def accepted(self, piece: Piece, part: JobPart, expires_at: float | None) -> bool:
        """Write down what was paid for before anything is asked of it; False where it cannot be written here."""
        if not self.ledger.durable or piece.unit is None:
            return False
        state = UnitState.SUBMITTED if part.remote is not None else UnitState.READY
        return await self._write(Store.accepted, piece.unit, state, part_to_json(part), expires_at)

    async def cancelled(self, unit: int | None) -> None:
        """Book that a job was stopped; it may be billed all the same."""
        if unit is not None:
            await self._write(Store.settle, unit, Settlement(UnitState.CANCELLED, Billed.UNKNOWN))

    # Keeping.

    async def keep(self, piece: Piece, slot: int, content: PictureData, media_type: str) -> PictureData:
        """A whole picture as a file of the ledger; the picture itself where there is none, or no room."""
        if (folder := self.ledger.folder) is None:
            return content
        try:
            sha256, path = await in_thread(folder.keep, content, media_type)
        except OSError as error:
            self._problem(f"a picture could not be kept in {folder.path} ({error.strerror}): it is in this result only")
            return content
        piece.kept[slot] = Kept(slot, sha256, path.name, media_type, content.size_bytes)
        return content if content.path is not None else PictureData(path=path, size_bytes=content.size_bytes)

    async def quarantine(self, error: BadOutputError) -> None:
        """Keep paid bytes that are no whole picture, and say where."""
        if self.ledger.folder is not None and error.raw:
            error.message += await self._quarantined(error.raw)
            error.args = (error.message,)

    async def _quarantined(self, raw: bytes) -> str:
        assert self.ledger.folder is not None
        try:
            return f"; kept as {await in_thread(self.ledger.folder.quarantine, raw)}"
        except OSError as error:
            return f"; it could not be kept ({error.strerror})"

    async def settled(self, piece: Piece, *, last: bool) -> None:
        """Book what came of a paid submit: its pictures, its price; or leave it open, where it can be collected.

        That of a call's ``last`` piece is written together with the end of the call.
        """
        if piece.unit is None or piece.collectable:
            return
        how = _settlement(piece)
        how = how if how.error is None else replace(how, error=self._without_prompt(how.error))
        self.unsettled.append((piece.unit, how))
        if not last:
            await self._write(Store.settle, *self.unsettled.pop())

    def _without_prompt(self, text: str) -> str:
        """Providers quote prompts in their errors."""
        return without_prompt(text, self.hidden_prompt) if self.hidden_prompt else text

    async def _settle(self, piece: Piece, how: Settlement) -> None:
        if piece.unit is not None:
            await self._write(Store.settle, piece.unit, how)

    async def _write(self, step: Any, *values: Any) -> bool:
        """Write what happened after the money: a ledger that fails now costs a warning, never a picture."""
        try:
            await self.ledger.do(step, *values)
        except ImageGenError as error:
            self._problem(error.message.replace("; nothing was sent", ""))
            return False
        return True

    def _problem(self, text: str) -> None:
        _log.warning("%s", text)
        self.problems.append(text)

    async def end(self, result: ImageResult | None, kept: Sequence[Kept] = ()) -> None:
        """The call is over: its result for the next call with its key; its prompt, where nothing is open, forgotten."""
        self.ended = True
        if not self.ledger.durable:
            await self.ledger.do(_forget, self.call.id, self.unsettled)
            return
        whole = result is not None and len(kept) == len(result.images) and self.in_full
        hide = self._without_prompt if self.hidden_prompt else None
        text = replay.to_text(result, kept, hide) if result is not None and whole else None
        unsettled, self.unsettled = self.unsettled, []
        try:
            await self.ledger.finish(self.call.id, unsettled, text)
        except ImageGenError as error:
            self._problem(error.message.replace("; nothing was sent", ""))


def _forget(store: Store, call_id: str, unsettled: Sequence[tuple[int, Settlement]]) -> None:
    """In memory only totals stay, and the breaker."""
    store.finish(call_id, unsettled, None)
    store.forget_call(call_id)


OPEN = (UnitState.INTENT, UnitState.SUBMITTED, UnitState.READY, UnitState.UNKNOWN)


def _settlement(piece: Piece) -> Settlement:
    worst = next((failure.error for failure in piece.failures.values()), None)
    return Settlement(
        _last_state(piece),
        worst.billed if worst is not None and not piece.images else Billed.YES,
        reported=to_nano(piece.reported_usd),
        computed=to_nano(piece.computed_usd),
        came=len(piece.images),
        pictures=tuple(piece.kept.values()),
        error=worst.message if worst is not None else None,
        request_id=piece.attempts[-1].request_id if piece.attempts else None,
        duration_s=piece.latency.total_s if piece.latency is not None else None,
        trouble="ok" if piece.images else None,
    )


def _last_state(piece: Piece) -> UnitState:
    if piece.images:
        return UnitState.STORED if len(piece.kept) == len(piece.images) else UnitState.RETURNED
    match next((failure.error for failure in piece.failures.values()), None):
        case ModerationError():
            return UnitState.REFUSED
        case DeadlineExceededError():
            return UnitState.EXPIRED
        case BadOutputError():
            return UnitState.UNREADABLE
        case _:
            return UnitState.FAILED


def new_call(call_id: str, request: ImageRequest, operation: str, run: Run) -> CallRow:
    """The row of a call, with the key that it is made once under."""
    binding = hashlib.sha256(
        json.dumps([request.fingerprint, list(run.models), operation], separators=(",", ":")).encode()
    ).hexdigest()
    cached = binding if run.cache and request.seed is not None else None
    return CallRow(call_id, binding, request.fingerprint, operation, key=run.key or cached)


def check_before_money(plan: Plan, run: Run) -> None:
    """Find out before the first submit what can be known to fail after it: the ceiling, and where files go.

    Raises:
        BudgetExceededError: It can cost more than ``max_usd``, or nobody knows.
        ConfigurationError: Nothing can be written to ``save_to``.
    """
    _check_ceiling(plan, run)
    if run.save_to is not None:
        check_writable(run.save_to)


def _check_ceiling(plan: Plan, run: Run) -> None:
    if run.max_usd is None:
        return
    most = plan.cost.at_most_usd
    if most is None and run.max_usd_per_image is not None:
        most = run.max_usd_per_image * plan.request.n
    if most is None:
        raise BudgetExceededError(
            f"max_usd={run.max_usd} cannot be kept: the price is not known; max_usd_per_image says what a picture may "
            "cost; nothing was sent"
        )
    if most > run.max_usd:
        raise BudgetExceededError(f"it may cost ${most:f}, more than max_usd={run.max_usd}; it was not sent")


def with_prompt(call: CallRow, prompt: str, store_prompts: str) -> CallRow:
    """The row with as much of the prompt as is to be kept: its hash, all of it, nothing."""
    digest = hashlib.sha256(prompt.encode()).hexdigest() if store_prompts != "none" else None
    return replace(call, prompt_sha256=digest, prompt=prompt if store_prompts == "full" else None)


def job_text(job: Job) -> str:
    """A job without parts and without its prompt and inputs: what a resumed call is checked against."""
    asked = {name: value for name, value in job.request.asked().items() if name not in _PRIVATE}
    sent = {name: value for name, value in job.sent.items() if name not in _PRIVATE}
    public = tuple(each for each in job.adaptations if each.field not in _PRIVATE)
    fields = json.loads(replace(job, parts=(_SOME_PART,), adaptations=public).to_json())
    return json.dumps({**fields, "request": asked, "sent": sent, "parts": []}, ensure_ascii=False)


_PRIVATE = frozenset({"prompt", "negative_prompt", "end_user_id", "images", "mask"})
_SOME_PART = JobPart(0, 1, urls=("",))


def request_text(request: ImageRequest, booked: Booking) -> str | None:
    """What was asked, to ask it again if its outcome stays unknown; pictures by their paths. None: not to be kept."""
    if booked.call.prompt_sha256 is None:
        return None
    run = booked.run
    fields = request.asked()
    for name in ("images", "mask"):
        if name in fields:
            pictures = request.images if name == "images" else (request.mask,)
            fields[name] = [str(each.path.resolve()) if each.path else each.url for each in pictures if each]
            if None in fields[name]:
                return None  # bytes that are in memory only
    return json.dumps({"request": fields, "model": list(run.models), "policy": run.policy}, ensure_ascii=False)


def adopted(job: Job, label: str | None) -> list[tuple[Intent, str]]:
    """The parts of a job that was accepted elsewhere, as units of this ledger; each with its receipt."""
    call = replace(new_call(job.id, job.request, job.operation, Run((job.model,))), label=label)
    connection, _, model = job.model.partition(":")
    text = job_text(job)
    return [
        (
            Intent(
                call=call,
                job=text,
                task=part.index,
                attempt=0,
                task_key="",
                connection=connection,
                account=connection,
                family=model,
                model=model,
                pictures=part.n,
                seed=part.seed,
            ),
            part_to_json(part),
        )
        for part in job.parts
    ]


def expiry(kept_s: float | None) -> float | None:
    """When a result that is kept so long is gone, counted from now."""
    return None if kept_s is None else time.time() + kept_s
