"""A call's result as text on the ledger, and back: pictures by the names of their files."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from imagegen import errors
from imagegen.errors import Billed, ImageGenError
from imagegen.types.cost import Cost
from imagegen.types.picture import PictureData
from imagegen.types.result import Adaptation, Attempt, AttemptState, Failure, Image, ImageResult, Latency, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagegen.ledger import Kept
    from imagegen.ledger.files import Folder


def to_text(result: ImageResult, kept: Sequence[Kept], hide: Callable[[str], str] | None) -> str:
    """``result`` without bytes; ``kept`` are its pictures' files, in order.

    ``hide`` takes the prompt out of a text that may quote it; a prompt that a provider revised goes with it.
    """
    fields = result.to_dict()
    for image, file in zip(fields["images"], kept, strict=True):
        image["path"] = file.file
        if hide is not None:
            image["revised_prompt"] = None
    if hide is not None:
        for name in ("failures", "adaptations", "attempts", "warnings"):
            fields[name] = _hidden(fields[name], hide)
    return json.dumps(fields, ensure_ascii=False)


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {name: _hidden(each, hide) for name, each in value.items()}
    return [_hidden(each, hide) for each in value] if isinstance(value, list) else value


def from_text(text: str, folder: Folder, why: str) -> ImageResult:
    """The result that was stored.

    Raises:
        ConfigurationError: A picture's file is gone.
    """
    fields = json.loads(text)
    return ImageResult(
        images=tuple(_image(each, folder) for each in fields["images"]),
        failures=tuple(Failure(each["index"], _error(each)) for each in fields["failures"]),
        model=fields["model"],
        answered_by=fields["answered_by"],
        usage=_usage(fields["usage"]),
        cost=_cost(fields["cost"]),
        latency=Latency(**fields["latency"]),
        adaptations=tuple(Adaptation(**each) for each in fields["adaptations"]),
        attempts=tuple(_attempt(each) for each in fields["attempts"]),
        warnings=(*fields["warnings"], f"the stored result of {why}: nothing was sent or paid now"),
        request_id=fields["request_id"],
        raw=None,
        replayed=True,
    )


def _image(fields: dict[str, Any], folder: Folder) -> Image:
    path = folder.file("pictures", fields["path"])
    if not path.is_file():
        raise errors.ConfigurationError(f"the stored picture {path} is gone: nothing was sent; another key pays again")
    content = PictureData(path=path, size_bytes=fields["size_bytes"])
    names = ("media_type", "width", "height", "has_alpha", "seed", "revised_prompt")
    return Image(content, **{name: fields[name] for name in names})


def _error(fields: dict[str, Any]) -> ImageGenError:
    """An error of the same kind with the same words; what else it carried is not kept."""
    kind = getattr(errors, fields["error"], ImageGenError)
    make = functools.partial(kind, reason="empty") if kind is errors.BadOutputError else kind
    error: ImageGenError = make(fields["message"])
    error.billed = Billed(fields["billed"])
    return error


def _usage(counts: dict[str, int] | None) -> Usage | None:
    if counts is None:
        return None
    named = {name: counts[name] for name in Usage.__dataclass_fields__ if name in counts and name != "other"}
    return Usage(**named, other={name: count for name, count in counts.items() if name not in named})


def _cost(fields: dict[str, Any]) -> Cost:
    amounts = {name: _money(fields[name]) for name in ("amount_usd", "at_most_usd")}
    return Cost(**amounts, known_usd=Decimal(fields["known_usd"]), source=fields["source"])


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _attempt(fields: dict[str, Any]) -> Attempt:
    state, billed = AttemptState(fields["state"]), Billed(fields["billed"])
    return Attempt(**{**fields, "state": state, "billed": billed})
