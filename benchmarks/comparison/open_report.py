"""How long a report takes to make and to open, how large it is, and what its making needs.

    PYTHONPATH=tests python benchmarks/comparison/open_report.py [rounds]

Two comparisons of pictures with grain, much as photographs have it: 8 models and 20 cases, whose thumbnails are in the
page, and 10 models and 150 cases, whose thumbnails are files beside it. Each page is opened from disk at its pictures,
in a fresh window of the system's Chromium: `load` is the browser's own event, `ready` is when the pictures in sight are
decoded and drawn. They are looked for among the first 60: to ask where all are would lay out all. The file is in the
operating system's cache, the browser's is empty.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

from comparison import report_samples as samples
from comparison.browser import browser, chromium
from PIL import Image

from imagegen.comparison.cells import Cell, CellFinding, CellPicture
from imagegen.comparison.report import make_thumbnail, write_report

ORIGINAL_PX = 1024
PROMPT = "a fox in deep snow at the edge of a birch wood, late light, telephoto, film grain; number "
READY = """async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  document.getElementById("pictures").scrollIntoView({ behavior: "instant" });
  await drawn();
  const seen = [...document.querySelectorAll(".tile img")].slice(0, 60).filter((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  await Promise.all(seen.map((each) => each.decode()));
  await drawn();
  const entry = performance.getEntriesByType("navigation")[0];
  return [entry.domContentLoadedEventEnd, entry.loadEventEnd, performance.now(), seen.length];
}"""


def picture(path: Path, seed: int) -> CellPicture:
    """Grain on slopes of colour, another for each number."""
    size = (ORIGINAL_PX, ORIGINAL_PX)
    grain = Image.effect_noise((256, 256), 60).resize(size, Image.Resampling.BICUBIC)
    slope = Image.linear_gradient("L").rotate(37 * seed).resize(size)
    image = Image.merge("RGB", (Image.blend(grain, slope, 0.6), slope, Image.blend(slope, grain, 0.4)))
    image.save(path, quality=90)
    small = make_thumbnail(path, path.with_suffix(".webp"))
    assert small
    return CellPicture(path.name, small.name, "0" * 64, "image/jpeg", *size, size_bytes=path.stat().st_size, seed=seed)


def cells_of(folder: Path, models: int, cases: int) -> list[Cell]:
    """One picture a cell; every fifth was adapted."""
    found = (CellFinding(0, "count", "pass", 1.0), CellFinding(0, "text", "fail", 0.2, why="read as GUTAR"))
    made = []
    for number in range(models * cases):
        case, model = divmod(number, models)
        cell = Cell(
            key=str(number), case=f"case-{case}", prompt=PROMPT + str(case), operation="generate",
            fields={"prompt": PROMPT + str(case), "size": "1024x1024"}, fingerprint="r1:" + "0" * 64,
            model=f"provider-{model}:model-of-a-usual-length", repeat=0, outcome="ok", total_s=3 + model,
            cost_usd=Decimal("0.04") * (model + 1), cost_source="price_list", tags=("photo",),
            pictures=(picture(folder / f"{number}.jpg", number),), findings=found, request_ids=("req_" + "0" * 24,),
            adaptations=({"field": "seed", "asked": 1, "sent": None, "got": None, "why": "it has none"},)
            if number % 5 == 0 else (),
        )  # fmt: skip
        made.append(cell)
    return made


def opened(chrome: Any, page: Path) -> list[float]:
    """Milliseconds to DOMContentLoaded, load and ready, and how many pictures were in sight."""
    window = chrome.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    try:
        tab = window.new_page()
        tab.goto(page.as_uri())
        return tab.evaluate(READY)
    finally:
        window.close()


def measure(chrome: Any, models: int, cases: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = cells_of(folder, models, cases)
        numbers = samples.numbers_of(cells)
        started = time.perf_counter()
        page = write_report(folder, cells, numbers, "A comparison", samples.facts())[0]
        took_s = time.perf_counter() - started
        tracemalloc.start()
        write_report(folder, cells, numbers, "A comparison", samples.facts())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        small = sum(path.stat().st_size for path in folder.glob("*.webp")) / len(cells)
        size = page.stat().st_size / 1e6
        times = [opened(chrome, page) for _ in range(rounds)]
    dom, load, ready, seen = (statistics.median(each) for each in zip(*times, strict=True))
    worst = max(each[2] for each in times)
    print(
        f"| {len(cells):,} | {small / 1000:.1f} | {size:.2f} | {took_s:.1f} | {peak / 1e6:.0f} | {dom:.0f} "
        f"| {load:.0f} | {ready:.0f} ({worst:.0f}) | {seen:.0f} |"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if chromium() is None:
        sys.exit("no Chromium here: set IMAGEGEN_CHROMIUM")
    with browser() as chrome:
        print(f"Chromium {chrome.version}, {rounds} rounds, medians; in brackets the slowest")
        print("| pictures | thumbnail kB | page MB | made in s | peak MB | DOM ms | load ms | ready ms | in sight |")
        print("|---|---|---|---|---|---|---|---|---|")
        for models, cases in ((8, 20), (10, 150)):
            measure(chrome, models, cases, rounds)


if __name__ == "__main__":
    main()
