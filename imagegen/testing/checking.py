"""The conformance suite run against an installed plugin, and what came of it, a row a check."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from imagegen import catalogue
from imagegen.errors import ConfigurationError
from imagegen.plugins import provider_class

if TYPE_CHECKING:
    import pytest

    from imagegen.testing.suite import ProviderSuite

SUITES = "imagegen.suites"
"""The group of entry points by which a distribution names its suite: the provider's name to ``module:Class``."""
Verdict: TypeAlias = Literal["passed", "failed", "skipped"]
_TEST = "from imagegen.testing.checking import chosen\n\nTestSuite = chosen()\n"
_chosen: list[type[ProviderSuite]] = []


@dataclass(slots=True)
class Check:
    """One test of the suite over all its cases."""

    name: str
    what: str
    """What it shows, in a sentence."""
    passed: int = 0
    skipped: list[str] = field(default_factory=list)
    """Why, a case each."""
    failed: dict[str, str] = field(default_factory=dict)
    """Case to the last line of what went wrong."""

    @property
    def verdict(self) -> Verdict:
        """Failed if any case failed; skipped if none ran."""
        if self.failed:
            return "failed"
        return "passed" if self.passed else "skipped"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        cases = {"passed": self.passed, "skipped": sorted(set(self.skipped)), "failed": self.failed}
        return {"check": self.name, "what": self.what, "verdict": self.verdict, **cases}


def check_plugin(name: str, suite: str | None = None) -> list[Check]:
    """Run the suite that ``name``'s distribution names, or ``suite`` (``module:Class`` or ``file.py:Class``).

    Where there is none, whatever needs no fake is run against the catalogue's first model.

    Raises:
        ConfigurationError: No such provider or suite, or pytest is not installed.
    """
    try:
        import pytest
    except ImportError:
        raise ConfigurationError(
            "the suite needs pytest and more: pip install 'imagegen-hub[testing]'; nothing was run"
        ) from None
    provider_class(name)
    _chosen[:] = [_suite_of(name, suite)]
    with _own_folder() as folder:
        (folder / "test_suite.py").write_text(_TEST)
        reports = _Reports(_chosen[0])
        quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
        pytest.main([*quiet, "--import-mode=importlib", str(folder / "test_suite.py")], plugins=[reports])
    return list(reports.checks.values())


def chosen() -> type[ProviderSuite]:
    """The suite that is being run."""
    return _chosen[0]


def _suite_of(name: str, given: str | None) -> type[ProviderSuite]:
    from imagegen.testing.suite import ProviderSuite

    if given is None:
        entries = [each for each in metadata.entry_points(group=SUITES) if each.name == name]
        found: Any = entries[0].load() if entries else _without_fake(name)
    else:
        found = _imported(given)
    if not (isinstance(found, type) and issubclass(found, ProviderSuite)):
        raise ConfigurationError(f"{given or name}: not a ProviderSuite; nothing was run")
    if getattr(found, "model", "").partition(":")[0] != name:
        raise ConfigurationError(f"{found.__name__} is a suite of {getattr(found, 'model', None)!r}, not of {name}")
    return found


def _without_fake(name: str) -> type[ProviderSuite]:
    from imagegen.testing.suite import ProviderSuite

    models = [each for each in catalogue.models_of(name).values() if each.status == "current"]
    if not models:
        raise ConfigurationError(f"{name} has no model in the catalogue and no suite: name one with --suite")
    return type("Suite", (ProviderSuite,), {"model": models[0].name, "__doc__": "What needs no fake."})


def _imported(given: str) -> Any:
    """The class at ``module:Class`` or ``path/file.py:Class``."""
    where, colon, attribute = given.rpartition(":")
    if not colon:
        raise ConfigurationError(f"a suite is named module:Class or file.py:Class, not {given!r}")
    try:
        if not where.endswith(".py"):
            return getattr(importlib.import_module(where), attribute)
        spec = importlib.util.spec_from_file_location(Path(where).stem, where)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, attribute)
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        raise ConfigurationError(f"{given} cannot be loaded: {type(error).__name__}: {error}") from None


@contextmanager
def _own_folder() -> Iterator[Path]:
    """A folder to run in, where neither a project's pytest settings nor its conftest are found."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            sys.modules.pop("test_suite", None)


class _Reports:
    """What pytest says of each case."""

    def __init__(self, suite: type[ProviderSuite]) -> None:
        self._suite = suite
        self.checks: dict[str, Check] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            check = self.checks.setdefault("collecting", Check("collecting", "The suite can be read."))
            check.failed[report.nodeid] = str(report.longrepr).strip().splitlines()[-1]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown" and report.passed:
            return
        test = report.nodeid.rpartition("::")[2]
        name, _, case = test.partition("[")
        doc = getattr(self._suite, name).__doc__ or name
        check = self.checks.setdefault(name, Check(name.removeprefix("test_"), doc.strip().splitlines()[0]))
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            check.skipped.append(reason.removeprefix("Skipped: "))
        elif report.failed:
            check.failed[case.removesuffix("]") or "-"] = _last_line(report)
        elif report.when == "call":
            check.passed += 1


def _last_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    words = (crash.message if crash else str(report.longrepr)).strip().splitlines()
    return words[0][:300] if words else "failed"
