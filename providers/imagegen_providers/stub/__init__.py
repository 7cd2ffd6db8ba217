"""The stub: an embedded provider without key or network that really paints what a prompt asks for.

Its pictures have a known ground truth (`scene_of`, `painted`), so that whatever judges pictures can itself be judged.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
import uuid
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, ValidationError

from imagegen import (
    Adaptation,
    Billed,
    Call,
    ImageGenError,
    ImageRequest,
    InvalidRequestError,
    ModerationError,
    Output,
    PictureData,
    Provider,
    ProviderOptions,
    RemoteJob,
    Running,
    Task,
    hookimpl,
)
from imagegen_providers.stub import prices
from imagegen_providers.stub.scene import Scene as Scene
from imagegen_providers.stub.scene import scene_of as scene_of
from imagegen_providers.stub.sloppy import RIGHT as RIGHT
from imagegen_providers.stub.sloppy import Kind as Kind
from imagegen_providers.stub.sloppy import painted as painted

MODELS = ("painter", "sloppy", "slow", "metered")
_USUAL_SIZE = "1024x1024"
_REFUSED_WORD = "forbidden"
FORMATS = ("png", "jpeg", "webp", "gif")
QUALITIES = ("low", "medium", "high")
_MOST_IMAGES = 10
_EDGE_PX = (16, 4096)
_SMALLEST_PX = 6
"""Of a shape that can be told from another."""
_QUEUE = 3
"""How many are before a job when it is accepted."""

_Seconds = Annotated[float, Field(ge=0, le=600)]
_Share = Annotated[float, Field(ge=0, le=1)]


class StubOptions(ProviderOptions):
    """What the stub alone has: how long it takes, and what goes wrong."""

    provider: ClassVar[str] = "stub"

    latency_s: _Seconds = 0
    """How long an answer takes besides the painting."""
    queue_s: _Seconds = 0.2
    """How long a job of ``slow`` waits for its turn."""
    render_s: _Seconds = 0.4
    """How long it is then in the making."""
    refuse: bool = False
    """Refuse the prompt, as one with the word "forbidden" is."""
    refuse_images: tuple[int, ...] = ()
    """Which pictures of a call are refused, from 0."""
    right: dict[Kind, _Share] = Field(default_factory=dict)
    """How often ``sloppy`` is right, by kind of task, where it is not to be as in `RIGHT`."""


class _Order(BaseModel):
    """A task as it is painted, and as a job of ``slow`` carries it to whoever asks for it, in another process too."""

    model: str
    request: ImageRequest
    n: int
    seed: int
    options: StubOptions
    quality: str = "medium"
    accepted_at: float = 0
    """Seconds since 1970: the one clock that processes share."""

    @property
    def size(self) -> tuple[int, int]:
        width, _, height = (self.request.size or _USUAL_SIZE).partition("x")
        return int(width), int(height)

    @classmethod
    def of(cls, task: Task) -> _Order:
        seed = task.request.seed
        return cls(
            model=task.model,
            request=task.request,
            n=task.count,
            seed=secrets.randbits(32) if seed is None else seed,
            options=task.options if isinstance(task.options, StubOptions) else StubOptions(),
            quality=task.request.quality or task.defaults.get("quality", "medium"),
            accepted_at=time.time(),
        )

    def to_data(self) -> dict[str, Any]:
        """The order as JSON values."""
        return {**self.model_dump(mode="json", exclude={"request"}), "request": self.request.asked()}


class Stub(Provider):
    """Paints in this process. Deterministic for a given seed; without one it draws one and reports it."""

    name = "stub"
    Options = StubOptions

    async def submit(self, task: Task, call: Call) -> Output | RemoteJob:
        order = _Order.of(task)
        _check(order)
        await asyncio.sleep(order.options.latency_s)
        if order.options.refuse or _REFUSED_WORD in order.request.prompt.lower():
            raise ModerationError(
                "the prompt was refused", stage="input", categories=[_REFUSED_WORD], code="refused", billed=Billed.NO
            )
        if order.model == "slow":
            cost_usd = prices.price_usd("slow") * order.n
            return RemoteJob(id=uuid.uuid4().hex, cost_usd=cost_usd, data=order.to_data())
        return await _output(order)

    async def poll(self, job: RemoteJob, call: Call) -> Output | Running:
        order = _order_of(job)
        queue_s, render_s = order.options.queue_s, order.options.render_s
        waited_s = max(0.0, time.time() - order.accepted_at)
        if waited_s < queue_s:
            position = math.ceil(_QUEUE * (1 - waited_s / queue_s))
            return Running("queued", queue_position=position, queued=True)
        if waited_s < queue_s + render_s:
            return Running("rendering", progress=(waited_s - queue_s) / render_s)
        return await _output(order)


def _order_of(job: RemoteJob) -> _Order:
    """The order in a job's data, which is untrusted: it may have been on disk.

    Raises:
        InvalidRequestError: It is none.
    """
    try:
        order = _Order.model_validate(dict(job.data))
    except ValidationError:
        raise InvalidRequestError("not a job of the stub", code="unknown_job") from None
    _check(order)
    return order


def _check(order: _Order) -> None:
    """Refuse what the stub cannot paint.

    Raises:
        InvalidRequestError: It cannot.
    """
    shortest, longest = min(order.size), max(order.size)
    rules = {
        "model": (order.model in MODELS, ", ".join(MODELS)),
        "n": (1 <= order.n <= _MOST_IMAGES, f"1 to {_MOST_IMAGES}"),
        "size": (shortest >= _EDGE_PX[0] and longest <= _EDGE_PX[1], f"sides of {_EDGE_PX[0]} to {_EDGE_PX[1]} px"),
        "output_format": ((order.request.output_format or "png") in FORMATS, ", ".join(FORMATS)),
        "quality": (order.model != "metered" or order.quality in QUALITIES, ", ".join(QUALITIES)),
    }
    for name, (fulfilled, known) in rules.items():
        if not fulfilled:
            raise InvalidRequestError(f"the stub takes as {name}: {known}", code=f"bad_{name}")


async def _output(order: _Order) -> Output:
    images: list[PictureData | ImageGenError] = []
    for index in range(order.n):
        if index in order.options.refuse_images:
            refused = "the picture was refused"
            images.append(ModerationError(refused, stage="output", code="refused", billed=Billed.NO))
        else:
            images.append(PictureData(await asyncio.to_thread(_picture, order, order.seed + index)))
    adaptations, warnings = await asyncio.to_thread(_remarks, order)
    made = sum(isinstance(image, PictureData) for image in images)
    return Output(
        images=images,
        usage=prices.usage_of(order.request.prompt, order.size, order.quality, made)
        if order.model == "metered"
        else None,
        cost_usd=prices.price_usd("slow") * made if order.model == "slow" else None,
        seed=order.seed,
        seeds=[order.seed + index for index in range(order.n)],
        adaptations=adaptations,
        warnings=warnings,
    )


def _picture(order: _Order, seed: int) -> bytes:
    """One picture of an order as a file; in a worker thread."""
    from imagegen_providers.stub import encode, paint

    request = order.request
    scene = painted(request.prompt, seed, order.model, {**RIGHT, **order.options.right})
    image = paint.picture_of(scene, request.prompt, seed, order.size, transparent=request.background == "transparent")
    return encode.encoded(image, request.output_format or "png", request.output_compression)


def _remarks(order: _Order) -> tuple[list[Adaptation], list[str]]:
    """What is not in the pictures although it was asked for, and what can hardly be seen in them."""
    from imagegen_providers.stub import paint

    scene = scene_of(order.request.prompt)
    adaptations = [
        Adaptation(field="prompt", asked=text, sent=None, why=f"not written: no letters for {missing}")
        for text, missing in paint.unwritable_texts(scene).items()
    ]
    smallest = paint.smallest_px(scene, order.size)
    small = f"the smallest shapes are {smallest:.0f} px wide: ask for a larger size"
    return adaptations, [small] if smallest < _SMALLEST_PX else []


@hookimpl
def imagegen_provider(name: str) -> type[Provider] | None:
    """The stub."""
    return Stub if name == Stub.name else None
