"""A task as it is painted, and as a job carries it to whoever asks for it, in another process too."""

from __future__ import annotations

import secrets
import time
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from imagegen import ImageInput, ImageRequest, InvalidRequestError, RemoteJob, Task
from imagegen.masks import repaint_area
from imagegen_providers.stub import cancelled
from imagegen_providers.stub.options import StubOptions

MODELS = ("painter", "sloppy", "slow", "metered")
FORMATS = ("png", "jpeg", "webp", "gif")
QUALITIES = ("low", "medium", "high")
MOST_REFERENCES = 8
MOST_PARTIALS = 8
_USUAL_SIZE = "1024x1024"
_MOST_IMAGES = 10
_EDGE_PX = (16, 4096)


class Order(BaseModel):
    """What is to be painted, completely."""

    model: str
    operation: str = "generate"
    request: ImageRequest
    n: int
    seed: int
    size: tuple[int, int]
    options: StubOptions = Field(default_factory=StubOptions)
    quality: str = "medium"
    accepted_at: float = 0
    """Seconds since 1970: the one clock that processes share."""
    corrupt: bool = False
    """The files are cut short."""

    @classmethod
    def of(cls, task: Task) -> Order:
        """Decodes the first input picture where its size is the one to paint: not for the event loop.

        Raises:
            InvalidRequestError: The stub cannot paint it.
        """
        seed = task.request.seed
        order = cls(
            model=task.model,
            operation=task.operation,
            request=task.request,
            n=task.count,
            seed=secrets.randbits(32) if seed is None else seed,
            size=_size_of(task),
            options=task.options if isinstance(task.options, StubOptions) else StubOptions(),
            quality=task.request.quality or task.defaults.get("quality", "medium"),
            accepted_at=time.time(),
        )
        order.check()
        return order

    @classmethod
    def in_job(cls, job: RemoteJob) -> Order:
        """The order in a job's data, which is untrusted: it may have been on disk.

        Raises:
            InvalidRequestError: It is none.
        """
        try:
            order = cls.model_validate(dict(job.data))
        except (ValidationError, ValueError):
            raise InvalidRequestError("not a job of the stub", code="unknown_job") from None
        if not cancelled.is_id(job.id):
            raise InvalidRequestError("not a job of the stub", code="unknown_job")
        order.check()
        return order

    def to_data(self) -> dict[str, Any]:
        """The order as JSON values; input pictures as data URLs, so that no other place is needed to find them."""
        request = self.request.asked()
        if self.request.images:
            request["images"] = [each.data_url() for each in self.request.images]
        if self.request.mask is not None:
            request["mask"] = self.request.mask.data_url()
        return {**self.model_dump(mode="json", exclude={"request"}), "request": request}

    @property
    def inputs(self) -> int:
        """How many pictures were handed in, the mask among them."""
        return len(self.request.images) + (self.request.mask is not None)

    def check(self) -> None:
        """Refuse what the stub cannot paint.

        Raises:
            InvalidRequestError: It cannot.
        """
        shortest, longest = min(self.size), max(self.size)
        pictures = len(self.request.images)
        rules = {
            "model": (self.model in MODELS, ", ".join(MODELS)),
            "n": (1 <= self.n <= _MOST_IMAGES, f"1 to {_MOST_IMAGES}"),
            "size": (shortest >= _EDGE_PX[0] and longest <= _EDGE_PX[1], f"sides of {_EDGE_PX[0]} to {_EDGE_PX[1]} px"),
            "output_format": ((self.request.output_format or "png") in FORMATS, ", ".join(FORMATS)),
            "quality": (self.model != "metered" or self.quality in QUALITIES, ", ".join(QUALITIES)),
            "images": (self.operation != "edit" or 1 <= pictures <= MOST_REFERENCES, f"1 to {MOST_REFERENCES} to edit"),
            "partial_images": ((self.request.partial_images or 0) <= MOST_PARTIALS, f"0 to {MOST_PARTIALS}"),
        }
        for name, (fulfilled, known) in rules.items():
            if not fulfilled:
                raise InvalidRequestError(f"the stub takes as {name}: {known}", code=f"bad_{name}")


def _size_of(task: Task) -> tuple[int, int]:
    if task.operation == "edit" and task.request.size is None and task.request.images:
        size: tuple[int, int] = decoded(task.request.images[0], "images").size
        return size
    width, _, height = (task.request.size or _USUAL_SIZE).partition("x")
    return int(width), int(height)


def decoded(picture: ImageInput, field: str) -> Any:
    """An input picture as a PIL image.

    Raises:
        InvalidRequestError: It is none, or it is behind a URL: the stub fetches nothing.
    """
    try:
        return repaint_area(picture) if field == "mask" else picture.pil()
    except ValueError as error:
        raise InvalidRequestError(f"{field}: {error}", code=f"bad_{field}") from None
