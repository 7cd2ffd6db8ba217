"""Makes the cells: bounded for each connection, in one random order, each written down as it is finished."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from imagegen.comparison.making import cell_of, keep_pictures, make_cell
from imagegen.errors import Billed, BudgetExceededError, ImageGenError, RateLimitError
from imagegen.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen.client import AsyncClient
    from imagegen.comparison.cells import Cell
    from imagegen.comparison.judge import Judge
    from imagegen.comparison.looking import Looker
    from imagegen.comparison.making import Thumbnail
    from imagegen.comparison.planning import Planned
    from imagegen.comparison.purse import Purse
    from imagegen.comparison.store import CellStore
    from imagegen.types.result import ImageResult

_MOST_PROBLEMS = 20
_MOST_WAITS, _LONGEST_WAIT_S = 5, 60
"""How often, one after another, a worker waits for a provider that lets nothing through at the moment."""


@dataclass(slots=True)
class Progress:
    """How far a comparison is."""

    total: int
    done: int = 0
    known_usd: Decimal = Decimal(0)
    unknown_costs: int = 0
    """Cells that cost nobody knows how much."""
    started: float = field(default_factory=time.monotonic)
    left_out: int = 0
    """Cells that are no result: the next run makes them."""
    problems: dict[str, int] = field(default_factory=dict)
    """Why, and how often."""

    @property
    def left_s(self) -> float | None:
        """Seconds to go at the pace so far; None before the first cell."""
        if not self.done:
            return None
        return (time.monotonic() - self.started) / self.done * (self.total - self.done - self.left_out)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run works with."""

    client: AsyncClient
    store: CellStore
    thumbnail: Thumbnail
    looker: Looker | None
    judge: Judge | None = None
    parallel: int = 4
    """Calls at once for each connection."""
    order_seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Run settings of every call."""
    tell: Callable[[Progress], None] = lambda progress: None


async def run_cells(bench: Bench, planned: Sequence[Planned]) -> Progress:
    """Make all of them, in an order that favours no model: what time of day it is hits them all alike.

    A budget that is used up ends the run; what was made until then is written down.
    """
    order = list(planned)
    Random(bench.order_seed).shuffle(order)
    queues: dict[str, deque[Planned]] = {}
    for each in order:
        queues.setdefault(each.model.partition(":")[0], deque()).append(each)
    progress = Progress(len(order))
    async with asyncio.TaskGroup() as group:
        for queue in queues.values():
            for _ in range(min(bench.parallel, len(queue))):
                group.create_task(_work(bench, queue, progress))
    return progress


async def _work(bench: Bench, queue: deque[Planned], progress: Progress) -> None:
    waited = 0
    while queue:
        planned = queue.popleft()
        try:
            cell = await _one(bench, planned)
        except ImageGenError as error:
            if isinstance(error, RateLimitError) and error.retry_after_s is not None and waited < _MOST_WAITS:
                waited += 1
                queue.append(planned)
                await asyncio.sleep(min(error.retry_after_s, _LONGEST_WAIT_S))
                continue
            progress.left_out += 1
            _note(progress, error)
            if isinstance(error, BudgetExceededError):
                progress.left_out += len(queue)
                queue.clear()
        else:
            waited = 0
            _count(progress, cell)
        bench.tell(progress)


async def _one(bench: Bench, planned: Planned) -> Cell:
    found = await (_made(bench, planned) if bench.judge is None else _within(bench.judge.purse, bench, planned))
    if isinstance(found, ImageGenError):
        cell = cell_of(planned, found, ())
    else:
        cell = cell_of(planned, found, await in_thread(keep_pictures, bench.store, found, bench.thumbnail))
        if bench.looker is not None:
            cell = cell.with_findings(await bench.looker.look(planned.case, found))
        if bench.judge is not None:
            cell = cell.with_findings(cell.findings + await bench.judge.look(planned, found))
    await in_thread(bench.store.add, cell)
    return cell


async def _made(bench: Bench, planned: Planned) -> ImageResult | ImageGenError:
    return await make_cell(bench.client, planned, dict(bench.settings))


async def _within(purse: Purse, bench: Bench, planned: Planned) -> ImageResult | ImageGenError:
    """The call of one cell, paid from what the judge is paid from too.

    Raises:
        BudgetExceededError: It could cost more than the judge has left.
    """
    ceiling = bench.settings.get("max_usd_per_image")
    held = planned.at_most_usd if planned.at_most_usd is not None else Decimal(ceiling or 0) * planned.case.request.n
    if not purse.hold(held):
        raise BudgetExceededError(f"it may cost ${held:f}, and pictures and judge leave too little of max_usd")
    spent: Decimal | None = Decimal(0)
    try:
        found = await _made(bench, planned)
        spent = _most(found) if not isinstance(found, ImageGenError) else _most_billed(found, held)
        return found
    finally:
        purse.settle(held, spent)


def _most(result: ImageResult) -> Decimal | None:
    return result.cost.amount_usd if result.cost.amount_usd is not None else result.cost.at_most_usd


def _most_billed(error: ImageGenError, held: Decimal) -> Decimal:
    return Decimal(0) if error.billed is Billed.NO else (error.possibly_billed_usd or held)


def _count(progress: Progress, cell: Cell) -> None:
    progress.done += 1
    progress.known_usd += cell.known_usd + sum((each.cost_usd or Decimal(0) for each in cell.findings), Decimal(0))
    progress.unknown_costs += cell.cost_usd is None


def _note(progress: Progress, error: ImageGenError) -> None:
    what = error.message
    if what in progress.problems or len(progress.problems) < _MOST_PROBLEMS:
        progress.problems[what] = progress.problems.get(what, 0) + 1
