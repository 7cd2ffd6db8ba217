"""What a caller asks for: one immutable request that names no model."""

from __future__ import annotations

import copy
import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from imagegen.errors import ConfigurationError
from imagegen.types.inputs import ImageInput

if TYPE_CHECKING:
    from collections.abc import Mapping

Size: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]
AspectRatio: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$")]
Resolution: TypeAlias = Literal["1K", "2K", "4K"]
Quality: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]
Background: TypeAlias = Literal["transparent", "opaque"]
OutputFormat: TypeAlias = Literal["png", "jpeg", "webp", "gif", "svg"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ProviderOptions(_Model):
    """What one provider alone has. A provider subclasses it and names itself; unknown keys are refused."""

    provider: ClassVar[str] = ""
    """The provider's name, the namespace in `ImageRequest.options`."""


class ImageRequest(_Model):
    """One request for images. None leaves a choice to the model and is not sent (but see `Plan.defaults`)."""

    prompt: Annotated[str, StringConstraints(min_length=1)]
    """What to draw, or what to change."""
    n: Annotated[int, Field(ge=1)] = 1
    """How many images. Split into several calls where a model makes fewer at once."""
    size: Size | None = None
    """Width and height in pixels, ``"1024x768"``. Excludes `aspect_ratio` and `resolution`."""
    aspect_ratio: AspectRatio | None = None
    """Width to height, ``"3:2"``; the model's own pixel count unless `resolution` is given."""
    resolution: Resolution | None = None
    """A tier of pixel counts: about 1, 4 or 16 million, or what the model calls by that name."""
    quality: Quality | None = None
    """Rendering effort; higher costs more. Source: OpenAI Images API, `quality`."""
    background: Background | None = None
    """``"transparent"`` needs a format with alpha."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    """Same seed, same request, same picture, where the model can."""
    negative_prompt: str | None = None
    """What to keep out of the picture."""
    output_format: OutputFormat | None = None
    """The file format asked for; what came is read from its bytes."""
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    """Quality of a lossy format, 0 to 100, 100 the best. Source: OpenAI Images API."""
    images: tuple[ImageInput, ...] = ()
    """Pictures to edit or to refer to."""
    mask: ImageInput | None = None
    """White repaints, black stays."""
    partial_images: Annotated[int, Field(ge=0)] | None = None
    """How many unfinished pictures a stream may show; some models charge for them."""
    end_user_id: str | None = None
    """A hashed id of your own user, for the provider's abuse checks. Not part of the fingerprint."""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """What one provider alone has: ``{"openai": {"moderation": "low"}}`` or ``[OpenAIOptions(moderation="low")]``."""

    @field_validator("options", mode="before")
    @classmethod
    def _by_provider(cls, value: Any) -> Any:
        """A list of typed options and a mapping mean the same; the caller's own objects are not kept."""
        if isinstance(value, ProviderOptions):
            value = [value]
        if isinstance(value, (list, tuple)):
            return {each.provider: each.model_dump(exclude_unset=True) for each in value}
        return copy.deepcopy(value)

    @field_validator("images", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.size and (self.aspect_ratio or self.resolution):
            raise ValueError("size excludes aspect_ratio and resolution")
        if self.background == "transparent" and self.output_format == "jpeg":
            raise ValueError("jpeg has no transparency: ask for png or webp")
        if self.mask is not None and not self.images:
            raise ValueError("a mask needs images")
        return self

    def with_fields(self, changes: Mapping[str, Any]) -> ImageRequest:
        """The same request with some fields replaced (already valid values); the fingerprint is the new one's."""
        kept = {name: getattr(self, name) for name in self.model_fields_set if name not in changes}
        return ImageRequest.model_construct(_fields_set={*kept, *changes}, **kept, **dict(changes))

    def asked(self) -> dict[str, Any]:
        """The fields that were set to something other than their default, inputs by digest: plain JSON values."""
        found: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value != field.get_default(call_default_factory=True):
                found[name] = _plain(value)
        return found

    @cached_property
    def fingerprint(self) -> str:
        """``r1:`` and sha256 over canonical JSON of the set fields; inputs by content, without `end_user_id`."""
        fields = {name: value for name, value in self.asked().items() if name != "end_user_id"}
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return "r1:" + hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, (ImageInput, bytes, Path)) or hasattr(value, "save"):  # a picture, here or in the options
        return ImageInput.of(value).digest
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def request_of(fields: Mapping[str, Any]) -> ImageRequest:
    """A request from keywords; a bad value is one line.

    Raises:
        ConfigurationError: A field is unknown or its value is not one it can have.
    """
    try:
        return ImageRequest(**fields)
    except ValidationError as error:
        raise ConfigurationError(one_line(error)) from None


def one_line(error: ValidationError) -> str:
    """Pydantic's findings as one line: which field, what is wrong, never the value."""
    parts = []
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(step) for step in each["loc"])
        what = each["msg"].removeprefix("Value error, ")
        parts.append(f"{where}: {what}" if where else what)
    return "; ".join(parts)
