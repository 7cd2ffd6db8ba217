"""Keys that cannot be printed, and foreign text made fit to be shown."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from imagegen import Connection
from imagegen.secrets import Secret, clean

KEY = "canary-4f9d1c7e-key"


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format, lambda s: f"{s:>40}"])
def test_secret_is_never_shown(shown):
    """No way of turning a key into text gives the key."""
    assert KEY not in shown(Secret(KEY))


@pytest.mark.parametrize("written", [pickle.dumps, json.dumps, copy.deepcopy])
def test_secret_is_never_written(written):
    """A key cannot be pickled, copied or turned into JSON by accident."""
    with pytest.raises(TypeError):
        written(Secret(KEY))


def test_connection_hides_its_key():
    """A connection can be printed and logged."""
    connection = Connection(api_key=KEY)
    assert KEY not in repr(connection)
    assert KEY not in str(vars(type(connection)))


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdefgh12345678",
        "authorization: Bearer abcdefghijklmnop",
        '{"x-goog-api-key": "AIzaSyA1234567890abcdefghijklmno"}',
        f"key was {KEY}",
    ],
)
def test_clean_takes_keys_out(text):
    """What looks like a key, or is one of ours, does not survive."""
    shown = clean(text, Secret(KEY))
    for part in ("abcdefgh12345678", "abcdefghijklmnop", "AIzaSyA1234567890", KEY):
        assert part not in shown


def test_clean_makes_one_harmless_line():
    """Control characters, terminal escapes and line breaks cannot reach a terminal; long text is cut."""
    shown = clean("a\x1b[31mred\nnew\u202eline" + "x" * 10_000)
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert len(shown) < 2100


def test_clean_cuts_pictures():
    """A data URL in an error is cut after its head."""
    assert len(clean("see data:image/png;base64," + "A" * 5000)) < 100
