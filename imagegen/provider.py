"""The contract: what a provider is asked, and what it answers. Most are pure translation on `HttpProvider`."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from imagegen.errors import (
    BadOutputError,
    ImageGenError,
    OutcomeUnknownError,
    ProviderError,
    UnsupportedError,
)
from imagegen.http.messages import Exchange, Reply, ServerEvent, Wire, current_exchange
from imagegen.http.status import checked, with_reply
from imagegen.types.events import Partial, Progress, Queued
from imagegen.types.job import Output, RemoteJob, Running, Task
from imagegen.types.picture import ImageUrl, PictureData
from imagegen.types.request import ProviderOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from imagegen.http.connection import HttpConnection
    from imagegen.secrets import Secret
    from imagegen.types.connection import Endpoint
    from imagegen.types.cost import Cost
    from imagegen.types.job import ListedJob
    from imagegen.types.result import Usage

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """What a provider gets besides its task: where, until when, and whom to tell."""

    endpoint: Endpoint
    """The connection as it was resolved."""
    http: HttpConnection
    """Our HTTP, bound to the endpoint: it sends the key to the endpoint's own hosts only."""
    deadline: float
    """On the running loop's clock. The core enforces it; a provider may plan by it."""
    report: Callable[[Queued | Progress | Partial], None] = lambda event: None
    """Progress for the caller."""
    exchange: Exchange = field(default_factory=Exchange)
    """The HTTP exchange of this call, for `HttpConnection.send` and `read`."""


class Provider(ABC):
    """One provider behind one connection. Subclass `HttpProvider` unless it is not plain HTTP."""

    name: ClassVar[str]
    """The entry point's name."""
    api_version: ClassVar[int] = 1
    """Of this contract."""
    Options: ClassVar[type[ProviderOptions]] = ProviderOptions
    """What this provider alone has."""

    @abstractmethod
    async def submit(self, task: Task, call: Call) -> Output | RemoteJob:
        """The paid step: finished pictures, or a job that was accepted. Raises only errors of the tree."""

    def stream(self, task: Task, call: Call) -> AsyncIterator[Partial | Output | RemoteJob]:
        """The paid step for a task with ``stream``: unfinished pictures, and last what `submit` would return."""
        raise UnsupportedError(f"{self.name} does not stream")

    if TYPE_CHECKING:  # open signatures: `HttpProvider` has the pure halves of both under the same names

        def poll(self, *asked: Any, **named: Any) -> Any: ...

        def cancel(self, *asked: Any, **named: Any) -> Any: ...

    else:

        async def poll(self, job: RemoteJob, call: Call) -> Output | Running:
            """What became of a job. Free, and repeated."""
            raise UnsupportedError(f"{self.name} has no jobs to ask about")

        async def cancel(self, job: RemoteJob, call: Call) -> None:
            """Stop a job, where the provider can. It may be billed all the same."""
            raise UnsupportedError(f"{self.name} cannot stop a job")

    async def aclose(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of whatever this object opened."""


class HttpProvider(Provider):
    """A provider over plain HTTP: translation only. The core sends, times, retries, downloads and pays."""

    async def send(self, wire: Wire, call: Call) -> Reply:
        """Send one request and read the whole answer. The core's; only a module with an SDK overrides it."""
        return await call.http.send(wire, call.exchange)

    def send_events(self, wire: Wire, call: Call) -> AbstractAsyncContextManager[AsyncIterator[ServerEvent] | Reply]:
        """Send one request and read its events as they come; a `Reply` where the answer is no event stream."""
        return call.http.send_events(wire, call.exchange)

    def auth(self, key: Secret, endpoint: Endpoint) -> dict[str, str]:
        """The headers that show the key: the catalogue's, unless the provider knows several. Pure."""
        return {endpoint.facts.key_header: endpoint.facts.key_prefix + key.reveal()}

    def generate(self, task: Task) -> Wire:
        """The request for new pictures. Pure."""
        raise UnsupportedError(f"{self.name} makes no new pictures")

    def edit(self, task: Task) -> Wire:
        """The request for changed pictures. Pure."""
        raise UnsupportedError(f"{self.name} changes no pictures")

    def parse_event(self, event: ServerEvent, task: Task) -> Partial | Output | None:
        """What one event of a stream means; None for one that means nothing here. Pure."""
        raise UnsupportedError(f"{self.name} does not stream")

    def parse(self, reply: Reply, task: Task) -> Output | RemoteJob:
        """What a success answer holds. Pure; raises only errors of the tree."""
        raise BadOutputError(f"{self.name} reads no answers", reason="unreadable", raw=reply.body)

    def read_error(self, reply: Reply) -> ProviderError | None:
        """The provider's own error in an answer that is no success; None where the body is not of its shape. Pure.

        The table of attempt states decides by the status; this adds the words and the code, and says what no status
        tells: that it was moderation (`ModerationError`), missing credit (`QuotaError`) or the key
        (`AuthenticationError`).
        """
        return None

    def parse_billed_error(self, reply: Reply, task: Task) -> Output | None:
        """What was paid for in an answer that is no success, where it says how much; None for any other. Pure.

        Its pictures are errors, one for each that did not come, and its cost or usage is counted.
        """
        return None

    # `poll` and `cancel` are the pure halves of the verbs above: the core goes through `ask_state` and `ask_cancel`.

    def poll(self, job: RemoteJob) -> Wire:
        """The request for a job's state. Pure: the core asks it through `ask_state`."""
        raise UnsupportedError(f"{self.name} has no jobs to ask about")

    def parse_poll(self, reply: Reply, job: RemoteJob) -> Output | Running | Wire:
        """What became of the job. Pure. A state the module does not know is ``Running(known=False)``.

        A `Wire` where the result lies behind another address: it is asked for next, and `parse_result` reads it.
        """
        raise UnsupportedError(f"{self.name} has no jobs to ask about")

    def parse_result(self, reply: Reply, job: RemoteJob) -> Output:
        """What a job gave that is done, where `parse_poll` only says where it lies. Pure."""
        raise UnsupportedError(f"{self.name} has no jobs to ask about")

    def read_end(self, reply: Reply, wire: Wire, job: RemoteJob) -> ProviderError | None:
        """How the job ended, where an answer to ``wire`` that is no success says so. Pure.

        None: only this question failed, and the job may go on.
        """
        return None

    def cancel(self, job: RemoteJob) -> Wire:
        """The request that stops a job. Pure: the core sends it through `ask_cancel`."""
        raise UnsupportedError(f"{self.name} cannot stop a job")

    def wire(self, task: Task) -> Wire:
        """The request for ``task``, whatever its operation."""
        build: Callable[[Task], Wire] = getattr(self, task.operation)
        return build(task)

    async def submit(self, task: Task, call: Call) -> Output | RemoteJob:
        return self._outcome(await self.send(self.wire(task), call), task)

    def _outcome(self, reply: Reply, task: Task) -> Output | RemoteJob:
        billed = None if reply.is_success else self.parse_billed_error(reply, task)
        outcome = billed or self.parse(checked(reply, self.read_error), task)
        if reply.split is not None:
            reply.split.discard_unclaimed()
        return outcome

    async def stream(self, task: Task, call: Call) -> AsyncIterator[Partial | Output | RemoteJob]:
        async with self.send_events(self.wire(task), call) as events:
            if isinstance(events, Reply):
                yield self._outcome(events, task)
                return
            async for event in events:
                found = self.parse_event(event, task)
                if found is None and event.data.split is not None:
                    for picture in event.data.split.pictures:
                        picture.discard()
                if found is not None:
                    yield found
                    if not isinstance(found, Partial):
                        return


async def pay(provider: Provider, task: Task, call: Call) -> Output | RemoteJob:
    """The paid step. Whatever a module raises that is not of the tree is an unknown outcome: money may have moved."""
    call.exchange.started = False if isinstance(provider, HttpProvider) else None
    current_exchange.set(call.exchange)
    with _fence(provider, call, "; it may have been billed"):
        found = await (_last_of_stream(provider, task, call) if task.stream else provider.submit(task, call))
        _check_kind(found, RemoteJob)
        return _cleaned(found, call)


@contextlib.contextmanager
def _fence(provider: Provider | Judges, call: Call, what_then: str = "") -> Iterator[None]:
    """Whatever foreign code raises that is not of the tree says nothing of what was done: it is an unknown outcome."""
    try:
        yield
    except ImageGenError as error:
        _clean(error, call)
        raise
    except (Exception, SystemExit) as error:
        what = call.http.clean(f"{type(error).__name__}: {error}")
        name = getattr(provider, "name", type(provider).__name__)
        raise OutcomeUnknownError(f"provider {name} failed: {what}{what_then}") from error


def _clean(error: ImageGenError, call: Call) -> None:
    """A module may repeat a server's words as they came."""
    error.message = call.http.clean(error.message)
    error.args = (error.message,)


def _cleaned(found: T, call: Call) -> T:
    """The same with clean errors in place of single pictures."""
    for each in found.images if isinstance(found, Output) else ():
        if isinstance(each, ImageGenError):
            _clean(each, call)
    return found


def _check_kind(found: object, other: type) -> None:
    """Find out whether a module gave what the contract says: an output of pictures, or ``other``."""
    if isinstance(found, Output):
        odd = [each for each in found.images if not isinstance(each, (PictureData, bytes, ImageUrl, ImageGenError))]
        if odd:
            raise TypeError(f"a picture that is {type(odd[0]).__name__}")
    elif not isinstance(found, other):
        raise TypeError(f"it gave {type(found).__name__}, neither Output nor {other.__name__}")


async def _last_of_stream(provider: Provider, task: Task, call: Call) -> Output | RemoteJob:
    """Hand every unfinished picture over as it comes; what the stream ends with is what was paid for."""
    found: Output | RemoteJob | None = None
    async for each in provider.stream(task, call):
        if isinstance(each, Partial):
            call.exchange.first_partial = call.exchange.first_partial or time.monotonic()
            call.report(replace(each, content=_in_memory(each.content)))
        else:
            found = each
    if found is None:
        raise OutcomeUnknownError("the stream ended without its last event; it may have been billed")
    return found


def _in_memory(picture: PictureData) -> PictureData:
    """An unfinished picture is nobody's file: it is kept by whoever was shown it."""
    if picture.path is None:
        return picture
    held = type(picture)(picture.read())
    picture.discard()
    return held


def has_jobs(provider: Provider) -> bool:
    """Whether its work can be collected by another process."""
    return type(provider).poll not in (Provider.poll, HttpProvider.poll)


async def ask_cancel(provider: Provider, job: RemoteJob, call: Call) -> None:
    """Stop ``job`` at the provider.

    Raises:
        UnsupportedError: The provider cannot.
    """
    current_exchange.set(None)
    with _fence(provider, call):
        if isinstance(provider, HttpProvider):
            checked(await provider.send(provider.cancel(job), call), provider.read_error)
        else:
            await provider.cancel(job, call)


async def ask_state(provider: Provider, job: RemoteJob, call: Call) -> Output | Running:
    """What became of ``job``, asked once.

    Raises:
        OutcomeUnknownError: The module failed, or gave something else; the job is where it was.
    """
    current_exchange.set(None)
    with _fence(provider, call):
        asking = _http_state(provider, job, call) if isinstance(provider, HttpProvider) else provider.poll(job, call)
        found: Output | Running = await asking
        _check_kind(found, Running)
        return _cleaned(found, call)


async def _http_state(provider: HttpProvider, job: RemoteJob, call: Call) -> Output | Running:
    reply = await _answer(provider, provider.poll(job), job, call)
    state = provider.parse_poll(reply, job)
    if isinstance(state, Wire):
        reply = await _answer(provider, state, job, call)
        state = provider.parse_result(reply, job)
    if reply.split is not None:  # some answers repeat the pictures of the request
        reply.split.discard_unclaimed()
    return state


async def _answer(provider: HttpProvider, wire: Wire, job: RemoteJob, call: Call) -> Reply:
    """A success answer about ``job``."""
    reply = await provider.send(wire, call)
    if not reply.is_success and (ended := provider.read_end(reply, wire, job)) is not None:
        raise with_reply(ended, reply)
    return checked(reply, provider.read_error)


@runtime_checkable
class ListsJobs(Protocol):
    """A provider that can list its recent jobs, so that an unknown outcome can be settled."""

    def lists(self, model: str) -> bool:
        """Whether every submit to ``model`` (the provider's own id) that is accepted appears on the list."""
        ...

    async def list_jobs(self, since: float, call: Call) -> Sequence[ListedJob]:
        """Every job of this key that was accepted since then (seconds since 1970), in any order.

        Raises:
            UnsupportedError: The list does not reach back so far: what is not on it may still exist.
        """
        ...


@runtime_checkable
class ChecksProvenance(Protocol):
    """A provider that can say whether a picture bears its marks."""

    async def check_provenance(self, picture: PictureData, call: Call) -> Mapping[str, Any]:
        """What it found, by kind of mark."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model says of pictures, and what that cost."""

    answer: str
    model: str
    """The provider's own id of the model that answered."""
    cost: Cost
    probability: float | None = None
    """Of the answer, 0 to 1; None where the model gives none."""
    usage: Usage | None = None


@runtime_checkable
class Judges(Protocol):
    """A provider that has models which answer questions about pictures."""

    async def judge(
        self, pictures: Sequence[PictureData], question: str, call: Call, *, model: str | None = None
    ) -> Judgement:
        """What the model says: the provider's own id of one, or None for the provider's choice. It is paid for.

        Raises:
            ImageGenError: It gave no answer.
        """
        ...


async def ask_judge(
    provider: Judges, pictures: Sequence[PictureData], question: str, call: Call, model: str
) -> Judgement:
    """What a model says of pictures; whatever foreign code raises that is not of the tree may have been billed."""
    call.exchange.started = False if isinstance(provider, HttpProvider) else None
    current_exchange.set(call.exchange)
    with _fence(provider, call, "; it may have been billed"):
        found = await provider.judge(pictures, question, call, model=model)
        if not isinstance(found, Judgement):
            raise TypeError(f"it gave {type(found).__name__}, not Judgement")
        return replace(found, answer=call.http.clean(found.answer))
