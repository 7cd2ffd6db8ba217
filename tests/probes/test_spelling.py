"""Texts compared to the letter: pure, no picture."""

from __future__ import annotations

import pytest

from imagegen.probes.scripts import pack_for, readable_by_rapid
from imagegen.probes.spelling import best_match, distance, extra, plain


@pytest.mark.parametrize(
    ("wanted", "lines", "exact"),
    [
        ("HELLO", ["HELLO"], True),
        ("HELLO", ["HELLOO"], False),
        ("HELLO", ["SAY HELLO NOW"], True),
        ("Grand Opening", ["Grand", "Opening"], True),
        ("Grand Opening", ["GrandOpening"], False),
        ("jacket hammer", ["jacke thammer"], False),
        ("你好", ["你好"], True),
        ("你好", ["你好好"], False),
        ("欢迎来到北京", ["欢迎", "来到北京"], True),
        ("It's", ["It\u2019s"], True),
        ("caf\u00e9", ["cafe\u0301"], True),
    ],
)
def test_exact_is_to_the_letter(wanted, lines, exact):
    """Case, blanks and doubled letters count; line breaks, composed accents and typographic quotes do not."""
    assert best_match(plain(wanted), [plain(line) for line in lines]).exact is exact


def test_rates_of_a_near_miss():
    """One wrong character of eleven, one wrong word of two."""
    match = best_match("hello world", ["hello worlt"])
    assert match.error_rate == pytest.approx(1 / 11)
    assert match.word_accuracy == 0.5


def test_blanks_alone_are_told_apart():
    assert best_match("jacket hammer", ["jacke thammer"]).blanks_only


def test_distance_is_levenshteins():
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == 3


def test_extra_text_is_what_nobody_asked_for():
    """Other lines, and what stands beside an exact string; not a misspelt string itself."""
    assert extra(["SALE NOW", "50%"], ["SALE"]) == "NOW 50%"
    assert extra(["SALF"], ["SALE"]) == ""


@pytest.mark.parametrize(
    ("text", "language", "rapid", "pack"),
    [
        ("Grüße", "de", True, None),
        ("こんにちは", None, True, None),
        ("Tiếng Việt", None, False, "vie"),
        ("xin chao", "vi", False, "vie"),
        ("Привет", None, False, "rus"),
        ("안녕", None, False, "kor"),
    ],
)
def test_scripts_go_to_the_reader_that_was_measured(text, language, rapid, pack):
    """A reader's own list of languages is not believed."""
    assert readable_by_rapid(text, language) is rapid
    if pack:
        assert pack_for(text, language) == pack
