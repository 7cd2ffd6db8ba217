"""What a report leaves in its folder beside the page: thumbnails, picture, tables; and what it shows in a terminal."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from comparison import report_samples as samples
from PIL import Image
from rich.console import Console

from imagegen.comparison.cells import Cell, CellPicture
from imagegen.comparison.numbers import Numbers
from imagegen.comparison.report import make_thumbnail, write_report
from imagegen.comparison.report.chart import pareto_front, points_of
from imagegen.comparison.report.terminal import show

TITLE = "Four models"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def cells(folder: Path) -> list[Cell]:
    """A comparison, with its report in the folder."""
    cells = samples.comparison(folder)
    write_report(folder, cells, samples.numbers_of(cells), TITLE, samples.facts())
    return cells


def picture(path: Path, size: tuple[int, int], mode: str = "RGB") -> Path:
    """Soft colours with grain, much like a photograph."""
    grain = Image.effect_noise(size, 40)
    slope = Image.linear_gradient("L").resize(size)
    image = Image.merge("RGB", (grain, slope, Image.blend(grain, slope, 0.5))).convert(mode)
    image.save(path)
    return path


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.png", "RGB"), ("a.png", "RGBA"), ("a.png", "P"), ("a.png", "L"), ("a.png", "1"), ("a.gif", "P"),
     ("a.jpg", "RGB"), ("a.jpg", "CMYK"), ("a.webp", "RGB")],
)  # fmt: skip
def test_thumbnail_of_every_kind(tmp_path: Path, name: str, mode: str):
    """A WebP whose longest side is 256, whatever it is made from."""
    made = make_thumbnail(picture(tmp_path / name, (800, 500), mode), tmp_path / "a.small.webp")
    assert made == tmp_path / "a.small.webp"
    with Image.open(made) as small:
        assert (small.format, small.size) == ("WEBP", (256, 160))


def test_thumbnail_of_an_animation_is_its_first_frame(tmp_path: Path):
    """The first frame, and it alone."""
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    made = make_thumbnail(tmp_path / "a.gif", tmp_path / "small.webp")
    assert made
    with Image.open(made) as small:
        assert small.n_frames == 1
        red, green, blue = small.convert("RGB").getpixel((9, 9))
        assert (red > 240, green < 15, blue < 15) == (True, True, True)


def test_thumbnail_is_upright_and_never_enlarged(tmp_path: Path):
    """What EXIF turns is turned, and a small picture keeps its size."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 20)).save(tmp_path / "a.jpg", exif=exif)
    made = make_thumbnail(tmp_path / "a.jpg", tmp_path / "small.webp")
    assert made
    with Image.open(made) as small:
        assert small.size == (20, 60)


@pytest.mark.parametrize("data", [samples.SVG.encode(), b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_no_thumbnail(tmp_path: Path, data: bytes):
    """A drawing and what is no picture give None and leave no file."""
    (tmp_path / "a").write_bytes(data)
    assert make_thumbnail(tmp_path / "a", tmp_path / "small.webp") is None
    assert not (tmp_path / "small.webp").exists()


def test_report_files_and_nothing_else(folder: Path, cells: list[Cell]):
    """Four files, the page first; nothing half written stays behind."""
    names = write_report(folder, iter(cells), samples.numbers_of(cells), TITLE, samples.facts())
    assert [path.name for path in names] == ["report.html", "report.md", "results.csv", "grid.png"]
    assert {path.name for path in folder.iterdir()} == {*(path.name for path in names), "pictures"}


class _Tags(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_page_names_no_other_place(folder: Path, cells: list[Cell]):
    """No address leads out of the folder, no attribute is a script or a style, and the policy forbids the rest."""
    tags = _Tags((folder / "report.html").read_text()).tags
    addresses = [value or "" for _, said in tags for name, value in said.items() if name in ("src", "href")]
    assert all(each.startswith(("data:image/webp;base64,", "./pictures/", "#")) for each in addresses)
    assert not [name for _, said in tags for name in said if name.startswith("on") or name == "style"]
    policy = next(said["content"] for tag, said in tags if said.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none'; img-src 'self' file: data:; script-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_names_reach_no_file(folder: Path, cells: list[Cell], tmp_path: Path):
    """A thumbnail outside the folder, be it named or linked to, is not put into the page."""
    secret = picture(tmp_path / "secret.webp", (40, 40))
    inside = folder / "pictures" / "link.webp"
    inside.unlink(missing_ok=True)
    inside.symlink_to(secret)
    names = ["../secret.webp", str(secret), "pictures/link.webp", "pictures/../../secret.webp", "a\0b", ""]
    plain = CellPicture("javascript:alert(1)", None, "", "image/webp", 40, 40, 1)
    cell = replace(cells[0], pictures=tuple(replace(plain, thumbnail=name) for name in names))
    write_report(folder, [cell], samples.numbers_of([cell]), TITLE, {})
    inside.unlink()
    page = (folder / "report.html").read_text()
    assert "data:image/webp" not in page
    assert 'src="./javascript%3Aalert%281%29"' in page
    addresses = [value or "" for _, said in _Tags(page).tags for name, value in said.items() if name in ("src", "href")]
    assert not [each for each in addresses if ".." in each]


def test_small_report_is_one_file(folder: Path, tmp_path: Path):
    """Eight models and twenty cases with thumbnails as of photographs: all in a page under 5 MB."""
    cells = many(tmp_path, models=8, cases=20)
    write_report(tmp_path, cells, samples.numbers_of(cells), TITLE, {})
    page = tmp_path / "report.html"
    assert page.read_text().count("data:image/webp") == 160
    assert page.stat().st_size < 5_000_000


def many(folder: Path, models: int, cases: int) -> list[Cell]:
    """One picture for each, all of the same file."""
    original = picture(folder / "a.png", (1024, 1024))
    assert make_thumbnail(original, folder / "a.webp")
    plain = CellPicture("a.png", "a.webp", "0" * 64, "image/png", 1024, 1024, original.stat().st_size)
    return [
        Cell(
            key=f"{case}-{model}", case=f"case-{case}", prompt="a photograph " * 10, operation="generate", fields={},
            fingerprint="r1:", model=f"stub:model-{model}", repeat=0, outcome="ok", pictures=(plain,), total_s=2.0,
        )
        for case in range(cases)
        for model in range(models)
    ]  # fmt: skip


def test_making_needs_no_memory_for_pictures(tmp_path: Path):
    """300 pictures of 2 MB are made a report of in less than 25 MB, beside the contact sheet's own pixels."""
    cells = many(tmp_path, models=3, cases=100)
    numbers = samples.numbers_of(cells)
    write_report(tmp_path, cells, numbers, TITLE, {})
    tracemalloc.start()
    write_report(tmp_path, cells, numbers, TITLE, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25_000_000
    assert 'src="./a.webp"' in (tmp_path / "report.html").read_text()


def test_contact_sheet_is_bounded(tmp_path: Path):
    """Of many cases and models only the first are drawn."""
    cells = many(tmp_path, models=14, cases=40)
    write_report(tmp_path, cells, samples.numbers_of(cells), TITLE, {})
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.width < 2900
        assert grid.height < 6300


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_of_the_table(folder: Path, cells: list[Cell]):
    """One row for each cell, empty where nothing is known."""
    write_report(folder, cells, samples.numbers_of(cells), TITLE, {})
    rows = read(folder / "results.csv")
    assert [row["key"] for row in rows] == [cell.key for cell in cells]
    lost = next(row for row in rows if row["outcome"] == "unknown")
    assert (lost["cost_usd"], lost["at_most_usd"], lost["billed"]) == ("", "0.04", "unknown")
    adapted = next(row for row in rows if row["case"] == "text-open")
    assert adapted["adaptations"].startswith("output_compression: asked 50")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\uff1d"])
def test_no_formula_in_the_table(folder: Path, cells: list[Cell], start: str):
    """Text that a spreadsheet would run begins with an apostrophe; numbers stay numbers."""
    cell = replace(cells[0], prompt=f"{start}HYPERLINK(1)", error=f"{start}1", tags=(f"{start}2",))
    write_report(folder, [cell], samples.numbers_of([cell]), TITLE, {})
    [row] = read(folder / "results.csv")
    assert (row["prompt"][0], row["error"][0], row["tags"][0]) == ("'", "'", "'")
    assert float(row["total_s"]) > 0


def test_markdown_is_a_table_of_text(folder: Path, cells: list[Cell]):
    """As many columns in every row, and no markup of others."""
    spoilt = samples.hostile(cells)
    write_report(folder, spoilt, samples.numbers_of(spoilt), samples.HOSTILE, {samples.HOSTILE: samples.HOSTILE})
    lines = (folder / "report.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    bars = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    summary = bars[: 2 + len(samples.MODELS)]
    assert len(set(summary)) == 1
    assert not [line for line in lines if re.search(r"(?<!\\)[<\[`]", line)]


def test_terminal_at_80_columns(cells: list[Cell]):
    """Every figure with its interval fits, without colour; unknown says so; only differences are named."""
    text = shown(samples.numbers_of(cells))
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert all(model in text for model in samples.MODELS)
    assert "36 to 92 %" in text
    assert "what 3 requests cost is not known" in text
    assert "latency mean: stub:painter is 0.52 s lower than studio:slow" in text
    assert "success" not in text


def test_terminal_shows_no_control_characters(cells: list[Cell]):
    """A hostile name of a model cannot move the cursor, and its brackets are no styles."""
    named = [replace(cell, model=f"\x1b[2J[bold red]{cell.model}") for cell in cells]
    text = shown(samples.numbers_of(named))
    assert "\x1b" not in text
    assert "[bold" in text


def shown(numbers: Numbers) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=80), numbers)
    return stream.getvalue()


def test_pareto_front(cells: list[Cell]):
    """Exactly those than which no other is both cheaper and faster; who is unknown is not among them."""
    row = samples.numbers_of(cells).models[0]
    figures = {"a": (1.0, 9.0), "b": (2.0, 5.0), "c": (3.0, 6.0), "d": (4.0, 1.0), "e": (2.0, 5.0), "f": (5.0, 1.0)}
    rows = [
        replace(row, model=name, cost_per_picture=samples.about(cost, 9), latency={"p50": samples.about(seconds, 9)})
        for name, (cost, seconds) in figures.items()
    ]
    unknown = replace(row, model="u", cost_per_picture=None)
    front = pareto_front(points_of(Numbers((*rows, unknown))))
    assert [point.model for point in front] == ["a", "b", "e", "d"]


def test_report_of_nothing(tmp_path: Path):
    """No cells and no numbers make a report that says so."""
    write_report(tmp_path, [], Numbers(()), "Nothing", {})
    assert "0 requests" in (tmp_path / "report.html").read_text()
