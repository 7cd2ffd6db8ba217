"""A new plugin, whole and green: module, catalogue, fake, suite, tests, pyproject, README."""

from __future__ import annotations

import keyword
import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import imagegen
from imagegen.entry_points import plugin_names
from imagegen.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "module.py.txt": "imagegen_MODULE/__init__.py",
    "catalogue.toml.txt": "imagegen_MODULE/NAME.toml",
    "testing.py.txt": "imagegen_MODULE/testing.py",
    "test.py.txt": "tests/test_MODULE.py",
}
_WORDS = re.compile(
    r"\b(?:NAME|TITLE|CLASS|VERSION|TODAY)\b|(?<=_)MODULE\b|VARIABLE(?=_)|CLASS(?=Options\b)|(?<=Test)CLASS\b"
)


def write_plugin(name: str, folder: Path) -> list[Path]:
    """The files of the distribution ``imagegen-<name>`` in ``folder``, which must be new or empty.

    Raises:
        ConfigurationError: The name cannot be a provider's, or something is in the way.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigurationError(f"{name!r} cannot be a provider's name: small letters, digits and single hyphens")
    if name in {each.name for each in plugin_names()}:
        raise ConfigurationError(f"{name!r} is a provider already: another name, or `imagegen plugin check {name}`")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is not empty: nothing was written")
    words = {
        "NAME": name,
        "MODULE": name.replace("-", "_"),
        "CLASS": _class_name(name),
        "TITLE": " ".join(part.capitalize() for part in name.split("-")),
        "VARIABLE": name.replace("-", "_").upper(),
        "VERSION": imagegen.__version__,
        "TODAY": datetime.now(UTC).date().isoformat(),
    }
    written = []
    for source, target in _FILES.items():
        path = folder / _filled(target.replace("NAME", name), words)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = resources.files("imagegen.testing").joinpath("template", source).read_text("utf-8")
        path.write_text(_filled(text, words), "utf-8")
        written.append(path)
    return written


def _class_name(name: str) -> str:
    """In capitals, and no name that the module imports."""
    found = "".join(part.capitalize() for part in name.split("-"))
    return f"{found}Provider" if hasattr(imagegen, found) or found in ("Any", "Decimal", "Suite", "Image") else found


def _filled(text: str, words: dict[str, str]) -> str:
    return _WORDS.sub(lambda found: words[found[0]], text)
