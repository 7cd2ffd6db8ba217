"""Members of an answer that is paid for: one that is not as documented is as if absent, and takes nothing with it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from imagegen.http.lenient import or_none

__all__ = ["Filters", "Text", "as_text", "filtered", "or_none"]


def as_text(value: Any) -> str:
    """Codes are numbers at some servers, and messages objects."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


Text = Annotated[str, BeforeValidator(as_text)]


class Filtered(BaseModel):
    """One of Azure's filters."""

    filtered: bool = False


Filters = Annotated[dict[str, Annotated[Filtered | None, or_none]] | None, or_none]


def filtered(filters: dict[str, Filtered | None] | None) -> list[str]:
    """The filters that took something out, by name."""
    return [name for name, found in (filters or {}).items() if found and found.filtered]
