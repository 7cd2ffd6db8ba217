"""Type: turned, small, and in scripts beyond Latin, Greek and Cyrillic."""

import math
from importlib.util import find_spec

import pytest
from PIL import ImageChops, features
from pixels import bounds

from imagegen import fonts
from imagegen_providers.stub.lettering import setting_of, written
from imagegen_providers.stub.paint import picture_of, shrunk_type
from imagegen_providers.stub.reading import scene_of
from imagegen_providers.stub.scene import Lettering
from imagegen_providers.stub.words import rgb

scripts = pytest.mark.skipif(find_spec("manimgx_fonts") is None, reason="the extra [fonts] is not installed")
east_asia = pytest.mark.skipif(find_spec("manimgx_fonts_cjk") is None, reason="the extra [fonts] is not installed")
shaping = pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot shape text")


@pytest.mark.parametrize(
    ("prompt", "turn", "type_px"),
    [
        ('the word "HELLO" rotated 45 degrees', 45, None),
        ('"HELLO" rotated by 30° counter-clockwise', 330, None),
        ('"HELLO" tilted clockwise by 10 degrees', 10, None),
        ('the words "HELLO", upside down', 180, None),
        ('the upside-down word "HELLO"', 180, None),
        ('vertical text "HELLO"', 90, None),
        ('"HELLO" in 12 px type', 0, 12),
        ('"HELLO" 40 pixels high', 0, 40),
        ('the word "HELLO" in small type', 0, 20),
        ('tiny letters "HELLO"', 0, 12),
        ('"HELLO", vertical, in 18px letters', 90, 18),
        ('"HELLO" and three tiny red circles', 0, None),
    ],
)
def test_turn_and_size_are_read(prompt, turn, type_px):
    """Before and after the text; turns are clockwise."""
    (text,) = scene_of(prompt).letterings
    assert (text.turn, text.type_px) == (turn, type_px)


def test_what_is_said_of_type_is_about_the_text_beside_it():
    """Two texts, each its own way; the colour after the size is read too."""
    first, second = scene_of('"UP" upside down in red at the top, and vertical "DOWN" at the bottom').letterings
    assert first == Lettering("UP", "red", "top", 180)
    assert second == Lettering("DOWN", None, "bottom", 90)


def pixels_of(prompt, size=(240, 240)):
    image = picture_of(scene_of(prompt), prompt, 1, size, transparent=False)
    return bounds(image, rgb("red"))


def test_type_has_exactly_the_size_that_was_asked():
    """An H of Open Sans is 0.714 of its size high, whatever the picture."""
    for type_px in (14, 28, 42):
        for size in ((240, 240), (400, 200)):
            prompt = f'red letters "HHH" in {type_px} px type on a white background'
            _, top, _, bottom = pixels_of(prompt, size)
            assert bottom - top == pytest.approx(0.714 * type_px, abs=1.5)


def test_type_that_does_not_fit_is_smaller_and_said_so():
    """The picture holds all of it, and what became of the size is known."""
    scene = scene_of('"HELLO WORLD" in 200 px type')
    ((text, size_px),) = shrunk_type(scene, (128, 128)).items()
    assert (text.text, text.type_px) == ("HELLO WORLD", 200)
    assert size_px < 60
    assert shrunk_type(scene, (2048, 1024)) == {}


def test_vertical_text_is_high_and_upright_text_is_wide():
    """A quarter turn exchanges width and height."""
    wide = pixels_of('red letters "HELLO" in 30 px type on a white background')
    high = pixels_of('red letters "HELLO" in 30 px type, vertical, on a white background')
    assert (wide[2] - wide[0], wide[3] - wide[1]) == (high[3] - high[1], high[2] - high[0])


def test_quarter_turns_are_exact():
    """Upside down is the same pixels the other way round."""
    setting = setting_of(Lettering("Foxy"), 200, 100, 40)
    upright = written(setting)
    assert ImageChops.difference(written(setting, 180), upright.rotate(180)).getbbox() is None
    assert ImageChops.difference(written(setting, 90), upright.rotate(-90, expand=True)).getbbox() is None


@pytest.mark.parametrize("turn", [30, 45, 60])
def test_turned_text_is_turned(turn):
    """A long dash runs down to the right at its angle."""
    mask = written(setting_of(Lettering("—————", turn=turn), 300, 300, 60), turn)
    slope = math.degrees(math.atan2(mask.height, mask.width))
    assert slope == pytest.approx(turn, abs=4)
    assert mask.getpixel((mask.width // 4, mask.height // 4)) == 255
    assert mask.getpixel((3 * mask.width // 4, mask.height // 4)) == 0


def test_turned_text_stays_in_its_box():
    """However it is turned, all of it fits."""
    for turn in range(0, 360, 15):
        mask = written(setting_of(Lettering("HELLO WORLD", turn=turn), 200, 120, 60), turn)
        assert mask.width <= 205
        assert mask.height <= 125


@east_asia
@pytest.mark.parametrize("text", ["你好世界", "臺灣", "こんにちは", "カタカナ", "안녕하세요", "门 OK 2026"])
def test_east_asia_is_written(text):
    """Every character has a glyph, and each text looks its own way."""
    assert fonts.missing(text) == ""
    assert written(setting_of(Lettering(text), 300, 100, 40)).getbbox() is not None


@east_asia
def test_a_line_of_east_asia_may_end_after_any_character():
    """It has no blanks to break at."""
    assert len(setting_of(Lettering("春眠不覺曉處處聞啼鳥"), 200, 200, 90).lines) > 1


@scripts
@shaping
@pytest.mark.parametrize("text", ["مرحبا بالعالم", "שלום עולם", "नमस्ते", "สวัสดี", "ગુજરાતી", "தமிழ்", "🙂"])
def test_other_scripts_are_written(text):
    """With shaping, where there are fonts."""
    assert fonts.missing(text) == ""


@scripts
@shaping
def test_letters_join_and_run_from_the_right():
    """Arabic letters set one by one would be wider, and a line would begin on the left."""
    (run,) = fonts.runs_of("مرحبا")
    assert run.shaped
    assert [each.text.strip() for each in fonts.runs_of("سلام OK")] == ["OK", "سلام"]
    joined = fonts.font(run, 40).getlength("ببب")
    assert joined < 3 * fonts.font(run, 40).getlength("ب")


def test_without_shaping_such_scripts_are_missing(monkeypatch):
    """They would come out wrong, so they do not come at all."""
    monkeypatch.setattr(features, "check", lambda feature: False)
    assert fonts.missing("שלום") == "שלום"
    assert fonts.missing("Grüße, Ωμέγα") == ""


def test_without_the_extra_other_scripts_are_missing(monkeypatch):
    """No glyph, no box: the characters are named."""
    monkeypatch.setattr(fonts, "_files", lambda package: iter(()))
    fonts._faces.cache_clear()
    assert fonts.missing("你好 OK") == "你好"
    fonts._faces.cache_clear()
