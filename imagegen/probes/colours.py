"""The names of colours: which one a pixel has, and when that is a matter of opinion."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from imagegen.probes.colour_names import PROTOTYPES, RGB, base_of

_DOUBT = 9.0
"""Colours (CIE Lab) less far apart than this from two names have no sure one."""


def lab_of(colour: RGB) -> NDArray[np.float32]:
    """CIE Lab, lightness 0 to 100."""
    pixel = np.array([[[*colour]]], dtype=np.float32) / 255
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB)[0, 0], dtype=np.float32)


@functools.cache
def _labs() -> Mapping[str, NDArray[np.float32]]:
    return {name: np.array([lab_of(colour) for colour in colours]) for name, colours in PROTOTYPES.items()}


def distances(lab: NDArray[np.float32]) -> dict[str, float]:
    """How far a colour is from each name."""
    return {name: float(np.linalg.norm(colours - lab, axis=1).min()) for name, colours in _labs().items()}


def names_of(lab: NDArray[np.float32]) -> tuple[str, ...]:
    """The name of a colour, without ``dark`` and ``light``; two where it could be called either."""
    nearest: dict[str, float] = {}
    for name, distance in distances(lab).items():
        nearest[base_of(name)] = min(distance, nearest.get(base_of(name), np.inf))
    (first, least), (second, next_least) = sorted(nearest.items(), key=lambda each: each[1])[:2]
    return (first, second) if next_least - least < _DOUBT else (first,)


def is_called(lab: NDArray[np.float32], asked: str) -> bool | None:
    """Whether a colour is the one that was asked for; None where it could be called so, or something else."""
    names = names_of(lab)
    base = base_of(asked)
    if base not in names:
        return False
    if len(names) > 1:
        return None
    if base == asked:
        return True
    lightness, plain = float(lab[0]), float(np.mean([each[0] for each in _labs()[base]]))
    apart = plain - lightness if asked.startswith("dark") else lightness - plain
    return True if apart > 8 else (None if apart > -4 else False)
