"""The page of unconfirmed facts is the one that the catalogues make."""

from __future__ import annotations

from docs.unconfirmed import PAGE, page

from imagegen import catalogue


def test_committed_page_is_what_the_catalogues_say():
    """Whoever changes a catalogue runs `make docs`."""
    assert PAGE.read_text() == page()


def test_every_mark_is_a_row():
    """No mark in any catalogue file is missing on the page."""
    files = [catalogue.catalogue_file(name) for name in ("openai", "bfl", "fal", "google", "xai", "together")]
    for path in files:
        assert path is not None
        marks = sum(line.partition("#")[0].count("confirmed = false") for line in path.read_text().splitlines())
        section = page().partition(f"## {path.stem}\n")[2].partition("\n## ")[0]
        assert section.count("\n| ") - 1 == marks, path.stem
