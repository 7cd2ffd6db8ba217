"""What the ledger is told and what it answers: the values that go in and come out of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from imagegen.errors import Billed
from imagegen.types.limits import Limits


class UnitState(StrEnum):
    """How far a paid unit has come. `Intent`, `submitted`, `ready` and `unknown` may change; the others are last."""

    INTENT = "intent"
    """Written before the POST."""
    SUBMITTED = "submitted"
    """Accepted; the handle is here, and polling is free."""
    READY = "ready"
    """Done; the links to its pictures are here, and downloading is free."""
    UNKNOWN = "unknown"
    """Sent, and no usable answer: the money stays reserved until somebody settles it."""
    STORED = "stored"
    """Its pictures are files of this ledger."""
    RETURNED = "returned"
    """Its pictures went to the caller, and could not be kept here."""
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """Paid, and no picture; what came is in quarantine."""
    FAILED = "failed"
    """The provider ended an accepted job."""
    EXPIRED = "expired"
    """Accepted, and the provider has dropped the result."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call: what was asked, and what it is known by."""

    id: str
    binding: str
    """sha256 over the fingerprint, the models as given and the operation; a key is bound to it."""
    fingerprint: str
    operation: str
    key: str | None = None
    label: str | None = None
    client: str | None = None
    prompt_sha256: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent under a scope: ``day``, ``label:x``, ``client:id``, ``call:id``."""

    scope: str
    nano: int
    said: str
    """How the one who set it called it, for the message."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One paid submit about to be made."""

    call: CallRow
    job: str | None
    """The call's `Job` without its parts and its prompt, as JSON."""
    task: int
    attempt: int
    task_key: str
    connection: str
    account: str
    """The connection, its address and its key, as a tag that tells none of them."""
    family: str
    model: str
    pictures: int
    seed: int | None = None
    estimated_least: int | None = None
    estimated_most: int | None = None
    ceiling: int | None = None
    """What to set aside where the price is not known."""
    budgets: Sequence[Budget] = ()
    limits: Limits = field(default_factory=Limits)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The intent is written: the submit may be made."""

    unit: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: ask again in so many seconds."""

    seconds: float
    why: str
    error: Literal["pace", "breaker", "credit", "key"] = "pace"


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that is a file of the ledger."""

    slot: int
    sha256: str
    file: str
    media_type: str
    size_bytes: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a unit ended."""

    state: UnitState
    billed: Billed
    reported: int | None = None
    computed: int | None = None
    came: int = 0
    pictures: Sequence[Kept] = ()
    error: str | None = None
    status: int | None = None
    request_id: str | None = None
    duration_s: float | None = None
    trouble: Trouble | None = None


Trouble: TypeAlias = Literal["ok", "unknown", "credit", "key"]
"""What an attempt says of its account: all is well, it is in trouble, it has no credit, its key is bad."""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One paid unit as the ledger has it. Money in USD; None is unknown."""

    id: int
    call_id: str
    task: int
    state: UnitState
    connection: str
    model: str
    pictures: int
    created_at: float
    expires_at: float | None
    reserved_usd: Decimal | None
    billed: Billed
    part: str | None
    """Its `JobPart` as JSON, once there is one."""
    error: str | None
    request_id: str | None
    task_key: str
    prompt_sha256: str | None
    label: str | None
    worker: str
    seed: int | None
    reported_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Total:
    """What is reserved and settled under a scope."""

    scope: str
    reserved_usd: Decimal
    settled_usd: Decimal
    overrun_usd: Decimal
    budget_usd: Decimal | None


def scopes(day: str, label: str | None, client: str | None) -> list[str]:
    """Under what a unit's money is counted."""
    named = {"day": day, "label": label, "client": client}
    return [f"{kind}:{name}" for kind, name in named.items() if name]
