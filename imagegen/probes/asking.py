"""What a suite may expect, checked: a model each, and one line when it is wrong."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from imagegen.errors import ConfigurationError


class Expected(BaseModel):
    """A part of an expectation; what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=Expected)


def one(kind: type[Model], expectation: Any, probe: str) -> Model:
    """The expectation as a model.

    Raises:
        ConfigurationError: In one line.
    """
    found: Model = _checked(TypeAdapter(kind), expectation, probe)
    return found


def several(kind: type[Model], expectation: Any, probe: str) -> list[Model]:
    """One or more of a kind, as a list.

    Raises:
        ConfigurationError: In one line.
    """
    given = [expectation] if isinstance(expectation, dict) else expectation
    adapter: TypeAdapter[Any] = TypeAdapter(list[kind])  # type: ignore[valid-type]  # known at run time only
    found: list[Model] = _checked(adapter, given, probe)
    if not found:
        raise ConfigurationError(f"probe {probe!r}: nothing is expected")
    return found


def _checked(adapter: TypeAdapter[Any], given: Any, probe: str) -> Any:
    try:
        return adapter.validate_python(dict(given) if hasattr(given, "keys") else given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        raise ConfigurationError(f"probe {probe!r}: {where + ': ' if where else ''}{first['msg']}") from None
