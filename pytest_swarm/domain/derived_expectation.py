"""What is expected of a task whose right answer follows from its parents' answers: of the same kind, another value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pytest_swarm.domain.expectation import (
    CodeCase,
    Exact,
    Expectation,
    JsonFields,
    Keywords,
    Letter,
    Number,
    PythonCode,
    YesNo,
)
from pytest_swarm.domain.formula import UnusableError, Value
from pytest_swarm.fields import Json

DERIVABLE: Final = (JsonFields, Number, YesNo, Keywords, Exact, PythonCode, Letter)


def derived(expected: Expectation, value: Value) -> Expectation:
    """Return the expectation of the same kind whose right answer is `value`; UnusableError for a value of another kind.

    A record for json, a number for number, true or false for yes_no, a list of texts for keywords, a text for exact,
    a letter for letter, a list of cases {"args": [...], "returns": ...} for code.
    """
    match expected:
        case JsonFields() if (
            isinstance(value, dict) and value and all(isinstance(v, str | int | float) for v in value.values())
        ):
            scalars = {key: v for key, v in value.items() if isinstance(v, str | int | float)}
            return replace(expected, fields=scalars)
        case Number() if isinstance(value, int | float) and not isinstance(value, bool):
            return Number(value=value, tolerance=expected.tolerance)
        case YesNo() if isinstance(value, bool):
            return YesNo(value=value)
        case Keywords() if isinstance(value, list) and value:
            return Keywords(words=tuple(map(str, value)))
        case Exact() if isinstance(value, str):
            return replace(expected, text=value)
        case Letter() if isinstance(value, str):
            return replace(expected, value=value)
        case PythonCode() if isinstance(value, list) and value:
            return PythonCode(entry_point=expected.entry_point, cases=tuple(map(_derived_case, value)))
    raise UnusableError(f"{value!r} is not an expected value of kind {expected.kind}")


def _derived_case(value: Value) -> CodeCase:
    match value:
        case {"args": list() as args, "returns": returns} if isinstance(value, dict) and len(value) == 2:
            return CodeCase(args=_as_json(args), returns=_as_json([returns])[0])
    raise UnusableError(f"{value!r} is no case of a function")


def _as_json(values: Sequence[Value]) -> tuple[Json, ...]:
    """Return the same values under the type of JSON values, which they are."""
    read: list[Json] = json.loads(json.dumps(list(values)))
    return tuple(read)
