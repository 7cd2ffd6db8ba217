"""When a caller leaves: what is paid for ends all the same, and what it brings is kept."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen import jobs
from imagegen.errors import ImageGenError
from imagegen.files import is_temporary
from imagegen.types.job import JobPart, Output, RemoteJob
from imagegen.types.picture import PictureData
from imagegen.types.result import Waiting

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from imagegen.jobs import OpenJob
    from imagegen.lines import Line
    from imagegen.results import Piece
    from imagegen.underway import UnderWay

_log = logging.getLogger("imagegen.parking")


async def park(line: Line, call: UnderWay, opened: OpenJob, pieces: Sequence[Piece]) -> None:
    """Keep the pictures that are there, and those that steps under way still bring. Accepted jobs are kept already."""
    for piece in pieces:
        images = [image.content for image in piece.images.values() if image.path is None]
        part = JobPart(piece.index, len(images), piece.task.request.seed, usage=piece.usage)
        if piece.step is not None and len(piece.images) < piece.task.count:
            part, images = await _still_coming(line, call, piece, piece.step)
            images = [each for each in images if each.path is None or is_temporary(each.path)]
        if images:
            await opened.keep_pictures(part, images)


async def finished(piece: Piece) -> Output | RemoteJob | None:
    """What the paid step of ``piece`` gave, if it is to be collected still; an accepted job waits for `resume`."""
    if piece.step is None or piece.latency is not None:  # which is measured last
        return None
    try:
        outcome = await piece.step
    except ImageGenError as error:
        piece.fail(error)
        return None
    return outcome if isinstance(outcome, Output) else None


async def _still_coming(
    line: Line, call: UnderWay, piece: Piece, step: asyncio.Task[Output | RemoteJob]
) -> tuple[JobPart, list[PictureData]]:
    """What a paid step gives that nobody waits for, and its bill; pictures behind links are fetched now."""
    part, found = JobPart(piece.index, 0, piece.task.request.seed), []
    try:
        outcome = await step
        if isinstance(outcome, Output):
            arrived = await jobs.download(line.provider, outcome, None, line.call(call, piece), Waiting())
            found = [each for each in arrived if isinstance(each, PictureData)]
            part = replace(part, n=len(found), usage=outcome.usage, cost_usd=outcome.cost_usd)
    except ImageGenError as error:
        _log.warning("a cancelled call to %s ended: %s", line.endpoint.name, error.message)
    return part, found
