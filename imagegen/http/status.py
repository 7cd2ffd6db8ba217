"""What an HTTP answer that is no success means: the HTTP side of the table of attempt states."""

from __future__ import annotations

import email.utils
import math
import re
import time
from typing import TYPE_CHECKING

from imagegen.errors import (
    AuthenticationError,
    ConfigurationError,
    ImageGenError,
    InvalidRequestError,
    ModerationError,
    OutcomeUnknownError,
    ProviderError,
    QuotaError,
    RateLimitError,
)
from imagegen.secrets import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imagegen.http.messages import Reply

_UNKNOWN = frozenset({408, 409, 425})
"""4xx answers that do not say whether the work was done."""


def checked(reply: Reply, read_error: Callable[[Reply], ProviderError | None]) -> Reply:
    """``reply`` itself when it is a success.

    Raises:
        ImageGenError: What the answer means, by status and the provider's documented codes, never by its prose.
    """
    if reply.is_success:
        return reply
    raise _error(reply, read_error(reply))


def _error(reply: Reply, own: ProviderError | None) -> ImageGenError:
    status = reply.status
    words = own.message if own else _excerpt(reply)
    text = f"HTTP {status}: {clean(words)}" if words else f"HTTP {status}"
    if isinstance(own, (ModerationError, QuotaError, AuthenticationError)):
        own.message = clean(own.message)
        own.args = (own.message,)
        return with_reply(own, reply)
    if 300 <= status < 400:
        host = re.sub(r"^[a-z]+://([^/]*).*$", r"\1", reply.headers.get("location", ""), flags=re.IGNORECASE)
        return ConfigurationError(f"redirected to {clean(host) or 'nowhere'}: a paid request is never sent elsewhere")
    pace = stated_pace(reply.headers)
    if isinstance(own, RateLimitError) and own.retry_after_s is not None:
        pace = own.retry_after_s
    if status == 429 or (status == 503 and pace is not None and own is not None):
        limited = RateLimitError(text, retry_after_s=pace, code=own.code if own else None)
        return with_reply(limited, reply)
    if status >= 500 or status in _UNKNOWN:
        return OutcomeUnknownError(
            f"{text}; it may have been billed", status=status, raw=reply.body, request_id=reply.request_id
        )
    kind = {401: AuthenticationError, 402: QuotaError, 403: AuthenticationError}.get(status, InvalidRequestError)
    return with_reply(kind(text, code=own.code if own else None), reply)


def with_reply(error: ProviderError, reply: Reply) -> ProviderError:
    """``error`` with the status and the id of the answer that it was read from."""
    error.status, error.request_id = reply.status, reply.request_id
    return error


def _excerpt(reply: Reply) -> str:
    return reply.body[:300].decode("utf-8", "replace")


def stated_pace(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``retry-after`` (seconds or a date); None where neither says.

    A date in the past is 0; negative, infinite and unreadable values are as if absent.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) * scale
        except ValueError:
            date = email.utils.parsedate_tz(text)
            if date is None:
                continue
            seconds = max(0.0, email.utils.mktime_tz(date) - time.time())
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None
