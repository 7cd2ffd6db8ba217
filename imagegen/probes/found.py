"""Probes by name, from every plugin that has some; a broken plugin is named and takes nothing else along."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

from imagegen import plugins
from imagegen.entry_points import probe_plugins
from imagegen.errors import ConfigurationError
from imagegen.probes.contract import Probe


def probes() -> tuple[type[Probe], ...]:
    """Every probe that loads, by name; whether its packages are here says `Probe.missing`."""
    return tuple(found for _, found in sorted(_searched()[0].items()))


def broken() -> tuple[str, ...]:
    """One line for each plugin whose probes cannot be used."""
    return tuple(_searched()[1])


def probe(name: str) -> type[Probe]:
    """The probe called ``name``.

    Raises:
        ConfigurationError: No plugin has it; those that are broken are named.
    """
    found, problems = _searched()
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(sorted(found))}"
    raise ConfigurationError("; ".join([f"unknown probe {name!r}", hint, *problems]))


def _searched() -> tuple[dict[str, type[Probe]], list[str]]:
    found: dict[str, type[Probe]] = {}
    problems: list[str] = []
    for origin, answer in plugins.answers("imagegen_probes", probe_plugins()):
        try:
            if isinstance(answer, ConfigurationError):
                raise answer
            own = [_checked(each, origin) for each in _listed(answer, origin)]
            if twice := sorted({each.name for each in own} & found.keys()):
                raise ConfigurationError(f"{origin} has a probe named {twice[0]!r}, and so has another plugin")
            found |= {each.name: each for each in own}
        except ConfigurationError as error:
            problems.append(error.message)
    return found, problems


def _listed(answer: Any, origin: str) -> list[Any]:
    if not isinstance(answer, list | tuple):
        raise ConfigurationError(f"{origin} gave {answer!r}, not a list of probe classes")
    return list(answer)


def _checked(found: Any, origin: str) -> type[Probe]:
    if not (inspect.isclass(found) and issubclass(found, Probe)):
        raise ConfigurationError(f"{origin} gave {found!r}, not a Probe class")
    if inspect.isabstract(found):
        raise ConfigurationError(f"{origin}: {found.__name__} lacks {', '.join(sorted(found.__abstractmethods__))}")
    if not isinstance(getattr(found, "name", None), str):
        raise ConfigurationError(f"{origin}: {found.__name__} has no name")
    return found
