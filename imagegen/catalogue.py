"""Models, what they can do, what they cost and how long they live: data read from the providers' files.

A provider's file ``<name>.toml`` lies beside its module and is found without importing it. A file of the same name in the
user's folder (``imagegen.toml``'s ``catalogue/``) extends or overrides it. Every fact has a source and a date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from imagegen.errors import Billed

Status: TypeAlias = Literal["current", "deprecated", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What one request field, or one provider option, may be. Nothing stated: any value."""

    values: tuple[str, ...] = ()
    """An enum, in rising order where it has one."""
    minimum: float | None = None
    maximum: float | None = None
    flag: bool = False
    default: str | int | float | bool | None = None
    """What the model takes when nothing is sent; shown in the plan."""
    send_default: bool = False
    """True: the default changes the picture or the bill unseen, so it is sent explicitly."""
    formats: tuple[str, ...] = ()
    """Valid only with these output formats."""
    confirmed: bool = True
    source: str = ""
    read: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """Which sizes a model makes."""

    kind: Literal["fixed", "free", "ratio", "any"]
    """One of `sizes`; any that keeps the limits; named ratios and tiers; not known."""
    sizes: tuple[str, ...] = ()
    multiple_of: int = 1
    max_ratio: float | None = None
    """Long side to short side, at most."""
    min_edge_px: int | None = None
    max_edge_px: int | None = None
    min_px: int | None = None
    """Total pixels."""
    max_px: int | None = None
    aspect_ratios: tuple[str, ...] = ()
    tiers: Mapping[str, int] = field(default_factory=dict)
    """Total pixels that this model's ``1K``, ``2K``, ``4K`` stand for."""
    default: str | None = None
    """The size it makes when none is asked; None where it chooses."""
    confirmed: bool = True
    source: str = ""
    read: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTokens:
    """How many output tokens a picture takes, before the call."""

    kind: Literal["table", "patches"]
    """``table``: by quality and size. ``patches``: see `money.patch_tokens`."""
    table: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """quality, then size, to tokens."""
    patches: Mapping[str, int] = field(default_factory=dict)
    """quality to q, the patches on the longer side."""
    partial_image: int = 0
    """Further tokens for each partial picture."""
    confirmed: bool = True
    source: str = ""
    read: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTokens:
    """How many input tokens a call takes, before the call; an upper bound."""

    text_extra: int = 0
    """Tokens added to those of the prompt."""
    image_kind: Literal["none", "tiles", "patches"] = "none"
    image_at_most: int = 0
    """Tokens of one input image, at most."""
    confirmed: bool = True
    source: str = ""
    read: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """One price: so many USD for so many of something."""

    billable: str
    """``image``, ``megapixel``, ``call``, ``second``, or a name that `Usage.counts` uses."""
    usd: Decimal | None
    """None: charged, and not known how much."""
    per: int = 1
    """1_000_000 for token prices."""
    batch_usd: Decimal | None = None
    when: Mapping[str, str] = field(default_factory=dict)
    """Only for these values of request fields, for example ``{quality = "high"}``."""
    confirmed: bool = True
    source: str = ""
    read: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can do, checked once in planning."""

    operations: tuple[str, ...] = ("generate",)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Request fields the model takes; a field that is not here is not taken."""
    options: Mapping[str, Parameter] = field(default_factory=dict)
    """Fields of the provider's `Options` that are valid for this model."""
    sizes: SizeRule = field(default_factory=lambda: SizeRule(kind="any"))
    n_per_call: int = 1
    references: int = 0
    """Input images, at most."""
    mask: bool = False
    streaming: bool = False
    max_prompt_chars: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of one provider."""

    provider: str
    id: str
    status: Status = "current"
    released: date | None = None
    shutdown: date | None = None
    """The day it stops (or stopped) to answer at this provider."""
    replacement: str | None = None
    """The id to move to."""
    snapshots: tuple[str, ...] = ()
    """Dated ids that mean the same model."""
    capabilities: Capabilities
    prices: tuple[PriceLine, ...] = ()
    output_tokens: OutputTokens | None = None
    input_tokens: InputTokens | None = None
    refusal_billed: Billed = Billed.UNKNOWN
    notes: tuple[str, ...] = ()
    elsewhere: Mapping[str, date] = field(default_factory=dict)
    """Shutdown dates at other hosts of the same model, for example ``{azure = 2026-12-16}``."""
    source: str = ""
    read: date | None = None

    @property
    def name(self) -> str:
        """``provider:id``."""
        return f"{self.provider}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeFailure:
    """Failures after which nothing is billed, as the provider documents it: the only ones retried by themselves."""

    statuses: tuple[int, ...]
    source: str
    read: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """How a provider is reached: the catalogue's ``[provider]`` table."""

    name: str
    base_url: str | None = None
    """None: nothing to reach (in-process), or no default (compatible servers)."""
    key_variables: tuple[str, ...] = ()
    """Environment variables that hold the key, the first one named in messages. Empty: it needs none."""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    key_hosts: tuple[str, ...] = ()
    """Hosts that may get the key; ``*.example.com`` covers all below it."""
    poll_hosts: tuple[str, ...] = ()
    """Hosts that a job's URLs may name; they get the key too."""
    idempotency_header: str | None = None
    free_failures: tuple[FreeFailure, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further settings and the variables they come from, for example ``{organization = "OPENAI_ORG_ID"}``."""
    source: str = ""
    read: date | None = None
