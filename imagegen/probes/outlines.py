"""The shapes, by how far their outline is from their middle in every direction: turned and scaled at will."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

Shape: TypeAlias = Literal[
    "circle", "ellipse", "square", "rectangle", "triangle", "diamond", "pentagon", "hexagon", "star", "heart", "cross"
]
SHAPES: tuple[Shape, ...] = get_args(Shape)
Profile: TypeAlias = NDArray[np.float32]

_STEPS = 90
_ALIKE = 0.055
"""Mean difference of two profiles, in shares of the mean radius, up to which an outline has that shape."""
_APART = 0.012
"""So much less like the next shape has to be."""
_UPRIGHT_DEGREES = 20
"""A square turned by more than this is no longer one that people call a square."""


def profile_of(contour: NDArray[np.int32]) -> Profile:
    """The outline's distance from its middle in so many directions, 1 on the mean."""
    points = _dense(contour.reshape(-1, 2).astype(np.float32))
    moments = cv2.moments(contour)
    area = max(1e-6, moments["m00"])
    middle = np.array([moments["m10"] / area, moments["m01"] / area], dtype=np.float32)
    away = points - middle
    angles = np.mod(np.arctan2(away[:, 1], away[:, 0]), math.tau)
    radii = np.hypot(away[:, 0], away[:, 1])
    profile = np.zeros(_STEPS, dtype=np.float32)
    np.maximum.at(profile, (angles / math.tau * _STEPS).astype(int) % _STEPS, radii)
    filled = np.flatnonzero(profile)
    profile = np.interp(np.arange(_STEPS), filled, profile[filled], period=_STEPS).astype(np.float32)
    return np.asarray(profile / max(1e-6, float(profile.mean())), dtype=np.float32)


def _dense(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points along a closed outline, close enough for every direction to have one."""
    ahead = np.roll(points, -1, axis=0)
    steps = np.maximum(1, np.hypot(*(ahead - points).T).astype(int) * 2)
    pieces = [
        start + (end - start) * np.linspace(0, 1, count, endpoint=False, dtype=np.float32)[:, None]
        for start, end, count in zip(points, ahead, steps, strict=True)
    ]
    return np.concatenate(pieces)


def shape_of(contour: NDArray[np.int32]) -> Shape | None:
    """The shape that an outline surely has; None where it is like none, or like two."""
    profile = profile_of(contour)
    likeness: dict[Shape, tuple[float, int]] = {}
    for shape, variants in _known().items():
        likeness[shape] = min(_least(profile, variant) for variant in variants)
    (best, (apart, turn)), (_, (next_apart, _)) = sorted(likeness.items(), key=lambda each: each[1])[:2]
    if apart > _ALIKE or next_apart - apart < _APART:
        return None
    return _as_it_stands(best, turn * 360 / _STEPS)


def _least(profile: Profile, known: Profile) -> tuple[float, int]:
    """How far two profiles are apart in the turn in which they are the nearest, and that turn."""
    apart = np.abs(known[_TURNS] - profile).mean(axis=1)
    at = int(apart.argmin())
    return float(apart[at]), at


_TURNS = (np.arange(_STEPS)[None, :] - np.arange(_STEPS)[:, None]) % _STEPS


def _as_it_stands(shape: Shape, degrees: float) -> Shape | None:
    """A square on its corner is a diamond, one in between neither surely."""
    if shape != "square":
        return shape
    off = min(degrees % 90, 90 - degrees % 90)
    if off <= _UPRIGHT_DEGREES:
        return "square"
    return "diamond" if off >= 45 - _UPRIGHT_DEGREES / 2 else None


@functools.cache
def _known() -> Mapping[Shape, Sequence[Profile]]:
    return {shape: [profile_of(_contour(points)) for points in _variants(shape)] for shape in SHAPES}


def _contour(points: Sequence[tuple[float, float]]) -> NDArray[np.int32]:
    return np.round(np.array(points) * 400).astype(np.int32).reshape(-1, 1, 2)


def _variants(shape: Shape) -> list[list[tuple[float, float]]]:
    """Each shape as it is usually drawn."""
    match shape:
        case "circle":
            return [_round(1, 1)]
        case "ellipse":
            return [_round(1, high) for high in (0.4, 0.5, 0.62, 0.72, 0.8)]
        case "square":
            return [_box(1, 1)]
        case "rectangle":
            return [_box(1, high) for high in (0.3, 0.4, 0.5, 0.58, 0.68, 0.78)]
        case "triangle":
            return [[(0, -high), (0.5, 0), (-0.5, 0)] for high in (0.7, 0.8, 0.88, 1.0, 1.15)]
        case "diamond":
            return [[(0, -1), (wide, 0), (0, 1), (-wide, 0)] for wide in (0.5, 0.6, 0.72)]
        case "pentagon" | "hexagon":
            return [_spokes(5 if shape == "pentagon" else 6, 1)]
        case "star":
            return [_spokes(10, inner) for inner in (0.38, 0.42, 0.48, 0.55)]
        case "heart":
            return [_heart(1.0), _heart(0.88)]
        case "cross":
            return [_cross(arm) for arm in (0.26, 0.34, 0.42)]


def _round(wide: float, high: float) -> list[tuple[float, float]]:
    turns = [math.tau * step / 120 for step in range(120)]
    return [(wide * math.cos(turn), high * math.sin(turn)) for turn in turns]


def _box(wide: float, high: float) -> list[tuple[float, float]]:
    return [(-wide, -high), (wide, -high), (wide, high), (-wide, high)]


def _spokes(corners: int, inner: float) -> list[tuple[float, float]]:
    radii = [1.0 if corner % 2 == 0 else inner for corner in range(corners)]
    turns = [math.tau * corner / corners for corner in range(corners)]
    return [(radius * math.sin(turn), -radius * math.cos(turn)) for radius, turn in zip(radii, turns, strict=True)]


def _heart(high: float) -> list[tuple[float, float]]:
    turns = [math.tau * step / 120 for step in range(120)]
    return [
        (
            math.sin(turn) ** 3,
            -high * (13 * math.cos(turn) - 5 * math.cos(2 * turn) - 2 * math.cos(3 * turn) - math.cos(4 * turn)) / 16,
        )
        for turn in turns
    ]


def _cross(arm: float) -> list[tuple[float, float]]:
    near, far = arm, 1.0
    return [
        (-near, -far), (near, -far), (near, -near), (far, -near), (far, near), (near, near),
        (near, far), (-near, far), (-near, near), (-far, near), (-far, -near), (-near, -near),
    ]  # fmt: skip
