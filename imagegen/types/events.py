"""What happens while a picture is made, in the order it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from imagegen.types.picture import PictureData
    from imagegen.types.result import Image, ImageResult


@dataclass(frozen=True, slots=True)
class Queued:
    """Accepted, and waiting for its turn."""

    position: int | None = None
    """How many are before it, where the provider says."""
    task: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """It is being made."""

    fraction: float | None = None
    """0 to 1, where the provider says."""
    status: str = ""
    """The provider's own word."""
    task: int = 0


@dataclass(frozen=True, slots=True)
class Partial:
    """An unfinished picture."""

    content: PictureData
    index: int = 0
    """Which of the partial pictures, from 0."""
    task: int = 0


@dataclass(frozen=True, slots=True)
class ImageReady:
    """One finished picture; others of the call may follow."""

    image: Image
    index: int


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a call that gave at least one picture."""

    result: ImageResult


Event: TypeAlias = Queued | Progress | Partial | ImageReady | Done
