"""One paid submit and what may follow it: the table of states, the retry rule, the deadline.

state      when                                                                 what follows
not_sent   no byte of the body left                                             again, within deadline and quota
rejected   a complete answer that no work was done                              429, paced 503: again at that pace
refused    moderation                                                           never again
unknown    part of the body left, and no whole, usable answer came              not again, unless it is known to be free
billed     a complete success answer, picture or not                            never again
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from imagegen import plugins
from imagegen.errors import (
    AuthenticationError,
    BadOutputError,
    Billed,
    BudgetExceededError,
    ConfigurationError,
    ConnectionFailedError,
    ImageGenError,
    ModerationError,
    OutcomeUnknownError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnsupportedError,
)
from imagegen.http.messages import Exchange
from imagegen.types.job import Output, RemoteJob
from imagegen.types.result import Attempt, AttemptState

if TYPE_CHECKING:
    from imagegen.catalogue import Model, ProviderFacts
    from imagegen.ledger.rows import Trouble

_log = logging.getLogger("imagegen.attempt")
_CONNECT_BASE_S = 0.25
_THROTTLE_BASE_S = 1.0
_LONGEST_BACK_OFF_S = 20.0

Reserve: TypeAlias = Callable[[], Awaitable[float]]
"""Sets the money of one submit aside and waits for its turn; the seconds that took."""
Step: TypeAlias = Callable[[Exchange], Awaitable[Output | RemoteJob]]
"""One submit; it books what it ends in."""
MayRepeat: TypeAlias = Callable[[], Awaitable[bool]]
"""Whether the quota of repeats, which keeps a fault from becoming a storm, has one left."""


def state_of(error: ImageGenError) -> AttemptState:
    """The state that an attempt ended in when it raised ``error``."""
    match error:
        case ModerationError():
            return AttemptState.REFUSED
        case BadOutputError():
            return AttemptState.BILLED
        case ConnectionFailedError():
            return AttemptState.NOT_SENT
        case OutcomeUnknownError():
            return AttemptState.UNKNOWN
        case ConfigurationError() | UnsupportedError() | BudgetExceededError():
            return AttemptState.REJECTED
        case ProviderError(billed=Billed.NO):
            return AttemptState.REJECTED
        case ProviderError(billed=Billed.YES):
            return AttemptState.BILLED
        case _:
            return AttemptState.UNKNOWN


def trouble_of(error: ImageGenError) -> Trouble | None:
    """What a failed submit says of its account, for the breaker; None where it is about this one request."""
    match error:
        case QuotaError():
            return "credit"
        case AuthenticationError() if error.status != 403:  # which may be about one model
            return "key"
        case _:
            return "unknown" if state_of(error) is AttemptState.UNKNOWN else None


@dataclass(frozen=True, slots=True)
class UnknownRule:
    """When an unknown outcome may be submitted again: the caller said so, or the provider documents that it is safe."""

    always: bool = False
    free_statuses: frozenset[int] = frozenset()

    @classmethod
    def of(cls, retry_unknown: bool, facts: ProviderFacts) -> UnknownRule:
        """What the caller says, and what the catalogue says of the provider with a source."""
        safe = retry_unknown or facts.idempotency_header is not None
        return cls(safe, frozenset(status for each in facts.free_failures for status in each.statuses))

    def allows(self, error: ImageGenError) -> bool:
        """Whether ``error``, an unknown outcome, may be followed by another submit."""
        return self.always or self.free(error)

    def free(self, error: ImageGenError) -> bool:
        """Whether the provider documents that nothing is billed after such a failure."""
        return isinstance(error, OutcomeUnknownError) and error.status in self.free_statuses


@dataclass(slots=True)
class Submitted:
    """A paid step that ended well, and what it took."""

    outcome: Output | RemoteJob
    exchange: Exchange


@dataclass(slots=True)
class Submitter:
    """Makes the paid submits of one task of one call, one after another, as the table allows."""

    model: str
    task: int
    began: float
    """When the call began, on the monotonic clock."""
    deadline: float
    """On the monotonic clock."""
    reserve: Reserve
    may_repeat: MayRepeat
    unknown_rule: UnknownRule
    attempts: list[Attempt] = field(default_factory=list)
    wait_s: float = 0.0

    async def submit(self, step: Step) -> Submitted:
        """Submit until something is paid, refused, unknown, or not worth another try.

        Raises:
            ImageGenError: As the table says; `attempts` has every submit made.
        """
        while True:
            self.wait_s += await self.reserve()
            exchange, started = Exchange(), time.monotonic()
            _log.debug("submitting to %s", self.model)
            try:
                outcome = await step(exchange)
            except ImageGenError as error:
                self._note(state_of(error), error, exchange, started)
                await self._wait_or_raise(error)
            else:
                self._note(AttemptState.BILLED, None, exchange, started)
                return Submitted(outcome, exchange)

    async def _wait_or_raise(self, error: ImageGenError) -> None:
        delay = delay_before_retry(error, len(self.attempts), self.unknown_rule)
        if delay is None or time.monotonic() + delay >= self.deadline or not await self.may_repeat():
            raise error
        _log.info("%s: %s; again in %.1f s", self.model, error.message, delay)
        self.wait_s += delay
        await asyncio.sleep(delay)

    def _note(self, state: AttemptState, error: ImageGenError | None, exchange: Exchange, started: float) -> None:
        attempt = Attempt(
            model=self.model,
            task=self.task,
            state=state,
            billed=error.billed if error else Billed.YES,
            started_s=started - self.began,
            duration_s=time.monotonic() - started,
            error=error.message if error else None,
            status=getattr(error, "status", None) or exchange.status,
            request_id=getattr(error, "request_id", None) or exchange.request_id,
            server_s=exchange.server_s,
        )
        self.attempts.append(attempt)
        _log.debug("attempt on %s ended %s (%s)", self.model, state.value, attempt.error or "ok")
        plugins.announce_attempt(attempt)


def delay_before_retry(error: ImageGenError, attempts: int, rule: UnknownRule = UnknownRule()) -> float | None:
    """Seconds until another submit is right; None: never."""
    match state_of(error), error:
        case AttemptState.NOT_SENT, _:
            return _back_off(_CONNECT_BASE_S, attempts)
        case AttemptState.REJECTED, RateLimitError(retry_after_s=pace):
            return _back_off(_THROTTLE_BASE_S, attempts) if pace is None else pace
        case AttemptState.UNKNOWN, _ if rule.allows(error):
            return _back_off(_THROTTLE_BASE_S, attempts)
        case _:
            return None


def _back_off(base_s: float, attempts: int) -> float:
    return random.uniform(0, min(_LONGEST_BACK_OFF_S, base_s * 2**attempts))


def falls_back(error: ImageGenError, *, on_refusal: bool) -> bool:
    """Whether the next model of a fallback order may be tried: nothing was paid, and it is not about the input."""
    match error:
        case ConnectionFailedError():
            return True
        case RateLimitError() | QuotaError():
            return error.billed is Billed.NO
        case ModerationError():
            return on_refusal
        case ConfigurationError() | UnsupportedError():
            return not error.attempts
        case _:
            return False


def deadline_error(exchange: Exchange) -> ImageGenError:
    """What the deadline means in the paid step: by whether anything had been sent."""
    if exchange.started is False:
        return ConnectionFailedError("no connection before the deadline; nothing was sent")
    return OutcomeUnknownError("no answer before the deadline; it may have been billed")


def billing_settled(error: ImageGenError, facts: ProviderFacts, model: Model | None) -> ImageGenError:
    """``error`` with what the catalogue knows of money: refusals that are billed or not, failures that are free."""
    if isinstance(error, ModerationError) and error.billed is Billed.UNKNOWN and model is not None:
        error.billed = model.refusal_billed
    if isinstance(error, OutcomeUnknownError) and UnknownRule.of(False, facts).free(error):
        error.billed = Billed.NO
    return error
