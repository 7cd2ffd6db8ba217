"""What the stub alone has: how long it takes, what goes wrong, how often sloppy is right."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imagegen import ProviderOptions
from imagegen_providers.stub.sloppy import Kind

MOST_S = 600
FaultKind: TypeAlias = Literal["rate_limit", "unknown", "refused", "corrupt", "quota", "authentication", "connection"]
Seconds: TypeAlias = Annotated[float, Field(ge=0, le=MOST_S)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lognormal(_Part):
    """Latencies as of most services: many near the median, a few far above it."""

    distribution: Literal["lognormal"]
    median: Annotated[float, Field(gt=0, le=MOST_S)]
    """Seconds."""
    sigma: Annotated[float, Field(ge=0, le=5)]
    """Standard deviation of the logarithm."""


class Uniform(_Part):
    """Any latency between two is as likely as any other."""

    distribution: Literal["uniform"]
    low: Seconds
    high: Seconds

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Fault(_Part):
    """One thing that goes wrong with a call."""

    kind: FaultKind
    probability: Share | None = None
    """For every call by itself, drawn by its seed; None: for the one call whose turn it is."""
    retry_after_s: Seconds | None = None
    """The pace that a ``rate_limit`` states."""


class StubOptions(ProviderOptions):
    """What the stub alone has: how long it takes, and what goes wrong."""

    provider: ClassVar[str] = "stub"

    latency_s: Seconds | Lognormal | Uniform = 0
    """How long an answer takes besides the painting: seconds, or a distribution that the picture's seed draws from."""
    faults: tuple[Fault | None, ...] = ()
    """What the next calls of this provider object meet, one each; None: nothing. Those with a probability may meet any
    call."""
    queue_s: Seconds = 0.2
    """How long a job of ``slow`` waits for its turn."""
    render_s: Seconds = 0.4
    """How long it is then in the making."""
    refuse: bool = False
    """Refuse the prompt, as one with the word "forbidden" is."""
    refuse_images: tuple[int, ...] = ()
    """Which pictures of a call are refused, from 0."""
    right: dict[Kind, Share] = Field(default_factory=dict)
    """How often ``sloppy`` is right, by kind of task, where it is not to be as in `RIGHT`."""


def latency_s(options: StubOptions, seed: int) -> float:
    """How long a call with this seed takes besides the painting, in seconds."""
    chance = Random(f"latency {seed}")
    match options.latency_s:
        case Lognormal(median=median, sigma=sigma):
            return min(MOST_S, median * math.exp(chance.gauss(0, sigma)))
        case Uniform(low=low, high=high):
            return chance.uniform(low, high)
        case seconds:
            return seconds
