"""One plan under way: each of its tasks is reserved, submitted, polled, downloaded, inspected, and written down."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen import jobs, results
from imagegen.attempt import Submitted, Submitter, UnknownRule, billing_settled, deadline_error
from imagegen.booking import expiry
from imagegen.errors import ImageGenError
from imagegen.provider import pay
from imagegen.types.job import Output, RemoteJob
from imagegen.types.result import Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen.background import Background
    from imagegen.booking import Booking
    from imagegen.http.messages import Exchange
    from imagegen.jobs import OpenJob
    from imagegen.lines import Line
    from imagegen.results import Piece
    from imagegen.spool import Spool
    from imagegen.underway import UnderWay


@dataclass(frozen=True, slots=True)
class PlanRun:
    """What the tasks of one plan share while they run."""

    line: Line
    call: UnderWay
    booked: Booking
    opened: OpenJob
    background: Background
    spare: Spool | None
    """Where receipts go if the ledger cannot be written after the money is spent."""

    async def run(self, pieces: Sequence[Piece], *, collect: bool) -> None:
        """All tasks at once; without ``collect`` accepted jobs are left for later."""
        await asyncio.gather(*(self._piece(piece, collect) for piece in pieces))

    async def _piece(self, piece: Piece, collect: bool) -> None:
        """One task: reserve and submit as the table of states allows, then collect. Its errors stay with it."""
        endpoint = self.line.endpoint
        submitter = Submitter(
            model=self.opened.job.model,
            task=piece.index,
            began=self.call.began,
            deadline=self.call.deadline,
            reserve=functools.partial(self.booked.reserve, endpoint, piece, self.call.deadline),
            may_repeat=functools.partial(self.booked.may_repeat, endpoint),
            unknown_rule=UnknownRule.of(self.call.run.retry_unknown, endpoint.facts),
            attempts=piece.attempts,
        )
        try:
            paid = await submitter.submit(functools.partial(self._paid_step, piece))
        except ImageGenError as error:
            piece.fail(error)
            return
        if collect or isinstance(paid.outcome, Output):
            await self.collect(piece, paid.outcome, paid, submitter.wait_s)

    async def _paid_step(self, piece: Piece, exchange: Exchange) -> Output | RemoteJob:
        """The one step that costs money, in a task of the client's own: it ends even if the caller leaves."""
        name = f"{self.opened.job.model}, job {self.opened.job.id}, submit {len(piece.attempts) + 1}"
        piece.step = self.background.start(self._pay(piece, exchange), name)
        return await asyncio.shield(piece.step)

    async def _pay(self, piece: Piece, exchange: Exchange) -> Output | RemoteJob:
        """Submit. What was accepted is written down before anything else happens, and so is what was not."""
        facts = self.line.endpoint.facts
        try:
            outcome = await self._submit(piece, exchange)
        except ImageGenError as error:
            await self.booked.not_paid(self.line.endpoint, piece, error, exchange)
            raise
        if (part := jobs.receipt(piece.index, piece.task, outcome)) is not None:
            if not await self.booked.accepted(piece, part, expiry(facts.results_kept_s)):
                self.opened.spool = self.spare
            await self.opened.accepted(part)
        return outcome

    async def _submit(self, piece: Piece, exchange: Exchange) -> Output | RemoteJob:
        try:
            async with asyncio.timeout_at(self.call.deadline):
                return await pay(self.line.provider, piece.task, self.line.call(self.call, piece, exchange))
        except TimeoutError:
            raise deadline_error(exchange) from None
        except ImageGenError as error:
            raise billing_settled(error, self.line.endpoint.facts, piece.model) from None

    async def collect(
        self, piece: Piece, outcome: Output | RemoteJob, paid: Submitted | None = None, wait_s: float = 0.0
    ) -> None:
        """Poll, download, inspect: free, and never a way back to submit."""
        provider, call = self.line.provider, self.call
        waiting, remote = Waiting(), outcome if isinstance(outcome, RemoteJob) else None
        ask = self.line.call(call, piece)
        try:
            output = outcome if isinstance(outcome, Output) else await jobs.wait(provider, outcome, ask, waiting)
            found = await jobs.download(provider, output, remote, ask, waiting)
            await results.inspect(piece, found, output, call.run, call.tell, self.booked)
            piece.settle_money(output, remote)
        except ImageGenError as error:
            piece.ended_by_provider(billing_settled(error, self.line.endpoint.facts, piece.model))
            piece.fail(error)
        piece.measure(call.began, wait_s, paid.exchange if paid else None, waiting)
        await self.booked.settled(piece, last=len(call.pieces) == 1)
        if not piece.collectable:
            await self.opened.ended(piece.index)
