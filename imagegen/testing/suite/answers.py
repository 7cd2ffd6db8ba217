"""A good call, from the request that a strict fake takes to the picture, its cost and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, ImageChops

import imagegen
from imagegen import ImageRequest
from imagegen.catalogue import Parameter
from imagegen.testing.faults import Damage
from imagegen.testing.pictures import corner_mask, halves, pictures_in, with_unknown_members
from imagegen.testing.suite.asking import Asked, Asking
from imagegen.testing.suite.values import VALUES, WITH, values_of

_MOST_VALUES = 8
_JUDGED = 48
"""By so many levels a pixel must differ to count as repainted: a lossy format changes all of them a little."""


def _is_text(rule: Parameter) -> bool:
    """A free text may have a form that only its documentation knows."""
    return not (rule.values or rule.flag or rule.minimum is not None or rule.maximum is not None)


class Answers(Asking):
    """The fake is strict: that it takes a request is half of the proof."""

    @pytest.mark.parametrize("operation", ["generate", "edit"])
    async def test_call_gives_a_picture(self, asking: Asked, operation: str) -> None:
        """One submit, one whole picture, byte for byte as the provider sent it."""
        self.needs_operation(operation)
        result = await asking.call(operation)
        sent = [found for body in asking.front.answers for found in pictures_in(body)]
        assert result.image.data in sent, "the picture is not the one that the provider sent"
        assert result.image.width
        assert result.image.height
        assert (len(asking.submits), len(result.attempts), result.failures) == (1, 1, ())
        assert result.attempts[0].state is imagegen.AttemptState.BILLED

    async def test_several_pictures(self, asking: Asked) -> None:
        """As many as were asked, in as few submits as the model allows."""
        self.needs_operation("generate")
        wanted = 3
        result = await asking.call(n=wanted)
        assert len(result.images) == wanted
        assert len(asking.submits) == len(self.plan(n=wanted).tasks)

    async def test_cost_has_a_source(self, asking: Asked) -> None:
        """A figure says where it comes from; what nobody knows is None, never 0 by default."""
        self.needs_operation("generate")
        cost = (await asking.call()).cost
        if cost.amount_usd is not None:
            assert cost.source is not None
            assert cost.known_usd <= cost.amount_usd
        planned = self.plan().cost
        if cost.amount_usd is not None:
            assert cost.amount_usd >= planned.known_usd, "less than the plan's lower bound: a price is wrong"
            if planned.at_most_usd is not None:
                assert cost.amount_usd <= planned.at_most_usd, "more than the plan's upper bound: a price is wrong"

    async def test_size_comes_as_it_was_planned(self, asking: Asked) -> None:
        """What came is checked against what was asked: a difference is told."""
        self.needs_operation("generate")
        for size in ("1536x1024", "1024x768", "768x512", "1024x1024", "512x512"):
            try:
                planned = self.plan(size=size)
                result = await asking.call(size=size)
            except imagegen.UnsupportedError:
                continue
            got, (width, height) = result.image, map(int, size.split("x"))
            if not self.paints_sizes:
                same = (got.width, got.height) == (width, height)
                assert same or any(each.field == "size" for each in result.adaptations), "nobody is told"
                return
            assert (got.width or 0) > (got.height or 0) or width <= height, f"{size} came as {got.width}x{got.height}"
            if not planned.adaptations and self.entry.capabilities.sizes.kind in ("fixed", "free"):
                assert f"{got.width}x{got.height}" == size, (
                    "the fake paints what it is asked for: that was another size"
                )
            return
        pytest.skip("no usual size can be asked for")

    @pytest.mark.parametrize("operation", ["generate", "edit"])
    async def test_promises_of_the_catalogue_hold(self, asking: Asked, operation: str) -> None:
        """Every value that the catalogue names for a field, the strict fake takes."""
        self.needs_operation(operation)
        client = await asking.client()
        verb = getattr(client, operation)
        for fields in self.promised(operation):
            try:
                result = await verb(**self.asked(operation, model=self.model_for(operation), **fields))
            except imagegen.UnsupportedError:
                continue
            except imagegen.ImageGenError as error:
                pytest.fail(f"{fields}: {error!r}")
            assert result.image.width

    def promised(self, operation: str) -> Iterator[dict[str, Any]]:
        """What the catalogue says can be asked, a value each; leave out what the fake does not serve."""
        capabilities = self.entry_of(self.model_for(operation)).capabilities
        yield from ({"size": size} for size in capabilities.sizes.sizes[:_MOST_VALUES])
        yield from ({"aspect_ratio": ratio} for ratio in capabilities.sizes.aspect_ratios[:_MOST_VALUES])
        fields = self.provider.Options.model_fields
        for name, rule in capabilities.parameters.items():
            if name in ImageRequest.model_fields and not (rule.operations and operation not in rule.operations):
                values = rule.values or VALUES.get(name, ())
                yield from ({**WITH.get(name, {}), name: value} for value in values)
        for name, rule in capabilities.options.items():
            if not (rule.operations and operation not in rule.operations):
                values = values_of(rule, fields[name].annotation) if rule.values or not _is_text(rule) else ()
                yield from ({"options": {self.name: {name: value}}} for value in values)

    async def test_mask_repaints_what_is_white(self, asking: Asked) -> None:
        """A round trip with a mask that no flip or turn leaves as it is: repainted is exactly what is white."""
        model = self.model_for("mask")
        if not self.takes_mask:
            pytest.skip("the model takes no mask")
        asked = {"output_format": "png"} if self._takes_png(model) else {}
        result = await asking.call("edit", model=model, images=[halves()], mask=corner_mask(), **asked)
        drawn = result.image.pil().convert("RGB")
        original, mask = (each.resize(drawn.size, Image.Resampling.NEAREST) for each in (halves(), corner_mask()))
        changed = ImageChops.difference(drawn, original).convert("L").point([0] * _JUDGED + [255] * (256 - _JUDGED))
        wrong = ImageChops.difference(changed, mask)
        share = wrong.histogram()[255] / (mask.width * mask.height)
        assert share < 0.01, f"{share:.0%} of the picture is repainted where it should stay, or the other way round"

    def _takes_png(self, model: str) -> bool:
        rule = self.entry_of(model).capabilities.parameters.get("output_format")
        return rule is not None and (not rule.values or "png" in rule.values)

    async def test_unknown_members_are_tolerated(self, asking: Asked) -> None:
        """An API may grow: members that nobody knows change nothing."""
        self.needs_operation("generate")
        grown = Damage(with_unknown_members)
        asking.meets(submit=grown, later=grown)
        assert (await asking.call()).image.width

    async def test_stream_ends_with_a_picture(self, asking: Asked) -> None:
        """Where the model streams, the last event is the result."""
        if not self.entry.capabilities.streaming:
            pytest.skip("the model does not stream")
        client = await asking.client()
        async with client.stream(**self.asked(model=self.model)) as events:
            found = [event async for event in events]
        assert isinstance(found[-1], imagegen.Done)
        assert found[-1].result.image.width
        assert len(asking.submits) == 1
