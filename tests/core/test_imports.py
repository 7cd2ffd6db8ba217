"""What an import costs, and that every public name is where it should be."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import imagegen

HEAVY = ("asyncio", "ssl", "pydantic", "PIL", "httpx2", "pluggy", "openai", "pybase64", "click", "importlib.metadata")
ROOT = Path(imagegen.__file__).parent


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has after ``code``."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_is_light():
    """`import imagegen` loads no provider, SDK, HTTP, imaging, pydantic, pluggy or asyncio module."""
    loaded = loaded_after("import imagegen")
    assert not [name for name in HEAVY if name in loaded]
    assert not [name for name in loaded if name.startswith("imagegen_providers")]


def test_listing_models_loads_no_machinery():
    """The catalogue is data: listing it imports no provider, HTTP or pydantic module."""
    loaded = loaded_after("import imagegen; assert imagegen.models()")
    assert not [name for name in ("pydantic", "httpx2", "PIL", "openai", "asyncio") if name in loaded]
    assert not [name for name in loaded if name.startswith("imagegen_providers.")]


def test_the_stub_loads_no_sdk():
    """A call loads the provider that it goes to, and no other."""
    code = "import imagegen; imagegen.generate('a', model='stub:painter', size='64x64')"
    loaded = loaded_after(code)
    assert "imagegen_providers.stub" in loaded
    assert "openai" not in loaded
    assert "imagegen_providers.openai" not in loaded


def test_every_public_name_is_what_it_should_be():
    """After every submodule was imported, each public name is still the thing, not a module of that name."""
    code = (
        "import imagegen, pkgutil, importlib, types\n"
        "for each in pkgutil.walk_packages(imagegen.__path__, 'imagegen.'):\n"
        "    if not each.name.endswith('__main__'): importlib.import_module(each.name)\n"
        "bad = [n for n in imagegen.__all__ if isinstance(getattr(imagegen, n), types.ModuleType)]\n"
        "assert not bad, bad\n"
    )
    loaded_after(code)


def test_type_checkers_see_the_same_names():
    """The names that load on first use and those declared for type checkers are the same."""
    tree = ast.parse((ROOT / "__init__.py").read_text())
    declared = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert declared == set(imagegen.__all__)


def test_unknown_name_is_an_attribute_error():
    """A misspelt name fails as it does in any module."""
    assert not hasattr(imagegen, "genrate")
