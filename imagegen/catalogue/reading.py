"""TOML values into the frozen dataclasses, strictly: a wrong key or type is named, never skipped."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from imagegen.catalogue.model import Span

Path: TypeAlias = tuple[str, ...]
Reader: TypeAlias = Callable[[Any], Any]
"""Made once for each type: some hundred tables are read whenever models are listed."""
ORIGINS = ("source", "read")
"""May stand in any table, and hold for the tables below it."""


class WrongValueError(Exception):
    """A file says something it cannot say."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{'.'.join(path)}: {problem}")
        self.path = path
        self.problem = problem

    def below(self, *path: str) -> WrongValueError:
        """The same, seen from further up."""
        return WrongValueError((*path, *self.path), self.problem)


def read_as(hint: Any, value: Any, path: Path) -> Any:
    """``value`` as the type ``hint`` says.

    Raises:
        WrongValueError: It is not of that type; the path names the key.
    """
    try:
        return _reader(hint)(value)
    except WrongValueError as error:
        raise error.below(*path) from None


@functools.cache
def _reader(hint: Any) -> Reader:
    if is_dataclass(hint):
        return functools.partial(_record, hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _either([_reader(each) for each in arguments if each is not type(None)])
    if origin is Literal:
        return functools.partial(_one_of, arguments)
    if origin is tuple:
        return functools.partial(_list, _reader(arguments[0]))
    if origin is Mapping:
        return functools.partial(_table, _reader(arguments[1]))
    return _scalar(hint)


def _record(kind: Any, value: Any) -> Any:
    table, (readers, needed) = _expect(dict, value), _fields(kind)
    for key in table:
        if key not in readers and key not in ORIGINS:
            raise WrongValueError((key,), f"unknown key; known: {', '.join(sorted(readers))}")
    for name in needed:
        if name not in table:
            raise WrongValueError((), f"lacks {name}")
    return kind(**{key: _at(key, readers[key], each) for key, each in table.items() if key in readers})


@functools.cache
def _fields(kind: Any) -> tuple[dict[str, Reader], list[str]]:
    """How each field is read, and which must be there. Asked when a table is read: a type may hold itself."""
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}
    return readers, [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]


def _at(key: str, read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except WrongValueError as error:
        raise error.below(key) from None


def _either(readers: list[Reader]) -> Reader:
    if len(readers) == 1:
        return readers[0]

    def read(value: Any) -> Any:
        last = WrongValueError((), "no value")
        for each in readers:
            try:
                return each(value)
            except WrongValueError as error:
                last = error
        raise last

    return read


def _list(read: Reader, value: Any) -> tuple[Any, ...]:
    return tuple(map(read, _expect(list, value)))


def _table(read: Reader, value: Any) -> dict[str, Any]:
    return {key: _at(key, read, each) for key, each in _expect(dict, value).items() if key not in ORIGINS}


def _one_of(choices: tuple[Any, ...], value: Any) -> Any:
    if value not in choices:
        raise WrongValueError((), f"must be one of {', '.join(map(str, choices))}, not {value!r}")
    return value


def _scalar(hint: Any) -> Reader:
    own = {Span: _span, Decimal: _decimal, float: _float, date: _date}
    if hint in own:
        return own[hint]
    if issubclass(hint, Enum):
        return lambda value: hint(_one_of(tuple(each.value for each in hint), value))
    return functools.partial(_expect, hint)


def _float(value: Any) -> float:
    return float(_expect((int, Decimal), value))


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise WrongValueError((), "must be a date without a time")
    found: date = _expect(date, value)
    return found


def _span(value: Any) -> Span:
    both = value if isinstance(value, list) else [value, value]
    least, most = (_expect(int, each) for each in (both if len(both) == 2 else [None, None]))
    if not 0 <= least <= most:
        raise WrongValueError((), f"must be [least, most], not {value!r}")
    return Span(least, most)


def _decimal(value: Any) -> Decimal:
    try:
        found = Decimal(_expect((int, str, Decimal), value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or found < 0:
        raise WrongValueError((), f"must be an amount, not {value!r}")
    return found


def _expect(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = kind[0] if isinstance(kind, tuple) else kind
        raise WrongValueError((), f"must be {_WORDS[wanted]}, not {value!r}")
    return value


_WORDS = {int: "a number", float: "a number", str: "a text", bool: "true or false", list: "a list", dict: "a table"}
_WORDS |= {date: "a date"}
