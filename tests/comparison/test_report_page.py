"""The page of a comparison in a real browser, from disk: by mouse, by keyboard, at two widths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comparison import report_samples as samples
from comparison.browser import Opened, browser, chromium

from imagegen.comparison.cells import Cell
from imagegen.comparison.report import write_report

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: set IMAGEGEN_CHROMIUM, or install one")

SIZES = {"phone": (375, 812), "desktop": (1440, 900)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def cells(folder: Path) -> list[Cell]:
    """A comparison, with its report in the folder."""
    cells = samples.comparison(folder)
    write_report(folder, cells, samples.numbers_of(cells), "Four models of the stub", samples.facts())
    return cells


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def opened(chrome: Any, folder: Path, cells: list[Cell]) -> Iterator[Opened]:
    """The report in a window; at the end it has asked for nothing and complained of nothing."""
    with Opened(chrome, folder / "report.html") as opened:
        yield opened
        assert opened.complaints == []
        assert opened.of_network == []


def order(page: Any) -> list[str]:
    return page.locator("table[aria-labelledby=summary] tbody th").all_inner_texts()


def focused(page: Any) -> str | None:
    return page.evaluate("document.activeElement.dataset.tile")


def says(page: Any, found: str) -> None:
    """Wait until the form says how many were found: it filters a moment after the last key."""
    from playwright.sync_api import expect

    expect(page.locator("#found")).to_have_text(found)


def shown(page: Any) -> int:
    return page.locator(".tile:visible").count()


def test_grid_shows_every_cell(opened: Opened):
    """A row for each case, a column for each model; what did not come stands in its place and says why."""
    page = opened.page
    assert page.locator(".sheet tbody tr").count() == 7
    assert page.locator(".sheet thead th").all_inner_texts() == ["case", *samples.MODELS]
    assert shown(page) == 31
    assert page.get_by_role("row", name="circles-3").get_by_role("img").count() == 4
    assert "the prompt was refused" in page.locator(".tile.refused").first.text_content()
    assert "may have been billed" in page.locator(".tile.unknown").text_content()
    assert page.locator(".mark.adapted").count() == 4
    assert page.locator(".nothing").text_content() == "not asked"
    page.locator(".tile img").first.scroll_into_view_if_needed()  # pictures out of sight are not loaded
    loaded = "image => image.decode().then(() => image.naturalWidth)"
    assert page.locator(".tile img").first.evaluate(loaded) == 256


def test_summary_sorts_by_mouse(opened: Opened):
    """A click on a column's name sorts by it, the second the other way round; the table says so."""
    page = opened.page
    head = page.get_by_role("columnheader", name="cost per picture").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert order(page) == ["stub:painter", "stub:sloppy", "studio:metered", "studio:slow"]
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert order(page)[0] == "studio:slow"


def test_every_column_of_the_summary_sorts(opened: Opened):
    """By the keyboard too, and models of which a column knows nothing are last."""
    page = opened.page
    buttons = page.locator("table[aria-labelledby=summary] thead button")
    for number in range(buttons.count()):
        buttons.nth(number).focus()
        page.keyboard.press("Enter")
        assert buttons.nth(number).locator("..").get_attribute("aria-sort") == "ascending"
    assert sorted(order(page)) == sorted(samples.MODELS)


@pytest.mark.parametrize(
    ("control", "value", "count"),
    [("outcome", "outcome refused", 4), ("outcome", "outcome adapted", 4), ("tag", "text", 4), ("tag", "moderation", 4),
     ("verdict", "count: fail", 2), ("verdict", "count: undecided", 4)],
)  # fmt: skip
def test_filter_by_choice(opened: Opened, control: str, value: str, count: int):
    """Only what is like it stays, and how many that are is said."""
    page = opened.page
    page.select_option(f"#filter-{control}", value)
    says(page, f"{count} of 31 shown")
    assert shown(page) == count
    page.get_by_role("button", name="Show all").click()
    says(page, "31 shown")


def test_filter_by_text_and_model_with_the_keyboard(opened: Opened):
    """Words of a prompt in any order; a model that is not chosen leaves the sheet, the tables and the chart."""
    page = opened.page
    page.locator("#filter-text").focus()
    page.keyboard.type("white SQUARES")
    says(page, "4 of 31 shown")
    page.get_by_role("checkbox", name="stub:sloppy").focus()
    page.keyboard.press("Space")
    says(page, "3 of 31 shown")
    assert page.locator(".sheet thead th:visible").all_inner_texts() == [
        "case", "stub:painter", "studio:metered", "studio:slow",
    ]  # fmt: skip
    assert page.locator("table[aria-labelledby=summary] tbody tr:visible").count() == 3
    page.locator("#filter-text").fill("no such words")
    says(page, "Nothing is like this")


def test_enlarge_with_the_mouse(opened: Opened, folder: Path):
    """A click shows the original file and everything known of it; the buttons move and close."""
    page = opened.page
    page.locator(".tile").nth(1).click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("heading").inner_text() == "circles-3 by stub:sloppy, repeat 1"
    original = dialog.get_by_role("img")
    assert original.evaluate("image => image.decode().then(() => image.naturalWidth)") == 512
    said = dialog.locator("dl").inner_text()
    assert all(each in said for each in ("$0.02, source: price_list", "in all", "seed", "fail"))
    dialog.get_by_role("button", name="Next").click()
    assert "studio:metered" in dialog.get_by_role("heading").inner_text()
    dialog.get_by_role("button", name="Close").click()
    assert not dialog.is_visible()


def test_enlarge_with_the_keyboard(opened: Opened):
    """Enter enlarges, arrow keys move, Escape closes, and the focus is where one had moved to."""
    page = opened.page
    page.locator(".tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "5"
    page.keyboard.press("Enter")
    heading = page.get_by_role("dialog").get_by_role("heading")
    assert heading.inner_text() == "squares-5 by stub:sloppy, repeat 1"
    page.keyboard.press("ArrowDown")
    assert heading.inner_text() == "text-open by stub:sloppy, repeat 1"
    page.keyboard.press("ArrowLeft")
    assert heading.inner_text() == "text-open by stub:painter, repeat 1"
    assert "adapted" in page.get_by_role("dialog").locator("dl").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-tile='8']:focus")
    assert not page.get_by_role("dialog").is_visible()


def test_details_of_what_did_not_come(opened: Opened):
    """An unknown outcome says what it may have cost and what to do; a drawing is shown and not opened as a page."""
    page = opened.page
    page.locator(".tile.unknown").click()
    said = page.get_by_role("dialog").inner_text()
    assert "at most $0.04" in said
    assert "provider's console" in said
    assert "the worst day\nin two lines" in said
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("dialog").get_by_role("img").evaluate("image => image.decode().then(() => 1)") == 1
    assert not page.get_by_role("link", name="Open the original").is_visible()


def test_one_stop_for_the_tab_key(opened: Opened):
    """The first stop skips to the pictures, and thirty pictures are one stop, not thirty."""
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the pictures"
    assert page.locator(".tile[tabindex='0']").count() == 1
    page.locator(".tile").first.focus()
    page.keyboard.press("Tab")
    assert focused(page) is None


def test_names_for_a_screen_reader(opened: Opened):
    """Every button, control and picture has a name; every table heads of rows and columns; headings are in order."""
    page = opened.page
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button,input,select')].filter(each =>
             !each.textContent.trim() && !each.getAttribute('aria-label') && !each.labels?.length
             && !each.querySelector('img[alt]')).length"""
    )
    assert unnamed == 0
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("h1").count() == 1
    assert page.get_by_role("table").count() >= 4
    assert page.get_by_role("rowheader", name="landscape").count() == 1
    assert page.get_by_role("cell").filter(has_text="not asked").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(chrome: Any, folder: Path, cells: list[Cell], scheme: str):
    """All text stands out from its ground by 4.5 to 1 at least."""
    with Opened(chrome, folder / "report.html", color_scheme=scheme) as opened:
        assert opened.page.evaluate(CONTRAST) == []


CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const low = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("script,dialog,svg")) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) low.add(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
  }
  return [...low];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_screenshots(chrome: Any, folder: Path, cells: list[Cell], tmp_path: Path, size: str, scheme: str):
    """Nothing is wider than the window. What it looks like is kept in ``IMAGEGEN_SCREENSHOTS``."""
    kept = Path(os.environ.get("IMAGEGEN_SCREENSHOTS") or tmp_path)
    kept.mkdir(parents=True, exist_ok=True)
    width, height = SIZES[size]
    with Opened(chrome, folder / "report.html", width=width, height=height, color_scheme=scheme) as opened:
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.screenshot(path=kept / f"{size}-{scheme}-summary.png")
        page.locator("#pictures").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('pictures').scrollIntoView({behavior: 'instant'})")
        page.locator(".tile img").first.evaluate("image => image.decode()")
        page.screenshot(path=kept / f"{size}-{scheme}-pictures.png")
        page.locator(".tile").nth(1).click()
        page.get_by_role("dialog").get_by_role("img").evaluate("image => image.decode()")
        page.screenshot(path=kept / f"{size}-{scheme}-enlarged.png")
        assert opened.complaints == []
    assert samples.is_picture(kept / f"{size}-{scheme}-enlarged.png")


def test_hostile_text_stays_text(chrome: Any, cells: list[Cell], tmp_path: Path):
    """Prompts, messages, names of files and models with markup run nothing, ask for nothing, reach no other folder."""
    spoilt = samples.hostile(cells)
    write_report(tmp_path, spoilt, samples.numbers_of(spoilt), samples.HOSTILE, {samples.HOSTILE: samples.HOSTILE})
    with Opened(chrome, tmp_path / "report.html") as opened:
        page = opened.page
        assert page.title() != "owned"
        assert page.locator("img[onerror], [src=x]").count() == 0
        assert page.locator("script").count() == 2
        page.locator(".tile").first.click()
        page.wait_for_timeout(200)
        assert page.title() != "owned"
        assert "onerror=document.title" in page.get_by_role("dialog").inner_text()
        assert opened.of_network == []
        outside = [url for url in opened.requests if not url.startswith((tmp_path.as_uri(), "data:"))]
        assert outside == []
