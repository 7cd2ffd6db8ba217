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
from imagegen.errors import BudgetExceededError, ImageGenError, RateLimitError
from imagegen.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen.client import AsyncClient
    from imagegen.comparison.cells import Cell
    from imagegen.comparison.looking import Looker
    from imagegen.comparison.making import Thumbnail
    from imagegen.comparison.planning import Planned
    from imagegen.comparison.store import CellStore

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
    found = await make_cell(bench.client, planned, dict(bench.settings))
    if isinstance(found, ImageGenError):
        cell = cell_of(planned, found, ())
    else:
        cell = cell_of(planned, found, await in_thread(keep_pictures, bench.store, found, bench.thumbnail))
        if bench.looker is not None:
            cell = cell.with_findings(await bench.looker.look(planned.case, found))
    await in_thread(bench.store.add, cell)
    return cell


def _count(progress: Progress, cell: Cell) -> None:
    progress.done += 1
    progress.known_usd += cell.known_usd + sum((each.cost_usd or Decimal(0) for each in cell.findings), Decimal(0))
    progress.unknown_costs += cell.cost_usd is None


def _note(progress: Progress, error: ImageGenError) -> None:
    what = error.message
    if what in progress.problems or len(progress.problems) < _MOST_PROBLEMS:
        progress.problems[what] = progress.problems.get(what, 0) + 1
