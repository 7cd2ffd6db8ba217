"""OpenAI's SDK as a sender: over our HTTP client, without its retries, and its answers handed to us unread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen import ImageGenError, OutcomeUnknownError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, Omit

    from imagegen import Call, Reply, Wire

_UNREAD = {"X-Stainless-Raw-Response": "stream"}
"""Makes the SDK hand out an answer before it has read it. Source: openai-python 3.54.0, `_response.py`."""
_KEPT_HEADERS = frozenset({"accept", "content-type", "user-agent"})
_ACCOUNT_HEADERS = frozenset({"openai-organization", "openai-project"})


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


async def send(sdk: AsyncOpenAI, wire: Wire, call: Call) -> Reply:
    """Send once and read the whole answer, whatever its status.

    Raises:
        ImageGenError: As the core's own sending.
    """
    import httpx2
    import openai

    options: Any = {"headers": {**await _headers(sdk, call), **wire.headers, **call.exchange.headers}}
    try:
        response = await sdk.post(wire.path, cast_to=httpx2.Response, body=wire.json, options=options)
    except openai.APIStatusError as error:
        response = error.response
    except openai.APIConnectionError as error:
        raise _failed(error) from None
    try:
        return await call.http.read(response, call.exchange)
    finally:
        await response.aclose()


async def _headers(sdk: AsyncOpenAI, call: Call) -> dict[str, str | Omit]:
    """The key of now, and nothing that the SDK found in the environment but, at its own address, the account."""
    import openai

    key, facts = await call.http.key(), call.endpoint.facts
    kept = _KEPT_HEADERS if call.endpoint.own_base_url else _KEPT_HEADERS | _ACCOUNT_HEADERS
    found = (name for name in sdk.default_headers if not name.lower().startswith("x-stainless-"))
    headers: dict[str, str | Omit] = {name: openai.omit for name in found if name.lower() not in kept}
    headers["Authorization"] = openai.omit
    if key is not None:
        headers[facts.key_header] = facts.key_prefix + key.reveal()
    return {**headers, **_UNREAD}


def _failed(error: Exception) -> ImageGenError:
    """Our transport has said what went wrong and what was sent; of what passed it by nobody knows."""
    if isinstance(error.__cause__, ImageGenError):
        return error.__cause__
    return OutcomeUnknownError(f"{error.__cause__ or error}; it may have been billed")
