"""A module keeps the contract: what it registers, how its options and its catalogue read, that translation is pure."""

from __future__ import annotations

import copy

import pytest

import imagegen
from imagegen import catalogue
from imagegen.catalogue import Model
from imagegen.catalogue.model import Fact
from imagegen.plugins import provider_class
from imagegen.provider import HttpProvider, Provider
from imagegen.testing.suite.asking import Asking


class Contract(Asking):
    """No server and no key are needed for any of it."""

    def test_name_gives_a_whole_provider(self) -> None:
        """The entry point's name leads to a provider that bears it."""
        found = provider_class(self.name)
        assert issubclass(found, Provider)
        assert (found.name, found.api_version) == (self.name, HttpProvider.api_version)

    def test_unknown_options_are_refused(self) -> None:
        """A misspelt option cannot pass."""
        with pytest.raises(imagegen.ConfigurationError):
            self.plan(options={self.name: {"no_such_option_": 1}})

    def test_catalogue_names_its_sources(self) -> None:
        """Every model, parameter and price says where it is known from and when it was read."""
        facts_of = catalogue.facts_of(self.name)
        assert facts_of.source, "[provider] has no source"
        assert not [each for each in facts_of.key_hosts if "." not in each.removeprefix("*.")], "any host gets the key"
        for model in catalogue.models_of(self.name).values():
            rules = model.capabilities
            sizes = [rules.sizes] if rules.sizes.kind != "any" else []
            facts: list[Model | Fact] = [
                model,
                *sizes,
                *rules.parameters.values(),
                *rules.options.values(),
                *model.prices,
            ]
            for fact in facts:
                assert fact.source, f"{model.name}: {fact} has no source"
                assert fact.read is not None, f"{model.name}: {fact} has no read date"

    def test_options_of_the_catalogue_exist(self) -> None:
        """What the catalogue says of options, the module has."""
        known = set(provider_class(self.name).Options.model_fields)
        for model in catalogue.models_of(self.name).values():
            assert set(model.capabilities.options) <= known, model.name

    def test_operations_of_the_catalogue_are_built(self) -> None:
        """The module has a request for every operation that the catalogue promises."""
        self.needs_http()
        for model in catalogue.models_of(self.name).values():
            for operation in {"generate", "edit"} & set(model.capabilities.operations):
                built, open_ = getattr(provider_class(self.name), operation), getattr(HttpProvider, operation)
                assert built is not open_, model.name

    @pytest.mark.parametrize("operation", ["generate", "edit"])
    def test_translation_is_pure(self, operation: str) -> None:
        """The same task gives the same request, and leaves nothing behind in the module."""
        self.needs_http()
        self.needs_operation(operation)
        plan, provider = self.plan(operation), self.provider
        assert isinstance(provider, HttpProvider)
        before = copy.copy(vars(provider))
        assert self.wires(plan) == self.wires(plan)
        provider.wire(plan.tasks[0])
        assert vars(provider) == before

    @pytest.mark.parametrize("operation", ["generate", "edit"])
    def test_request_has_no_host_and_no_key(self, operation: str) -> None:
        """Where it goes and who asks is the connection's, not the module's."""
        self.needs_http()
        self.needs_operation(operation)
        header = catalogue.facts_of(self.name).key_header.lower()
        for wire in self.wires(self.plan(operation)):
            assert wire.path.startswith("/"), wire.path
            assert header not in {name.lower() for name in wire.headers}
