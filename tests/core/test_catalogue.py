"""The catalogue: files found without importing anything, read strictly, extended by the user's."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from importlib import metadata
from pathlib import Path

import pytest

from imagegen import catalogue, entry_points
from imagegen.catalogue import Model, PriceLine, Span, loading
from imagegen.errors import ConfigurationError

ZENITH = """
source = "zenith.example/docs"
read = 2026-11-01

[provider]
base_url = "https://api.zenith.example/v1"
key_variables = ["ZENITH_API_KEY"]
key_hosts = ["api.zenith.example"]
free_failures = [{ statuses = [500, 502], source = "zenith.example/billing" }]

[models.one]
released = 2026-01-01
snapshots = ["one-2026-01-01"]
source = "zenith.example/one"
prices = [{ billable = "image", usd = 0.04 }, { billable = "call", usd = "0.001", read = 2026-11-02 }]

[models.one.capabilities]
operations = ["generate", "edit"]
parameters.seed = { minimum = 0, maximum = 4294967295 }
parameters.quality = { values = ["low", "high"], default = "low", source = "zenith.example/quality" }
sizes = { kind = "free", multiple_of = 8, max_ratio = 2.5 }

[models.one.output_tokens]
patches = { low = 16, high = [47, 48] }
text = [0, 10]

[models.two]
like = "one"
status = "deprecated"
shutdown = 2026-12-01
replacement = "one"
source = "zenith.example/two"
capabilities.parameters.quality.values = ["low", "high", "max"]
capabilities.references = 4
"""


@pytest.fixture
def zenith(tmp_path, monkeypatch):
    """A plugin package whose module must not be imported; its catalogue file is given by each test."""
    module = f"zenith_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / "site" / module / "providers"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "zenith.py").write_text("raise RuntimeError('imported')")
    entry = metadata.EntryPoint("zenith", f"{module}.providers.zenith", entry_points.GROUP)
    names = (entry_points.PluginName("zenith", entry.value, "zenith-dist", "1.0", entry),)
    monkeypatch.syspath_prepend(tmp_path / "site")
    for place in ("finding", "loading"):
        monkeypatch.setattr(f"imagegen.catalogue.{place}.plugin_names", lambda: names)
    monkeypatch.setenv("IMAGEGEN_CONFIG_DIR", str(tmp_path / "config"))
    loading._catalogue.cache_clear()
    yield folder
    loading._catalogue.cache_clear()


def write(folder: Path, text: str = ZENITH, name: str = "zenith.toml") -> Path:
    """A catalogue file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_file_is_found_without_importing_the_module(zenith):
    """The package's code raises on import: it is not run."""
    write(zenith)
    assert catalogue.facts_of("zenith").base_url == "https://api.zenith.example/v1"


def test_file_may_lie_inside_a_module_that_is_a_folder(zenith):
    """A provider that outgrew its module keeps its file in the folder."""
    (zenith / "zenith.py").unlink()
    write(zenith / "zenith")
    assert set(catalogue.models_of("zenith")) == {"one", "two"}


def test_tables_become_frozen_values_of_the_stated_types(zenith):
    """Money is Decimal without a float in between, dates are dates, spans are pairs."""
    write(zenith)
    model = catalogue.models_of("zenith")["one"]
    assert [line.usd for line in model.prices] == [Decimal("0.04"), Decimal("0.001")]
    assert model.capabilities.sizes.max_ratio == 2.5
    assert model.output_tokens.patches == {"low": Span(16, 16), "high": Span(47, 48)}
    with pytest.raises(AttributeError):
        model.status = "retired"


def test_source_and_date_are_inherited_by_the_tables_below(zenith):
    """A table that names no source has that of the table around it."""
    write(zenith)
    model = catalogue.models_of("zenith")["one"]
    parameters = model.capabilities.parameters
    assert [parameters[name].source for name in ("seed", "quality")] == ["zenith.example/one", "zenith.example/quality"]
    assert [line.read for line in model.prices] == [date(2026, 11, 1), date(2026, 11, 2)]
    assert catalogue.facts_of("zenith").free_failures[0].read == date(2026, 11, 1)


def test_like_takes_over_what_a_model_can_do_and_costs(zenith):
    """Tables are merged below the other model's; each fact keeps its own source."""
    write(zenith)
    two = catalogue.models_of("zenith")["two"]
    quality = two.capabilities.parameters["quality"]
    assert (quality.values, quality.default, two.capabilities.references) == (("low", "high", "max"), "low", 4)
    assert two.prices == catalogue.models_of("zenith")["one"].prices
    assert (two.capabilities.parameters["seed"].source, quality.source) == ("zenith.example/one", "zenith.example/two")


def test_like_takes_over_no_dates_and_names(zenith):
    """How long a model lives and what else it is called is its own."""
    write(zenith)
    two = catalogue.models_of("zenith")["two"]
    assert (two.snapshots, two.released, two.status) == ((), None, "deprecated")


@pytest.mark.parametrize("like", ["nobody", "two"])
def test_like_without_an_end_is_refused(zenith, like):
    """A model like one that does not exist, or like itself, is a mistake in the file."""
    write(zenith, ZENITH.replace('like = "one"', f'like = "{like}"'))
    with pytest.raises(ConfigurationError, match=r"zenith\.toml: models\.two\.like"):
        catalogue.models_of("zenith")


def test_snapshot_is_its_model(zenith):
    """A dated id is the same model; an unknown one is none."""
    write(zenith)
    assert catalogue.find_model("zenith", "one-2026-01-01") is catalogue.find_model("zenith", "one")
    assert catalogue.find_model("zenith", "three") is None


def test_files_are_read_once_a_process(zenith):
    """The second question does not read the file again."""
    write(zenith)
    assert catalogue.models_of("zenith") is catalogue.models_of("zenith")


def test_provider_without_a_file_is_empty(zenith):
    """A plugin needs no catalogue."""
    assert (catalogue.facts_of("zenith").name, dict(catalogue.models_of("zenith"))) == ("zenith", {})
    assert catalogue.facts_of("zenith").key_variables == ()


def test_unknown_provider_names_the_nearest(zenith):
    """A typo is answered with what was meant."""
    with pytest.raises(ConfigurationError, match="did you mean zenith"):
        catalogue.facts_of("zenitth")


def test_all_models_are_those_of_every_provider(zenith):
    """One list over all that is installed."""
    write(zenith)
    assert [model.name for model in catalogue.all_models()] == ["zenith:one", "zenith:two"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("base_url", "base_ulr", "provider.base_ulr: unknown key"),
        ("references = 4", "reference = 4", "models.two.capabilities.reference: unknown key"),
        ("[models.one.output_tokens]", "[model.one]", "model: unknown key"),
        ("multiple_of = 8", 'multiple_of = "8"', "models.one.capabilities.sizes.multiple_of: must be a number"),
        ("multiple_of = 8", "multiple_of = true", "models.one.capabilities.sizes.multiple_of: must be a number"),
        ('kind = "free"', 'kind = "frei"', "models.one.capabilities.sizes.kind: must be one of fixed"),
        ('kind = "free", ', "", "models.one.capabilities.sizes: lacks kind"),
        ("usd = 0.04", 'usd = "cheap"', "models.one.prices.usd: must be an amount"),
        ("usd = 0.04", "usd = -1", "models.one.prices.usd: must be an amount"),
        ("2026-12-01", '"2026-12-01"', "models.two.shutdown: must be a date"),
        ("2026-12-01", "2026-12-01T00:00:00", "models.two.shutdown: must be a date without a time"),
        ("[47, 48]", "[48, 47]", "models.one.output_tokens.patches.high: must be [least, most]"),
        ("[0, 10]", "[0]", "models.one.output_tokens.text: must be a number"),
        ('status = "deprecated"', 'status = "gone"', "models.two.status: must be one of current, deprecated, retired"),
        ('status = "deprecated"', 'id = "three"', "models.two.id: unknown key"),
        ('["low", "high"]', '"low"', "models.one.capabilities.parameters.quality.values: must be a list"),
    ],
)
def test_wrong_file_is_named_with_its_key(zenith, old, new, key):
    """A key that does not exist or has the wrong type is an error, never skipped."""
    path = write(zenith, ZENITH.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=re.escape(f"{path}: {key}")):
        catalogue.models_of("zenith")


@pytest.mark.parametrize("key", ["provider", "models"])
def test_table_must_be_a_table(zenith, key):
    """The two tables of a file are tables."""
    path = write(zenith, f"{key} = 5")
    with pytest.raises(ConfigurationError, match=re.escape(f"{path}: {key}: must be a table")):
        catalogue.models_of("zenith")


def test_file_that_is_no_toml_is_named(zenith):
    """What cannot be parsed says where."""
    path = write(zenith, "[models")
    with pytest.raises(ConfigurationError, match=re.escape(str(path))):
        catalogue.models_of("zenith")


def test_user_overrides_a_single_fact(zenith, tmp_path):
    """A table in the user's file is laid over the provider's; the rest stays."""
    write(zenith)
    write(tmp_path / "config" / "catalogue", 'models.one.capabilities.parameters.quality.default = "high"')
    parameters = catalogue.models_of("zenith")["one"].capabilities.parameters
    assert (parameters["quality"].default, parameters["quality"].values) == ("high", ("low", "high"))
    assert "seed" in parameters


def test_users_prices_replace_the_list(zenith, tmp_path):
    """A list is not merged: what stands in the user's file is the whole of it, for models like it too."""
    write(zenith)
    write(
        tmp_path / "config" / "catalogue", 'models.one.prices = [{ billable = "image", usd = 1, source = "invoice" }]'
    )
    line = PriceLine(billable="image", usd=Decimal(1), source="invoice")
    assert [model.prices for model in catalogue.models_of("zenith").values()] == [(line,), (line,)]


def test_user_adds_a_model_like_another(zenith, tmp_path):
    """A new model works on its first day, without a release."""
    write(zenith)
    write(tmp_path / "config" / "catalogue", '[models.three]\nlike = "two"\nsource = "my own"\n')
    three = catalogue.find_model("zenith", "three")
    assert three.capabilities.references == 4
    assert (three.name, three.source) == ("zenith:three", "my own")


def test_user_describes_a_provider_without_a_file(zenith, tmp_path):
    """The user's file stands alone too."""
    write(tmp_path / "config" / "catalogue", '[provider]\nbase_url = "https://example.org"\n')
    assert catalogue.facts_of("zenith").base_url == "https://example.org"


def test_mistake_in_the_users_file_is_told_from_one_in_the_providers(zenith, tmp_path):
    """The file that has the key is the one named."""
    write(zenith)
    path = write(tmp_path / "config" / "catalogue", "models.one.capabilities.maks = true")
    with pytest.raises(ConfigurationError, match=re.escape(f"{path}: models.one.capabilities.maks")):
        catalogue.models_of("zenith")


def test_user_folder_can_be_given(zenith, tmp_path):
    """A caller may name another folder than the user's."""
    write(zenith)
    write(tmp_path / "mine", "models.one.notes = ['mine']")
    assert catalogue.find_model("zenith", "one", tmp_path / "mine").notes == ("mine",)
    assert catalogue.find_model("zenith", "one").notes == ()


def test_config_folder_is_the_platforms_unless_named(monkeypatch):
    """IMAGEGEN_CONFIG_DIR replaces the platform's folder."""
    monkeypatch.setenv("IMAGEGEN_CONFIG_DIR", "/somewhere")
    assert catalogue.user_folder() == Path("/somewhere/catalogue")
    monkeypatch.delenv("IMAGEGEN_CONFIG_DIR")
    assert catalogue.config_folder().name == "imagegen"


def test_module_that_is_a_single_file_has_its_catalogue_beside_it(zenith, tmp_path, monkeypatch):
    """A plugin may be one file, without a package."""
    (tmp_path / "site" / "lonely.py").write_text("raise RuntimeError('imported')")
    entry = metadata.EntryPoint("lonely", "lonely:plugin", entry_points.GROUP)
    names = (entry_points.PluginName("lonely", entry.value, "lonely", "1.0", entry),)
    monkeypatch.setattr("imagegen.catalogue.finding.plugin_names", lambda: names)
    path = write(tmp_path / "site", ZENITH, "lonely.toml")
    assert catalogue.catalogue_file("lonely") == path


def test_package_that_is_not_there_has_no_file(zenith, monkeypatch):
    """Metadata without its package is the loader's to complain about."""
    entry = metadata.EntryPoint("gone", "imagegen_no_such_package.gone", entry_points.GROUP)
    names = (entry_points.PluginName("gone", entry.value, "gone", "1.0", entry),)
    monkeypatch.setattr("imagegen.catalogue.finding.plugin_names", lambda: names)
    assert catalogue.catalogue_file("gone") is None


@pytest.mark.parametrize(
    ("status", "shutdown", "today", "found"),
    [
        ("current", None, date(2026, 11, 22), "current"),
        ("deprecated", date(2026, 12, 1), date(2026, 11, 30), "deprecated"),
        ("deprecated", date(2026, 12, 1), date(2026, 12, 1), "retired"),
        ("current", date(2026, 12, 1), date(2027, 1, 1), "retired"),
        ("retired", None, date(2026, 11, 22), "retired"),
    ],
)
def test_model_is_retired_from_its_last_day_on(status, shutdown, today, found):
    """The date decides, whatever the file's status says."""
    model = Model(provider="zenith", id="one", status=status, shutdown=shutdown)
    assert catalogue.status_on(model, today) == found


def test_retirement_names_date_and_replacement():
    """Who asks for a retired model learns when it went and where to go."""
    model = Model(provider="zenith", id="one", status="deprecated", shutdown=date(2026, 12, 1), replacement="two")
    assert catalogue.retirement(model, date(2026, 12, 2)) == (
        "retired",
        "zenith:one was shut down on 2026-12-01: use zenith:two",
    )
    assert catalogue.retirement(model, date(2026, 11, 2)) == (
        "deprecated",
        "zenith:one is deprecated and will be shut down on 2026-12-01: use zenith:two",
    )


def test_retirement_does_not_hold_elsewhere():
    """Azure and compatible servers keep their own dates."""
    model = Model(provider="zenith", id="one", status="retired", shutdown=date(2026, 10, 23))
    assert catalogue.retirement(model, date(2026, 11, 22), own_base_url=True) == ("current", "")


def test_importing_the_catalogue_is_light():
    """Neither models of pydantic nor pictures, plugins, loops or HTTP come along."""
    heavy = "pydantic", "pluggy", "PIL", "asyncio", "httpx2", "platformdirs", "imagegen_providers"
    code = f"import sys, imagegen.catalogue; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_reading_a_catalogue_imports_no_provider():
    """The real files are found by path."""
    code = (
        "import sys, imagegen.catalogue as c; c.models_of('openai'); "
        "print([name for name in ('imagegen_providers', 'pydantic', 'openai', 'asyncio') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
