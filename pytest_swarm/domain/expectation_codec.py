"""Expectations to and from JSON and TOML: the only way in and out.

An expectation whose fields are texts, numbers, flags and lists of texts needs no line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field
from dataclasses import fields as fields_of
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

from pytest_swarm.domain.expectation import (
    DEFAULT_CHOICES,
    CodeCase,
    Expectation,
    JsonFields,
    Letter,
    PythonCode,
    choice_count,
)
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json


def encode_expectation(expected: Expectation) -> dict[str, Json]:
    """Return the JSON object of an expectation: `kind`, then its fields in their order.

    A flag that is off is left out, so that digests of graphs that are older than the flag stay the same.
    """
    encoded: dict[str, Json] = {"kind": expected.kind}
    for each in _file_fields(type(expected)):  # type: ignore[arg-type]  # a class is hashable
        value = getattr(expected, each.name)
        if value is not False or each.default is MISSING:
            encoded[each.name] = _encode_value(value)
    return encoded


@cache
def _file_fields(kind: type[Expectation]) -> tuple[Field[Any], ...]:
    """Return the fields that a file holds: a function, which no file can hold, is left out of comparisons too."""
    return tuple(each for each in fields_of(kind) if each.compare)


def _encode_value(value: object) -> Json:
    match value:
        case Mapping():
            return {str(key): _encode_value(each) for key, each in value.items()}
        case tuple():
            return [_encode_case(each) if isinstance(each, CodeCase) else _encode_value(each) for each in value]
        case None | str() | int() | float() | bool():
            return value
    raise TypeError(f"no expectation holds a {type(value).__name__}")


def _encode_case(case: CodeCase) -> dict[str, Json]:
    """The JSON object of a case; what is usual is left out, so that digests of older graphs stay the same."""
    encoded: dict[str, Json] = {"args": list(case.args), "returns": case.returns}
    if case.through is not None:
        encoded["through"] = case.through
    if case.tolerance:
        encoded["tolerance"] = case.tolerance
    return encoded


def decode_expectation(fields: Fields) -> Expectation:
    """Return the expectation of a JSON or TOML table; raise the error of `fields`, naming the place."""
    if "kind" not in fields:
        raise fields.fail(f"'kind' is missing; write one of {', '.join(_READERS)}")
    kind = fields.text("kind")
    reader = _READERS.get(kind)
    if reader is None:
        raise fields.fail(f"unknown expectation {kind!r}; known are {', '.join(_READERS)}")
    try:
        return reader(fields)
    except GraphError as error:
        raise fields.placed(error) from error


def _read_json(fields: Fields) -> Expectation:
    fields.only(("kind", "fields", "quoted_numbers"))
    table = fields.table("fields")
    values: dict[str, Any] = {key: table.raw(key) for key in table}
    return JsonFields(fields=values, quoted_numbers=fields.flag("quoted_numbers", default=False))


def _plain_reader(kind: type[Expectation]) -> Callable[[Fields], Expectation]:
    """Return the reader of an expectation whose fields are texts, numbers, flags and lists of texts."""

    def read(fields: Fields) -> Expectation:
        rows = _file_fields(kind)  # type: ignore[arg-type]  # a class is hashable
        fields.only(("kind", *(row.name for row in rows)))
        given = (row for row in rows if row.name in fields or row.default is MISSING)
        return kind(**{row.name: _PLAIN[str(row.type)](fields, row.name) for row in given})

    return read


def _read_code(fields: Fields) -> Expectation:
    fields.only(("kind", "entry_point", "cases"))
    return PythonCode(entry_point=fields.text("entry_point"), cases=tuple(map(_read_case, fields.tables("cases"))))


def _read_case(fields: Fields) -> CodeCase:
    fields.only(("args", "returns", "through", "tolerance"))
    args = fields.raw("args")
    if not isinstance(args, list):
        raise fields.fail("'args' must be a list")
    returns: Json = fields.raw("returns")  # type: ignore[assignment]  # parsed JSON or TOML is Json by construction
    return CodeCase(
        args=tuple(args),
        returns=returns,
        through=fields.optional_text("through"),
        tolerance=fields.number("tolerance", 0.0, low=0),
    )


def _read_letter(fields: Fields) -> Expectation:
    fields.only(("kind", "value", "choices"))
    choices = choice_count(fields.raw("choices")) if "choices" in fields else DEFAULT_CHOICES
    return Letter(value=fields.text("value"), choices=choices)


_PLAIN: Mapping[str, Callable[[Fields, str], Any]] = MappingProxyType(
    {
        "str": lambda table, name: table.text(name),
        "float": lambda table, name: table.number(name),
        "int": lambda table, name: table.whole(name),
        "bool": lambda table, name: table.flag(name),
        "tuple[str, ...]": lambda table, name: table.texts(name),
    }
)
"""Readers by the type of a field."""

_OWN_READERS: Mapping[type[Expectation], Callable[[Fields], Expectation]] = MappingProxyType(
    {JsonFields: _read_json, Letter: _read_letter, PythonCode: _read_code}
)
"""Readers of expectations with fields of other types."""

_READERS: Mapping[str, Callable[[Fields], Expectation]] = MappingProxyType(
    {each.kind: _OWN_READERS.get(each) or _plain_reader(each) for each in get_args(Expectation)}
)
