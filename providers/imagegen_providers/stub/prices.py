"""What `stub:metered` counts and `stub:slow` charges, from the catalogue file that also prices them."""

from __future__ import annotations

import functools
import math
import tomllib
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any

from imagegen import Usage

if TYPE_CHECKING:
    from imagegen_providers.stub.order import Order


def usage_of(order: Order, images: int, partials: int) -> Usage:
    """The tokens of a call: for text one for every four bytes begun, for pictures the catalogue's."""
    metered = _models()["metered"]
    output_tokens = images * _output_tokens(order.size, order.quality)
    return Usage(
        text_input_tokens=math.ceil(len(order.request.prompt.encode()) / 4),
        image_input_tokens=order.inputs * metered["input_tokens"]["image_at_most"],
        image_output_tokens=output_tokens + partials * metered["output_tokens"]["partial_image"],
    )


def price_usd(model: str) -> Decimal:
    """The price of one picture of a model that is priced by the picture."""
    return Decimal(str(_models()[model]["prices"][0]["usd"]))


def _output_tokens(size: tuple[int, int], quality: str) -> int:
    """The table's row whose size is the most alike."""
    row: dict[str, int] = _models()["metered"]["output_tokens"]["table"][quality]

    def unlikeness(of: str) -> float:
        width, height = (int(side) for side in of.split("x"))
        return abs(math.log(width / height) - math.log(size[0] / size[1]))

    return row[min(row, key=unlikeness)]


@functools.cache
def _models() -> dict[str, Any]:
    text = (resources.files("imagegen_providers") / "stub.toml").read_text("utf-8")
    models: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)["models"]
    return models
