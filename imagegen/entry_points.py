"""Names and distributions of plugins, from metadata; nothing of theirs is imported."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import metadata

GROUP = "imagegen"
PROBES = "imagegen.probes"
"""Where plugins with probes are named, so that looking for probes imports no provider."""
OWN = "imagegen-hub"
"""The distribution that imagegen itself is."""


@dataclass(frozen=True, slots=True)
class PluginName:
    """One entry point: the name of a provider, or of a plugin with probes, and what offers it."""

    name: str
    value: str
    distribution: str
    version: str
    entry: metadata.EntryPoint


@functools.cache
def plugin_names() -> tuple[PluginName, ...]:
    """Every registered plugin, sorted by name. Read once a process."""
    return _named_in(GROUP)


@functools.cache
def probe_plugins() -> tuple[PluginName, ...]:
    """Every plugin that says it has probes, sorted by name. Read once a process."""
    return _named_in(PROBES)


def _named_in(group: str) -> tuple[PluginName, ...]:
    entries = metadata.entry_points(group=group)
    distributions = {id(entry.dist): entry.dist for entry in entries}
    owners = {key: _named(each) for key, each in distributions.items()}  # a parse of a file each
    found = [PluginName(entry.name, entry.value, *owners[id(entry.dist)], entry) for entry in entries]
    return tuple(sorted(set(found), key=lambda each: (each.name, each.distribution)))


def _named(distribution: metadata.Distribution | None) -> tuple[str, str]:
    return (distribution.name, distribution.version) if distribution else ("unknown distribution", "0")
