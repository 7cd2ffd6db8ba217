"""Errors in the shape of the FastAPI framework, which many providers' APIs are built on."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


class Finding(BaseModel):
    """One of the findings about a request."""

    loc: list[str | int] = []
    """Where in the request."""
    msg: str
    type: str = ""
    """A code; some APIs name a refusal here."""

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.loc))}: {self.msg}" if self.loc else self.msg


def findings_of(detail: Any) -> list[Finding]:
    """The findings in a ``detail`` member, which is a list of them or one text; empty where it is neither."""
    if isinstance(detail, str) and detail:
        return [Finding(msg=detail)]
    if not isinstance(detail, list):
        return []
    return [Finding.model_validate(each) if _is_finding(each) else Finding(msg=json.dumps(each)) for each in detail]


def _is_finding(value: Any) -> bool:
    try:
        Finding.model_validate(value)
    except ValueError:
        return False
    return True
