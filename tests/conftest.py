"""What every test shares."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

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
