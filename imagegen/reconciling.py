"""Unknown outcomes, settled: by the provider's own list of jobs, or by somebody who looked."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from imagegen.errors import Billed, ConfigurationError, ImageGenError
from imagegen.ledger import Settlement, Store, UnitState
from imagegen.provider import Call, ListsJobs
from imagegen.types.job import JobPart, Outcome, Reconciled, part_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagegen.books import Books
    from imagegen.ledger import UnitRow
    from imagegen.lines import Line
    from imagegen.types.job import ListedJob

_CLOCKS_APART_S = 120.0
"""How far a provider's clock may be from ours."""
_SETTLED_AFTER_S = 30.0
"""A job that is younger may still appear on its provider's list."""
_LISTING_S = 60.0


async def reconcile(books: Books, line_of: Callable[[str], Line]) -> list[Reconciled]:
    """Ask every provider that lists its jobs about the units whose outcome is unknown."""
    unknown = [unit for unit in await books.open_units() if unit.state is UnitState.UNKNOWN]
    by_connection: dict[str, list[UnitRow]] = defaultdict(list)
    for unit in unknown:
        by_connection[unit.connection].append(unit)
    found: list[Reconciled] = []
    for units in by_connection.values():
        found += await _ask_provider(books, line_of, units)
    return found


async def _ask_provider(books: Books, line_of: Callable[[str], Line], units: Sequence[UnitRow]) -> list[Reconciled]:
    try:
        line = line_of(_name(units[0]))
        if not isinstance(line.provider, ListsJobs):
            return [_said(unit, "unknown", f"{line.endpoint.provider} does not list its jobs") for unit in units]
        since = min(unit.created_at for unit in units) - _CLOCKS_APART_S
        call = Call(line.endpoint, line.http, time.monotonic() + _LISTING_S)
        taken = await books.ledger.do(Store.handles)
        listed = [job for job in await line.provider.list_jobs(since, call) if job.remote.id not in taken]
    except ImageGenError as error:
        return [_said(unit, "unknown", error.message) for unit in units]
    return [await _settled(books, unit, listed, line.provider.lists(unit.model)) for unit in units]


def _match(unit: UnitRow, listed: list[ListedJob]) -> list[ListedJob]:
    """The jobs that the unit's submit may have made: the one of its key, else those that could be it."""
    exact = [job for job in listed if job.task_key is not None and job.task_key == unit.task_key]
    return exact or [job for job in listed if job.task_key is None and _may_be(unit, job)]


def _may_be(unit: UnitRow, job: ListedJob) -> bool:
    """Whether nothing that is known of both speaks against it."""
    near = job.created_at is None or abs(job.created_at - unit.created_at) <= _CLOCKS_APART_S
    digest = hashlib.sha256(job.prompt.encode()).hexdigest() if job.prompt is not None else None
    same_prompt = None in (digest, unit.prompt_sha256) or digest == unit.prompt_sha256
    return near and same_prompt and (job.model is None or unit.model in (job.model, *job.aliases))


def _certain(unit: UnitRow, found: Sequence[ListedJob]) -> ListedJob | None:
    """The one job that it is: alone, and known by its key or its prompt."""
    if len(found) != 1:
        return None
    known = found[0].task_key is not None or None not in (found[0].prompt, unit.prompt_sha256)
    return found[0] if known else None


async def _settled(books: Books, unit: UnitRow, listed: list[ListedJob], complete: bool) -> Reconciled:
    found = _match(unit, listed)
    if (job := _certain(unit, found)) is not None:
        listed.remove(job)
        part = JobPart(unit.task, unit.pictures, unit.seed, remote=job.remote)
        await books.ledger.do(Store.found, unit.id, part_to_json(part))
        return _said(unit, "found", f"the provider has it as {job.remote.id}: resume collects it")
    if found:
        return _said(unit, "unknown", f"{len(found)} of the provider's jobs could be it")
    if not complete:
        return _said(unit, "unknown", "the provider does not list the submits of this model")
    if time.time() - unit.created_at < _SETTLED_AFTER_S:
        return _said(unit, "unknown", "it is too young to be missing from the provider's list: ask again later")
    return await settle(books, unit, billed=False, why="the provider lists no such job")


async def settle_by_hand(books: Books, named: str, *, billed: bool) -> tuple[Reconciled, ...]:
    """Book what somebody found out of a job's unknown outcomes.

    Raises:
        ConfigurationError: It has none.
    """
    units = [unit for unit in await books.open_units() if named and unit.call_id.startswith(named)]
    if len({unit.call_id for unit in units}) > 1:
        raise ConfigurationError(f"several jobs begin with {named!r}: name one")
    unknown = [unit for unit in units if unit.state is UnitState.UNKNOWN]
    if not unknown:
        raise ConfigurationError(f"job {named[:8]} has no unknown outcome")
    said = f"settled by hand: {'billed' if billed else 'not billed'}"
    return tuple([await settle(books, unit, billed=billed, why=said) for unit in unknown])


async def settle(books: Books, unit: UnitRow, *, billed: bool, why: str) -> Reconciled:
    """Book what somebody knows of a unit: nothing came, and it was billed, at its upper bound, or not."""
    state = UnitState.FAILED if billed else UnitState.REJECTED
    how = Settlement(state, Billed.YES if billed else Billed.NO, computed=None if billed else 0, error=why)
    await books.ledger.do(Store.settle, unit.id, how)
    await books.forget_request(unit.call_id)
    return _said(unit, "billed" if billed else "not_billed", why)


def _said(unit: UnitRow, outcome: Outcome, why: str) -> Reconciled:
    return Reconciled(unit.call_id, _name(unit), outcome, unit.reserved_usd, why)


def _name(unit: UnitRow) -> str:
    return f"{unit.connection}:{unit.model}"
