"""What every test shares."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from core.serving import KEY

KEYS = (KEY, "sk-test-0000000000000000")
"""What the connections of the core's tests show, and those to the fake OpenAI; nothing else may ever show it."""

_SETTINGS = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "BFL_API_KEY", "BFL_BASE_URL", "FAL_KEY", "FAL_BASE_URL"),
    *("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "GOOGLE_BASE_URL"),
    *("XAI_API_KEY", "XAI_BASE_URL", "OPENROUTER_API_KEY", "OPENROUTER_BASE_URL"),
)

_SETTINGS = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "BFL_API_KEY", "BFL_BASE_URL", "FAL_KEY", "FAL_BASE_URL"),
    *("REPLICATE_API_TOKEN", "REPLICATE_BASE_URL", "FIREWORKS_API_KEY", "FIREWORKS_BASE_URL"),
    *("TOGETHER_API_KEY", "TOGETHER_BASE_URL", "DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN", "DEEPINFRA_BASE_URL"),
    *("LOCALAI_API_KEY", "LOCALAI_BASE_URL", "SDCPP_BASE_URL", "VLLM_API_KEY", "VLLM_OMNI_BASE_URL"),
    *("LITELLM_API_KEY", "LITELLM_PROXY_API_KEY", "LITELLM_BASE_URL", "COMPATIBLE_API_KEY", "COMPATIBLE_BASE_URL"),
)


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
    for name in _SETTINGS:
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
    with_key = [str(path) for path in files if _has_key(path.read_bytes().decode("latin-1"))]
    assert with_key + logs.found == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test whose captured output or log has the key has failed, whatever it asserts."""
    report = yield
    told = [name for name, text in report.sections if _has_key(text)]
    if told and report.passed:
        report.outcome, report.longrepr = "failed", f"the key is in: {', '.join(told)}"
    return report
