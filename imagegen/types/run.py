"""How a call is to be run: everything a caller may say that does not change the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from imagegen.errors import ConfigurationError
from imagegen.types.cost import read_money
from imagegen.types.request import ImageRequest, request_of

if TYPE_CHECKING:
    from imagegen.types.connection import Connection
    from imagegen.types.request import Background, OutputFormat, ProviderOptions, Quality

Policy: TypeAlias = Literal["strict", "adapt", "best_effort"]
Verify: TypeAlias = Literal["header", "decode"]
StorePrompts: TypeAlias = Literal["none", "hash", "full"]
POLICIES = ("strict", "adapt", "best_effort")


class RequestFields(TypedDict, total=False):
    """The picture fields of `ImageRequest` as keywords of a verb; `prompt` is the verb's first argument."""

    n: int
    size: str | None
    aspect_ratio: str | None
    resolution: Literal["1K", "2K", "4K"] | None
    quality: Quality | None
    background: Background | None
    seed: int | None
    negative_prompt: str | None
    output_format: OutputFormat | None
    output_compression: int | None
    images: Any
    mask: Any
    partial_images: int | None
    end_user_id: str | None
    options: Mapping[str, Mapping[str, Any]] | Sequence[ProviderOptions]


class RunSettings(TypedDict, total=False):
    """How to run a call. `model` is one name or a fallback order; `timeout_s` one clock over everything."""

    model: str | Sequence[str]
    timeout_s: float
    policy: Policy
    max_usd: Decimal | str | float
    save_to: str | Path
    verify: Verify
    retry_unknown: bool
    fallback_on_refusal: bool
    key: str | None
    cache: bool
    max_usd_per_image: Decimal | str | float


class CallFields(RequestFields, RunSettings, total=False):
    """Every keyword of a verb."""


class ClientSettings(TypedDict, total=False):
    """The keywords of a client; `AsyncClient` says what they mean."""

    connections: Mapping[str, Connection] | None
    timeout_s: float | None
    policy: Policy | None
    ledger: bool | str | Path | None
    budget_usd: Decimal | str | float | None
    label: str | None
    store_prompts: StorePrompts | None
    spool: str | Path | bool | None


@dataclass(frozen=True, slots=True)
class Run:
    """Run settings, checked."""

    models: tuple[str, ...]
    timeout_s: float = 600.0
    """One clock over everything; pictures take 5 to 300 s."""
    policy: Policy = "adapt"
    max_usd: Decimal | None = None
    """No submit is made that could take the call above this."""
    save_to: Path | None = None
    """A folder: pictures go straight to files in it, never whole through memory."""
    verify: Verify = "header"
    retry_unknown: bool = False
    """Submit again although the last one may have been billed."""
    fallback_on_refusal: bool = False
    key: str | None = None
    """Makes the call once: the same key again gives the stored result. Needs a ledger."""
    cache: bool = False
    """Uses request, models and options as the key, where a seed is set. Needs a ledger."""
    max_usd_per_image: Decimal | None = None
    """What to reserve for a picture under a budget where its price is not known."""


def read_call(
    prompt: str | ImageRequest, keywords: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[ImageRequest, Run]:
    """The request and the run settings that a verb's arguments stand for.

    Raises:
        ConfigurationError: An unknown keyword, a bad value, or no model.
    """
    fields = {name: value for name, value in keywords.items() if name in RequestFields.__annotations__}
    settings = {name: value for name, value in keywords.items() if name not in fields}
    unknown = sorted(set(settings) - set(RunSettings.__annotations__))
    if unknown:
        raise ConfigurationError(f"unknown keyword {unknown[0]!r}")
    if isinstance(prompt, ImageRequest):
        set_already = {name: getattr(prompt, name) for name in prompt.model_fields_set}
        request = request_of({**set_already, **fields}) if fields else prompt
    else:
        request = request_of({"prompt": prompt, **fields})
    return request, _run({**defaults, **{name: value for name, value in settings.items() if value is not None}})


def _run(settings: Mapping[str, Any]) -> Run:
    named = settings.get("model") or ()
    models = (named,) if isinstance(named, str) else tuple(named)
    if not models:
        raise ConfigurationError('say which model: model="stub:painter" needs no key')
    timeout_s = float(settings.get("timeout_s", Run.__dataclass_fields__["timeout_s"].default))
    if not timeout_s > 0:
        raise ConfigurationError(f"timeout_s must be above 0, not {timeout_s:g}")
    policy, verify = settings.get("policy", "adapt"), settings.get("verify", "header")
    if policy not in POLICIES:
        raise ConfigurationError(f"policy is one of {', '.join(POLICIES)}, not {policy!r}")
    if verify not in ("header", "decode"):
        raise ConfigurationError(f"verify is header or decode, not {verify!r}")
    save_to = settings.get("save_to")
    return Run(
        models=models,
        timeout_s=timeout_s,
        policy=policy,
        max_usd=read_money("max_usd", settings.get("max_usd")),
        save_to=Path(save_to) if save_to is not None else None,
        verify=verify,
        retry_unknown=bool(settings.get("retry_unknown")),
        fallback_on_refusal=bool(settings.get("fallback_on_refusal")),
        key=_key(settings.get("key")),
        cache=bool(settings.get("cache")),
        max_usd_per_image=read_money("max_usd_per_image", settings.get("max_usd_per_image")),
    )


def _key(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()):
        raise ConfigurationError("key is a text of 1 to 200 printable characters")
    return value
