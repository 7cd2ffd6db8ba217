"""Comparisons to make reports of: real pictures of the stub, and everything that can go wrong."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import imagegen
from imagegen import pictures
from imagegen.comparison.cells import Cell, CellFinding, CellPicture
from imagegen.comparison.numbers import Difference, Estimate, ModelNumbers, Numbers, ProbeNumbers, Rate
from imagegen.comparison.report import make_thumbnail

MODELS = ("stub:painter", "stub:sloppy", "studio:metered", "studio:slow")
CASES = {
    "circles-3": ("exactly 3 red circles on a plain white background", ("count", "colour")),
    "squares-5": ("exactly 5 blue squares on a plain white background, not touching", ("count",)),
    "text-open": ('a sign with the text "OPEN 24 HOURS"', ("text",)),
    "left-right": ("a green triangle to the left of a yellow circle", ("position",)),
    "landscape": ("a quiet valley at dawn, mist over the river, in the manner of an old travel poster", ("open",)),
    "refused": ("a forbidden thing", ("moderation",)),
}
HOSTILE = (
    "</script><img src=x onerror=document.title='owned'><b>\"'&\u202e\0\ud800 ]]>--> `x` | @SUM(1) [l](javascript:1)"
)

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4.5" cy="4.5" r="4"/></svg>'


def comparison(folder: Path, repeats: int = 1) -> list[Cell]:
    """Painted, saved and made small in ``folder``; the same every time but for the seconds."""
    connections = {"studio": imagegen.Connection("stub")}
    with imagegen.Client(connections=connections, spool=None) as client:
        cells = [
            _asked(client, folder, case, model, repeat)
            for case in CASES
            for model in MODELS
            for repeat in range(repeats)
        ]
    (folder / "pictures" / "drawn.svg").write_text(SVG)
    return [*cells, *_gone_wrong()]


def _asked(client: imagegen.Client, folder: Path, case: str, model: str, repeat: int) -> Cell:
    prompt, tags = CASES[case]
    empty = Cell(
        key=f"{case}-{model}-{repeat}", case=case, prompt=prompt, operation="generate", fields={"prompt": prompt},
        fingerprint="r1:0123", model=model, repeat=repeat, outcome="ok", tags=tags, started_at="2026-11-22T10:00:00Z",
    )  # fmt: skip
    size = "1024x1024" if model == "studio:metered" else "640x480" if case == "landscape" else "512x512"
    asked = imagegen.ImageRequest(prompt=prompt, size=size, seed=7 + repeat, n=2 if case == "left-right" else 1,
                                  output_compression=50 if case == "text-open" else None)  # fmt: skip
    if model.endswith(":slow"):
        asked = asked.model_copy(update={"options": {"stub": {"queue_s": 0.01, "render_s": 0.02}}})
    try:
        result = client.generate(asked, model=model)
    except imagegen.ImageGenError as error:
        return replace(
            empty, outcome="refused", error=error.message, error_kind=type(error).__name__, billed="no",
            cost_usd=Decimal(0), cost_source="price_list", total_s=0.1,
        )  # fmt: skip
    return replace(
        empty,
        pictures=tuple(
            _saved(folder, f"{case}-{model.replace(':', '-')}-{repeat}-{number}", image)
            for number, image in enumerate(result.images)
        ),
        cost_usd=result.cost.amount_usd,
        known_usd=result.cost.known_usd,
        cost_source=result.cost.source,
        total_s=result.latency.total_s,
        wait_s=result.latency.wait_s,
        render_s=result.latency.render_s,
        adaptations=tuple(
            {"field": each.field, "asked": each.asked, "sent": each.sent, "got": each.got, "why": each.why}
            for each in result.adaptations
        ),
        findings=_findings(case, model, len(result.images)),
    )


def _saved(folder: Path, name: str, image: imagegen.Image) -> CellPicture:
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    path = image.save(folder / "pictures" / f"{name}.png")
    small = make_thumbnail(path, path.with_suffix(".small.webp"))
    return CellPicture(
        file=f"pictures/{path.name}", thumbnail=f"pictures/{small.name}" if small else None,
        sha256=hashlib.sha256(image.data).hexdigest(), media_type=image.media_type, width=image.width or 0,
        height=image.height or 0, size_bytes=len(image.data), seed=image.seed,
    )  # fmt: skip


def _findings(case: str, model: str, count: int) -> tuple[CellFinding, ...]:
    """Sloppy miscounts, and nothing can be said of a landscape."""
    if case == "landscape":
        return tuple(CellFinding(number, "count", "undecided", why="a busy ground") for number in range(count))
    wrong = model == "stub:sloppy" and case in ("circles-3", "squares-5")
    found = CellFinding(0, "count", "fail" if wrong else "pass", 0.0 if wrong else 1.0, {"found": 4 if wrong else 3})
    text = CellFinding(0, "text", "pass", 0.97, {"read": "OPEN 24 HOURS"})
    return (found, text) if case == "text-open" else (found,)


def _gone_wrong() -> list[Cell]:
    """A failure, an unknown outcome with unknown cost, a drawing without thumbnail, and a case that one model has."""
    plain = Cell(
        key="w0", case="worst", prompt="the worst day\nin two lines", operation="generate", fields={},
        fingerprint="r1:4567", model=MODELS[0], repeat=0, outcome="failed", tags=("faults",), retries=2, submits=3,
        error="503 of a paid step; nothing came, and nothing was billed. Ask again later.", error_kind="ProviderError",
        billed="no", total_s=31.0,
    )  # fmt: skip
    lost = replace(
        plain, key="w1", model=MODELS[1], outcome="unknown", billed="unknown", at_most_usd=Decimal("0.04"),
        error="The connection was cut after sending: it may have been billed. Look into the provider's console.",
        error_kind="OutcomeUnknownError", warnings=("the ledger counts it as spent",),
    )  # fmt: skip
    drawing = CellPicture("pictures/drawn.svg", None, "0" * 64, "image/svg+xml", 100, 100, 512)
    vector = replace(plain, key="w2", model=MODELS[2], outcome="ok", billed="yes", error=None, error_kind=None,
                     pictures=(drawing,), refused_pictures=1, retries=0, submits=1)  # fmt: skip
    return [plain, lost, vector]


def hostile(cells: Iterable[Cell]) -> list[Cell]:
    """The same cells with markup, scripts and control characters wherever foreign text can be."""

    def spoilt(cell: Cell) -> Cell:
        findings = tuple(replace(each, probe=HOSTILE, why=HOSTILE, values={HOSTILE: HOSTILE}) for each in cell.findings)
        files = tuple(replace(each, revised_prompt=HOSTILE, sha256=HOSTILE, media_type=HOSTILE, file=f"{HOSTILE}/../../{HOSTILE}" if number else "javascript:alert(1)", thumbnail=HOSTILE) for number, each in enumerate(cell.pictures))  # fmt: skip # noqa: E501
        return replace(
            cell, case=cell.case + HOSTILE, prompt=HOSTILE, model=cell.model + HOSTILE, error=HOSTILE,
            error_kind=HOSTILE, fields={HOSTILE: HOSTILE}, tags=(HOSTILE,), warnings=(HOSTILE,), answered_by=HOSTILE,
            adaptations=({"field": HOSTILE, "asked": HOSTILE, "sent": HOSTILE, "got": HOSTILE, "why": HOSTILE},),
            request_ids=(HOSTILE,), started_at=HOSTILE, cost_source=HOSTILE, findings=findings, pictures=files,
            fingerprint=HOSTILE, key=HOSTILE,
        )  # fmt: skip

    return [spoilt(cell) for cell in cells]


def numbers_of(cells: Sequence[Cell]) -> Numbers:
    """Plausible figures with intervals, made simply: the report only shows them."""
    models = list(dict.fromkeys(cell.model for cell in cells))
    rows = tuple(_row(model, [cell for cell in cells if cell.model == model]) for model in models)
    return Numbers(rows, _differences(models), seed=11)


def _row(model: str, cells: Sequence[Cell]) -> ModelNumbers:
    count = sum(len(cell.pictures) for cell in cells)
    seconds = sorted(cell.latency_s for cell in cells if cell.latency_s is not None)
    costs = [cell.cost_usd for cell in cells if cell.cost_usd is not None]
    each = float(sum(costs)) / count if count and costs else None
    findings = [finding for cell in cells for finding in cell.findings]
    sources = [cell.cost_source or "unknown" for cell in cells]
    return ModelNumbers(
        model=model,
        cells=len(cells),
        pictures=count,
        succeeded=rate(sum(cell.outcome == "ok" for cell in cells), len(cells)),
        refused=rate(sum(cell.outcome == "refused" for cell in cells), len(cells)),
        failed=rate(sum(cell.outcome in ("failed", "unknown") for cell in cells), len(cells)),
        latency={"p50": about(seconds[len(seconds) // 2], len(seconds)), "p90": about(seconds[-1], len(seconds))}
        if seconds
        else {},
        cost_per_picture=about(each, len(costs)) if each is not None else None,
        cost_per_usable=about(each * 1.2, len(costs)) if each is not None else None,
        known_usd=sum((cell.known_usd for cell in cells), Decimal(0)),
        cost_sources={name: sources.count(name) for name in sources},
        unknown_cost=rate(sources.count("unknown"), len(cells)),
        adapted=rate(sum(bool(cell.adaptations) for cell in cells), len(cells)),
        adaptations={"output_compression": 1},
        retries=sum(cell.retries for cell in cells),
        probes={
            name: _probe(name, [finding for finding in findings if finding.probe == name])
            for name in dict.fromkeys(finding.probe for finding in findings)
        },
    )


def _probe(name: str, findings: Sequence[CellFinding]) -> ProbeNumbers:
    passed, failed = (sum(each.verdict == verdict for each in findings) for verdict in ("pass", "fail"))
    return ProbeNumbers(name, rate(passed, passed + failed), len(findings) - passed - failed)


def _differences(models: Sequence[str]) -> tuple[Difference, ...]:
    if len(models) < 2:
        return ()
    return (
        Difference("success", models[0], models[1], 0.15, -0.05, 0.3, 0.983, 7),
        Difference("latency mean", models[0], models[-1], -0.52, -0.71, -0.33, 0.983, 6),
        Difference("cost per picture", models[0], models[1], -0.02, -0.021, -0.019, 0.983, 6),
        Difference("probe count", models[0], models[1], 0.4, 0.1, 0.7, 0.983, 5),
    )


def rate(count: int, of: int, z: float = 1.96) -> Rate:
    if not of:
        return Rate(0, 0, 0.0, 1.0)
    share, spread = count / of, z * z / of
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    middle = share + spread / 2
    return Rate(count, of, max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread)))


def about(value: float, n: int) -> Estimate:
    """Within a fifth; without an interval where there are less than three."""
    return Estimate(value, value * 0.8, value * 1.2, n) if n > 2 else Estimate(value, None, None, n)


def facts() -> dict[str, str]:
    return {"suite": "samples", "repeats": "1", "imagegen": imagegen.__version__, "policy": "adapt", "asked": "22 Nov"}


def is_picture(path: Path) -> bool:
    return pictures.read_facts(memoryview(path.read_bytes())).whole
