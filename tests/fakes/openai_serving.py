"""A fake's server: a Starlette app on a free loopback port, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from starlette.applications import Starlette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route


class Serving:
    """The server; a context manager, async or not."""

    def __init__(self, routes: Sequence[Route], certificate: tuple[str, str] | None = None) -> None:
        """``certificate`` are the files of a certificate and its key: then it speaks https."""
        tls: dict[str, Any] = {"ssl_certfile": certificate[0], "ssl_keyfile": certificate[1]} if certificate else {}
        app = Starlette(routes=list(routes))
        config = uvicorn.Config(
            app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1, **tls
        )
        self._server = uvicorn.Server(config)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, args=([self._listening],), daemon=True)
        self.origin = f"http{'s' if certificate else ''}://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listening.close()
