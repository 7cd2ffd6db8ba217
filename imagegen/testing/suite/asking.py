"""What every part of the suite stands on: what a plugin's author states, and how the suite asks."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import pytest

import imagegen
from imagegen import catalogue
from imagegen.catalogue import Model
from imagegen.plugins import provider_class
from imagegen.provider import HttpProvider, Provider
from imagegen.testing.faults import Answer, Fault, Received
from imagegen.testing.front import Front, Upstream
from imagegen.testing.pictures import corner_mask, halves

CANARY = "kit-canary-5e1f7a90c3-key"
"""The key that is shown unless the author names another; it may appear nowhere but in the provider's own requests."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One form in which a provider says that moderation refused."""

    answer: Answer
    at: Literal["submit", "poll"] = "submit"
    """Whether the submit is answered so, or the question what became of the job."""


class Asking:
    """The attributes and methods that an author sets, and the helpers of the suite's parts."""

    pytestmark = pytest.mark.anyio

    model: ClassVar[str]
    """``provider:id`` of a model that the fake serves."""
    key: ClassVar[str] = CANARY
    """The key that the fake wants."""
    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Further request fields an operation needs: ``{"edit": {"size": "512x512"}}``."""
    refusals: ClassVar[Sequence[Refusal]] = ()
    """Every form in which this provider refuses."""
    failed_jobs: ClassVar[Sequence[Answer]] = ()
    """What the question for a job is answered when it failed, in every form."""
    state_names: ClassVar[Sequence[str]] = ("status", "state")
    """What an answer calls the job's state."""
    paints_sizes: ClassVar[bool] = True
    """Whether the fake's pictures have the size that was asked for."""
    shown_key: ClassVar[str | None] = None
    """What is shown of the key, where it is not shown as it is (Basic, a signature)."""
    statuses: ClassVar[Mapping[int, type[imagegen.ImageGenError]]] = {}
    """Where an error status means something else here than in the table of attempt states."""
    edit_model: ClassVar[str | None] = None
    """A model that changes pictures, where `model` does not."""
    masked_model: ClassVar[str | None] = None
    """A model that takes a mask, where the one that changes pictures does not."""

    operations: ClassVar[Sequence[str]] = ("generate", "edit")
    """What the fake serves."""

    def fake(self) -> Upstream | None:
        """A strict fake of the provider: it paints, and refuses what the provider refuses. None: there is none."""
        return None

    def error(self, message: str) -> Any:
        """The body of an ordinary error in the provider's own shape."""
        return {"error": {"message": message}}

    def one_refused(self, body: bytes) -> bytes:
        """A good answer with several pictures, changed so that its first picture was refused.

        As it is where a call makes one picture only, or the provider refuses whole calls.
        """
        return body

    # What follows is the suite's own.

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.model.partition(":")[0]

    @property
    def provider(self) -> Provider:
        """A fresh provider."""
        return provider_class(self.name)()

    @property
    def entry(self) -> Model:
        """What the catalogue knows of `model`."""
        return self.entry_of(self.model)

    def entry_of(self, model: str) -> Model:
        """What the catalogue knows of ``model``; nothing is known of one that it does not have."""
        found = catalogue.find_model(self.name, model.partition(":")[2])
        return found or Model(provider=self.name, id=model.partition(":")[2])

    def operations_of(self, model: str) -> set[str]:
        """What ``model`` does by the catalogue; by the module, where the catalogue does not know it."""
        found = catalogue.find_model(self.name, model.partition(":")[2])
        if found is not None:
            return set(self.operations) & set(found.capabilities.operations)
        built = provider_class(self.name)
        return {each for each in self.operations if getattr(built, each, None) is not getattr(HttpProvider, each)}

    def model_for(self, operation: str) -> str:
        """The model that is asked for it: ``generate``, ``edit``, or ``mask``."""
        edits = self.edit_model or self.model
        return {"edit": edits, "mask": self.masked_model or edits}.get(operation, self.model)

    @property
    def takes_mask(self) -> bool:
        """Whether the author names a model with masks, or the catalogue says so."""
        return self.masked_model is not None or self.entry_of(self.model_for("mask")).capabilities.mask

    def asked(self, operation: str = "generate", **fields: Any) -> dict[str, Any]:
        """Keywords of a call that the model can do."""
        inputs = {"images": [halves()]} if operation == "edit" else {}
        return {"prompt": "a red fox in snow", **inputs, **self.fields.get(operation, {}), **fields}

    def plan(self, operation: str = "generate", model: str | None = None, **fields: Any) -> imagegen.Plan:
        """What would be sent."""
        address = None if catalogue.facts_of(self.name).base_url else "https://server.invalid/v1"
        connections = {self.name: imagegen.Connection(base_url=address)} if address else {}
        planning = imagegen.Client(connections=connections, spool=None)
        return planning.plan(model=model or self.model_for(operation), **self.asked(operation, **fields))

    def wires(self, plan: imagegen.Plan) -> list[imagegen.Wire]:
        """What a plan sends, with the same task keys every time."""
        provider = self.provider
        assert isinstance(provider, HttpProvider)
        return [provider.wire(replace(task, key="task")) for task in plan.tasks]

    def needs_http(self) -> None:
        """Skip for a provider that is not plain HTTP: it has no request to look at."""
        if not issubclass(provider_class(self.name), HttpProvider):
            pytest.skip("not plain HTTP")

    def needs_operation(self, operation: str) -> None:
        """Skip where the model does not do it."""
        model = self.model_for(operation)
        if operation not in self.operations_of(model):
            pytest.skip(f"{model} does not {operation}")

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The one loop that the library knows."""
        return "asyncio"

    @pytest.fixture(autouse=True)
    def own_folders(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No test reads or writes a person's own settings, jobs or ledger."""
        monkeypatch.setenv("IMAGEGEN_CONFIG_DIR", str(tmp_path / "config"))
        monkeypatch.setenv("IMAGEGEN_STATE_DIR", str(tmp_path / "state"))

    @pytest.fixture(scope="class")
    @classmethod
    def kept_fake(cls) -> Iterator[Any]:
        """One fake for all tests of the class, where it can forget what it received."""
        fake: Any = cls().fake()
        if not hasattr(fake, "forget") or not hasattr(fake, "__enter__"):
            yield [fake]  # for the first test
            return
        with fake:
            yield Kept(fake)

    @pytest.fixture
    async def asking(self, kept_fake: Any) -> AsyncIterator[Asked]:
        """The fake behind its front, and clients that ask it."""
        self.needs_http()
        upstream = kept_fake
        if isinstance(kept_fake, list):
            upstream = kept_fake.pop() if kept_fake else self.fake()
        if upstream is None:
            pytest.skip("needs a fake: see ProviderSuite.fake")
        async with AsyncExitStack() as stack:
            front = await stack.enter_async_context(Front(upstream))
            yield Asked(self, front, stack)


class Kept:
    """A fake that is already open; each test finds it with nothing received."""

    def __init__(self, fake: Any) -> None:
        fake.forget()
        self._fake = fake
        self.base_url: str = fake.base_url

    def __enter__(self) -> Self:
        self._fake.forget()
        return self

    def __exit__(self, *exception: object) -> None:
        """It stays open."""


class Asked:
    """One test's server and clients."""

    def __init__(self, suite: Asking, front: Front, stack: AsyncExitStack) -> None:
        self.suite, self.front = suite, front
        self._stack = stack

    async def client(self, base_url: str | None = None, **settings: Any) -> imagegen.AsyncClient:
        """A client whose connection leads to the front; closed after the test."""
        allow_private = settings.pop("allow_private", False)
        connection = imagegen.Connection(
            api_key=self.suite.key, base_url=base_url or self.front.base_url, allow_private=allow_private
        )
        found = imagegen.AsyncClient(
            **{"connections": {self.suite.name: connection}, "spool": None, "timeout_s": 20, **settings}
        )
        self._stack.push_async_callback(found.close, 0.5)
        return found

    async def call(self, operation: str = "generate", **fields: Any) -> imagegen.ImageResult:
        """One call through a client of its own; ``timeout_s`` and ``allow_private`` may be among the fields."""
        settings = {name: fields.pop(name) for name in ("allow_private", "base_url") if name in fields}
        client = await self.client(**settings)
        asked = self.suite.asked(operation, **{"model": self.suite.model_for(operation), **fields})
        verb: Callable[..., Any] = getattr(client, operation)
        result: imagegen.ImageResult = await verb(**asked)
        return result

    async def failing(self, operation: str = "generate", **fields: Any) -> imagegen.ImageGenError:
        """The error that the call ends in."""
        with pytest.raises(imagegen.ImageGenError) as caught:
            await self.call(operation, **fields)
        return caught.value

    async def outcome(
        self, operation: str = "generate", **fields: Any
    ) -> imagegen.ImageResult | imagegen.ImageGenError:
        """What the call ends in, either way."""
        try:
            return await self.call(operation, **fields)
        except imagegen.ImageGenError as error:
            return error

    @property
    def submit_paths(self) -> set[str]:
        """Where submits go, below the base URL."""
        suite = self.suite
        plans = [
            suite.plan(operation, model)
            for model in {suite.model_for(each) for each in ("generate", "edit", "mask")}
            for operation in suite.operations_of(model)
        ]
        if suite.takes_mask:
            plans.append(suite.plan("edit", suite.model_for("mask"), mask=corner_mask()))
        return {wire.path.partition("?")[0] for plan in plans for wire in suite.wires(plan)}

    @property
    def submits(self) -> list[Received]:
        """The submits that arrived whole."""
        return [each for path in self.submit_paths for each in self.front.submits(path)]

    def meets(self, submit: Fault | None = None, later: Fault | None = None, times: int | None = None) -> None:
        """Let submits and what follows them meet these faults; ``times``: only the first so many of each."""
        paths = {posixpath.normpath(self.front.base_path + path) for path in self.submit_paths}
        left = {True: times, False: times}

        def rule(received: Received) -> Fault | None:
            is_submit = received.method != "GET" and received.path.partition("?")[0] in paths
            fault = submit if is_submit else later
            count = left[is_submit]
            if fault is None or count == 0:
                return None
            left[is_submit] = None if count is None else count - 1
            return fault

        self.front.rule = rule

    def bears_key(self, received: Received) -> bool:
        """Whether a request shows the key, in whatever place."""
        request = f"{received.path} {dict(received.headers)} {received.body[:65536]!r}"
        return self.suite.key in request or (self.suite.shown_key or self.suite.key) in request
