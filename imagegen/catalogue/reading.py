"""TOML values into the frozen dataclasses, strictly: a wrong key or type is named, never skipped."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from imagegen.catalogue.model import Span

Path: TypeAlias = tuple[str, ...]
ORIGINS = ("source", "read")
"""May stand in any table, and hold for the tables below it."""


class WrongValueError(Exception):
    """A file says something it cannot say."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{'.'.join(path)}: {problem}")
        self.path = path
        self.problem = problem


def read_as(hint: Any, value: Any, path: Path) -> Any:
    """``value`` as the type ``hint`` says.

    Raises:
        WrongValueError: It is not of that type; the path names the key.
    """
    if is_dataclass(hint):
        return _record(hint, value, path)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _either(arguments, value, path)
    if origin is Literal:
        return _one_of(arguments, value, path)
    if origin is tuple:
        return tuple(read_as(arguments[0], each, path) for each in _expect(list, value, path))
    if origin is Mapping:
        table = _expect(dict, value, path)
        return {key: read_as(arguments[1], table[key], (*path, key)) for key in table if key not in ORIGINS}
    return _scalar(hint, value, path)


def _record(kind: Any, value: Any, path: Path) -> Any:
    table, hints = _expect(dict, value, path), _hints(kind)
    for key in table:
        if key not in hints and key not in ORIGINS:
            raise WrongValueError((*path, key), f"unknown key; known: {', '.join(sorted(hints))}")
    for each in fields(kind):
        if each.name not in table and each.default is MISSING and each.default_factory is MISSING:
            raise WrongValueError(path, f"lacks {each.name}")
    return kind(**{key: read_as(hints[key], table[key], (*path, key)) for key in table if key in hints})


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _either(choices: tuple[Any, ...], value: Any, path: Path) -> Any:
    last = WrongValueError(path, "no value")
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return read_as(choice, value, path)
        except WrongValueError as error:
            last = error
    raise last


def _one_of(choices: tuple[Any, ...], value: Any, path: Path) -> Any:
    if value not in choices:
        raise WrongValueError(path, f"must be one of {', '.join(map(str, choices))}, not {value!r}")
    return value


def _scalar(hint: Any, value: Any, path: Path) -> Any:
    if hint is Span:
        return _span(value, path)
    if hint is Decimal:
        return _decimal(value, path)
    if hint is float:
        return float(_expect((int, Decimal), value, path))
    if hint is date and isinstance(value, datetime):
        raise WrongValueError(path, "must be a date without a time")
    if issubclass(hint, Enum):
        return hint(_one_of(tuple(each.value for each in hint), value, path))
    return _expect(hint, value, path)


def _span(value: Any, path: Path) -> Span:
    both = value if isinstance(value, list) else [value, value]
    least, most = (_expect(int, each, path) for each in (both if len(both) == 2 else [None, None]))
    if not 0 <= least <= most:
        raise WrongValueError(path, f"must be [least, most], not {value!r}")
    return Span(least, most)


def _decimal(value: Any, path: Path) -> Decimal:
    try:
        found = Decimal(_expect((int, str, Decimal), value, path))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or found < 0:
        raise WrongValueError(path, f"must be an amount, not {value!r}")
    return found


def _expect(kind: Any, value: Any, path: Path) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = kind[0] if isinstance(kind, tuple) else kind
        raise WrongValueError(path, f"must be {_WORDS[wanted]}, not {value!r}")
    return value


_WORDS = {int: "a number", float: "a number", str: "a text", bool: "true or false", list: "a list", dict: "a table"}
_WORDS |= {date: "a date"}
