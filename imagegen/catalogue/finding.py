"""Where catalogue files lie: beside a provider's module, which is not imported for it, and in the user's folder."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from imagegen.entry_points import plugin_names
from imagegen.errors import ConfigurationError


def config_folder() -> Path:
    """The user's folder of settings: ``IMAGEGEN_CONFIG_DIR``, else the platform's."""
    if named := os.environ.get("IMAGEGEN_CONFIG_DIR"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_config_dir("imagegen"))


def user_folder() -> Path:
    """The user's own catalogue files, each named like a provider's."""
    return config_folder() / "catalogue"


def catalogue_file(provider: str) -> Path | None:
    """The file ``<provider>.toml`` beside the provider's module; None where there is none.

    Raises:
        ConfigurationError: Nobody offers a provider of this name.
    """
    offered = {each.name: each.value for each in plugin_names()}
    if provider not in offered:
        import difflib

        near = difflib.get_close_matches(provider, offered, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"installed: {', '.join(sorted(offered))}"
        raise ConfigurationError(f"unknown provider {provider!r}; {hint}")
    module = offered[provider].partition(":")[0]
    return next((path for folder in _folders(module) if (path := folder / f"{provider}.toml").is_file()), None)


def _folders(module: str) -> list[Path]:
    """Where the file of ``module`` may lie: beside it, or inside it where it is a folder itself.

    Only the top-level name is looked up, which runs no code of the package; the rest is walked by path.
    """
    top, *below = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    roots = [Path(each) for each in spec.submodule_search_locations or ()]
    if not below:
        return [*roots, *([Path(spec.origin).parent] if spec.origin and not roots else [])]
    return [folder for root in roots for folder in (root.joinpath(*below[:-1]), root.joinpath(*below))]
