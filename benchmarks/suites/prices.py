"""What a suite would cost at the catalogue's prices, as a Markdown table: no network, no key, nothing is sent.

python benchmarks/suites/prices.py [SUITE] [CONNECTION:MODEL ...]
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import imagegen
from imagegen.comparison.suites import Suite, read_suite

MODELS = (
    *("openai:gpt-image-1-mini", "openai:gpt-image-1.5", "openai:gpt-image-2", "openai:gpt-image-2.6-flare"),
    *("google:gemini-3.1-flash-lite-image", "google:gemini-3-pro-image"),
    *("bfl:flux-2-pro", "bfl:flux-2-max", "bfl:flux-2-klein-9b"),
    *("xai:grok-imagine-image-2.0", "openrouter:bytedance-seed/seedream-4.5"),
    *("fal:fal-ai/ideogram/v3", "replicate:recraft-ai/recraft-v3", "together:black-forest-labs/FLUX.1-schnell"),
)


def row(suite: Suite, model: str) -> str:
    """Model, cases that it can do, least and most money for one picture of each, cases whose size is changed."""
    plans = []
    for case in suite:
        try:
            plans.append(imagegen.plan(case.request, model=model, policy="best_effort"))
        except imagegen.UnsupportedError:
            continue
    least = sum((each.cost.known_usd for each in plans), Decimal(0))
    limits = [each.cost.at_most_usd for each in plans if each.cost.at_most_usd is not None]
    most = f"{sum(limits, Decimal(0)):.2f}" if len(limits) == len(plans) else "unknown"
    changed = sum(any(entry.field == "size" for entry in each.adaptations) for each in plans)
    return f"| `{model}` | {len(plans)} of {len(suite.cases)} | {least:.2f} | {most} | {changed} |"


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "weaknesses.yaml"
    suite = read_suite(path)
    print(f"Catalogue of {datetime.now(UTC).date()}, USD, one picture of each case, the model's own quality.\n")
    print("| model | cases it can do | at least | at most | size changed |\n|---|---|---|---|---|")
    for model in sys.argv[2:] or MODELS:
        print(row(suite, model))


if __name__ == "__main__":
    main()
