"""Single pictures: what each verdict is for, and the second reader."""

from __future__ import annotations

import io
import os
from importlib.util import find_spec

import pytest
from PIL import Image, ImageDraw, ImageFilter

from imagegen import fonts
from imagegen.probes import Finding, Subject, probe

pytestmark = pytest.mark.skipif(find_spec("rapidocr") is None, reason="the extra [probes] is not installed")


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def look(name: str, image: Image.Image, expectation: object = (), **more: object) -> Finding:
    return probe(name)().look(Subject(png(image), "image/png", expectation=expectation or {}, **more))


def lettered(text: str, size_px: int = 40, side: int = 480) -> Image.Image:
    image = Image.new("RGB", (side, side), "white")
    (run,) = fonts.runs_of(text)
    ImageDraw.Draw(image).text((30, side / 2), text, fill="black", font=fonts.font(run, size_px))
    return image


def circles(*places: tuple[int, int], colour: str = "red") -> Image.Image:
    image = Image.new("RGB", (400, 400), "white")
    for x, y in places:
        ImageDraw.Draw(image).ellipse((x - 40, y - 40, x + 40, y + 40), fill=colour)
    return image


def test_text_says_what_it_read():
    """A misspelt word fails and is quoted, with its rates."""
    found = look("text", lettered("GUITRA"), {"strings": ["GUITAR"]})
    assert found.verdict == "fail"
    assert "GUITRA" in found.why
    assert found.values["character_error_rate"] == pytest.approx(2 / 6, abs=0.001)
    assert look("text", lettered("guitar"), {"strings": ["GUITAR"], "case": "ignore"}).verdict == "pass"


def test_a_missing_text_fails():
    found = look("text", Image.new("RGB", (480, 480), "white"), {"strings": ["OPEN"]})
    assert found.verdict == "fail"
    assert "not there" in found.why


def test_small_type_on_a_large_ground_is_found():
    """A lone line of 12 pixels in 1536, which one look at the whole picture misses."""
    assert look("text", lettered("Fresh bread", 12, 1536), {"strings": ["Fresh bread"]}).verdict == "pass"


def test_a_script_without_a_reader_is_undecided(monkeypatch):
    """Korean is no script of the first reader; without Tesseract nobody can tell."""
    from imagegen.probes import ocr

    monkeypatch.setattr(ocr, "tesseract_packs", frozenset)
    found = look("text", Image.new("RGB", (64, 64), "white"), {"strings": ["안녕"]})
    assert found.verdict == "undecided"


def test_what_our_clean_copy_does_not_say_is_undecided(monkeypatch):
    """A reader that cannot read the string when we write it ourselves is no witness against the picture."""
    from imagegen.probes import clean_copy

    monkeypatch.setattr(clean_copy, "clean_copy", lambda *_: _white())
    found = look("text", Image.new("RGB", (480, 480), "white"), {"strings": ["OPEN"]})
    assert found.verdict == "undecided"
    assert "clean copy" in found.why


def _white():
    import numpy as np

    return np.full((320, 320, 3), 255, np.uint8)


def test_tesseract_reads_what_the_first_reader_cannot(tmp_path, monkeypatch):
    """Its program is asked for the pack of the script; its table of words becomes lines."""
    from imagegen.probes import ocr

    program = tmp_path / "tesseract"
    row = "5\t1\t1\t1\t1\t{}\t{}\t10\t50\t20\t96.5\t{}"
    rows = ["level", row.format(1, 10, "Добрый"), row.format(2, 70, "день")]
    (tmp_path / "table").write_text("\n".join(rows) + "\n", encoding="utf-8")
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = --list-langs ]; then echo "List:"; echo rus; else cat {tmp_path}/table; fi\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    ocr.tesseract_packs.cache_clear()
    try:
        found = look("text", Image.new("RGB", (200, 60), "white"), {"strings": ["Добрый день"]})
    finally:
        ocr.tesseract_packs.cache_clear()
    assert found.verdict == "pass"


def test_touching_things_are_undecided():
    """Two discs that overlap are no clear shape; one too many without doubt fails."""
    wanted = [{"count": 2, "shape": "circle", "colour": "red"}]
    assert look("count", circles((100, 100), (170, 100)), wanted).verdict == "undecided"
    assert look("count", circles((100, 100), (300, 100)), wanted).verdict == "pass"
    found = look("count", circles((80, 80), (300, 80), (80, 300)), wanted)
    assert found.verdict == "fail"
    assert found.values["red circle"] == 3


def test_a_busy_ground_is_undecided():
    """Counting is for flat shapes on plain grounds."""
    noise = Image.effect_noise((400, 400), 120).convert("RGB").resize((400, 400)).filter(ImageFilter.GaussianBlur(3))
    busy = noise.point(lambda value: 255 if value > 128 else 0)
    for name, wanted in (("count", [{"count": 1, "shape": "circle"}]), ("colour", [{"colour": "red"}])):
        assert look(name, busy, wanted).verdict == "undecided"


def test_a_diagonal_is_neither_left_nor_above():
    """Far above and a little to the left is not what people call left of."""
    image = circles((120, 60))
    ImageDraw.Draw(image).rectangle((150, 300, 230, 380), fill="blue")
    sides = {"left": "undecided", "right": "fail", "above": "pass", "below": "fail"}
    for side, verdict in sides.items():
        wanted = {side: {"shape": "circle"}, "of": {"colour": "blue"}}
        assert look("relation", image, wanted).verdict == verdict, side


def test_no_board_is_undecided():
    for wanted in ({"tictactoe": "XO......."}, {"chess": "8/8/8/8/8/8/8/8"}):
        assert look("grid", circles((100, 100)), wanted).verdict == "undecided"


def edit(change: object = None) -> Finding:
    """A locality finding of an edit; ``change`` alters it outside the mask."""
    before = Image.radial_gradient("L").resize((300, 300)).convert("RGB")
    mask = Image.new("L", (300, 300), 0)
    ImageDraw.Draw(mask).rectangle((100, 100, 180, 180), fill=255)
    after = before.copy()
    after.paste("red", (100, 100, 181, 181))
    if callable(change):
        after = change(after)
    return look("locality", after, {}, inputs=(png(before),), mask=png(mask))


def leaked(image: Image.Image) -> Image.Image:
    image.paste("blue", (20, 30, 40, 50))
    return image


def test_a_leak_is_boxed():
    """A small change far from the mask is found and its place is said."""
    found = edit(leaked)
    assert found.verdict == "fail"
    assert found.values["kind"] == "local leak"
    left, top, right, bottom = (int(each) for each in str(found.values["boxes"]).split(","))
    assert abs(left - 20) < 5
    assert abs(top - 30) < 5
    assert abs(right - 40) < 5
    assert abs(bottom - 50) < 5


def test_kinds_of_edits():
    """Untouched passes; a shift says by how much; other proportions cannot be compared."""
    assert edit().values["kind"] == "identical"
    assert edit(lambda image: image.crop((0, 0, 300, 200))).verdict == "undecided"
    assert look("locality", circles((50, 50))).verdict == "undecided"


def test_pictures_of_one_call_that_are_the_same():
    """Encoded again it is the same picture; moved it is another."""
    again = io.BytesIO()
    circles((100, 100)).save(again, "JPEG", quality=80)
    found = look("technical", circles((100, 100)), {}, siblings=(again.getvalue(),))
    assert found.verdict == "fail"
    assert found.values["copies"] == 1
    assert look("technical", circles((100, 100)), {}, siblings=(png(circles((300, 300))),)).verdict == "pass"


def test_a_request_is_held_against_the_file():
    """Size, ratio, format and transparency, each named."""
    asked = {"size": "512x512", "output_format": "webp", "background": "transparent"}
    found = look("technical", circles((100, 100)), {}, request=asked)
    assert found.why == "400x400, not 512x512; png, not webp; not transparent"
    assert look("technical", circles((100, 100)), {}, request={"aspect_ratio": "3:2"}).verdict == "fail"


def test_probes_need_no_network(monkeypatch):
    """A look opens no socket."""
    import socket

    def refused(*_: object) -> None:
        raise AssertionError("a probe asked the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    assert look("text", lettered("OPEN"), {"strings": ["OPEN"]}).verdict == "pass"
