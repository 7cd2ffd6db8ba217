"""The stub: an embedded provider without key or network that really paints and edits what a prompt asks for.

Its pictures have a known ground truth (`scene_of`, `painted`, `edited`), so that whatever judges pictures can itself be
judged. So have its latencies (`latency_s`).
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen import (
    Billed,
    Call,
    ImageGenError,
    ListedJob,
    ModerationError,
    OutcomeUnknownError,
    Output,
    Partial,
    PictureData,
    Provider,
    ProviderError,
    RemoteJob,
    Running,
    Task,
    UnsupportedError,
    hookimpl,
)
from imagegen_providers.stub import cancelled, faults, listed, making, prices
from imagegen_providers.stub.editing import edited as edited
from imagegen_providers.stub.options import StubOptions as StubOptions
from imagegen_providers.stub.options import latency_s as latency_s
from imagegen_providers.stub.order import FORMATS as FORMATS
from imagegen_providers.stub.order import MODELS as MODELS
from imagegen_providers.stub.order import Order
from imagegen_providers.stub.reading import scene_of as scene_of
from imagegen_providers.stub.scene import Scene as Scene
from imagegen_providers.stub.sloppy import RIGHT as RIGHT
from imagegen_providers.stub.sloppy import Kind as Kind
from imagegen_providers.stub.sloppy import painted as painted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_REFUSED_WORD = "forbidden"
_QUEUE = 3
"""How many are before a job when it is accepted."""


class Stub(Provider):
    """Paints in this process. Deterministic for a given seed; without one it draws one and reports it."""

    name = "stub"
    Options = StubOptions

    def __init__(self) -> None:
        self._schedule = faults.Schedule()

    async def submit(self, task: Task, call: Call) -> Output | RemoteJob:
        order = await self._accepted(task)
        await asyncio.sleep(latency_s(order.options, order.seed))
        return await _job(order, task) if order.model == "slow" else await _output(order)

    async def stream(self, task: Task, call: Call) -> AsyncIterator[Partial | Output | RemoteJob]:
        """As many unfinished versions as were asked for, of the first picture that was not refused; then all of them.

        The latency is spread over them.
        """
        order = await self._accepted(task)
        if order.model == "slow":
            yield await _job(order, task)
            return
        output = await _output(order)
        first = next((image.read() for image in output.images if isinstance(image, PictureData)), b"")
        count = (order.request.partial_images or 0) if first and not order.corrupt else 0
        pause_s = latency_s(order.options, order.seed) / (count + 1)
        for index in range(count):
            data = await asyncio.to_thread(making.unfinished, order, first, index)
            await asyncio.sleep(pause_s)
            yield Partial(PictureData(data), index)
        await asyncio.sleep(pause_s)
        yield _with_usage(order, output, partials=count)

    async def poll(self, job: RemoteJob, call: Call) -> Output | Running:
        order = Order.in_job(job)
        if cancelled.is_cancelled(job.id):
            raise ProviderError("the job was cancelled", code="cancelled", billed=Billed.NO)
        queue_s, render_s = order.options.queue_s, order.options.render_s
        waited_s = max(0.0, time.time() - order.accepted_at)
        if waited_s < queue_s:
            position = math.ceil(_QUEUE * (1 - waited_s / queue_s))
            return Running("queued", queue_position=position, queued=True)
        if waited_s < queue_s + render_s:
            return Running("rendering", progress=(waited_s - queue_s) / render_s)
        return await _output(order)

    async def cancel(self, job: RemoteJob, call: Call) -> None:
        """Stop a job; one that is done stays done."""
        order = Order.in_job(job)
        if time.time() < order.accepted_at + order.options.queue_s + order.options.render_s:
            cancelled.cancel(job.id)

    def lists(self, model: str) -> bool:
        """Only ``slow`` has jobs."""
        return model == "slow"

    async def list_jobs(self, since: float, call: Call) -> list[ListedJob]:
        """Every job of this machine since then, for an hour."""
        if not listed.reaches_back_to(since):
            raise UnsupportedError("the stub lists the jobs of the last hour only")
        return await asyncio.to_thread(lambda: list(listed.since(since)))

    async def _accepted(self, task: Task) -> Order:
        """The order in a task, unless something is wrong with it or is to go wrong."""
        order = await asyncio.to_thread(Order.of, task)
        fault = self._schedule.next(order.options.faults, order.seed)
        if fault is not None and (error := faults.error_of(fault)) is not None:
            if isinstance(error, OutcomeUnknownError) and order.model == "slow":
                await _job(order, task)  # it was accepted, and only its answer was lost
            raise error
        if order.options.refuse or _REFUSED_WORD in order.request.prompt.lower():
            raise faults.refusal()
        return order.model_copy(update={"corrupt": fault is not None})


async def _job(order: Order, task: Task) -> RemoteJob:
    job = RemoteJob(id=uuid.uuid4().hex, cost_usd=prices.price_usd("slow") * order.n, data=order.to_data())
    await asyncio.to_thread(listed.note, job, task)
    return job


async def _output(order: Order) -> Output:
    images: list[PictureData | ImageGenError] = []
    problems: list[str] = []
    for index in range(order.n):
        if index in order.options.refuse_images:
            refused = "the picture was refused"
            images.append(ModerationError(refused, stage="output", code="refused", billed=Billed.NO))
        else:
            data, found = await asyncio.to_thread(making.picture, order, order.seed + index)
            images.append(PictureData(faults.cut_short(data) if order.corrupt else data))
            problems += found
    adaptations, warnings = await asyncio.to_thread(making.remarks, order)
    output = Output(
        images=images,
        seed=order.seed,
        seeds=[order.seed + index for index in range(order.n)],
        adaptations=adaptations,
        warnings=[*warnings, *dict.fromkeys(problems)],
    )
    return _with_usage(order, output)


def _with_usage(order: Order, output: Output, partials: int = 0) -> Output:
    """What is counted or charged for it, by the model."""
    made = sum(isinstance(image, PictureData) for image in output.images)
    if order.model == "metered":
        return replace(output, usage=prices.usage_of(order, made, partials))
    return replace(output, cost_usd=prices.price_usd("slow") * made) if order.model == "slow" else output


@hookimpl
def imagegen_provider(name: str) -> type[Provider] | None:
    """The stub."""
    return Stub if name == Stub.name else None
