"""File names that came from elsewhere."""

from __future__ import annotations

import json

import pytest

from imagegen import ConfigurationError, Job
from imagegen.naming import checked_name
from imagegen.types.job import JobPart
from imagegen.types.request import request_of

BAD = [
    "",
    ".",
    "..",
    "...",
    ".hidden",
    "../a.png",
    "a/b.png",
    "a\\b.png",
    "/etc/passwd",
    "C:\\a.png",
    "C:a.png",
    "a.png:stream",
    "a\0.png",
    "a\n.png",
    "a\x1b[31m.png",
    "a\u202egnp.exe",
    "a\u200b.png",
    "a\ud800.png",
    "a.png ",
    "a.png.",
    " a.png",
    "-rf",
    "~",
    "~/a",
    "$HOME",
    "`id`",
    "a;b",
    "a|b",
    "a*b",
    "a?b",
    "a\u2215b",
    "a\uff0fb",
    "CON",
    "con",
    "nul.png",
    "NUL.tar.gz",
    "Aux .png",
    "com1",
    "COM\u00b9.png",
    "LPT9.txt",
    "CONIN$",
    "a" * 201,
    "\u00e4" * 101,
]


@pytest.mark.parametrize("name", BAD)
def test_what_could_be_more_than_a_name_is_refused(name):
    """Separators, devices, hidden and invisible signs, and names that are too long."""
    with pytest.raises(ValueError):
        checked_name(name)


@pytest.mark.parametrize(
    "name", ["0-1.picture", "a red fox (2).png", "\u72d0.png", "a" * 200, "console.png", "com10.png"]
)
def test_a_plain_name_passes(name):
    """In any script."""
    assert checked_name(name) == name


def test_a_name_is_composed():
    """One name has one spelling."""
    assert checked_name("a\u0308.png") == "\u00e4.png"


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "a/b", "NUL"])
def test_a_jobs_text_names_no_file_elsewhere(name):
    """The text of a job may come from anywhere: its pictures are files of the spool."""
    job = Job("6f0b2a52-6c0a-4b5e-9a67-0d6f3f1f7f10", "stub:painter", "generate", request_of({"prompt": "a"}), {})
    text = job.with_part(JobPart(0, 1, files=("0-0.picture",))).to_json()
    assert Job.from_json(text).parts[0].files == ("0-0.picture",)
    fields = json.loads(text)
    fields["parts"][0]["files"] = [name]
    with pytest.raises(ConfigurationError):
        Job.from_json(json.dumps(fields))
