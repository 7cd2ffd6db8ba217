"""One cheap request for each operation of a provider: chosen from the catalogue, sent once, held against it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live.recording import recorded, write
from PIL import Image, ImageDraw

import imagegen
from imagegen import catalogue, money
from imagegen.secrets import Secret
from imagegen.settings import Settings

if TYPE_CHECKING:
    from live.recording import Exchange

PROMPT = "a red circle on a white background"
SAMPLES = Path(__file__).parents[1] / "providers" / "wire"
_FORMATS = {"jpg": "jpeg"}


@dataclass(frozen=True, slots=True)
class Check:
    """One request that can be made."""

    provider: str
    operation: str
    plan: imagegen.Plan
    keywords: dict[str, Any]

    @property
    def at_most_usd(self) -> Decimal | None:
        return self.plan.cost.at_most_usd


@dataclass(slots=True)
class Finding:
    """What happened."""

    outcome: str
    """``works``, ``differs``, ``failed`` or ``skipped``."""
    said: list[str] = field(default_factory=list)
    cost: imagegen.Cost | None = None
    files: list[Path] = field(default_factory=list)


def providers() -> list[str]:
    """Those that are reached with a key of their own; local servers and the stub are not."""
    named = {each: catalogue.facts_of(each) for each in imagegen.providers()}
    return [
        name
        for name, facts in named.items()
        if facts.key_variables and not facts.key_optional and catalogue.models_of(name)
    ]


def has_key(provider: str) -> bool:
    """Whether its key is set, wherever settings come from."""
    return Settings.load().endpoint(provider).api_key is not None


def checks_of(provider: str, folder: Path) -> list[Check]:
    """The cheapest current model of each operation; one whose price is unknown only where there is no other."""
    every = [each for each in imagegen.models(provider=provider) if each.status == "current"]
    found = (_check(every, operation, folder) for operation in ("generate", "edit"))
    return [each for each in found if each is not None]


def _check(models: list[imagegen.Model], operation: str, folder: Path) -> Check | None:
    able = [each for each in models if operation in each.capabilities.operations]
    offers = {model.name: money.cheapest(model, operation) for model in able}
    for model in sorted(able, key=lambda each: _price(offers[each.name])):
        offer = offers[model.name]
        keywords: dict[str, Any] = {"model": model.name, "n": 1, **(offer.fields if offer else {})}
        if offer and offer.options:
            keywords["options"] = {model.provider: offer.options}
        if operation == "edit":
            keywords["images"] = [_picture(folder / "input.png", "white", "blue")]
        if model.capabilities.mask and model.capabilities.operations == ("edit",):  # it only fills what is masked
            keywords["mask"] = _picture(folder / "mask.png", "black", "white")
        try:
            plan = imagegen.plan(PROMPT, **keywords)
        except imagegen.ImageGenError:  # it needs what others do not: a mask, a margin
            continue
        return Check(model.provider, operation, plan, keywords)
    return None


def _price(offer: money.Offer | None) -> Decimal:
    return Decimal("Infinity") if offer is None else offer.usd


def _picture(path: Path, ground: str, circle: str) -> Path:
    if not path.exists():
        picture = Image.new("RGB", (1024, 1024), ground)
        ImageDraw.Draw(picture).ellipse((256, 256, 768, 768), fill=circle)
        picture.save(path)
    return path


def run(check: Check, max_usd: Decimal | None, folder: Path) -> Finding:
    """Make the request once, compare, and keep what went over the wire."""
    endpoint = Settings.load().endpoint(check.provider)
    limit = {} if max_usd is None else {"max_usd": max_usd}
    with recorded(check.provider) as exchanges, imagegen.Client(ledger=False) as client:
        try:
            verb = client.edit if check.operation == "edit" else client.generate
            result = verb(PROMPT, **check.keywords, **limit, verify="decode")
        except imagegen.ImageGenError as error:
            finding = Finding("failed", [f"{type(error).__name__}: {error.message}"], _lost(error, check))
        else:
            said = _differences(check, result)
            outcome = "differs" if said else "works"
            finding = Finding(outcome, [*said, *_news(check.provider, exchanges)], result.cost)
    key = endpoint.api_key.reveal() if isinstance(endpoint.api_key, Secret) else ""
    finding.files = write(folder / check.provider, check.operation, exchanges, endpoint, key)
    return finding


def _lost(error: imagegen.ImageGenError, check: Check) -> imagegen.Cost:
    """What a failure may have cost."""
    if error.billed is imagegen.Billed.NO:
        return imagegen.Cost(Decimal(0), at_most_usd=Decimal(0))
    return imagegen.Cost(None, at_most_usd=error.possibly_billed_usd or check.at_most_usd)


def _differences(check: Check, result: imagegen.ImageResult) -> list[str]:
    """What is not as the plan said it would be."""
    plan, image = check.plan, result.image
    asked = plan.tasks[0].request
    size = asked.size or plan.defaults.get("size")
    found = [f"changed: {each}" for each in result.adaptations if each not in plan.adaptations]
    if size and image.width and f"{image.width}x{image.height}" != size and not asked.size:
        found.append(f"size: the catalogue says {size}, came {image.width}x{image.height}")
    made = asked.output_format or plan.defaults.get("output_format")
    came = image.media_type.partition("/")[2].partition("+")[0]
    if made and _FORMATS.get(made, made) != came and not asked.output_format:
        found.append(f"format: the catalogue says {made}, came {came}")
    if len(result.images) != 1:
        found.append(f"{len(result.images)} pictures came")
    found += [f"note: {each}" for each in result.warnings if each not in plan.warnings]
    return [*found, *_cost(plan.cost, result.cost)]


def _cost(planned: imagegen.Cost, real: imagegen.Cost) -> list[str]:
    """Only a figure that the provider reported, or counted, says something of the catalogue."""
    amount = real.amount_usd
    if amount is None or real.source not in ("provider", "usage"):
        return []
    if planned.at_most_usd is None:
        return [f"cost: ${amount} by the {real.source}, unknown to the catalogue"]
    if planned.known_usd <= amount <= planned.at_most_usd:
        return []
    return [f"cost: planned ${planned.known_usd} to ${planned.at_most_usd}, ${amount} by the {real.source}"]


def _news(provider: str, exchanges: list[Exchange]) -> list[str]:
    """Members of answers that no sample of this provider has."""
    known: set[str] = set()
    for path in (SAMPLES / provider).glob("*.json"):
        known |= set(_members(json.loads(path.read_text()).get("response", {}).get("body")))
    found: dict[str, None] = {}
    for each in exchanges:
        if known and each.body[:1] in (b"{", b"["):
            found |= dict.fromkeys(name for name in _members(json.loads(each.body)) if name not in known)
    return [f"members in no sample: {', '.join(found)}"] if found else []


def _members(value: Any, above: str = "") -> list[str]:
    """``data[].url`` for every member of JSON values."""
    if isinstance(value, list):
        return [name for each in value for name in _members(each, f"{above}[]")]
    if not isinstance(value, dict):
        return []
    own = {f"{above}.{name}".lstrip("."): each for name, each in value.items()}
    return [*own, *(below for name, each in own.items() for below in _members(each, name))]
