"""One synthetic picture with its truth, and how pictures are encoded."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Case:
    """A picture, whether it is as expected, and what is expected."""

    picture: bytes
    right: bool
    expectation: Any
    about: str
    kind: str
    """A row of its own in the table."""
    more: dict[str, Any] = field(default_factory=dict)
    """Other parts of a subject: mask, inputs, siblings, request."""

    @property
    def media_type(self) -> str:
        start = self.picture[:4]
        return {b"\x89PNG": "image/png", b"RIFF": "image/webp"}.get(start, "image/jpeg")


def coded(image: Image.Image, strain: str, chance: Random) -> bytes:
    """The file: as it is, with noise, or squeezed by a lossy codec."""
    if strain == "noise":
        return saved(noisy(image, chance.choice((8, 15, 25)), chance.randrange(2**31)), "PNG")
    if strain == "jpeg":
        return saved(image, "JPEG", quality=chance.choice((60, 75, 90)))
    if strain == "webp":
        return saved(image, "WEBP", quality=chance.choice((70, 85)))
    return saved(image, "PNG")


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **({"compress_level": 1} if kind == "PNG" else {}), **how)
    return file.getvalue()


def noisy(image: Image.Image, sigma: float, seed: int) -> Image.Image:
    """Gaussian noise of so many levels on every channel."""
    pixels = np.asarray(image.convert("RGB"), dtype=np.float32)
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
