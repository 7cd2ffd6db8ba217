"""The verbs of the module itself: on the client that `use` put in place, else on the default one."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Unpack

from imagegen.blocking import Client

if TYPE_CHECKING:
    from imagegen.types.job import Plan
    from imagegen.types.request import ImageRequest
    from imagegen.types.result import ImageResult
    from imagegen.types.run import CallFields, ClientSettings


_in_use: ContextVar[Client | None] = ContextVar("imagegen_client", default=None)
_lock = threading.Lock()
_settings: ClientSettings = {}
_default: Client | None = None


def generate(prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> ImageResult:
    """New pictures of ``prompt``: ``generate("a red fox", model="stub:painter").image.save("fox.png")``.

    Raises:
        ImageGenError: No picture came; its kind says what to do, `attempts` and `billed` what it cost.
    """
    return client().generate(prompt, **keywords)


def edit(prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> ImageResult:
    """Pictures changed as ``prompt`` says: ``edit("make it night", images=["fox.png"], model="stub:painter")``.

    ``mask=`` is a picture of the first one's size: white repaints, black stays.

    Raises:
        ImageGenError: As `generate`; before anything is sent where an input is no whole picture or does not fit.
    """
    return client().edit(prompt, **keywords)


def plan(prompt: str | ImageRequest, **keywords: Unpack[CallFields]) -> Plan:
    """Exactly what `generate` would do, and what it would cost; no network, no key.

    Raises:
        ImageGenError: As `generate` would, before anything is sent.
    """
    return client().plan(prompt, **keywords)


def configure(**settings: Unpack[ClientSettings]) -> None:
    """Settings of the default client, the one that the module's own verbs use. An older default client is closed."""
    global _settings
    with _lock:
        _close()
        _settings = settings


@contextlib.contextmanager
def use(client: Client) -> Iterator[Client]:
    """Inside the block the module's verbs use ``client``: an app's tests put one on the stub in place."""
    token = _in_use.set(client)
    try:
        yield client
    finally:
        _in_use.reset(token)


def client() -> Client:
    """The client in use: that of `use`, else the default one, made on first need."""
    global _default
    if (found := _in_use.get()) is not None:
        return found
    with _lock:
        if _default is None:
            _default = Client(**_settings)
        return _default


def shut() -> tuple[str, ...]:
    """Close the default client, if there is one; what it had to park."""
    with _lock:
        return _close()


def _close() -> tuple[str, ...]:
    global _default
    closing, _default = _default, None
    return closing.close() if closing is not None else ()


def _forget(**_: Any) -> None:
    """After a fork: the parent's sockets are the parent's."""
    global _default, _lock
    _lock, _default = threading.Lock(), None


atexit.register(_close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
