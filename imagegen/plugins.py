"""Plugins by name: names from metadata, one loaded when it is asked for, a broken one named and kept apart."""

from __future__ import annotations

import difflib
import functools
import inspect
import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from imagegen import hookspecs
from imagegen.entry_points import GROUP, PluginName, plugin_names
from imagegen.errors import ConfigurationError
from imagegen.provider import HttpProvider, Provider
from imagegen.secrets import clean
from imagegen.settings import plugin_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imagegen.types.result import Attempt, ImageResult

Found = TypeVar("Found")
_log = logging.getLogger("imagegen.plugins")
_lock = threading.RLock()


@functools.cache
def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def register(plugin: Any) -> None:
    """Add hooks of the running program itself, for example `imagegen_on_result`; once a plugin."""
    with _lock:
        if not _manager().is_registered(plugin):
            _manager().register(plugin)


def unregister(plugin: Any) -> None:
    """Take away what `register` added."""
    with _lock:
        if _manager().is_registered(plugin):
            _manager().unregister(plugin)


def provider_class(name: str) -> type[Provider]:
    """Load the one plugin that offers ``name`` and ask it. Metadata is read, nothing else is imported.

    Raises:
        ConfigurationError: Nobody offers it, two do, or the plugin is broken; the same at every try.
    """
    offered = _offered(name)

    def ask(plugin: Any) -> type[Provider]:
        found = _manager().subset_hook_caller("imagegen_provider", _others(plugin))(name=name)
        return _checked(found, offered)

    return _asked(offered, ask)


def _asked(offered: PluginName, ask: Callable[[Any], Found]) -> Found:
    """What a plugin answers once it is loaded; one that fails stays out of everything else.

    Raises:
        ConfigurationError: Whatever went wrong in it.
    """
    with _lock:
        new, plugin = False, None
        try:
            plugin = offered.entry.load()
            if new := not _manager().is_registered(plugin):
                _manager().register(plugin, name=offered.value)
            return ask(plugin)
        except ConfigurationError:
            if new:
                _manager().unregister(plugin)
            raise
        except (Exception, SystemExit) as error:  # the fence around foreign code
            if new:
                _manager().unregister(plugin)
            what = clean(f"{type(error).__name__}: {error}")
            raise ConfigurationError(f"{_origin(offered)} cannot be loaded: {what}") from error


def answers(hook: str, offered: Sequence[PluginName]) -> Iterator[tuple[str, Any]]:
    """Who answers a hook and what: each of these plugins, then those of the running program; or an error in its place.

    A plugin that the user's file keeps from being loaded is left out.
    """
    asked: set[int] = set()

    def ask(plugin: Any) -> list[Any]:
        asked.add(id(plugin))
        return [found.function() for found in _implementations(hook) if found.plugin is plugin]

    for each in offered:
        if not plugin_refused(each.name, each.distribution):
            given = _or_error(functools.partial(_asked, each, ask))
            yield from ((_origin(each), answer) for answer in given)
    for found in _implementations(hook):
        if id(found.plugin) not in asked:
            yield from ((found.plugin_name, answer) for answer in _or_error(functools.partial(_answered, found)))


def _answered(implementation: pluggy.HookImpl) -> list[Any]:
    return [implementation.function()]


def _or_error(ask: Callable[[], list[Any]]) -> list[Any]:
    try:
        return ask()
    except ConfigurationError as error:
        return [error]
    except Exception as error:  # noqa: BLE001 - the fence around foreign code
        return [ConfigurationError(clean(f"{type(error).__name__}: {error}"))]


def _implementations(hook: str) -> list[pluggy.HookImpl]:
    return list(getattr(_manager().hook, hook).get_hookimpls())


def _offered(name: str) -> PluginName:
    found = [each for each in plugin_names() if each.name == name]
    if len(found) == 1:
        if plugin_refused(name, found[0].distribution):
            raise ConfigurationError(f"{_origin(found[0])} is not loaded: [plugins] in imagegen.toml does not allow it")
        return found[0]
    if found:
        both = " and ".join(sorted(f"{each.distribution} ({each.value})" for each in found))
        raise ConfigurationError(f"provider {name!r} is offered by {both}: uninstall one")
    names = sorted({each.name for each in plugin_names()})
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"installed: {', '.join(names)}"
    raise ConfigurationError(f"unknown provider {name!r}; {hint}")


def _others(plugin: Any) -> list[Any]:
    return [each for each in _manager().get_plugins() if each is not plugin]


def _checked(found: Any, offered: PluginName) -> type[Provider]:
    if not (inspect.isclass(found) and issubclass(found, Provider)):
        raise ConfigurationError(f"{_origin(offered)} gave {found!r} for {offered.name!r}, not a Provider class")
    if getattr(found, "name", None) != offered.name:
        raise ConfigurationError(f"{_origin(offered)} gave a provider named {getattr(found, 'name', None)!r}")
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise ConfigurationError(f"{_origin(offered)} is not whole: {found.__name__} lacks {missing}")
    if found.api_version != HttpProvider.api_version:
        raise ConfigurationError(
            f"{_origin(offered)} is made for contract {found.api_version}, this imagegen has {HttpProvider.api_version}"
        )
    return found


def _origin(offered: PluginName) -> str:
    return f"plugin {offered.name!r} of {offered.distribution} {offered.version} ({offered.value})"


def announce_attempt(attempt: Attempt) -> None:
    """Tell every plugin that one paid submit ended."""
    _announce("imagegen_on_attempt", attempt=attempt)


def announce_result(result: ImageResult) -> None:
    """Tell every plugin that a call gave a result."""
    _announce("imagegen_on_result", result=result)


def _announce(hook: str, **said: Any) -> None:
    """Each listener on its own, so that one that fails silences no other."""
    for listener in getattr(_manager().hook, hook).get_hookimpls():
        try:
            listener.function(**said)
        except Exception:  # noqa: BLE001 - the fence around foreign code
            _log.exception("%s of plugin %s failed", hook, listener.plugin_name)
