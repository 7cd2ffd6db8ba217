"""Stopping what was accepted, at the provider and on the books."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagegen.errors import DeadlineExceededError
from imagegen.provider import Call, ask_cancel
from imagegen.underway import UnderWay, plan_of

if TYPE_CHECKING:
    from imagegen.books import Found
    from imagegen.jobs import OpenJob
    from imagegen.lines import Line
    from imagegen.types.job import RemoteJob


async def stop(line: Line, call: UnderWay, found: Found, opened: OpenJob) -> None:
    """Tell the provider for each part of a job, and write down that nobody will collect it.

    Raises:
        UnsupportedError: The provider cannot stop it.
        DeadlineExceededError: No answer came in time.
    """
    pieces = call.begin(plan_of(opened.job, line.endpoint), line.endpoint.provider)
    async with found.booking as booked:
        for piece, part, unit in zip(pieces, found.job.parts, found.units, strict=True):
            if part.remote is not None:
                await _stopped(line, part.remote, line.call(call, piece))
                await opened.ended(part.index)
                await booked.cancelled(unit)


async def _stopped(line: Line, remote: RemoteJob, call: Call) -> None:
    try:
        async with asyncio.timeout_at(call.deadline):
            await ask_cancel(line.provider, remote, call)
    except TimeoutError:
        raise DeadlineExceededError(
            f"no answer to the cancel of job {remote.id}: it may go on, and can be collected with resume()"
        ) from None
