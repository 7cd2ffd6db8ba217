"""What every test shares."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from core.serving import KEY

KEYS = (KEY, "sk-test-0000000000000000")
"""What the connections of the core's tests show, and those to the fake OpenAI; nothing else may ever show it."""


@functools.cache
def _settings() -> frozenset[str]:
    """Every variable that a provider's catalogue reads, and the address of each."""
    from imagegen.catalogue import facts_of
    from imagegen.entry_points import plugin_names

    facts = [facts_of(each.name, Path(os.devnull)) for each in plugin_names()]
    addresses = {f"{each.name.upper().replace('-', '_')}_BASE_URL" for each in facts}
    keys = {name for each in facts for variable in each.key_variables for name in variable.split(":")}
    return frozenset({*addresses, *keys, *(name for each in facts for name in each.environment.values())})


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the one loop the library knows."""
    return "asyncio"


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the third-party plugin of ``tests/plugin`` was installed with pip, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    source = Path(__file__).parent / "plugin"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--disable-pip-version-check", "--target", str(folder), str(source)], check=True, capture_output=True
    )
    return folder


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes a person's own settings, keys or spool."""
    monkeypatch.setenv("IMAGEGEN_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("IMAGEGEN_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    for name in _settings():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def acme_is_installed(acme: Path) -> None:
    """This process sees the third-party plugin as it sees any other distribution."""
    from imagegen.entry_points import plugin_names

    sys.path.append(str(acme))
    importlib.invalidate_caches()
    plugin_names.cache_clear()


def _has_key(text: str) -> bool:
    return any(key in text for key in KEYS)


class _KeysInLogs(logging.Handler):
    """Which loggers said the key, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if _has_key(logging.Formatter().format(record)):
            self.found.append(f"log of {record.name}, {record.pathname}:{record.lineno}")


@pytest.fixture(scope="session", autouse=True)
def no_key_anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end: no key of a connection is in a file that this process's tests left behind, or in a log.

    With several workers each looks through its own.
    """
    logs = _KeysInLogs()
    logger = logging.getLogger("imagegen")
    logger.addHandler(logs)
    logger.setLevel(logging.DEBUG)
    yield
    logger.removeHandler(logs)
    files = (path for path in tmp_path_factory.getbasetemp().rglob("*") if path.is_file() and not path.is_symlink())
    keys = [key.encode() for key in KEYS]
    with_key = [str(path) for path in files if any(key in content for content in [path.read_bytes()] for key in keys)]
    assert with_key + logs.found == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test whose captured output or log has the key has failed, whatever it asserts."""
    report = yield
    told = [name for name, text in report.sections if _has_key(text)]
    if told and report.passed:
        report.outcome, report.longrepr = "failed", f"the key is in: {', '.join(told)}"
    return report
