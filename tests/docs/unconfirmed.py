"""Writes ``docs/unconfirmed.md``: what the catalogue says on weak or conflicting evidence. ``make docs``.

Only facts that stand in a model's own table are listed, not those it takes over by ``like``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagegen
from imagegen import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "unconfirmed.md"
_ORIGINS = ("source", "read", "note", "confirmed")
_HEAD = """# What is not confirmed

Facts of the catalogues on which sources disagree, or which rest on one weak source (`confirmed = false`). A price
among them makes a cost an estimate. Who has a key can settle one: `make live` asks each provider for a cheap picture
and says what differs. Then change the `.toml` beside the provider's module: value, `source`, `read`, and take
`confirmed = false` away. This page is made from those files by `make docs`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(part for name in imagegen.providers() for part in _section(name))]).rstrip() + "\n"


def write() -> None:
    """Write the page to where it is committed."""
    PAGE.write_text(page())


def _section(provider: str) -> Iterator[str]:
    path = catalogue.catalogue_file(provider)
    if path is None or not path.is_relative_to(PAGE.parents[1]):
        return
    rows = list(_facts(tomllib.loads(path.read_text()), ""))
    if not rows:
        return
    yield f"## {provider}\n"
    yield "| model | what | value | source | note |"
    yield "|---|---|---|---|---|"
    yield from ("| " + " | ".join(map(_cell, row)) + " |" for row in rows)
    yield ""


def _facts(table: dict[str, Any], source: str, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every table that says ``confirmed = false``: model, what, value, source, note."""
    source = table.get("source", source)
    if table.get("confirmed") is False:
        yield *_named(path, table), _value(table), source, table.get("note", "")
    for key, value in table.items():
        entries = value if isinstance(value, list) else [value]
        for each in entries:
            if isinstance(each, dict):
                yield from _facts(each, source, (*path, key))


def _named(path: tuple[str, ...], table: dict[str, Any]) -> tuple[str, str]:
    """The model (empty: the provider), and what of it."""
    model, rest = (path[1], path[2:]) if path[:1] == ("models",) else ("", path)
    what = [each for each in rest if each not in ("capabilities", "parameters")]
    if what[:1] == ["prices"]:
        when = ", ".join(f"{name} {value}" for name, value in table.get("when", {}).items())
        what = [f"price of {table['billable'].replace('_', ' ')}" + (f", {when}" if when else "")]
    return model, " ".join(what)


def _value(table: dict[str, Any]) -> str:
    if "billable" in table:
        usd = table.get("usd")
        per = f" per {table['per']:,}" if "per" in table else ""
        return "not known" if usd is None else f"${usd:g}{per}"
    return "; ".join(f"{name} {_words(each)}" for name, each in table.items() if name not in _ORIGINS)


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items() if name not in _ORIGINS)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write()
