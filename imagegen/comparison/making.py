"""One cell: the call, and what came of it. A failed or refused call is a result; only our own side is none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from imagegen.comparison.cells import Cell, CellPicture
from imagegen.errors import (
    AuthenticationError,
    Billed,
    BudgetExceededError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    ImageGenError,
    ModerationError,
    OutcomeUnknownError,
    QuotaError,
    RateLimitError,
)
from imagegen.types.result import AttemptState, plain

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen.client import AsyncClient
    from imagegen.comparison.planning import Planned
    from imagegen.comparison.store import CellStore
    from imagegen.types.result import Attempt, Image, ImageResult

NOT_A_RESULT = (AuthenticationError, BudgetExceededError, ConfigurationError, ConnectionFailedError, QuotaError)
"""What says nothing of the model: key, credit, budget, settings, network. Such a cell is made in the next run."""
Thumbnail: TypeAlias = "Callable[[Path, Path], Path | None]"


async def make_cell(client: AsyncClient, planned: Planned, settings: dict[str, Any]) -> ImageResult | ImageGenError:
    """The call of one cell; its key makes sure that it is paid once, whatever happens to this process.

    Raises:
        ImageGenError: One of `NOT_A_RESULT`, or the job is not done yet: nothing to write down.
    """
    verb = client.edit if planned.case.operation == "edit" else client.generate
    try:
        return await verb(planned.case.request, model=planned.model, key=planned.paid_once_by, **settings)
    except NOT_A_RESULT:
        raise
    except DeadlineExceededError as error:
        if error.job is not None and not error.expired:
            raise  # accepted and late: the next run collects it
        return error
    except RateLimitError as error:
        if not error.attempts:
            raise  # our own limits let nothing through: it was not asked
        return error
    except ImageGenError as error:
        return error


def cell_of(planned: Planned, found: ImageResult | ImageGenError, pictures: tuple[CellPicture, ...]) -> Cell:
    """What is written down of it."""
    case = planned.case
    same: dict[str, Any] = {
        "key": planned.key,
        "case": case.id,
        "prompt": case.request.prompt,
        "operation": case.operation,
        "fields": case.request.asked(),
        "fingerprint": case.request.fingerprint,
        "model": planned.model,
        "repeat": planned.repeat,
        "tags": case.tags,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    attempts = found.attempts
    submits = sum(each.state is not AttemptState.NOT_SENT for each in attempts)
    same |= {"submits": submits, "retries": _retries(attempts), "request_ids": _request_ids(attempts)}
    return Cell(**same, **(_failed(found) if isinstance(found, ImageGenError) else _came(found)), pictures=pictures)


def keep_pictures(store: CellStore, result: ImageResult, thumbnail: Thumbnail) -> tuple[CellPicture, ...]:
    """The originals, untouched, and small copies of them, in the comparison's folder."""
    return tuple(_kept(store, each, thumbnail) for each in result.images)


def _kept(store: CellStore, image: Image, thumbnail: Thumbnail) -> CellPicture:
    digest = hashlib.sha256(image.content.view()).hexdigest()
    file = store.keep(image, digest)
    small = f"thumbnails/{digest}.webp"
    target = store.folder / small
    drawn = target.exists() or thumbnail(store.folder / file, target) is not None
    return CellPicture(
        file=file,
        thumbnail=small if drawn else None,
        sha256=digest,
        media_type=image.media_type,
        width=image.width or 0,
        height=image.height or 0,
        size_bytes=image.content.size_bytes,
        seed=image.seed,
        revised_prompt=image.revised_prompt,
    )


def _came(result: ImageResult) -> dict[str, Any]:
    refused = sum(isinstance(each.error, ModerationError) for each in result.failures)
    cost, latency = result.cost, result.latency
    return {
        "outcome": "ok",
        "refused_pictures": refused,
        "failed_pictures": len(result.failures) - refused,
        "error": "; ".join(each.error.message for each in result.failures) or None,
        "answered_by": result.answered_by,
        "cost_usd": cost.amount_usd,
        "known_usd": cost.known_usd,
        "at_most_usd": cost.at_most_usd,
        "cost_source": cost.source,
        "total_s": latency.total_s,
        "wait_s": latency.wait_s,
        "queue_s": latency.queue_s,
        "render_s": latency.render_s,
        "download_s": latency.download_s,
        "first_partial_s": latency.time_to_first_partial_s,
        "adaptations": tuple(plain(each) for each in result.adaptations),
        "warnings": tuple(result.warnings),
    }


def _failed(error: ImageGenError) -> dict[str, Any]:
    outcome = "failed"
    if isinstance(error, ModerationError):
        outcome = "refused"
    elif isinstance(error, OutcomeUnknownError):
        outcome = "unknown"
    free = error.billed is Billed.NO
    return {
        "outcome": outcome,
        "error": error.message,
        "error_kind": type(error).__name__,
        "billed": error.billed.value,
        "cost_usd": Decimal(0) if free else None,
        "at_most_usd": Decimal(0) if free else error.possibly_billed_usd,
    }


def _retries(attempts: tuple[Attempt, ...]) -> int:
    """Submits beyond the first of each task."""
    return len(attempts) - len({each.task for each in attempts})


def _request_ids(attempts: tuple[Attempt, ...]) -> tuple[str, ...]:
    return tuple(each.request_id for each in attempts if each.request_id)
