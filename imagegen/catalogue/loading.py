"""Catalogue files into models: the provider's file, the user's over it, ``like`` resolved, read once a process."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import tomli

from imagegen.catalogue import finding
from imagegen.catalogue.model import Model, ProviderFacts
from imagegen.catalogue.reading import ORIGINS, WrongValueError, read_as
from imagegen.entry_points import plugin_names
from imagegen.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ROOT = frozenset({"provider", "models", *ORIGINS})
_LIKE = ("capabilities", "prices", "output_tokens", "input_tokens", "refusal_billed")
"""What a model takes over from the one it is like: what it can do and costs, not how long it lives."""


def facts_of(provider: str, user_folder: Path | None = None) -> ProviderFacts:
    """How ``provider`` is reached. Without a file: nothing but its name.

    Raises:
        ConfigurationError: Nobody offers it, or a file of it is wrong; file and key are named.
    """
    return _catalogue(provider, user_folder or finding.user_folder()).facts


def models_of(provider: str, user_folder: Path | None = None) -> Mapping[str, Model]:
    """The models of ``provider`` by id.

    Raises:
        ConfigurationError: As for `facts_of`.
    """
    return _catalogue(provider, user_folder or finding.user_folder()).models


def find_model(provider: str, model_id: str, user_folder: Path | None = None) -> Model | None:
    """The model called ``model_id``, also by a dated snapshot's id; None where the catalogue does not know it.

    Raises:
        ConfigurationError: As for `facts_of`.
    """
    found = _catalogue(provider, user_folder or finding.user_folder())
    model = found.by_id.get(model_id)
    if model is None and found.facts.others_like is not None:
        return replace(found.models[found.facts.others_like], id=model_id, snapshots=())
    return model


def all_models(user_folder: Path | None = None) -> tuple[Model, ...]:
    """Every model of every installed provider.

    Raises:
        ConfigurationError: As for `facts_of`.
    """
    names, folder = dict.fromkeys(each.name for each in plugin_names()), user_folder or finding.user_folder()
    return tuple(model for name in names for model in models_of(name, folder).values())


@dataclass(frozen=True, slots=True)
class _Catalogue:
    facts: ProviderFacts
    models: Mapping[str, Model]
    by_id: Mapping[str, Model]
    """Snapshots too."""


@functools.cache
def _catalogue(provider: str, folder: Path) -> _Catalogue:
    own, users = finding.catalogue_file(provider), folder / f"{provider}.toml"
    files = {path: _parsed(path) for path in (own, users) if path is not None and path.is_file()}
    merged: dict[str, Any] = functools.reduce(_merged, (_with_origins(raw, {}) for raw in files.values()), {})
    try:
        return _read(provider, merged)
    except WrongValueError as error:
        raise ConfigurationError(f"{_origin(error, files)}: {error}") from None


def _read(provider: str, raw: dict[str, Any]) -> _Catalogue:
    for key in raw:
        if key not in _ROOT:
            raise WrongValueError((key,), f"unknown key; known: {', '.join(sorted(_ROOT))}")
    facts = read_as(ProviderFacts, {**_table(raw, "provider"), "name": provider}, ("provider",))
    tables = {key: value for key, value in _table(raw, "models").items() if key not in ORIGINS}
    models = {name: _model(provider, name, tables) for name in tables}
    if facts.others_like is not None and facts.others_like not in models:
        raise WrongValueError(("provider", "others_like"), f"no model {facts.others_like!r} in this file")
    snapshots = {snapshot: model for model in models.values() for snapshot in model.snapshots}
    return _Catalogue(facts, MappingProxyType(models), MappingProxyType({**snapshots, **models}))


def _model(provider: str, name: str, tables: Mapping[str, Any]) -> Model:
    path = ("models", name)
    table = _resolved(name, tables, ())
    for key in ("provider", "id"):
        if key in table:
            raise WrongValueError((*path, key), "unknown key; it is the file's and the table's name")
    model: Model = read_as(Model, {**table, "provider": provider, "id": name}, path)
    return model


def _resolved(name: str, tables: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    """The model's table with what it takes over by ``like = "other-model"``."""
    path = ("models", name, "like")
    table = _table(tables, name, ("models",))
    if "like" not in table:
        return table
    other = table["like"]
    if other not in tables:
        raise WrongValueError(path, f"no model {other!r} in this file")
    if other in seen:
        raise WrongValueError(path, "goes round in a circle")
    base = _resolved(other, tables, (*seen, name))
    taken = {key: base[key] for key in _LIKE if key in base}
    return _merged(taken, {key: value for key, value in table.items() if key != "like"})


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomli.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _with_origins(table: Mapping[str, Any], inherited: Mapping[str, Any]) -> dict[str, Any]:
    """The table with source and date written into every table below, where that says none itself.

    Done before files and models are merged, so that each fact keeps the source it had in its own file.
    """
    known = {**inherited, **{key: table[key] for key in ORIGINS if key in table}}
    found = dict(known)
    for key, value in table.items():
        if isinstance(value, dict):
            found[key] = _with_origins(value, known)
        elif isinstance(value, list):
            found[key] = [_with_origins(each, known) if isinstance(each, dict) else each for each in value]
        else:
            found[key] = value
    return found


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid on ``under``: tables are merged, everything else (lists too) is replaced."""
    found = dict(under)
    for key, value in over.items():
        both_tables = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if both_tables else value
    return found


def _table(tables: Mapping[str, Any], key: str, path: tuple[str, ...] = ()) -> dict[str, Any]:
    found = tables.get(key, {})
    if not isinstance(found, dict):
        raise WrongValueError((*path, key), f"must be a table, not {found!r}")
    return found


def _origin(error: WrongValueError, files: Mapping[Path, Any]) -> str:
    """The file that says what is wrong: the last one that has the key."""
    having = [path for path, raw in files.items() if _has(raw, error.path)]
    return str(having[-1]) if having else " and ".join(map(str, files))


def _has(raw: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(raw, dict) or key not in raw:
            return False
        raw = raw[key]
    return True
