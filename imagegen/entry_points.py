"""Names and distributions of plugins, from metadata; nothing of theirs is imported."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import metadata

GROUP = "imagegen"
OWN = "imagegen-hub"
"""The distribution that imagegen itself is."""


@dataclass(frozen=True, slots=True)
class PluginName:
    """One entry point: a provider's name and what offers it."""

    name: str
    value: str
    distribution: str
    version: str
    entry: metadata.EntryPoint


@functools.cache
def plugin_names() -> tuple[PluginName, ...]:
    """Every registered plugin, sorted by name. Read once a process."""
    found = [
        PluginName(entry.name, entry.value, *_distribution(entry), entry)
        for entry in metadata.entry_points(group=GROUP)
    ]
    return tuple(sorted(set(found), key=lambda each: (each.name, each.distribution)))


def _distribution(entry: metadata.EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("unknown distribution", "0")
