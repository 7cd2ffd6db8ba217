"""The ledger as async code sees it: one thread of its own does all of its reading, writing and flushing."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from imagegen.errors import Billed, ConfigurationError
from imagegen.ledger.files import Folder
from imagegen.ledger.reading import Reader
from imagegen.ledger.rows import Begun, Intent, Settlement, UnitState, Wait
from imagegen.ledger.store import Store
from imagegen.ledger.workers import Worker
from imagegen.secrets import Secret
from imagegen.spool import state_folder
from imagegen.threads import Pool, in_thread

if TYPE_CHECKING:
    from imagegen.types.connection import Endpoint

P = ParamSpec("P")
T = TypeVar("T")


class Ledger:
    """A ledger in use by one client; in memory, and gone with the process, where ``path`` is None."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.folder = Folder(path.with_suffix(".files")) if path is not None else None
        self._thread = Pool(1, "imagegen-ledger") if path is not None else None
        self._opened: tuple[Store, Worker] | None = None
        self._salt = ""

    @property
    def durable(self) -> bool:
        """Whether it outlives the process."""
        return self.path is not None

    async def do(self, step: Callable[Concatenate[Store, P], T], *args: P.args, **keywords: P.kwargs) -> T:
        """One step of the store, off the event loop; one that was begun is ended even if the caller leaves.

        Raises:
            ConfigurationError: Nothing may be spent on this ledger.
        """
        if self._thread is None:
            return step(self._store(), *args, **keywords)
        writing = self._thread.submit(lambda: step(self._store(), *args, **keywords))
        return await asyncio.shield(asyncio.wrap_future(writing))

    def _store(self) -> Store:
        return self._open()[0]

    def _open(self) -> tuple[Store, Worker]:
        if self._opened is None:
            worker = self._begin_worker()
            try:
                store = Store(self.path, worker.name, clock=time.time)
                _orphan(store, worker.alive)
            except ConfigurationError:
                worker.close()
                raise
            self._opened = (store, worker)
        return self._opened

    def _begin_worker(self) -> Worker:
        try:
            return Worker(self.folder.make("workers") if self.folder is not None else None)
        except OSError as error:
            raise ConfigurationError(f"the ledger {self.path}: {error.strerror}; nothing was sent") from None

    async def read(self, look: Callable[[Reader], T]) -> T:
        """What the ledger says, also where nothing may be spent on it: locked, damaged in part, or of a newer version.

        Raises:
            ConfigurationError: It cannot be read either.
        """
        try:
            return await self.do(look)
        except ConfigurationError:
            if self.path is None or not self.path.is_file():
                raise
            return await in_thread(_read, self.path, look)

    async def begin(self, intent: Intent, request: str | None = None) -> Begun | Wait:
        """Write an intent. A caller who leaves meanwhile has sent nothing: the money is free again.

        ``request`` is what was asked, kept while the call is open. That it cannot be is no reason not to submit.

        Raises:
            BudgetExceededError: It could cost more than is left.
            ConfigurationError: Nothing may be spent on this ledger.
        """
        if self._thread is None:
            return self._store().begin(intent)
        writing = self._thread.submit(lambda: self._begin(intent, request))
        try:
            return await asyncio.shield(asyncio.wrap_future(writing))
        except asyncio.CancelledError:
            writing.add_done_callback(self._take_back)
            raise

    def _begin(self, intent: Intent, request: str | None) -> Begun | Wait:
        if request is not None and self.folder is not None:
            with contextlib.suppress(OSError):
                self.folder.keep_request(intent.call.id, request)
        return self._store().begin(intent)

    async def finish(self, call_id: str, settlements: Sequence[tuple[int, Settlement]], result: str | None) -> None:
        """The end of a call, in one transaction: its last units and its result. What was asked is forgotten with it.

        Raises:
            ConfigurationError: It could not be written.
        """
        await self.do(_finish, self.folder, call_id, settlements, result)

    def _take_back(self, writing: Future[Begun | Wait]) -> None:
        if not writing.cancelled() and writing.exception() is None and isinstance(begun := writing.result(), Begun):
            nothing = Settlement(UnitState.NOT_SENT, Billed.NO, error="the caller left before it was sent")
            self._store().settle(begun.unit, nothing)

    async def adopt_orphans(self) -> int:
        """Settle what workers that are no more left in the middle of a submit: it is unknown. How many there were."""
        return await self.do(_orphan, self.alive)

    def alive(self, worker: str) -> bool:
        """Whether a worker still runs."""
        return self._open()[1].alive(worker)

    async def account(self, endpoint: Endpoint) -> str:
        """A connection with its address and key as a tag that tells neither: limits and breakers belong to it."""
        self._salt = self._salt or await self.do(_salt)
        key = endpoint.api_key.reveal() if isinstance(endpoint.api_key, Secret) else ""
        text = "\n".join((self._salt, endpoint.base_url or "", key))
        return f"{endpoint.name}#{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    async def close(self) -> None:
        """Let everything that was begun be written, and let go of the file."""
        if self._thread is not None:
            await asyncio.wrap_future(self._thread.submit(self._close))
            self._thread.close()
        else:
            self._close()

    def _close(self) -> None:
        if self._opened is not None:
            store, worker = self._opened
            self._opened = None
            store.close()
            worker.close()


def _finish(
    store: Store,
    folder: Folder | None,
    call_id: str,
    settlements: Sequence[tuple[int, Settlement]],
    result: str | None,
) -> None:
    left = store.finish(call_id, settlements, result)
    if not left and folder is not None:
        with contextlib.suppress(OSError):  # what was paid for is worth more than a tidy folder
            folder.drop_request(call_id)


def _read(path: Path, look: Callable[[Reader], T]) -> T:
    with contextlib.closing(Reader.open(path)) as reader:
        return look(reader)


def _salt(store: Store) -> str:
    return store.salt


def _orphan(store: Store, alive: Callable[[str], bool]) -> int:
    dead = [worker for worker in store.workers() if not alive(worker)]
    return store.orphan(dead) if dead else 0


def ledger_path(where: bool | str | Path) -> Path:
    """The database's file: ``True`` is the user's own, a folder holds ``ledger.sqlite``."""
    if where is True:
        return state_folder() / "ledger.sqlite"
    path = Path(str(where)).expanduser()
    return path / "ledger.sqlite" if path.is_dir() or not path.suffix else path
