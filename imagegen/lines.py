"""Connections in use: where each leads, who translates, and the HTTP it goes over. Made when first asked for."""

from __future__ import annotations

import asyncio
import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen import jobs, plugins
from imagegen.errors import ConfigurationError
from imagegen.http.connection import HttpConnection
from imagegen.http.messages import Exchange
from imagegen.http.sinks import FileSink
from imagegen.planning import resolve
from imagegen.provider import Call, HttpProvider, Provider

if TYPE_CHECKING:
    from imagegen.results import Piece
    from imagegen.settings import Settings
    from imagegen.types.connection import Endpoint
    from imagegen.underway import UnderWay


@dataclass(slots=True)
class Line:
    """One connection in use."""

    endpoint: Endpoint
    provider: Provider
    http: HttpConnection

    def call(self, under_way: UnderWay, piece: Piece, exchange: Exchange | None = None) -> Call:
        """What the provider gets for one step of a call."""
        exchange, folder = exchange or Exchange(), under_way.run.save_to
        if self.endpoint.facts.idempotency_header:
            exchange.headers = {self.endpoint.facts.idempotency_header: piece.task.key}
        if folder is not None:
            exchange.new_sink = lambda size: FileSink(folder)
        report = functools.partial(jobs.report, piece.index, under_way.tell)
        return Call(self.endpoint, self.http, under_way.deadline, report, exchange)


class Lines:
    """All connections of one client. They belong to one process and one event loop: sockets cannot move."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[str, Line] = {}
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None

    def check_home(self) -> None:
        """Find out whether this is the process and the loop of the first call.

        Raises:
            ConfigurationError: It is another.
        """
        here = (os.getpid(), asyncio.get_running_loop())
        self._home = self._home or here
        if self._home[0] != here[0]:
            raise ConfigurationError("this client was made before a fork: make one in the new process")
        if self._home[1] is not here[1]:
            raise ConfigurationError("this client belongs to another event loop: make one for each")

    def line(self, model: str) -> Line:
        """The connection that ``model`` (``connection:model``) names.

        Raises:
            ConfigurationError: There is none.
        """
        name = model.partition(":")[0]
        if name not in self._open:
            endpoint, _ = resolve(model, self._settings)
            provider = plugins.provider_class(endpoint.provider)()
            auth = provider.auth if isinstance(provider, HttpProvider) else None
            self._open[name] = Line(endpoint, provider, HttpConnection(endpoint, auth))
        return self._open[name]

    async def close(self) -> None:
        """Close every connection."""
        for line in self._open.values():
            await line.provider.aclose()
            await line.http.aclose()
        self._open.clear()
