"""What can go wrong, and what the caller can do about it.

* ImageGenError              every one carries .attempts, .job, .billed (no, yes, unknown), .possibly_billed_usd
  - ConfigurationError       nothing was done: unknown provider, missing key, broken plugin, redirected POST
  - UnsupportedError         nothing was sent: the model cannot do what was asked
  - BudgetExceededError      nothing was sent: it could cost more than is left
  - ConnectionFailedError    nothing was sent: DNS, connect, TLS; retried until the deadline
  - ProviderError            the provider answered, and it was not an image
    + AuthenticationError    401, 403
    + InvalidRequestError    400, 404, 422
    + QuotaError             402, no credit, hard limit: waiting does not help
    + RateLimitError         429, 503 with a pace: carries retry_after_s
    + ModerationError        the prompt or the image was refused: stage, categories
    + BadOutputError         paid, and not an image: unreadable, empty, corrupt; the raw bytes are kept
  - OutcomeUnknownError      sent, and no usable answer: it may have been billed; never retried by itself
  - DeadlineExceededError    accepted, no result in time: collect it with resume(), unless .expired
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from imagegen.types.job import Job
    from imagegen.types.picture import PictureData
    from imagegen.types.result import Attempt


class Billed(StrEnum):
    """Whether money was taken. `UNKNOWN` is never counted as zero."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class ImageGenError(Exception):
    """Anything imagegen raises. The core fills in `attempts`, `job` and the money before it reaches the caller."""

    def __init__(self, message: str, *, billed: Billed = Billed.NO) -> None:
        super().__init__(message)
        self.message = message
        self.billed = billed
        """Whether this call cost money."""
        self.attempts: tuple[Attempt, ...] = ()
        """Every paid submit this call made, in order."""
        self.job: Job | None = None
        """What was accepted and can still be collected with `Client.resume`."""
        self.possibly_billed_usd: Decimal | None = None
        """The most this call can have cost, in USD; None where no price is known."""
        self.partials: tuple[PictureData, ...] = ()
        """Unfinished pictures that a stream had shown."""


class ConfigurationError(ImageGenError):
    """Nothing was done: unknown provider, missing key, broken plugin, unusable setting, a redirected POST."""


class UnsupportedError(ImageGenError):
    """Nothing was sent: the model cannot do what was asked."""


class BudgetExceededError(ImageGenError):
    """Nothing was sent: it could cost more than is left."""


class ConnectionFailedError(ImageGenError):
    """Nothing was sent: DNS, connect or TLS failed before any byte of the request's body was written."""


class ProviderError(ImageGenError):
    """The provider answered, and it was not an image."""

    def __init__(
        self,
        message: str,
        *,
        billed: Billed = Billed.NO,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, billed=billed)
        self.status = status
        """HTTP status, where there was one."""
        self.code = code
        """The provider's own error code."""
        self.request_id = request_id


class AuthenticationError(ProviderError):
    """401 or 403: the key is wrong or may not do this."""


class InvalidRequestError(ProviderError):
    """400, 404, 413, 415, 422 and the like: the same request would be refused again."""


class QuotaError(ProviderError):
    """402, no credit, a hard limit: waiting does not help."""


class RateLimitError(ProviderError):
    """429, or a 503 that states a pace: asked too fast."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        billed: Billed = Billed.NO,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, billed=billed, status=status, code=code, request_id=request_id)
        self.retry_after_s = retry_after_s
        """The pace that the provider stated, in seconds from its answer; None where it stated none."""


class ModerationError(ProviderError):
    """The prompt or the image was refused."""

    def __init__(
        self,
        message: str,
        *,
        stage: Literal["input", "output", "unknown"] = "unknown",
        categories: Sequence[str] = (),
        billed: Billed = Billed.UNKNOWN,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, billed=billed, status=status, code=code, request_id=request_id)
        self.stage = stage
        """What was refused: the prompt (`input`) or the picture (`output`)."""
        self.categories = tuple(categories)


class BadOutputError(ProviderError):
    """Paid, and not an image. The bytes that came are kept in `raw`."""

    def __init__(
        self,
        message: str,
        *,
        reason: Literal["unreadable", "empty", "corrupt"],
        raw: bytes = b"",
        billed: Billed = Billed.YES,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, billed=billed, status=status, code=code, request_id=request_id)
        self.reason = reason
        self.raw = raw


class OutcomeUnknownError(ImageGenError):
    """Sent, and no usable answer: it may have been billed. Never retried by itself."""

    def __init__(
        self, message: str, *, status: int | None = None, raw: bytes = b"", request_id: str | None = None
    ) -> None:
        super().__init__(message, billed=Billed.UNKNOWN)
        self.status = status
        """HTTP status of the unusable answer, where one came."""
        self.raw = raw
        """What did arrive of the answer."""
        self.request_id = request_id


class DeadlineExceededError(ImageGenError):
    """Accepted, and no result in time. Collect it with `Client.resume(error.job)`, unless `expired`."""

    def __init__(self, message: str, *, expired: bool = False, billed: Billed = Billed.UNKNOWN) -> None:
        super().__init__(message, billed=billed)
        self.expired = expired
        """True when the provider has dropped the result."""
