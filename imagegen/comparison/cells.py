"""A cell: what came of one request at one model, once. Cells are all that numbers and reports are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from imagegen.errors import ConfigurationError
from imagegen.types.result import plain

Outcome: TypeAlias = Literal["ok", "refused", "failed", "unknown"]
"""``ok``: at least one picture came; ``unknown``: it may have been billed and nobody knows. All of them are results."""


@dataclass(frozen=True, slots=True)
class CellPicture:
    """One picture of a cell."""

    file: str
    """Of the original, untouched, relative to the comparison's folder."""
    thumbnail: str | None
    """A small WebP beside it; None for what cannot be drawn small (svg)."""
    sha256: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    seed: int | None = None
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class CellFinding:
    """What one probe said of one picture of the cell."""

    picture: int
    """Its index in `Cell.pictures`."""
    probe: str
    verdict: Literal["pass", "fail", "undecided"]
    score: float | None = None
    """0 to 1, 1 is best."""
    values: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    cost_usd: Decimal | None = None
    """What asking cost, where a judge was asked."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One (request, model, repeat), finished. JSON in, JSON out: a line of ``results.jsonl``."""

    key: str
    """Stable: the same request, model and repeat have the same key in every run."""
    case: str
    """The id of the request in its suite."""
    prompt: str
    operation: Literal["generate", "edit"]
    fields: Mapping[str, Any]
    """The request as it was asked, inputs by digest."""
    fingerprint: str
    model: str
    """``connection:model`` as it was asked."""
    repeat: int
    """From 0."""
    outcome: Outcome
    pictures: tuple[CellPicture, ...] = ()
    refused_pictures: int = 0
    """Of the pictures asked, those that were refused alone."""
    failed_pictures: int = 0
    error: str | None = None
    """One line; what happened, what it cost and what to do next."""
    error_kind: str | None = None
    """The class of the error tree."""
    billed: Literal["no", "yes", "unknown"] = "yes"
    answered_by: str | None = None
    """The model that really answered, where the provider says."""
    cost_usd: Decimal | None = None
    """None: not known, which is not 0."""
    known_usd: Decimal = Decimal(0)
    at_most_usd: Decimal | None = None
    cost_source: str | None = None
    """``provider``, ``usage``, ``price_list``, ``estimate``; None where no part is known."""
    total_s: float | None = None
    """From the call to the last byte, our own waiting (limiter, back-off) included."""
    wait_s: float | None = None
    queue_s: float | None = None
    render_s: float | None = None
    download_s: float | None = None
    first_partial_s: float | None = None
    adaptations: tuple[Mapping[str, Any], ...] = ()
    """``{field, asked, sent, got, why}``, each; one that touches the size makes the cell another contest."""
    submits: int = 1
    """Paid submits over all pictures; more than the pictures' calls need are retries."""
    retries: int = 0
    request_ids: tuple[str, ...] = ()
    started_at: str = ""
    """ISO 8601, UTC."""
    findings: tuple[CellFinding, ...] = ()
    warnings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Of its case."""

    @property
    def latency_s(self) -> float | None:
        """What a user waits for the provider: the total without our own waiting. None where nothing came."""
        return None if self.total_s is None or self.outcome != "ok" else max(0.0, self.total_s - (self.wait_s or 0.0))

    @property
    def usable(self) -> int:
        """Pictures that came and that no probe failed."""
        failed = {each.picture for each in self.findings if each.verdict == "fail"}
        return sum(number not in failed for number in range(len(self.pictures)))

    def with_findings(self, findings: tuple[CellFinding, ...]) -> Cell:
        """The same cell, looked at."""
        return replace(self, findings=findings)

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"imagegen_cell": 1, **plain(self)}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, line: str) -> Cell:
        """A cell from its line.

        Raises:
            ConfigurationError: It is not one, or was written by a newer imagegen.
        """
        try:
            fields = json.loads(line)
            if fields.pop("imagegen_cell") != 1:
                raise ConfigurationError("this cell was written by a newer imagegen: upgrade to read it")
            for name in ("cost_usd", "known_usd", "at_most_usd"):
                fields[name] = Decimal(fields[name]) if fields[name] is not None else None
            fields["pictures"] = tuple(CellPicture(**each) for each in fields["pictures"])
            fields["findings"] = tuple(_finding(each) for each in fields["findings"])
            for name in ("adaptations", "request_ids", "warnings", "tags"):
                fields[name] = tuple(fields[name])
            return cls(**fields)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise ConfigurationError(f"not a cell of a comparison ({type(error).__name__}: {error})") from None


def _finding(fields: dict[str, Any]) -> CellFinding:
    cost = fields.get("cost_usd")
    return CellFinding(**{**fields, "cost_usd": Decimal(cost) if cost is not None else None})
