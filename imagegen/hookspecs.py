"""The hooks that a plugin may implement. A provider needs the first only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from imagegen.entry_points import GROUP

if TYPE_CHECKING:
    from imagegen.probes.contract import Probe
    from imagegen.provider import Provider
    from imagegen.types.result import Attempt, ImageResult

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec(firstresult=True)
def imagegen_provider(name: str) -> type[Provider] | None:
    """The provider called ``name``, if this plugin has it."""


@hookspec
def imagegen_probes() -> list[type[Probe]]:  # type: ignore[empty-body]  # a specification has none
    """The probes that this plugin has; it is named by an entry point in the group ``imagegen.probes``."""


@hookspec
def imagegen_on_attempt(attempt: Attempt) -> None:
    """One paid submit ended, however it ended. An error raised here is logged and changes nothing."""


@hookspec
def imagegen_on_result(result: ImageResult) -> None:
    """A call gave a result. An error raised here is logged and changes nothing."""
