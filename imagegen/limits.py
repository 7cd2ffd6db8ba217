"""How fast we may ask: one queue for each account and model family, whose head asks the ledger until it may go."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from imagegen.errors import AuthenticationError, ImageGenError, QuotaError, RateLimitError
from imagegen.ledger import Begun, Wait

if TYPE_CHECKING:
    from imagegen.ledger import Intent, Ledger


class Turns:
    """Who may submit next, in the order in which they came. Other processes are met in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._queues: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, intent: Intent, deadline: float, request: str | None = None) -> tuple[int, float]:
        """Write the intent as soon as limits, breaker and budget allow; the unit, and the seconds it waited.

        Raises:
            BudgetExceededError: It could cost more than is left.
            RateLimitError: Its turn would come after the deadline, or the breaker is open.
            QuotaError: The account had no credit a moment ago.
            AuthenticationError: The account's key was refused a moment ago.
        """
        began = time.monotonic()
        queue = self._queues[intent.account, intent.family]
        try:
            async with asyncio.timeout_at(deadline):
                await queue.acquire()
        except TimeoutError:
            raise RateLimitError(f"{intent.connection}: its turn did not come in time; nothing was sent") from None
        try:
            while isinstance(answer := await self._ledger.begin(intent, request), Wait):
                if answer.error != "pace" or time.monotonic() + answer.seconds >= deadline:
                    raise _not_now(answer, intent)
                await asyncio.sleep(answer.seconds)
        finally:
            queue.release()
        assert isinstance(answer, Begun)
        return answer.unit, time.monotonic() - began


def _not_now(wait: Wait, intent: Intent) -> ImageGenError:
    where = f"{intent.connection}, {intent.family}"
    if wait.error == "pace":
        return RateLimitError(
            f"{where}: {wait.why}, and the next turn, in {wait.seconds:.1f} s, is after the deadline; nothing was sent",
            retry_after_s=wait.seconds,
        )
    text = f"{where}: {wait.why}; nothing was sent, and nothing is for {wait.seconds:.0f} s"
    if wait.error == "credit":
        return QuotaError(text)
    return AuthenticationError(text) if wait.error == "key" else RateLimitError(text, retry_after_s=wait.seconds)
