"""What a catalogue file can say: one frozen dataclass a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from imagegen.errors import Billed
from imagegen.types.limits import Limits

Status: TypeAlias = Literal["current", "deprecated", "retired"]


class Span(NamedTuple):
    """A count that is known between two bounds; in a file one number, or ``[least, most]``."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Where something is known from, and how well."""

    confirmed: bool = True
    """False: sources disagree, or none is good."""
    note: str = ""
    """What a reader should know besides."""
    source: str = ""
    read: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Fact):
    """What one request field, or one provider option, may be. Nothing stated: any value."""

    values: tuple[str, ...] = ()
    """An enum, in rising order where it has one."""
    minimum: float | None = None
    maximum: float | None = None
    maximum_in: Mapping[str, float] = field(default_factory=dict)
    """A lower maximum in one operation: ``{edit = 2}``."""
    max_chars: int | None = None
    """The longest text it takes."""
    flag: bool = False
    default: str | int | float | bool | None = None
    """What the model takes when nothing is sent; shown in the plan."""
    send_default: bool = False
    """True: the default changes the picture or the bill unseen, so it is sent explicitly."""
    formats: tuple[str, ...] = ()
    """Valid only with these output formats."""
    value_formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Output formats that one value needs, for example ``{transparent = ["png", "webp"]}``."""
    operations: tuple[str, ...] = ()
    """Valid only in these operations; empty: in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule(Fact):
    """Which sizes a model makes."""

    kind: Literal["fixed", "free", "ratio", "none", "any"]
    """One of `sizes`; any that keeps the limits; a ratio and a tier, no pixels; none can be asked for; not known."""
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
    """Of kind ``ratio``: the ratios it has; empty: any up to `max_ratio`."""
    tiers: Mapping[str, int] = field(default_factory=dict)
    """Total pixels that this model's ``1K``, ``2K``, ``4K`` stand for."""
    default: str | None = None
    """The size it makes when none is asked; None where it chooses."""
    default_operations: tuple[str, ...] = ()
    """Where `default` holds; empty: in all. An edit often follows its input instead."""
    send_default: bool = False
    """True: `default` is sent explicitly, so that size and price are known."""

    def default_for(self, operation: str) -> str | None:
        """The size it makes in ``operation`` when none is asked."""
        return self.default if not self.default_operations or operation in self.default_operations else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How many frames a sheet of this many columns and rows holds, at most."""

    frames: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSheet(Fact):
    """All frames of a moving picture are drawn on one sheet and cost what a still of the sheet's size costs."""

    when: Mapping[str, str] = field(default_factory=dict)
    """The request that makes frames, for example ``{output_format = "gif"}``."""
    option: str
    """The provider's option that counts the frames."""
    grids: tuple[Grid, ...]
    """In rising order; the first that holds the frames is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTokens(Fact):
    """How many output tokens a picture takes, before the call: by `table`, `tiers` or `patches`."""

    table: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    """quality, then size, to tokens."""
    tiers: Mapping[str, Span] = field(default_factory=dict)
    """resolution to tokens, of a model that takes tiers."""
    patches: Mapping[str, Span] = field(default_factory=dict)
    """quality to q, the patches on the longer side: see `money.patch_tokens`."""
    margin: int = 0
    """By how many tokens a real count may differ from the patches' formula."""
    partial_image: int = 0
    """Further tokens for each partial picture."""
    text: Span = field(default=Span(0, 0))
    """Tokens of text that come, and are billed, with each picture."""
    sheet: FrameSheet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTokens(Fact):
    """How many input tokens a call takes, before the call; upper bounds."""

    text_extra: int = 0
    """Tokens added to those of the prompt."""
    text_extra_per_image: int = 0
    """Further text tokens for each input image."""
    image_at_most: int | None = None
    """Tokens of one input image, at most; None: not known."""
    image_extra: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Further tokens of each input image for a value of a field or option: ``{input_fidelity = {high = 6240}}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine(Fact):
    """One price: so many USD for so many of something. Of several for one billable the first that applies counts."""

    billable: str
    """``image``, ``call``, ``second``, ``megapixel``, ``further_megapixel`` (of each picture, beyond its first),
    ``input_image``, ``input_megapixel``, or a name that `Usage.counts` uses."""
    usd: Decimal | None = None
    """None: charged, and not known how much."""
    per: int = 1
    """1_000_000 for token prices."""
    batch_usd: Decimal | None = None
    megapixel_px: int = 1_000_000
    """Pixels that this provider calls a megapixel."""
    rounds_up: bool = False
    """True: of each picture whole megapixels are counted."""
    when: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Only for these values of request fields or options, for example ``{quality = "high"}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can do, checked once in planning."""

    operations: tuple[str, ...] = ("generate",)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Request fields the model takes; a field that is not here is not taken."""
    options: Mapping[str, Parameter] = field(default_factory=dict)
    """Fields of the provider's `Options` that are valid for this model."""
    sizes: SizeRule = field(default_factory=lambda: SizeRule(kind="any"))
    format_sizes: Mapping[str, SizeRule] = field(default_factory=dict)
    """Output formats with a rule of their own, for example gif, where the size is that of one frame."""
    n_per_call: int = 1
    references: int = 0
    """Input images, at most."""
    input_formats: tuple[str, ...] = ()
    """Formats of input images; empty: any that we can read."""
    input_max_bytes: int | None = None
    """Of one input image."""
    input_min_edge_px: int | None = None
    """The shorter side of one input image, at least."""
    input_max_px: int | None = None
    """Total pixels of one input image."""
    input_urls: bool = False
    """Input images may be https URLs, which the provider fetches."""
    mask: bool = False
    mask_repaints: Literal["white", "black", "transparent"] = "white"
    """What of a mask this model repaints, where the models of one provider differ."""
    mask_max_bytes: int | None = None
    streaming: bool = False
    """Shows unfinished pictures."""
    n_streaming: int = 1
    """Pictures in one streamed call."""
    max_prompt_chars: int | None = None
    field_names: Mapping[str, str] = field(default_factory=dict)
    """What this model calls a request field, where the models of one provider differ: ``{images = "image_urls"}``."""

    def sizes_for(self, output_format: str | None) -> SizeRule:
        """The rule for pictures of this format."""
        return self.format_sizes.get(output_format or "", self.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere(Fact):
    """The same model at another host, which keeps its own dates."""

    shutdown: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of one provider."""

    provider: str
    id: str
    family: str = ""
    """Models that share one rate limit bear one family; empty: a family of its own."""
    status: Status = "current"
    released: date | None = None
    shutdown: date | None = None
    """The day it stops (or stopped) to answer at this provider."""
    replacement: str | None = None
    """The id to move to."""
    snapshots: tuple[str, ...] = ()
    """Dated ids that mean the same model."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    prices: tuple[PriceLine, ...] = ()
    output_tokens: OutputTokens | None = None
    input_tokens: InputTokens | None = None
    refusal_billed: Billed = Billed.UNKNOWN
    notes: tuple[str, ...] = ()
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)
    """The same model at other hosts, for example ``{azure = {shutdown = 2026-12-16}}``."""
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
    """Environment variables that hold the key, the first one named in messages. Empty: it needs none.

    Two with a colon between them hold a pair, which is sent so: ``FAL_KEY_ID:FAL_KEY_SECRET``."""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    key_hosts: tuple[str, ...] = ()
    """Hosts that may get the key; ``*.example.com`` covers all below it."""
    poll_hosts: tuple[str, ...] = ()
    """Hosts that a job's URLs may name; they get the key too."""
    idempotency_header: str | None = None
    server_ms_header: str | None = None
    """Where an answer says how long the provider worked on it, in milliseconds."""
    free_failures: tuple[FreeFailure, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further settings and the variables they come from, for example ``{organization = "OPENAI_ORG_ID"}``."""
    limits: Limits = field(default_factory=Limits)
    """How fast it lets itself be asked, where it says so for everyone."""
    results_kept_s: float | None = None
    """Seconds after which a job's result is dropped; None: not known."""
    n_per_call: int | None = None
    """Pictures in one call of a model that is not among these; None: as many as are asked."""
    key_optional: bool = False
    """It is often run without a key: none is no mistake."""
    others_like: str | None = None
    """The model whose entry holds for any id that is not among these: a server that is the same whatever it runs."""
    closed: bool = False
    """There are no models but these: an unknown id is refused, not passed through."""
    source: str = ""
    read: date | None = None
