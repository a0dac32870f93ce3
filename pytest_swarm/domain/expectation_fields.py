"""Checks of the fields of an expectation that is written in Python, where no reader of a file has looked at them.

A wrong type is refused where it is written: otherwise `Keywords(words="fib")` would look for three letters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Final, Protocol, TypeAlias

from pytest_swarm.domain.python_values import encode_value
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json

JsonScalar: TypeAlias = str | int | float | bool | None

_WORDS: Final = {str: "a text", bool: "True or False", float: "a number"}


class _Kinded(Protocol):
    @property
    def kind(self) -> str: ...


def check_field(expected: _Kinded, name: str, kind: type[str | bool | float]) -> None:
    """Raise GraphError where the field is not of this type; any real number is a number, True is none.

    Args:
        expected: The expectation.
        name: The field.
        kind: What its value must be.
    """
    value: object = getattr(expected, name)
    if kind is float and not isinstance(value, bool) and isinstance(value, Real):
        return
    if not isinstance(value, kind):
        raise GraphError(f"expected {expected.kind}: {name} is {value!r}, but must be {_WORDS[kind]}")


def checked_items(expected: _Kinded, name: str, kind: type = object) -> tuple[object, ...]:
    """Return the values of a list or tuple as a tuple; raise GraphError for anything else, and for a wrong item.

    Args:
        expected: The expectation.
        name: The field.
        kind: What each item must be.
    """
    value: object = getattr(expected, name)
    items = f"{kind.__name__}(...) values" if kind not in (str, object) else "texts" if kind is str else "values"
    if not isinstance(value, list | tuple):
        raise GraphError(f"expected {expected.kind}: {name} is {value!r}, but must be a list of {items}")
    for each in value:
        if not isinstance(each, kind):
            raise GraphError(f"expected {expected.kind}: {name} holds {each!r}, but must be a list of {items}")
    return tuple(value)


def checked_scalars(given: object) -> dict[str, JsonScalar]:
    """Return the expected fields of a JSON object; raise GraphError where one cannot be compared."""
    if not isinstance(given, Mapping):
        raise GraphError(f"expected json: fields is {given!r}, but must be a table such as {{'net': 40}}")
    if not given:
        raise GraphError("expected json: no fields given; write for example fields = { net = 40 }")
    for key, value in given.items():
        if not isinstance(key, str):
            raise GraphError(f"expected json: the name of field {key!r} must be a text")
        if not (value is None or isinstance(value, str | int | float)):
            raise GraphError(f"expected json: field {key!r} must be a text, number, true, false or null")
        if isinstance(value, float) and not math.isfinite(value):
            raise GraphError(f"expected json: field {key!r} is {value}, which JSON cannot represent")
    return dict(given)


def case_value(value: object) -> Json:
    """Return the JSON form of an argument or result of a function; GraphError for a value that has none.

    A table that is such a form already, as a file has it, stays as it is.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list():
            return [case_value(each) for each in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: case_value(each) for key, each in value.items()}
    try:
        encoded: Json = encode_value(value)  # type: ignore[assignment]  # its result is JSON by construction
    except TypeError as error:
        raise GraphError(f"expected code: {value!r:.60} cannot be an argument or result of a case: {error}") from error
    return encoded
