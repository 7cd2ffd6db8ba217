"""What a call gives back: pictures, what they cost, how long each part took, what was changed on the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen import files, notebook, pictures
from imagegen.errors import Billed, ImageGenError
from imagegen.types.cost import Cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL.Image import Image as PILImage

    from imagegen.types.picture import PictureData


class AttemptState(StrEnum):
    """What one paid submit ended as. What happens next follows from this alone."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BILLED = "billed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One paid submit."""

    model: str
    """``connection:model``."""
    task: int
    """Which of the call's tasks, from 0."""
    state: AttemptState
    billed: Billed
    started_s: float
    """Seconds from the start of the call to this submit."""
    duration_s: float
    error: str | None = None
    """What went wrong, in one line; None for a picture or an accepted job."""
    status: int | None = None
    request_id: str | None = None
    server_s: float | None = None
    """The provider's own figure for its work, where it sends one."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One thing that is not as it was asked."""

    field: str
    asked: Any
    sent: Any
    """What went to the provider; None: nothing."""
    got: Any = None
    """What came back, where it differs from what was sent."""
    why: str = ""

    def __str__(self) -> str:
        sent = "nothing" if self.sent is None else self.sent
        got = f", got {self.got}" if self.got is not None else ""
        return f"{self.field}: asked {self.asked}, sent {sent}{got} ({self.why})"


@dataclass(frozen=True, slots=True)
class Usage:
    """What the provider counted. None: it did not say, which is not zero."""

    text_input_tokens: int | None = None
    image_input_tokens: int | None = None
    text_output_tokens: int | None = None
    image_output_tokens: int | None = None
    other: Mapping[str, int] = field(default_factory=dict)
    """Further billables by the name the price list uses, for example ``svg_author_output_tokens``."""

    def counts(self) -> dict[str, int]:
        """Every billable that was counted, by its name in the price list."""
        named = {
            "text_input_tokens": self.text_input_tokens,
            "image_input_tokens": self.image_input_tokens,
            "text_output_tokens": self.text_output_tokens,
            "image_output_tokens": self.image_output_tokens,
            **self.other,
        }
        return {name: count for name, count in named.items() if count is not None}

    def __add__(self, other: Usage) -> Usage:
        mine, theirs = self.counts(), other.counts()
        total = {name: mine.get(name, 0) + theirs.get(name, 0) for name in {**mine, **theirs}}
        named = {name: total.pop(name) for name in _TOKENS if name in total}
        return Usage(**named, other=total)


_TOKENS = ("text_input_tokens", "image_input_tokens", "text_output_tokens", "image_output_tokens")


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds on a monotonic clock, from the call to the last byte. With several tasks: those of the last to finish."""

    total_s: float
    wait_s: float = 0.0
    """Ours: back-off and stated paces."""
    queue_s: float | None = None
    """In the provider's queue, where it has one."""
    render_s: float | None = None
    """From the request's last byte (or the end of the queue) to the first byte of the answer."""
    download_s: float | None = None
    time_to_first_partial_s: float | None = None


@dataclass(slots=True)
class Waiting:
    """How long a job took, by the states that it went through; seconds."""

    queue_s: float | None = None
    render_s: float | None = None
    download_s: float | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """One picture, its bytes as the provider sent them."""

    content: PictureData
    media_type: str
    """Read from the bytes: ``image/png``."""
    width: int | None
    """Pixels; None for a vector picture without a stated size."""
    height: int | None
    has_alpha: bool
    seed: int | None = None
    revised_prompt: str | None = None

    @property
    def data(self) -> bytes:
        """The file's bytes, untouched: re-encoding would destroy its provenance marks."""
        return self.content.read()

    @property
    def path(self) -> Path | None:
        """Where it was saved to, with ``save_to``; None while in memory."""
        return self.content.path

    @property
    def caption(self) -> str:
        """What it is, in a few words."""
        seed = f", seed {self.seed}" if self.seed is not None else ""
        return f"{self.width}x{self.height} {pictures.FORMATS[self.media_type]}{seed}"

    def save(self, path: str | Path, *, overwrite: bool = True) -> Path:
        """Write the file atomically, with the suffix of its true type, and return where it is.

        Raises:
            FileExistsError: It exists and ``overwrite`` is False.
        """
        target = Path(path).with_suffix(pictures.SUFFIXES[self.media_type])
        files.write_atomic(target, self.content.view(), overwrite=overwrite)
        return target

    def pil(self) -> PILImage:
        """The decoded picture. A vector picture cannot be decoded.

        Raises:
            ValueError: Not a raster picture, or larger than 64 megapixels.
        """
        return pictures.decode(self.content.view(), self.media_type)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the bytes, as JSON values."""
        return {
            "path": str(self.path) if self.path else None,
            "media_type": self.media_type,
            "width": self.width,
            "height": self.height,
            "has_alpha": self.has_alpha,
            "size_bytes": self.content.size_bytes,
            "seed": self.seed,
            "revised_prompt": self.revised_prompt,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that did not come although its siblings may have."""

    index: int
    """Which of the n, from 0."""
    error: ImageGenError

    def to_dict(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "error": type(self.error).__name__,
            "message": self.error.message,
            "billed": self.error.billed.value,
        }


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What a call gave. There is at least one image; what did not come is in `failures`."""

    images: tuple[Image, ...]
    failures: tuple[Failure, ...]
    model: str
    """``connection:model`` that ran; where a provider names a more exact model that answered, `answered_by`."""
    answered_by: str | None
    usage: Usage | None
    cost: Cost
    latency: Latency
    adaptations: tuple[Adaptation, ...]
    attempts: tuple[Attempt, ...]
    warnings: tuple[str, ...]
    request_id: str | None
    raw: Any
    """The reply without pictures; a list when there were several."""
    replayed: bool = False
    """True for the stored result of an earlier call with the same key: nothing was sent or paid now."""

    @property
    def image(self) -> Image:
        """The first picture."""
        return self.images[0]

    def _repr_html_(self) -> str:
        """In a notebook: the pictures, what they cost, what was changed."""
        figures = [notebook.figure(each.content.view(), each.media_type, each.caption) for each in self.images]
        lines = [f"{self.answered_by or self.model}, {self.cost}, {self.latency.total_s:.1f} s"]
        lines += [f"changed: {each}" for each in self.adaptations]
        lines += [f"picture {each.index + 1} did not come: {each.error.message}" for each in self.failures]
        return notebook.page(figures, [*lines, *(f"note: {each}" for each in self.warnings)])

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values, without picture bytes and without `raw`."""
        return {
            "model": self.model,
            "answered_by": self.answered_by,
            "images": [image.to_dict() for image in self.images],
            "failures": [failure.to_dict() for failure in self.failures],
            "usage": self.usage.counts() if self.usage else None,
            "cost": plain(self.cost),
            "latency": plain(self.latency),
            "adaptations": [plain(each) for each in self.adaptations],
            "attempts": [plain(each) for each in self.attempts],
            "warnings": list(self.warnings),
            "request_id": self.request_id,
            "replayed": self.replayed,
        }


def plain(value: Any) -> Any:
    """A dataclass as JSON values; money as text, so that no digit is lost."""

    def factory(items: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: _json(each) for name, each in items}

    return asdict(value, dict_factory=factory)


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Enum):
        return value.value
    return value
