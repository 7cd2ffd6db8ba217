"""Settle: one call's pieces over all models it tried, as one result or one error."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from imagegen import catalogue, money
from imagegen.attempt import falls_back
from imagegen.errors import Billed, ImageGenError
from imagegen.results import Piece
from imagegen.types.cost import Cost
from imagegen.types.events import Partial
from imagegen.types.job import Job, Plan, Task
from imagegen.types.result import Failure, ImageResult, Latency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagegen.jobs import OpenJob
    from imagegen.ledger import Kept
    from imagegen.types.connection import Endpoint
    from imagegen.types.events import Event
    from imagegen.types.picture import PictureData
    from imagegen.types.result import Adaptation, Attempt, Usage
    from imagegen.types.run import Run


@dataclass(slots=True)
class UnderWay:
    """One call: its clock and the pieces of every plan it ran."""

    run: Run
    n: int
    """How many pictures were asked."""
    began: float = field(default_factory=time.monotonic)
    listener: Callable[[Event], None] | None = None
    """Who wants to hear what happens."""
    partials: list[PictureData] = field(default_factory=list)
    """Unfinished pictures that were shown."""
    given_up: set[int] = field(default_factory=set)
    """Pictures that were, or may have been, paid for and did not come: nobody asks for them again."""
    plans: list[Plan] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def deadline(self) -> float:
        """One clock over everything, monotonic."""
        return self.began + self.run.timeout_s

    def tell(self, event: Event) -> None:
        """Pass an event on; unfinished pictures are kept for the error, should none be finished."""
        if isinstance(event, Partial):
            self.partials.append(event.content)
        if self.listener is not None:
            self.listener(event)

    def begin(self, plan: Plan, provider: str, indexes: Sequence[int] = ()) -> list[Piece]:
        """The pieces of ``plan``, for the pictures that are still missing; what failed before is asked anew.

        ``indexes`` are the parts of a resumed job that its tasks are.
        """
        wanted = self.missing()
        for piece in self.pieces:
            for slot in wanted:
                piece.failures.pop(slot, None)
        first, begun = 0, []
        numbers = indexes or range(len(plan.tasks))
        for index, task, upper in zip(numbers, plan.tasks, plan.task_costs, strict=True):
            slots = tuple(wanted[first : first + task.count])
            begun.append(Piece(index, task, slots, upper, catalogue.find_model(provider, task.model)))
            first += task.count
        self.plans.append(plan)
        self.pieces += begun
        return begun

    def failures(self) -> list[Failure]:
        """What has not come, in the order of the pictures."""
        found = {slot: failure for piece in self.pieces for slot, failure in piece.failures.items()}
        return [found[slot] for slot in sorted(found)]

    def missing(self) -> list[int]:
        """Which pictures have not come."""
        came = {slot for piece in self.pieces for slot in piece.images}
        return [slot for slot in range(self.n) if slot not in came and slot not in self.given_up]

    def keep_failures(self) -> None:
        """What an earlier try was given was paid for: if it does not come now, it is not asked anew in this call."""
        self.given_up |= {failure.index for failure in self.failures()}

    def give_up(self, why: ImageGenError) -> None:
        """Nothing more is submitted for what is missing."""
        for slot in self.missing():
            self.pieces[0].failures.setdefault(slot, Failure(slot, why))

    def may_fall_back(self) -> bool:
        """Whether the next model may be tried: nothing was paid for what is missing, and the input is not at fault."""
        failed = self.failures()
        on_refusal = self.run.fallback_on_refusal
        return (
            bool(failed)
            and not self.partials
            and all(falls_back(failure.error, on_refusal=on_refusal) for failure in failed)
        )

    def accepted(self, opened: OpenJob) -> Job:
        """The job of a call that only submitted; what of it was not accepted is among its `problems`.

        Raises:
            ImageGenError: Nothing was accepted.
        """
        if not opened.job.parts:
            self.settle(opened)
        return replace(opened.job, problems=tuple(failure.error.message for failure in self.failures()))

    def kept(self) -> list[Kept]:
        """The pictures that are files of the ledger, in the order of the result."""
        found = {slot: kept for piece in self.pieces for slot, kept in piece.kept.items()}
        return [found[slot] for slot in sorted(found)]

    def settle(self, opened: OpenJob | None, problems: Sequence[str] = ()) -> ImageResult:
        """Everything the call gave.

        Raises:
            ImageGenError: No picture came.
        """
        images = {slot: image for piece in self.pieces for slot, image in piece.images.items()}
        attempts = tuple(sorted(self._attempts(), key=lambda attempt: attempt.started_s))
        job = opened.job if opened and opened.job.parts else None
        for failure in self.failures():
            self._explain(failure.error, attempts, job)
        if not images:
            raise self._worst()
        plan = self._plan_that_answered()
        return ImageResult(
            images=tuple(images[slot] for slot in sorted(images)),
            failures=tuple(self.failures()),
            model=plan.model,
            answered_by=next((piece.answered_by for piece in self.pieces if piece.answered_by), None),
            usage=self._usage(),
            cost=money.add_costs([piece.cost for piece in self.pieces if piece.cost] + self._lost()),
            latency=self._latency(),
            adaptations=_unique([*plan.adaptations, *(each for piece in self.pieces for each in piece.adaptations)]),
            attempts=attempts,
            warnings=self._warnings(opened, problems),
            request_id=next((each.request_id for each in reversed(attempts) if each.request_id), None),
            raw=self._raw(),
        )

    def _attempts(self) -> list[Attempt]:
        return [attempt for piece in self.pieces for attempt in piece.attempts]

    def _explain(self, error: ImageGenError, attempts: tuple[Attempt, ...], job: Job | None) -> None:
        """Give an error all that its reader needs: every submit, the job to collect, the money at stake."""
        error.attempts, error.job, error.partials = attempts, job, tuple(self.partials)
        billed = {attempt.billed for attempt in attempts}
        if error.billed is not Billed.YES:
            error.billed = next((each for each in (Billed.YES, Billed.UNKNOWN) if each in billed), error.billed)
        error.possibly_billed_usd = self._possibly_billed()

    def _possibly_billed(self) -> Decimal | None:
        total = Decimal(0)
        for piece in self.pieces:
            for attempt in piece.attempts:
                if attempt.billed is not Billed.NO:
                    if piece.upper.at_most_usd is None:
                        return None
                    total += piece.upper.at_most_usd
        return total

    def _worst(self) -> ImageGenError:
        """The error to raise: one that may have cost money before one that did not, else the last."""
        errors = [failure.error for failure in self.failures()]
        return next((error for error in errors if not falls_back(error, on_refusal=True)), errors[-1])

    def _plan_that_answered(self) -> Plan:
        tasks = {id(task): plan for plan in self.plans for task in plan.tasks}
        return next(tasks[id(piece.task)] for piece in self.pieces if piece.images)

    def _lost(self) -> list[Cost]:
        """Money that may be gone for pieces that gave nothing."""
        return [cost for piece in self.pieces if piece.cost is None for cost in piece.lost()]

    def _usage(self) -> Usage | None:
        usages = [piece.usage for piece in self.pieces if piece.usage is not None]
        return sum(usages[1:], usages[0]) if usages else None

    def _latency(self) -> Latency:
        """Of the piece that finished last."""
        found = [piece.latency for piece in self.pieces if piece.latency is not None]
        slowest = max(found, key=lambda each: each.total_s, default=Latency(0.0))
        return replace(slowest, total_s=time.monotonic() - self.began)

    def _warnings(self, opened: OpenJob | None, problems: Sequence[str]) -> tuple[str, ...]:
        said = [warning for plan in self.plans for warning in plan.warnings]
        said += [warning for piece in self.pieces for warning in piece.warnings]
        said += opened.job.problems if opened else ()
        return tuple(dict.fromkeys([*said, *problems, *(opened.problems if opened else ())]))

    def _raw(self) -> object:
        found = [piece.raw for piece in self.pieces if piece.raw is not None]
        return found[0] if len(found) == 1 else found or None


def _unique(entries: Sequence[Adaptation]) -> tuple[Adaptation, ...]:
    found: list[Adaptation] = []
    for entry in entries:
        if entry not in found:
            found.append(entry)
    return tuple(found)


def plan_of(job: Job, endpoint: Endpoint) -> Plan:
    """The plan that an open job is the rest of: nothing in it is sent again."""
    model_id = job.model.partition(":")[2]
    model = catalogue.find_model(endpoint.provider, model_id)
    capabilities = model.capabilities if model else None
    request = job.request.with_fields(dict(job.sent))
    tasks = tuple(
        Task(
            request.with_fields({"n": part.n, "seed": part.seed}),
            model_id,
            job.operation,
            part.n,
            capabilities=capabilities,
        )
        for part in job.parts
    )
    costs = tuple(money.price_before(model, task) for task in tasks)
    return Plan(
        model=job.model,
        request=job.request.with_fields({"n": sum(part.n for part in job.parts)}),
        operation=job.operation,
        tasks=tasks,
        wires=(),
        adaptations=job.adaptations,
        defaults={},
        cost=money.add_costs(costs),
        task_costs=costs,
    )
