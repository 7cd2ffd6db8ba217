"""The conformance suite run against an installed plugin, and what came of it, a row a check."""

from __future__ import annotations

import importlib
import os
import re
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
_MARGIN = re.compile(r"^[E |+-]*")
_ERROR = re.compile(r"^E[ |+-]*(?!ExceptionGroup)[\w.]*(?:Error|Exception)\b.*:|^E[ |+-]*(?:Failed|AssertionError)\b")
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
    reports = _Reports(_chosen[0])
    with tempfile.TemporaryDirectory() as folder, _own_options():
        test = Path(folder) / "test_suite.py"
        test.write_text(_TEST)
        quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", folder, "--noconftest"]
        code = int(pytest.main([*quiet, "--import-mode=importlib", str(test)], plugins=[reports]))
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        what = "; ".join(why for check in reports.checks.values() for why in check.failed.values())
        raise ConfigurationError(f"the suite did not run to its end: {what or pytest.ExitCode(code).name.lower()}")
    return list(reports.checks.values())


def chosen() -> type[ProviderSuite]:
    """The suite that is being run."""
    return _chosen[0]


def _suite_of(name: str, given: str | None) -> type[ProviderSuite]:
    from imagegen.testing.suite import ProviderSuite

    if given is None:
        entries = [each for each in metadata.entry_points(group=SUITES) if each.name == name]
        found: Any = _loaded(entries[0]) if entries else _without_fake(name)
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


def _loaded(entry: metadata.EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise ConfigurationError(f"{entry.value} cannot be loaded: {type(error).__name__}: {error}") from error


def _imported(given: str) -> Any:
    """The class at ``module:Class`` or ``path/file.py:Class``, whose neighbours it may import."""
    where, colon, attribute = given.rpartition(":")
    if not colon:
        raise ConfigurationError(f"a suite is named module:Class or file.py:Class, not {given!r}")
    name = where
    if where.endswith(".py"):
        sys.path.insert(0, str(Path(where).resolve().parent))
        name = Path(where).stem
    try:
        return getattr(importlib.import_module(name), attribute)
    except Exception as error:
        raise ConfigurationError(f"{given} cannot be loaded: {type(error).__name__}: {error}") from error


@contextmanager
def _own_options() -> Iterator[None]:
    """What a person's environment says to pytest does not choose the checks."""
    before = os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        yield
    finally:
        sys.modules.pop("test_suite", None)
        if before is not None:
            os.environ["PYTEST_ADDOPTS"] = before


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
        head, _, case = report.nodeid.partition("[")
        name = head.rpartition("::")[2]
        doc = getattr(getattr(self._suite, name, None), "__doc__", None) or name
        check = self.checks.setdefault(name, Check(name.removeprefix("test_"), doc.strip().splitlines()[0]))
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            check.skipped.append(reason.removeprefix("Skipped: "))
        elif report.failed:
            check.failed[case.removesuffix("]") or "-"] = _last_line(report)
        elif report.when == "call":
            check.passed += 1


def _last_line(report: pytest.TestReport) -> str:
    """What went wrong at the innermost: a group of errors says less than the errors in it."""
    found = [line for line in report.longreprtext.splitlines() if _ERROR.match(line)]
    crash = getattr(report.longrepr, "reprcrash", None)
    words = found[-1:] or (crash.message if crash else report.longreprtext).strip().splitlines()
    return _MARGIN.sub("", words[0])[:300] if words else "failed"
