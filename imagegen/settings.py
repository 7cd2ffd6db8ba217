"""Where settings come from: keyword, then environment, then ``imagegen.toml``; and which one won."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagegen import catalogue
from imagegen.entry_points import OWN, plugin_names
from imagegen.errors import ConfigurationError
from imagegen.files import write_atomic
from imagegen.secrets import Secret
from imagegen.types.connection import Connection, Endpoint, KeySource
from imagegen.types.limits import Limits

_RUN_DEFAULTS = ("timeout_s", "policy", "verify", "model", "max_usd_per_image")
_CLIENT_DEFAULTS = ("ledger", "store_prompts")
_TEXTS = ("organization", "project", "api_version", "proxy")
_CONNECTION_KEYS = frozenset(
    {"provider", "base_url", "api_key", "api_key_variable", "allow_private", "tls_verify", "headers", "limits", *_TEXTS}
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was set, before a connection is asked for."""

    connections: Mapping[str, Connection] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    file: Mapping[str, Any] = field(default_factory=dict)
    file_path: Path | None = None

    @classmethod
    def load(cls, connections: Mapping[str, Connection] | None = None) -> Settings:
        """The caller's connections, the environment of now, and the user's file where there is one.

        Raises:
            ConfigurationError: The file cannot be read, or says something it cannot say.
        """
        path = config_folder() / "imagegen.toml"
        return cls(dict(connections or {}), os.environ, _read(path), path if path.exists() else None)

    def run_defaults(self) -> dict[str, Any]:
        """Run settings of the user's file."""
        return {name: self.file[name] for name in _RUN_DEFAULTS if name in self.file}

    def client_defaults(self) -> dict[str, Any]:
        """Client settings of the user's file."""
        return {name: self.file[name] for name in _CLIENT_DEFAULTS if name in self.file}

    def names(self) -> tuple[str, ...]:
        """Every connection that could be asked for, sorted."""
        in_file = self.file.get("connections", {})
        return tuple(sorted({*self.connections, *in_file, *(each.name for each in plugin_names())}))

    def endpoint(self, name: str) -> Endpoint:
        """The connection called ``name`` with every setting resolved; a provider's own name is one.

        Raises:
            ConfigurationError: No such connection or provider.
        """
        given = self.connections.get(name)
        in_file: Mapping[str, Any] = self.file.get("connections", {}).get(name, {})
        provider = (given.provider if given else None) or in_file.get("provider") or name
        if provider not in {each.name for each in plugin_names()}:
            raise ConfigurationError(self._unknown(name, provider))
        facts = catalogue.facts_of(provider)
        base_url, base_source = self._base_url(given, in_file, facts)
        own_base_url = base_url is not None and base_url.rstrip("/") != (facts.base_url or "").rstrip("/")
        explicit = own_base_url and not base_source.startswith("environment")
        key, key_source = self._key(given, in_file, facts, explicit)
        return Endpoint(
            name=name,
            provider=provider,
            base_url=base_url,
            api_key=key,
            facts=facts,
            **{name: self._text(name, given, in_file, facts, own_base_url) for name in _TEXTS},
            tls_verify=given.tls_verify if given and given.tls_verify is not True else in_file.get("tls_verify", True),
            headers={**in_file.get("headers", {}), **(given.headers if given else {})},
            allow_private=bool((given and given.allow_private) or in_file.get("allow_private")),
            limits=(given.limits if given else None) or _limits(in_file.get("limits")) or facts.limits,
            own_base_url=own_base_url,
            sources={"base_url": base_source, "api_key": key_source},
        )

    def _text(
        self,
        name: str,
        given: Connection | None,
        in_file: Mapping[str, Any],
        facts: catalogue.ProviderFacts,
        own_base_url: bool,
    ) -> str | None:
        """One further setting; what the environment says of an account stays at the provider's own address."""
        variable = "" if own_base_url else facts.environment.get(name, "")
        said = getattr(given, name, None) or self.environment.get(variable) or in_file.get(name)
        return str(said) if said else None

    def _base_url(
        self, given: Connection | None, in_file: Mapping[str, Any], facts: catalogue.ProviderFacts
    ) -> tuple[str | None, str]:
        variable = f"{facts.name.upper().replace('-', '_')}_BASE_URL"
        if given and given.base_url:
            return given.base_url, "keyword"
        if facts.base_url is not None and self.environment.get(variable):
            return self.environment[variable], f"environment {variable}"
        if in_file.get("base_url"):
            return in_file["base_url"], "imagegen.toml"
        return facts.base_url, "catalogue"

    def _key(
        self, given: Connection | None, in_file: Mapping[str, Any], facts: catalogue.ProviderFacts, own_address: bool
    ) -> tuple[Secret | KeySource | None, str]:
        """A key from the environment goes to the provider's own address only, not to one that a caller named."""
        if given and given.api_key is not None:
            return given.api_key, "keyword"
        named = in_file.get("api_key_variable")
        customary = () if own_address else facts.key_variables
        for variable in (named, *customary) if named else customary:
            if found := self._in_environment(variable):
                return Secret(found), f"environment {variable}"
        if in_file.get("api_key"):
            return Secret(in_file["api_key"]), "imagegen.toml"
        return None, "not set"

    def _in_environment(self, variable: str) -> str:
        """The value of ``variable``; of several with a colon between them (id and secret), their values likewise."""
        values = [self.environment.get(each, "") for each in variable.split(":")]
        return ":".join(values) if all(values) else ""

    def _unknown(self, name: str, provider: str) -> str:
        near = difflib.get_close_matches(provider, self.names(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(self.names())}"
        where = f" (connection {name!r})" if name != provider else ""
        return f"unknown provider {provider!r}{where}; {hint}"


def missing_key(endpoint: Endpoint) -> str | None:
    """What to say where a provider needs a key and has none; None where all is well."""
    facts = endpoint.facts
    needless = not facts.key_variables or facts.key_optional
    if endpoint.api_key is not None or needless or endpoint.own_base_url:
        return None
    return (
        f"{endpoint.name} needs a key: set {facts.key_variables[0]}, or pass Connection(api_key=...); "
        "stub:painter needs none"
    )


def plugin_refused(name: str, distribution: str) -> bool:
    """Whether the user's file keeps a plugin from being loaded: it is denied, or others are allowed and it is not.

    imagegen's own providers need no permission. Raises as `Settings.load`.
    """
    rules = _read(config_folder() / "imagegen.toml").get("plugins", {})
    if name in rules.get("deny", ()) or distribution in rules.get("deny", ()):
        return True
    allowed = rules.get("allow")
    return allowed is not None and distribution != OWN and not {name, distribution} & set(allowed)


def trust_plugin(name: str) -> tuple[Path, list[str]]:
    """Write ``name``, a provider or a distribution, among the plugins that may be loaded; the file and all of them.

    Nothing else in the file changes, comments included.

    Raises:
        ConfigurationError: Nothing installed bears the name, or the file has to be edited by hand.
    """
    names = {each.name for each in plugin_names()} | {each.distribution for each in plugin_names()}
    if name not in names:
        raise ConfigurationError(f"no installed plugin is called {name!r}; installed: {', '.join(sorted(names))}")
    path = config_folder() / "imagegen.toml"
    found = _read(path)
    allowed = [str(each) for each in found.get("plugins", {}).get("allow", ())]
    if name in allowed:
        return path, allowed
    allowed.append(name)
    text = path.read_text() if path.exists() else ""
    line = f"allow = {json.dumps(allowed)}"
    if "allow" in found.get("plugins", {}):
        text = re.sub(r"(?m)^\s*allow\s*=\s*\[[^\]]*\]", lambda match: line, text, count=1)
    elif "plugins" in found:
        text = re.sub(r"(?m)^\s*\[plugins\]", lambda match: f"{match[0]}\n{line}", text, count=1)
    else:
        text = f"{text.rstrip()}\n\n[plugins]\n{line}\n".lstrip()
    if _parsed(text) != {**found, "plugins": {**found.get("plugins", {}), "allow": allowed}}:
        raise ConfigurationError(f"{path}: write {name!r} under allow in [plugins] by hand; nothing was changed")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode(), mode=0o600)
    return path, allowed


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _limits(table: Mapping[str, Any] | None) -> Limits | None:
    """Limits from a table of the file; a family's own are in ``families``.

    Raises:
        ConfigurationError: A limit that does not exist.
    """
    if table is None:
        return None
    families = {name: _limits(each) or Limits() for name, each in table.get("families", {}).items()}
    try:
        return Limits(**{**table, "families": families})
    except TypeError:
        known = [name for name in Limits.__dataclass_fields__ if name != "families"]
        raise ConfigurationError(f"limits are {', '.join(known)} and families, not {', '.join(table)}") from None


def config_folder() -> Path:
    """The user's folder of settings: ``IMAGEGEN_CONFIG_DIR``, else the platform's."""
    return catalogue.config_folder()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    unknown = sorted(set(found) - {*_RUN_DEFAULTS, *_CLIENT_DEFAULTS, "connections", "plugins"})
    for name, connection in found.get("connections", {}).items():
        unknown += sorted(f"connections.{name}.{key}" for key in set(connection) - _CONNECTION_KEYS)
    if unknown:
        raise ConfigurationError(f"{path}: unknown setting {unknown[0]!r}")
    return found
