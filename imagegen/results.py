"""Inspect: what came of one task, against what was asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from imagegen import files, money, pictures, sizing
from imagegen.errors import (
    AuthenticationError,
    BadOutputError,
    Billed,
    ConfigurationError,
    DeadlineExceededError,
    ImageGenError,
    ModerationError,
    ProviderError,
    QuotaError,
    UnsupportedError,
)
from imagegen.threads import in_thread
from imagegen.types.cost import Cost
from imagegen.types.events import ImageReady
from imagegen.types.picture import PictureData
from imagegen.types.result import Adaptation, Failure, Image, Latency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal
    from pathlib import Path

    from imagegen.catalogue import Model
    from imagegen.http.messages import Exchange
    from imagegen.ledger import Kept
    from imagegen.types.job import Output, RemoteJob, Task
    from imagegen.types.result import Attempt, Usage, Waiting
    from imagegen.types.run import Run

_STEM = "image"
_EXTRA = 1_000_000
T = TypeVar("T")


class Keeper(Protocol):
    """Keeps what was paid for: pictures that are whole, and what is none."""

    async def keep(self, piece: Piece, slot: int, content: PictureData, media_type: str) -> PictureData:
        """The picture where it is kept; itself where it cannot be."""
        ...

    async def quarantine(self, error: BadOutputError) -> None:
        """Keep the bytes of what is no picture, and say where in ``error``."""
        ...


@dataclass(slots=True)
class Piece:
    """One task under way, and what it gave so far."""

    index: int
    task: Task
    slots: tuple[int, ...]
    """Which of the call's pictures are its."""
    upper: Cost
    """What one submit can cost at most."""
    model: Model | None
    images: dict[int, Image] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    adaptations: list[Adaptation] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    unit: int | None = None
    """Its latest paid submit on the ledger."""
    kept: dict[int, Kept] = field(default_factory=dict)
    """Its pictures that are files of the ledger."""
    step: asyncio.Task[Output | RemoteJob] | None = None
    """Its latest paid step, which ends whether or not somebody waits."""
    cost: Cost | None = None
    reported_usd: Decimal | None = None
    """The provider's own figure."""
    computed_usd: Decimal | None = None
    """What the catalogue's prices give."""
    usage: Usage | None = None
    latency: Latency | None = None
    answered_by: str | None = None
    raw: Any = None

    def fail(self, error: ImageGenError) -> None:
        """Mark every picture that has not come."""
        for slot in self.slots:
            if slot not in self.images and slot not in self.failures:
                self.failures[slot] = Failure(slot, error)

    def ended_by_provider(self, error: ImageGenError) -> None:
        """The provider ended an accepted job without a picture: what it says of the bill is true of the submit."""
        if self.attempts and type(error) in (ModerationError, ProviderError):
            self.attempts[-1] = replace(self.attempts[-1], billed=error.billed)

    @property
    def collectable(self) -> bool:
        """True when something paid can still be fetched later."""
        return any(collectable(failure.error) for failure in self.failures.values())

    def settle_money(self, output: Output, remote: RemoteJob | None) -> None:
        """What it cost, from the best source there is; earlier attempts of unknown outcome at their upper bound."""
        reported = output.cost_usd if output.cost_usd is not None else remote.cost_usd if remote else None
        spoilt = sum(failure.error.billed is Billed.YES for failure in self.failures.values())
        billed = len(self.images) + spoilt
        paid = money.price_after(self.model, output.usage, reported, billed, self.task)
        computed = (
            money.price_after(self.model, output.usage, None, billed, self.task) if reported is not None else paid
        )
        self.reported_usd, self.computed_usd = reported, computed.amount_usd
        self.usage, self.cost = output.usage, money.add_costs([paid, *self.lost()])

    def lost(self) -> list[Cost]:
        """The attempts that may have been billed for nothing."""
        unknown = [each for each in self.attempts if each.billed is Billed.UNKNOWN]
        return [Cost(None, at_most_usd=self.upper.at_most_usd) for _ in unknown]

    def measure(self, began: float, wait_s: float, exchange: Exchange | None, waiting: Waiting) -> None:
        """Where the seconds went; what nobody measured stays None."""
        now = time.monotonic()
        render_s, download_s = waiting.render_s, waiting.download_s
        if exchange is not None and exchange.answered is not None:
            finished = exchange.finished or now
            if self.task.stream and exchange.sent is not None:  # the head of a stream comes before the work
                render_s = finished - exchange.sent
            else:
                download_s = (download_s or 0.0) + finished - exchange.answered
            if render_s is None and exchange.sent is not None:
                render_s = exchange.answered - exchange.sent
        elif render_s is None and self.attempts:
            render_s = self.attempts[-1].duration_s
        first = exchange.first_partial - began if exchange is not None and exchange.first_partial else None
        self.latency = Latency(now - began, wait_s, waiting.queue_s, render_s, download_s, first)


def collectable(error: ImageGenError) -> bool:
    """Whether the work behind ``error``, which came up after it was accepted, can be fetched by another try.

    A bad key and a connection that is not set up for it end the try and not the job.
    """
    if isinstance(error, DeadlineExceededError):
        return not error.expired
    return isinstance(error, (AuthenticationError, QuotaError, ConfigurationError, UnsupportedError))


async def inspect(
    piece: Piece,
    found: Sequence[PictureData | ImageGenError],
    output: Output,
    run: Run,
    tell: Callable[[ImageReady], None],
    keeper: Keeper,
) -> None:
    """Sort what came into pictures and failures, and note all that is not as it was sent."""
    for position, (slot, content) in enumerate(zip(_slots(piece, len(found)), found, strict=False)):
        if slot in piece.images:  # it was looked at before the caller left
            continue
        try:
            if isinstance(content, ImageGenError):
                raise content
            image = await _looked_at(content, run)
            kept = await keeper.keep(piece, slot, image.content, image.media_type)
            image = await _saved(image, run, piece.warnings) if run.save_to else replace(image, content=kept)
        except ImageGenError as error:
            if isinstance(error, BadOutputError):
                await keeper.quarantine(error)
            piece.failures[slot] = Failure(slot, error)
            if isinstance(content, PictureData):
                content.discard()
            continue
        piece.adaptations += _differences(piece.task, image)
        piece.images[slot] = replace(
            image, seed=_seed(piece.task, output, position), revised_prompt=_at(output.revised_prompts, position)
        )
        tell(ImageReady(piece.images[slot], slot))
    if len(found) < len(piece.slots):
        piece.fail(BadOutputError(f"{len(found)} of {len(piece.slots)} pictures came", reason="empty"))
    if len(found) > len(piece.slots):
        piece.warnings.append(f"{len(found)} pictures came where {len(piece.slots)} were asked")
    piece.adaptations += [*output.adaptations, *_echoes(piece.task, output)]
    piece.warnings += output.warnings
    piece.answered_by, piece.raw = output.model, output.raw


def _slots(piece: Piece, came: int) -> list[int]:
    """Numbers for the pictures that came; those that nobody asked for come after all others."""
    extra = range(_EXTRA * (piece.index + 1), _EXTRA * (piece.index + 1) + max(0, came - len(piece.slots)))
    return [*piece.slots, *extra]


async def _looked_at(content: PictureData, run: Run) -> Image:
    """The picture with what its bytes say.

    Raises:
        BadOutputError: Not a picture, or not a whole one; the bytes are kept.
    """
    view = content.view()
    if not len(view):
        raise BadOutputError("paid, and the picture is empty", reason="empty")
    try:
        facts = pictures.read_facts(view)
        if facts.whole and run.verify == "decode" and facts.media_type != "image/svg+xml":
            await in_thread(pictures.full_check, view, facts.media_type)
    except ValueError as error:
        raise BadOutputError(f"paid, and not a picture: {error}", reason="corrupt", raw=content.read()) from None
    if not facts.whole:
        raise BadOutputError("paid, and the picture is cut short", reason="corrupt", raw=content.read())
    return Image(content, facts.media_type, facts.width, facts.height, facts.has_alpha)


async def _saved(image: Image, run: Run, warnings: list[str]) -> Image:
    """The picture in the caller's folder, where one was named; where that fails, in memory, with a warning.

    Also when the caller leaves meanwhile, the thread is waited for: nobody may meet a picture that is being moved.
    """
    if run.save_to is None:
        return image
    work = asyncio.ensure_future(in_thread(_in_folder, image, run.save_to))
    try:
        content, problem = await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
    if problem is not None:
        warnings.append(problem)
    return replace(image, content=content)


def _in_folder(image: Image, folder: Path) -> tuple[PictureData, str | None]:
    """The picture under a name of its own; an older file is never replaced. Else in memory, and what went wrong."""
    content, wanted = image.content, folder / f"{_STEM}{pictures.SUFFIXES[image.media_type]}"
    try:
        while True:
            target = files.free_path(wanted)
            with contextlib.suppress(FileExistsError):  # somebody else has just taken that name
                return _named(content, target), None
    except OSError as error:
        held = PictureData(content.read())
        content.discard()
        problem = f"a picture could not be saved to {folder} ({error.strerror or error}): it is in memory only"
        return held, problem


def _named(content: PictureData, target: Path) -> PictureData:
    if content.path is None or not files.is_temporary(content.path):  # another's file is copied, not moved
        files.write_atomic(target, content.view(), overwrite=False)
        return PictureData(path=target, size_bytes=content.size_bytes)
    try:
        files.give_name(content.path, target)
    finally:
        if not content.path.exists():  # also where only the last flush failed
            content.path = target  # whoever else holds it finds it
    return content


def _seed(task: Task, output: Output, position: int) -> int | None:
    if output.seeds:
        return _at(output.seeds, position)
    if task.count > 1:
        return None
    return output.seed if output.seed is not None else task.request.seed


def _at(values: Sequence[T | None], position: int) -> T | None:
    return values[position] if position < len(values) else None


def _differences(task: Task, image: Image) -> Iterator[Adaptation]:
    """Where the picture's own bytes are not what was sent."""
    request = task.request
    got_format = pictures.FORMATS.get(image.media_type, image.media_type)
    if request.output_format and got_format != request.output_format:
        yield _got("output_format", request.output_format, got_format)
    if request.background == "transparent" and not image.has_alpha and image.media_type != "image/svg+xml":
        yield _got("background", "transparent", "opaque")
    if image.width is None or image.height is None:
        return
    got = f"{image.width}x{image.height}"
    if request.size and got != request.size:
        yield _got("size", request.size, got)
    if request.aspect_ratio:
        across, _, down = request.aspect_ratio.partition(":")
        if sizing.ratio_error(got, int(across), int(down)) > sizing.NEAR:
            yield _got("aspect_ratio", request.aspect_ratio, got)


def _echoes(task: Task, output: Output) -> Iterator[Adaptation]:
    """Where the provider says it took a field otherwise than it was sent. Sizes and formats are read from the bytes."""
    for name, got in output.echo.items():
        sent = getattr(task.request, name, None)
        if sent is not None and name not in ("size", "output_format", "background") and got != sent:
            yield Adaptation(name, sent, sent, got, "the provider says so")


def _got(name: str, sent: Any, got: Any) -> Adaptation:
    return Adaptation(name, sent, sent, got, "read from the picture's bytes")
