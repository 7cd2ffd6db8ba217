"""How much of each billable a task can take, before it is sent: bounds, from the catalogue's rules."""

from __future__ import annotations

import itertools
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from imagegen.catalogue import Grid, Model, OutputTokens, PriceLine, SizeRule, Span
    from imagegen.types.job import Task

Scenario: TypeAlias = "Mapping[str, str | None]"
"""One way the open choices of a request can fall out: field or option to value; None where nothing is known of it."""
_HALF_COST_PX = 2_000_000


class Bounds(NamedTuple):
    """How much of something: at least, at most, and whether that rests on confirmed facts."""

    least: Decimal
    most: Decimal | None
    """None: no upper bound is known."""
    confirmed: bool = True

    @classmethod
    def of(cls, least: Decimal | int, most: Decimal | int | None = None, confirmed: bool = True) -> Bounds:
        """``of(3)`` is exactly three."""
        return cls(Decimal(least), Decimal(least if most is None else most), confirmed)

    def times(self, least: int, most: int) -> Bounds:
        return Bounds(self.least * least, None if self.most is None else self.most * most, self.confirmed)

    def plus(self, other: Bounds) -> Bounds:
        most = None if self.most is None or other.most is None else self.most + other.most
        return Bounds(self.least + other.least, most, self.confirmed and other.confirmed)

    def less(self, free: int) -> Bounds:
        """What is left beyond the first ``free``."""
        nothing = Decimal(0)
        most = None if self.most is None else max(self.most - free, nothing)
        return Bounds(max(self.least - free, nothing), most, self.confirmed)


UNKNOWN = Bounds(Decimal(0), None)


def scenarios(model: Model, task: Task) -> Iterator[Scenario]:
    """Every way in which what the task leaves open can fall out, as far as prices and tokens depend on it."""
    ordered = sorted(priced_fields(model))
    for values in itertools.product(*(_possible(model, task, field) for field in ordered)):
        yield dict(zip(ordered, values, strict=True))


def priced_fields(model: Model) -> set[str]:
    """The request fields and options that the model's prices or tokens depend on."""
    fields = {"quality", "size", *(field for line in model.prices for field in line.when)}
    if model.output_tokens is not None and (sheet := model.output_tokens.sheet) is not None:
        fields |= {*sheet.when, sheet.option}
    if model.output_tokens is not None and model.output_tokens.tiers:
        fields.add("resolution")
    if model.input_tokens is not None:
        fields |= set(model.input_tokens.image_extra)
    return fields


def _possible(model: Model, task: Task, field: str) -> tuple[str | None, ...]:
    """What a field can be: what was asked, else the model's default, else (``auto``) any of its values."""
    capabilities = model.capabilities
    if (asked := _asked(task, field)) is not None:
        return (str(asked).lower() if isinstance(asked, bool) else str(asked),)
    if field == "size":
        settled_size = capabilities.sizes.default_for(task.operation)
        return (settled_size,) if settled_size else capabilities.sizes.sizes or (None,)
    known = capabilities.parameters.get(field) or capabilities.options.get(field)
    if known is None:
        return (None,)
    settled = known.default is not None and (not known.values or str(known.default) in known.values)
    return (str(known.default),) if settled else known.values or (None,)


def _asked(task: Task, field: str) -> Any:
    if field == "operation":
        return task.operation
    places = (getattr(task.request, field, None), getattr(task.options, field, None), task.defaults.get(field))
    return next((value for value in places if value is not None), None)


def expected(line: PriceLine, model: Model, task: Task, images: int, scenario: Scenario) -> Bounds:
    """How much of what ``line`` prices the task takes for ``images`` pictures."""
    match line.billable:
        case "image":
            return Bounds.of(images)
        case "call":
            return Bounds.of(1)
        case "megapixel":
            return _megapixels(line, model.capabilities.sizes, scenario["size"], task).times(images, images)
        case "further_megapixel":
            every = _megapixels(line, model.capabilities.sizes, scenario["size"], task)
            return every.less(1).times(images, images)
        case "input_image":
            return Bounds.of(len(task.request.images) if images else 0)
        case "input_megapixel":
            return _input_megapixels(line, model, task).times(images, images)
        case "text_input_tokens":
            return _text_input(model, task, images)
        case "image_input_tokens":
            return _image_input(model, task, images, scenario)
        case "text_output_tokens":
            return _text_output(model.output_tokens, images)
        case "image_output_tokens":
            return _image_output(model, task, images, scenario)
    # A cached token is one of the input tokens, at a lower price: it is never one more.
    return Bounds.of(0) if line.billable.startswith("cached_") else Bounds(Decimal(1), None)


def _megapixels(line: PriceLine, rule: SizeRule, size: str | None, task: Task) -> Bounds:
    """Of one picture: of its size, of its input where it follows that, or of any that the rule allows."""
    if size is not None:
        width, height = _pixels(size)
        return Bounds.of(_counted(line, width * height))
    first = task.request.images[0] if rule.kind == "none" and task.request.images else None
    if first is not None and first.url is None:
        return Bounds.of(_counted(line, (first.facts.width or 0) * (first.facts.height or 0)))
    return Bounds(_counted(line, rule.min_px or 0), _counted(line, rule.max_px) if rule.max_px else None)


def _counted(line: PriceLine, px: int) -> Decimal:
    megapixels = Decimal(px) / line.megapixel_px
    return megapixels.to_integral_value(ROUND_CEILING) if line.rounds_up else megapixels


def _input_megapixels(line: PriceLine, model: Model, task: Task) -> Bounds:
    """Of all input pictures; one behind a URL has as many as the model takes, at most."""
    limit = model.capabilities.input_max_px
    total = Bounds.of(0)
    for picture in task.request.images:
        if picture.url is None:
            known = _counted(line, (picture.facts.width or 0) * (picture.facts.height or 0))
            total = total.plus(Bounds.of(known))
        else:
            total = total.plus(Bounds(Decimal(0), _counted(line, limit) if limit else None))
    return total


def _text_input(model: Model, task: Task, images: int) -> Bounds:
    """From one token to one for each byte, which is more than any byte-level tokenizer makes of a text."""
    if (tokens := model.input_tokens) is None:
        return Bounds(Decimal(min(images, 1)), None)
    text = task.request.prompt + (task.request.negative_prompt or "")
    extra = tokens.text_extra + tokens.text_extra_per_image * len(task.request.images)
    return Bounds.of(min(images, 1), (len(text.encode()) + extra) * images, tokens.confirmed)


def _image_input(model: Model, task: Task, images: int, scenario: Scenario) -> Bounds:
    """Each picture of the answer pays for the input again; a mask counts as one more picture."""
    given = len(task.request.images) + (task.request.mask is not None)
    tokens = model.input_tokens
    if not given:
        return Bounds.of(0)
    if tokens is None or tokens.image_at_most is None:
        return UNKNOWN
    extra = sum(values.get(scenario.get(field) or "", 0) for field, values in tokens.image_extra.items())
    return Bounds.of(0, (tokens.image_at_most + extra) * given * images, tokens.confirmed)


def _text_output(tokens: OutputTokens | None, images: int) -> Bounds:
    if tokens is None:
        return UNKNOWN
    return Bounds.of(*tokens.text, tokens.confirmed).times(images, images)


def _image_output(model: Model, task: Task, images: int, scenario: Scenario) -> Bounds:
    """Of the partial pictures that were asked for fewer may come."""
    tokens = model.output_tokens
    if tokens is None:
        return UNKNOWN
    pictures = _picture(tokens, model.capabilities.sizes, scenario).times(images, images)
    partials = tokens.partial_image * int(_asked(task, "partial_images") or 0) * images
    most = None if pictures.most is None else pictures.most + partials
    return pictures._replace(most=most, confirmed=pictures.confirmed and tokens.confirmed)


def _picture(tokens: OutputTokens, rule: SizeRule, scenario: Scenario) -> Bounds:
    """One finished picture; where the quality is open and undeclared, any of the rows."""
    quality, size = scenario["quality"], scenario["size"]
    if tokens.table:
        return _widest(_cell(row, size) for row in _rows(tokens.table, quality))
    if tokens.tiers:
        return _cell(tokens.tiers, scenario["resolution"])
    grid = _grid(tokens, scenario)
    found = _widest(_patched(q, size, rule, grid) for q in _rows(tokens.patches, quality))
    guessed = grid is not None and tokens.sheet is not None and not tokens.sheet.confirmed
    least, most = max(found.least - tokens.margin, Decimal(0)), found.most
    return Bounds(least, None if most is None else most + tokens.margin, found.confirmed and not guessed)


def _rows(table: Mapping[str, Any], quality: str | None) -> list[Any]:
    return list(table.values()) if quality is None else [table[quality]] if quality in table else []


def _cell(row: Mapping[str, Span], size: str | None) -> Bounds:
    if size is None:
        return _widest(Bounds.of(*span) for span in row.values())
    return Bounds.of(*row[size]) if size in row else UNKNOWN


def _grid(tokens: OutputTokens, scenario: Scenario) -> Grid | None:
    """The sheet's grid for a moving picture; None for a still."""
    sheet = tokens.sheet
    if sheet is None or any(scenario.get(field) != value for field, value in sheet.when.items()):
        return None
    frames = int(scenario.get(sheet.option) or 0)
    return next((grid for grid in sheet.grids if frames <= grid.frames), sheet.grids[-1])


def _patched(q: Span, size: str | None, rule: SizeRule, grid: Grid | None) -> Bounds:
    if size is None:
        return _patched_anywhere(q, rule)
    width, height = _pixels(size)
    columns, rows = (grid.columns, grid.rows) if grid else (1, 1)
    least, most = (patch_tokens(width * columns, height * rows, each) for each in q)
    return Bounds.of(least, most)


def _patched_anywhere(q: Span, rule: SizeRule) -> Bounds:
    """Any size that the rule allows: from the longest strip of the fewest pixels to the square of the most."""
    if rule.max_px is None or rule.max_ratio is None:
        return UNKNOWN
    narrowest = int(Fraction(q.least) / Fraction(rule.max_ratio) + Fraction(1, 2))
    return Bounds.of(_cost(q.least, narrowest, rule.min_px or 0), _cost(q.most, q.most, rule.max_px))


def patch_tokens(width: int, height: int, q: int) -> int:
    """Output tokens of one picture whose longer side is cut into ``q`` patches.

    Not published by OpenAI: derived by users from its price calculator, and borne out by a bill of 13,342 tokens for
    3840x2160 at q = 96. Source: community.openai.com, 2026; read 2026-11-22.
    """
    long, short = max(width, height), min(width, height)
    return _cost(q, (2 * q * short + long) // (2 * long), width * height)  # q * short / long, rounded half up


def _cost(q: int, across: int, area_px: int) -> int:
    return -(-q * across * (_HALF_COST_PX + area_px) // (2 * _HALF_COST_PX))


def _pixels(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    return int(width), int(height)


def _widest(found: Iterable[Bounds]) -> Bounds:
    """All of them in one; nothing at all is unknown."""
    every = list(found)
    if not every:
        return UNKNOWN
    most = [each.most for each in every if each.most is not None]
    whole = len(most) == len(every)
    return Bounds(
        min(each.least for each in every), max(most) if whole else None, all(each.confirmed for each in every)
    )
