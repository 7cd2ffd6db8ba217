"""The kit for plugin authors: what a provider is held to, and a loopback server whose faults can be switched on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from imagegen.testing.faults import Answer as Answer
    from imagegen.testing.faults import FaultServer as FaultServer
    from imagegen.testing.faults import Received as Received
    from imagegen.testing.recordings import Recorded as Recorded
    from imagegen.testing.recordings import recorded as recorded
    from imagegen.testing.suite import ProviderSuite as ProviderSuite
    from imagegen.testing.suite import Refusal as Refusal

_HOMES = {"faults": "Answer FaultServer Received", "recordings": "Recorded recorded", "suite": "ProviderSuite Refusal"}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module 'imagegen.testing' has no attribute {name!r}")
        import importlib

        return getattr(importlib.import_module(f"imagegen.testing.{_HOME_OF[name]}"), name)
