"""Results and plans on a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from pathlib import Path

    from imagegen.types.cost import Cost
    from imagegen.types.job import Plan
    from imagegen.types.result import ImageResult


def show_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_result(result: ImageResult, saved: list[Path]) -> None:
    """The files on standard output; what they cost, took and what was changed on standard error."""
    for path in saved:
        click.echo(path)
    for image, path in zip(result.images, saved, strict=True):
        seed = f", seed {image.seed}" if image.seed is not None else ""
        tell(f"{path.name}: {image.width}x{image.height} {image.media_type}{seed}")
    tell(f"{result.answered_by or result.model}, {result.cost}, {seconds(result)}")
    for entry in result.adaptations:
        tell(f"changed: {entry}")
    for failure in result.failures:
        tell(f"picture {failure.index + 1} did not come: {failure.error.message}")
    for warning in result.warnings:
        tell(f"note: {warning}")


def seconds(result: ImageResult) -> str:
    """The latency split, as far as it is known."""
    latency = result.latency
    parts = {"waiting": latency.wait_s or None, "queue": latency.queue_s, "render": latency.render_s}
    parts["download"] = latency.download_s
    known = ", ".join(f"{name} {value:.1f}" for name, value in parts.items() if value is not None)
    return f"{latency.total_s:.1f} s" + (f" ({known})" if known else "")


def show_plan(plan: Plan) -> None:
    """What would be sent and what it would cost."""
    calls = f"{len(plan.tasks)} call{'s' if len(plan.tasks) > 1 else ''}"
    click.echo(f"{plan.model}: {calls} for {plan.request.n} image{'s' if plan.request.n > 1 else ''}")
    click.echo(f"  cost: {cost_range(plan.cost)}")
    for entry in plan.adaptations:
        click.echo(f"  changed: {entry}")
    for name, value in plan.defaults.items():
        sent = "sent" if any(name in task.defaults for task in plan.tasks) else "the model's own choice, not sent"
        click.echo(f"  default: {name} = {value} ({sent})")
    for warning in plan.warnings:
        click.echo(f"  note: {warning}")
    for wire in plan.wires:
        shown = wire.to_dict()
        body = shown.get("multipart") or shown.get("json")
        click.echo(f"  {wire.method} {wire.path} {json.dumps(body, ensure_ascii=False)}")
    for fallback in plan.fallbacks:
        click.echo("then, if nothing was paid:")
        show_plan(fallback)


def cost_range(cost: Cost) -> str:
    """``$0.006``, or from and to; unknown said as such."""
    if cost.amount_usd is not None:
        return f"{dollars(cost.amount_usd)} ({cost.source})"
    if cost.at_most_usd is None:
        return f"at least {dollars(cost.known_usd)}; the rest is not known"
    return f"{dollars(cost.known_usd)} to {dollars(cost.at_most_usd)} ({cost.source})"


def dollars(amount: Decimal) -> str:
    """An amount with the digits it has, six at most."""
    text = f"{amount:.6f}".rstrip("0").rstrip(".")
    return f"${text}"


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h``, ``2 d``; what is over says so."""
    if seconds < 0:
        return "over"
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table on standard output: columns as wide as they need, two spaces apart."""
    widths = [max(len(line[place]) for line in (columns, *rows)) for place in range(len(columns))]
    for line in (columns, *rows):
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def tell(line: str) -> None:
    """One line on standard error."""
    click.echo(line, err=True)
