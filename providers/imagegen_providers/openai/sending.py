"""OpenAI's SDK as a sender: over our HTTP client, without its retries, and its answers handed to us unread."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from imagegen import ImageGenError, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2
    from openai import AsyncOpenAI, Omit

    from imagegen import Call, Wire

_UNREAD = {"X-Stainless-Raw-Response": "stream"}
"""Makes the SDK hand out an answer before it has read it. Source: openai-python 3.54.0, `_response.py`."""
_KEPT_HEADERS = frozenset({"accept", "content-type", "user-agent"})


def new_sdk(call: Call) -> AsyncOpenAI:
    """A client of the SDK. Its key is a placeholder: each request brings the key of now."""
    import openai

    return openai.AsyncOpenAI(
        api_key="unused",
        base_url=call.http.base_url,
        http_client=call.http.client,
        timeout=call.http.client.timeout,
        max_retries=0,
    )


@contextlib.asynccontextmanager
async def answer_to(sdk: AsyncOpenAI, wire: Wire, call: Call) -> AsyncIterator[httpx2.Response]:
    """Send once; the answer, whatever its status, not read yet.

    Raises:
        ImageGenError: As the core's own sending.
    """
    import httpx2
    import openai

    headers = {**await _headers(sdk, call), **wire.headers, **call.exchange.headers}
    options: Any = {"headers": headers, "params": dict(wire.query)}
    try:
        response = await sdk.post(wire.path, cast_to=httpx2.Response, body=wire.json, options=options)
    except openai.APIStatusError as error:
        response = error.response
    except openai.APIConnectionError as error:
        raise _failed(error) from None
    try:
        yield response
    finally:
        await response.aclose()


async def _headers(sdk: AsyncOpenAI, call: Call) -> dict[str, str | Omit]:
    """The connection's own headers and key, and nothing that the SDK found in the environment."""
    import openai

    found = (name for name in sdk.default_headers if not name.lower().startswith("x-stainless-"))
    headers: dict[str, str | Omit] = {name: openai.omit for name in found if name.lower() not in _KEPT_HEADERS}
    headers["Authorization"] = openai.omit
    return {**headers, **await call.http.headers(), **_UNREAD}


def _failed(error: Exception) -> ImageGenError:
    """Our transport has said what went wrong and what was sent; of what passed it by nobody knows."""
    if isinstance(error.__cause__, ImageGenError):
        return error.__cause__
    return OutcomeUnknownError(f"{error.__cause__ or error}; it may have been billed")
