"""What is compared: a suite of cases from a YAML file, or one prompt as a suite of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagegen.comparison.expecting import expected_of
from imagegen.errors import ConfigurationError, ImageGenError
from imagegen.types.request import ImageRequest, request_of
from imagegen.types.run import RequestFields

_CASE_KEYS = frozenset({"id", "prompt", "operation", "tags", "expect", *RequestFields.__annotations__})
_SUITE_KEYS = frozenset({"name", "about", "source", "defaults", "cases"})
_ID = re.compile(r"[\w.-]{1,80}")


@dataclass(frozen=True, slots=True)
class Case:
    """One request, and what its pictures should show."""

    id: str
    request: ImageRequest
    operation: str = "generate"
    """``generate``, or ``edit`` where it has input pictures."""
    expect: Mapping[str, Any] = field(default_factory=dict)
    """By probe: ``{"text": {"strings": ["HELLO"]}}``."""
    tags: tuple[str, ...] = ()
    read: frozenset[str] = frozenset()
    """The probes whose expectation nobody gave: it was read from the prompt."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that are compared together."""

    name: str
    cases: tuple[Case, ...]
    about: str = ""

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)


def suite_of(prompt: str | ImageRequest, fields: Mapping[str, Any], expect: Mapping[str, Any] | None = None) -> Suite:
    """One prompt, or one request, as a suite. Without ``expect`` what the prompt surely asks for is expected.

    Raises:
        ConfigurationError: A field is unknown, or its value is none it can have.
    """
    if isinstance(prompt, ImageRequest):
        request = request_of({**{name: getattr(prompt, name) for name in prompt.model_fields_set}, **fields})
    else:
        request = request_of({"prompt": prompt, **fields})
    read = expected_of(request.prompt) if expect is None and not request.images else {}
    expected = read if expect is None else dict(expect)
    case = Case("prompt", request, "edit" if request.images else "generate", expected, read=frozenset(read))
    return Suite(request.prompt if len(request.prompt) <= 60 else f"{request.prompt[:57]}...", (case,))


def read_suite(path: Path) -> Suite:
    """The suite in a YAML (or JSON) file; input pictures are named relative to it.

    Raises:
        ConfigurationError: It cannot be read, or says something that nobody understands: the line or the case is named.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(found, dict) or not isinstance(found.get("cases"), list) or not found["cases"]:
        raise ConfigurationError(f"{path}: a suite has a list of cases: cases: [{{prompt: ...}}]")
    _check_keys(found, _SUITE_KEYS, str(path))
    defaults = found.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise ConfigurationError(f"{path}: defaults: fields of every case, by name")
    _check_keys(defaults, _CASE_KEYS - {"id", "prompt"}, f"{path}: defaults")
    cases = tuple(_case(each, defaults, number, path) for number, each in enumerate(found["cases"], 1))
    ids = [each.id for each in cases]
    if twice := sorted({each for each in ids if ids.count(each) > 1}) if len(set(ids)) < len(ids) else []:
        raise ConfigurationError(f"{path}: two cases are called {twice[0]!r}")
    return Suite(str(found.get("name") or path.stem), cases, str(found.get("about") or ""))


def _case(found: Any, defaults: Mapping[str, Any], number: int, path: Path) -> Case:
    where = f"{path}: case {number}"
    if isinstance(found, str):
        found = {"prompt": found}
    if not isinstance(found, dict) or not found.get("prompt"):
        raise ConfigurationError(f"{where}: a case has a prompt")
    _check_keys(found, _CASE_KEYS, where)
    given = {**defaults, **found}
    identity = str(given.get("id") or f"{number:03}")
    if not _ID.fullmatch(identity):
        raise ConfigurationError(f"{where}: an id is of letters, digits, '.', '_' and '-', not {identity!r}")
    fields = {name: value for name, value in given.items() if name in RequestFields.__annotations__}
    try:
        request = request_of({"prompt": str(given["prompt"]), **fields, **_inputs(fields, path.parent)})
    except ImageGenError as error:
        raise ConfigurationError(f"{path}: case {identity}: {error.message}") from None
    operation = str(given.get("operation") or ("edit" if request.images else "generate"))
    if operation not in ("generate", "edit") or (operation == "edit") != bool(request.images):
        raise ConfigurationError(f"{path}: case {identity}: an edit has images, and a generate has none")
    expect, tags = given.get("expect") or {}, given.get("tags") or ()
    if not isinstance(expect, dict) or isinstance(tags, str) or not isinstance(tags, Sequence):
        raise ConfigurationError(f"{path}: case {identity}: expect is by probe, tags is a list")
    return Case(identity, request, operation, expect, tuple(str(each) for each in tags))


def _inputs(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Paths of input pictures as the suite's file means them."""
    found: dict[str, Any] = {}
    if images := fields.get("images"):
        if not isinstance(images, (str, list)):
            raise ConfigurationError(f"images is a list of files, not {images!r}")
        found["images"] = [_beside(each, folder) for each in ([images] if isinstance(images, str) else images)]
    if fields.get("mask"):
        found["mask"] = _beside(fields["mask"], folder)
    return found


def _beside(name: Any, folder: Path) -> Any:
    return folder / name if isinstance(name, str) and "://" not in name and not name.startswith("data:") else name


def _check_keys(found: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if unknown := sorted(str(each) for each in set(found) - known):
        raise ConfigurationError(f"{where}: unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}")
