"""Settings: keyword, then environment, then the user's file; and a key goes to its own address only."""

from __future__ import annotations

import pytest

from imagegen import Connection
from imagegen.errors import ConfigurationError
from imagegen.secrets import Secret
from imagegen.settings import Settings, missing_key

FILE = """
timeout_s = 90
[connections.office]
provider = "openai"
base_url = "https://images.office.invalid/v1"
api_key_variable = "OFFICE_KEY"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder of settings, and an environment without keys."""
    monkeypatch.setenv("IMAGEGEN_CONFIG_DIR", str(tmp_path))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OFFICE_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def revealed(endpoint):
    assert isinstance(endpoint.api_key, Secret)
    return endpoint.api_key.reveal()


def test_keyword_wins_over_environment(folder, monkeypatch):
    """What a program says is stronger than what surrounds it."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    endpoint = Settings.load({"openai": Connection(api_key="from-keyword")}).endpoint("openai")
    assert revealed(endpoint) == "from-keyword"
    assert endpoint.sources["api_key"] == "keyword"


def test_environment_is_used_and_named(folder, monkeypatch):
    """A key from the environment is used, and which variable it was can be told."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    endpoint = Settings.load().endpoint("openai")
    assert revealed(endpoint) == "from-environment"
    assert endpoint.sources["api_key"] == "environment OPENAI_API_KEY"


def test_environment_names_the_address(folder, monkeypatch):
    """The customary variable moves the address, and the customary key goes with it."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    endpoint = Settings.load().endpoint("openai")
    assert endpoint.base_url == "http://127.0.0.1:9/v1"
    assert endpoint.own_base_url
    assert revealed(endpoint) == "from-environment"


def test_file_names_connections(folder, monkeypatch):
    """The user's file gives connections of its own, with the variable that holds their key."""
    (folder / "imagegen.toml").write_text(FILE)
    monkeypatch.setenv("OFFICE_KEY", "office")
    settings = Settings.load()
    endpoint = settings.endpoint("office")
    assert (endpoint.provider, endpoint.base_url) == ("openai", "https://images.office.invalid/v1")
    assert revealed(endpoint) == "office"
    assert settings.run_defaults() == {"timeout_s": 90}


def test_key_of_the_environment_stays_home(folder, monkeypatch):
    """A key from the environment never goes to an address that a caller named."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    endpoint = Settings.load({"mine": Connection("openai", base_url="https://elsewhere.invalid/v1")}).endpoint("mine")
    assert endpoint.api_key is None


def test_missing_key_names_variable_and_stub(folder):
    """Without a key the message says which variable to set and what works without."""
    said = missing_key(Settings.load().endpoint("openai")) or ""
    assert "OPENAI_API_KEY" in said
    assert "stub:painter" in said


def test_stub_needs_no_key(folder):
    """An in-process provider asks for nothing."""
    assert missing_key(Settings.load().endpoint("stub")) is None


def test_unknown_provider_names_the_nearest(folder):
    """A misspelt provider is answered with the one that was meant."""
    with pytest.raises(ConfigurationError, match="did you mean openai"):
        Settings.load().endpoint("opnai")


@pytest.mark.parametrize(
    ("text", "said"),
    [("timeout = 3", "timeout"), ("[connections.a]\nkey = 'x'", "connections.a.key"), ("x = [", "imagegen.toml")],
)
def test_bad_file_is_one_line(folder, text, said):
    """A file that cannot be read, or says what it cannot say, is named with what is wrong."""
    (folder / "imagegen.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        Settings.load()
