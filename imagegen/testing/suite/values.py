"""Values of request fields and options that the suite asks for."""

from __future__ import annotations

from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from imagegen.catalogue import Parameter

VALUES: dict[str, tuple[Any, ...]] = {
    "size": ("512x512", "768x768", "1024x1024", "1536x1024", "1024x1536", "1920x1088"),
    "aspect_ratio": ("1:1", "16:9", "9:16"),
    "resolution": ("1K", "2K"),
    "quality": ("low", "medium", "high"),
    "background": ("transparent", "opaque"),
    "seed": (1, 2),
    "negative_prompt": ("rain", "snow"),
    "output_format": ("png", "jpeg", "webp"),
    "output_compression": (40, 80),
    "end_user_id": ("u-1", "u-2"),
    "n": (1, 2),
    "prompt": ("a red fox", "a blue fox"),
}
"""Values of each request field; any two that are sent as asked must differ in the request."""
WITH = {"output_compression": {"output_format": "jpeg"}}


def values_of(rule: Parameter, annotation: Any) -> tuple[Any, ...]:
    """Two or more values of an option; none where neither the catalogue nor the type says any."""
    if rule.values:
        return rule.values
    kinds = _kinds(annotation)
    if rule.flag or bool in kinds:
        return (True, False)
    for kind in kinds:
        if get_origin(kind) is Literal:
            return get_args(kind)
    if int in kinds or float in kinds:
        least, most = rule.minimum, rule.maximum
        found = (least if least is not None else 1, most if most is not None else (least or 1) + 1)
        return tuple(int(each) for each in found) if int in kinds else tuple(float(each) for each in found)
    return ("one", "other") if str in kinds else ()


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; what an annotated type stands for."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(kind for each in get_args(annotation) for kind in _kinds(each))
    return _kinds(get_args(annotation)[0]) if hasattr(annotation, "__metadata__") else (annotation,)
