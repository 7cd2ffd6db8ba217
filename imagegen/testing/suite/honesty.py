"""Nothing changes in silence: what is asked is in the request, or an adaptation tells otherwise, or it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageOps

import imagegen
from imagegen.provider import HttpProvider
from imagegen.testing.pictures import corner_mask, halves
from imagegen.testing.suite.asking import Asking
from imagegen.testing.suite.values import VALUES, WITH, values_of


class Honesty(Asking):
    """No server is needed."""

    @pytest.mark.parametrize("policy", ["adapt", "best_effort"])
    @pytest.mark.parametrize("operation", ["generate", "edit"])
    @pytest.mark.parametrize("field", sorted(VALUES))
    def test_no_field_is_dropped_in_silence(self, field: str, operation: str, policy: str) -> None:
        """Two values that are both taken as asked make two different requests."""
        self._needs(operation)
        planned = {}
        for value in VALUES[field]:
            plan = self._plan_or_none(operation, policy=policy, **WITH.get(field, {}), **{field: value})
            if plan is not None and not _told(plan, field):
                planned[value] = self.wires(plan)
        _all_differ(planned, f"{self.model_for(operation)}: {field}")

    @pytest.mark.parametrize("operation", ["generate", "edit"])
    @pytest.mark.parametrize("field", sorted(VALUES))
    def test_strict_refuses_what_would_be_changed(self, field: str, operation: str) -> None:
        """Whatever is an adaptation is an error under the policy ``strict``."""
        self._needs(operation)
        for value in VALUES[field]:
            asked = {**WITH.get(field, {}), field: value}
            plan = self._plan_or_none(operation, **asked)
            if plan is not None and plan.adaptations:
                with pytest.raises(imagegen.UnsupportedError):
                    self.plan(operation, policy="strict", **asked)

    def test_every_input_picture_is_sent(self) -> None:
        """Other pictures make another request, in number and in content."""
        self._needs("edit")
        other = ImageOps.mirror(halves())
        most = self.entry_of(self.model_for("edit")).capabilities.references
        given: dict[str, list[Image.Image]] = {"one": [halves()], "another": [other]}
        if most > 1:
            given |= {"two": [halves(), other], "two, turned": [other, halves()]}
        _all_differ({name: self.wires(self.plan("edit", images=images)) for name, images in given.items()}, "images")

    def test_mask_is_sent(self) -> None:
        """Another mask makes another request; a model without masks refuses one."""
        model = self.model_for("mask")
        self.needs_http()
        masks = {"a mask": corner_mask(), "another": ImageOps.mirror(corner_mask()), "none": None}
        if not self.takes_mask:
            if not self.entry_of(model).source:
                pytest.skip("the catalogue does not know the model: it is passed through")
            with pytest.raises(imagegen.UnsupportedError):
                self.plan("edit", model, mask=corner_mask())
            return
        _all_differ({name: self.wires(self.plan("edit", model, mask=mask)) for name, mask in masks.items()}, "mask")

    @pytest.mark.parametrize("operation", ["generate", "edit"])
    def test_every_option_is_sent(self, operation: str) -> None:
        """Each option that the catalogue names changes the request."""
        self._needs(operation)
        entry = self.entry_of(self.model_for(operation))
        for name, rule in entry.capabilities.options.items():
            planned = {}
            for value in values_of(rule, self.provider.Options.model_fields[name].annotation):
                plan = self._plan_or_none(operation, options={self.name: {name: value}})
                if plan is not None and not _told(plan, name):
                    planned[str(value)] = self.wires(plan)
            _all_differ(planned, f"{entry.name}: option {name}")

    @pytest.mark.parametrize("operation", ["generate", "edit"])
    def test_hidden_defaults_are_stated(self, operation: str) -> None:
        """What the provider would choose unseen, and would bill, stands in the plan and in the request."""
        self._needs(operation)
        plan, provider = self.plan(operation), self.provider
        assert isinstance(provider, HttpProvider)
        capabilities = self.entry_of(self.model_for(operation)).capabilities
        rules = {**capabilities.parameters, **capabilities.options}
        hidden = {
            name
            for name, rule in rules.items()
            if rule.send_default and (not rule.operations or operation in rule.operations)
        }
        stated = hidden & plan.tasks[0].defaults.keys()
        assert stated <= plan.defaults.keys()
        for name in stated:
            without = {each: value for each, value in plan.tasks[0].defaults.items() if each != name}
            assert provider.wire(plan.tasks[0]) != provider.wire(replace(plan.tasks[0], defaults=without)), name

    def _needs(self, operation: str) -> None:
        self.needs_http()
        self.needs_operation(operation)

    def _plan_or_none(self, operation: str, **fields: Any) -> imagegen.Plan | None:
        try:
            return self.plan(operation, **fields)
        except (imagegen.UnsupportedError, imagegen.ConfigurationError):
            return None


def _told(plan: imagegen.Plan, field: str) -> bool:
    return any(field in each.field for each in plan.adaptations)


def _all_differ(planned: dict[Any, Any], what: str) -> None:
    names = list(planned)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            assert planned[one] != planned[other], (
                f"{what}: {one} and {other} make the same request, and nobody is told"
            )
