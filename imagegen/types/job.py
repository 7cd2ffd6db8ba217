"""Work that was planned or accepted: tasks, the provider's handles, and the job a user can carry away."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from imagegen.errors import ConfigurationError, ImageGenError, UnsupportedError
from imagegen.naming import checked_name
from imagegen.types.cost import Cost
from imagegen.types.request import ImageRequest, ProviderOptions, request_of
from imagegen.types.result import Adaptation, Usage, plain

if TYPE_CHECKING:
    from imagegen.catalogue import Capabilities
    from imagegen.http.messages import Wire
    from imagegen.types.connection import Endpoint
    from imagegen.types.picture import ImageUrl, PictureData

Operation: TypeAlias = Literal["generate", "edit"]
Outcome: TypeAlias = Literal["found", "not_billed", "billed", "unknown"]


@dataclass(frozen=True, slots=True)
class Task:
    """One paid submit to come: the request as this model takes it. Picture fields are already adapted."""

    request: ImageRequest
    model: str
    """The provider's own id."""
    operation: Operation
    n: int | None = None
    """Pictures in this call; None where the caller named no number (one comes)."""
    options: ProviderOptions | None = None
    """Validated by the provider's own `Options`; None where the caller gave none."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Hidden defaults of the provider that are sent so that nothing happens unseen."""
    stream: bool = False
    """True: the caller wants unfinished pictures, and the model can stream."""
    endpoint: Endpoint | None = field(default=None, repr=False)
    """Where it goes; None where a task is made by hand."""
    capabilities: Capabilities | None = field(default=None, repr=False)
    """What the catalogue knows; None for a model it does not know."""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Stable over retries: the idempotency key where a provider honours one."""

    @property
    def count(self) -> int:
        """How many pictures this call makes."""
        return self.n or 1

    def asks_only(self, fields: Collection[str]) -> None:
        """Find out whether the request keeps to the ``fields`` that a provider has words for.

        Planning has done so already for a model that the catalogue knows.

        Raises:
            UnsupportedError: It asks for another, which would be dropped in silence.
        """
        others = sorted(self.request.asked().keys() - set(fields))
        if others:
            raise UnsupportedError(f"{self.model} has no {', '.join(others)}; nothing was sent")


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A job that a provider accepted: its receipt. Everything here may be written to disk; no key ever is."""

    id: str
    url: str | None = None
    """Where to ask for its state, as the provider gave it. Untrusted."""
    result_url: str | None = None
    cancel_url: str | None = None
    cost_usd: Decimal | None = None
    """The provider's own price for it, where it says one on acceptance."""
    request_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the provider's module needs to go on; JSON values."""


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as its provider lists it, with all that helps to find the submit that made it."""

    remote: RemoteJob
    created_at: float | None = None
    """Seconds since 1970, by the provider's clock."""
    task_key: str | None = None
    """The `Task.key` that was sent with it, where the provider keeps one."""
    prompt: str | None = None
    model: str | None = None
    """The provider's own id."""
    aliases: tuple[str, ...] = ()
    """Other ids that it may have been asked by, for example one with a version."""


@dataclass(frozen=True, slots=True)
class OpenUnit:
    """One paid unit that was not settled."""

    job: str
    """The id of its job, for `resume`."""
    model: str
    """``connection:model``."""
    state: str
    """``submitted`` or ``ready``: can be collected; ``unknown``: may have been billed; ``intent``: under way."""
    pictures: int
    created_at: str
    age_s: float
    at_most_usd: Decimal | None
    """What is set aside for it; None where no price is known."""
    expires_in_s: float | None
    """Seconds until the provider drops the result; None where nobody knows."""
    label: str | None = None
    error: str | None = None

    @property
    def collectable(self) -> bool:
        """Whether `resume` can fetch it."""
        return self.state in ("submitted", "ready")


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of one unit of unknown outcome."""

    job: str
    model: str
    outcome: Outcome
    """``found``: the provider has it, `resume` collects it; ``not_billed``: its list has no such job."""
    at_most_usd: Decimal | None
    why: str


@dataclass(frozen=True, slots=True)
class Running:
    """A job that is not done. A state the module does not know is running too, with ``known=False``."""

    status: str
    progress: float | None = None
    """0 to 1."""
    queue_position: int | None = None
    queued: bool = False
    """True while it waits for its turn."""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Output:
    """What a complete success answer held. The core downloads, inspects and prices it."""

    images: Sequence[PictureData | bytes | ImageUrl | ImageGenError]
    """One entry a picture; an error where the provider refused or failed just that one."""
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    """The provider's own price."""
    model: str | None = None
    """The model that really answered, where the reply says."""
    seed: int | None = None
    """The seed of the first picture, where the provider reports one."""
    seeds: Sequence[int | None] = ()
    """A seed a picture, where they are reported apart."""
    revised_prompts: Sequence[str | None] = ()
    echo: Mapping[str, Any] = field(default_factory=dict)
    """Request fields as the provider says it took them; what differs from what was sent becomes an adaptation."""
    adaptations: Sequence[Adaptation] = ()
    warnings: Sequence[str] = ()
    raw: Any = None
    """The reply without pictures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly what `generate` would do, and what it would cost. Made without network or key."""

    model: str
    """``connection:model``."""
    request: ImageRequest
    """As it was asked."""
    operation: Operation
    tasks: tuple[Task, ...]
    """One paid submit each."""
    wires: tuple[Wire, ...]
    """What each task sends; empty for a provider that is not plain HTTP."""
    adaptations: tuple[Adaptation, ...]
    defaults: Mapping[str, Any]
    """What the provider chooses where nothing was asked and it changes the picture or the bill."""
    cost: Cost
    """`known_usd` to `at_most_usd`; `amount_usd` where the two agree."""
    task_costs: tuple[Cost, ...]
    """The same, a task each: what is reserved before its submit."""
    warnings: tuple[str, ...] = ()
    fallbacks: tuple[Plan, ...] = ()
    """What is tried next, in order, when several models were named."""

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values, without pictures and without any key."""
        return {
            "model": self.model,
            "operation": self.operation,
            "request": self.request.asked(),
            "calls": [{"n": task.count, "fields": task.request.asked()} for task in self.tasks],
            "wires": [wire.to_dict() for wire in self.wires],
            "adaptations": [plain(each) for each in self.adaptations],
            "defaults": dict(self.defaults),
            "cost": plain(self.cost),
            "warnings": list(self.warnings),
            "fallbacks": [each.to_dict() for each in self.fallbacks],
        }


@dataclass(frozen=True, slots=True)
class JobPart:
    """One task of a job: a handle at the provider, or pictures that already lie beside the spool file."""

    index: int
    n: int
    seed: int | None = None
    remote: RemoteJob | None = None
    urls: tuple[str, ...] = ()
    """Links to finished pictures that are still to be fetched. They open doors: the file that holds them is private."""
    files: tuple[str, ...] = ()
    """File names of pictures that arrived when nobody waited for them any more."""
    cost_usd: Decimal | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Accepted work that can be collected later, in another process too. Holds no key and no base URL."""

    id: str
    model: str
    """``connection:model``; resuming asks the connection of that name."""
    operation: Operation
    request: ImageRequest
    """As it was asked; inputs by digest are not needed to collect a result."""
    sent: Mapping[str, Any]
    """The adapted fields, to check what comes back."""
    adaptations: tuple[Adaptation, ...] = ()
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    parts: tuple[JobPart, ...] = ()
    problems: tuple[str, ...] = ()
    """What of the request was not accepted."""

    @classmethod
    def planned(cls, job_id: str, plan: Plan) -> Job:
        """What is about to be submitted, with nothing accepted yet."""
        sent = plan.tasks[0].request.asked()
        return cls(job_id, plan.model, plan.operation, plan.request, sent, plan.adaptations)

    @property
    def durable(self) -> bool:
        """True when every part can be collected by another process."""
        return bool(self.parts) and all(part.remote or part.urls or part.files for part in self.parts)

    def with_part(self, part: JobPart) -> Job:
        """The same job with one part added or replaced."""
        others = [each for each in self.parts if each.index != part.index]
        return replace(self, parts=tuple(sorted([*others, part], key=lambda each: each.index)))

    def to_json(self) -> str:
        """The job as text, for another process.

        Raises:
            ConfigurationError: Nothing in it could be collected elsewhere (a synchronous provider).
        """
        if not self.durable:
            raise ConfigurationError(f"{self.model} gives no handle to collect later: keep this process until it ends")
        fields = {
            "imagegen_job": 1,
            "id": self.id,
            "model": self.model,
            "operation": self.operation,
            "created_at": self.created_at,
            "request": self.request.asked(),
            "sent": dict(self.sent),
            "adaptations": [plain(each) for each in self.adaptations],
            "parts": [plain(each) for each in self.parts],
            "problems": list(self.problems),
        }
        return json.dumps(fields, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """A job from its text. The text is untrusted: only what is expected is read.

        Raises:
            ConfigurationError: It is not a job's text.
        """
        try:
            fields = json.loads(text)
            if fields["imagegen_job"] != 1:
                raise ConfigurationError("this job was written by a newer version of imagegen: upgrade to collect it")
            request = {name: value for name, value in fields["request"].items() if name not in ("images", "mask")}
            return cls(
                id=str(uuid.UUID(fields["id"])),
                model=str(fields["model"]),
                operation=fields["operation"] if fields["operation"] in ("generate", "edit") else "generate",
                request=request_of(request),
                sent=dict(fields["sent"]),
                adaptations=tuple(Adaptation(**each) for each in fields["adaptations"]),
                created_at=str(fields["created_at"]),
                parts=tuple(_part(each) for each in fields["parts"]),
                problems=tuple(str(each) for each in fields["problems"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
            raise ConfigurationError(f"not the text of a job ({type(error).__name__})") from None


def part_to_json(part: JobPart) -> str:
    """One part as text, for the ledger."""
    return json.dumps(plain(part), ensure_ascii=False)


def part_from_json(text: str) -> JobPart:
    """One part from its text."""
    return _part(json.loads(text))


def _part(fields: dict[str, Any]) -> JobPart:
    remote = fields.get("remote")
    usage = fields.get("usage")
    return JobPart(
        index=int(fields["index"]),
        n=int(fields["n"]),
        seed=fields["seed"],
        remote=RemoteJob(**{**remote, "cost_usd": _money(remote["cost_usd"])}) if remote else None,
        urls=tuple(str(url) for url in fields["urls"]),
        files=tuple(checked_name(str(name)) for name in fields["files"]),
        cost_usd=_money(fields["cost_usd"]),
        usage=Usage(**usage) if usage else None,
    )


def _money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
