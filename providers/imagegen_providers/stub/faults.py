"""Faults on a schedule, so that errors can be rehearsed without a network."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from imagegen import (
    AuthenticationError,
    Billed,
    ConnectionFailedError,
    ImageGenError,
    ModerationError,
    OutcomeUnknownError,
    QuotaError,
    RateLimitError,
)

if TYPE_CHECKING:
    from imagegen_providers.stub.options import Fault

_KEPT = 0.6
"""How much is left of a corrupt file."""


class Schedule:
    """What the calls of one provider object meet. Each list of faults is gone through once."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[Fault | None, ...]] = Counter()
        self._tries: Counter[int] = Counter()

    def next(self, faults: tuple[Fault | None, ...], seed: int) -> Fault | None:
        """The fault of the call that is made now."""
        if not faults:
            return None
        at = self._calls[faults]
        self._calls[faults] += 1
        turns = [fault for fault in faults if fault is None or fault.probability is None]
        if at < len(turns) and turns[at] is not None:
            return turns[at]
        self._tries[seed] += 1  # another try of the same call has another chance
        chance = Random(f"fault {seed} {self._tries[seed]}")
        drawn = [fault for fault in faults if fault and fault.probability is not None]
        return next((fault for fault in drawn if chance.random() < (fault.probability or 0)), None)


def error_of(fault: Fault) -> ImageGenError | None:
    """The error that a fault shows itself as; None for one that shows in the picture."""
    match fault.kind:
        case "rate_limit":
            return RateLimitError(
                "asked too fast", retry_after_s=fault.retry_after_s, status=429, code="rate_limit_exceeded"
            )
        case "unknown":
            return OutcomeUnknownError("the connection was cut after the request was sent; it may have been billed")
        case "refused":
            return refusal()
        case "quota":
            return QuotaError("no credit is left", status=402, code="insufficient_quota")
        case "authentication":
            return AuthenticationError("the key is not valid", status=401, code="invalid_api_key")
        case "connection":
            return ConnectionFailedError("no connection; nothing was sent")
        case "corrupt":
            return None


def refusal() -> ModerationError:
    """The prompt was refused; nothing is billed."""
    return ModerationError(
        "the prompt was refused", stage="input", categories=["forbidden"], code="refused", billed=Billed.NO
    )


def cut_short(data: bytes) -> bytes:
    """A file whose end is missing."""
    return data[: int(_KEPT * len(data))]
