"""Members of an answer that is paid for: one that is not as documented is as if absent, and takes nothing with it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


or_none = WrapValidator(_or_none)
"""``Annotated[Decimal | None, or_none] = None``"""
