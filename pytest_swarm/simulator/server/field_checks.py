"""Checks the fields of a request as the server's JSON decoder does: by their Go types, with Go's own error messages."""

from __future__ import annotations

import sys
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import DurationError, keep_alive_s
from pytest_swarm.simulator.server.go_values import JsonNumber, base64_fault, go_quoted, overflows_float32
from pytest_swarm.simulator.server.request_fields import (
    ANY,
    ARGUMENTS,
    BLOCK_MESSAGES,
    BOOL,
    FLOAT,
    FLOAT32,
    IMAGE,
    INT,
    ITEM_TYPES,
    KEEP_ALIVE,
    MAP_TYPES,
    MESSAGE,
    MESSAGES,
    MIXED_CASE,
    ORDERED_MAP,
    PROPERTY_TYPE,
    PYTHON_TYPES,
    RAW,
    STRING,
    STRUCT_FIELDS,
    THINK,
)
from pytest_swarm.simulator.server.request_values import JsonObject, object_of, rows_of

_THINK_LEVELS: Final = ("high", "medium", "low", "max")
_BLOCK_MESSAGE: Final = 'struct { Role string "json:\\"role\\""; Content json.RawMessage "json:\\"content\\"" }'
NO_OBJECT: Final = "Value looks like object, but can't find closing '}' symbol"
_LARGEST_FLOAT: Final = sys.float_info.max
_THINK_CHOICE: Final = '"high", "medium", "low", "max", true, or false'


class InvalidBody(Exception):  # noqa: N818 - it is the text of a 400, not a fault of the program
    """A body that the server rejects with status 400; the message is the server's."""


def folded(data: JsonObject) -> dict[str, Json]:
    """Return an object with its names in small letters, since Go finds a field in any case."""
    return {name.lower(): value for name, value in data.items()}


def go_kind(value: Json) -> str:
    """Return the name of a JSON value's type in Go's decoder."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def check_struct(value: Json, go_type: str) -> None:
    """Raise InvalidBody for a member of a wrong type in an object that the server decodes by itself.

    Args:
        value: The object; null is one without members.
        go_type: A key of `STRUCT_FIELDS`.
    """
    if not isinstance(value, dict | None):
        raise InvalidBody(f"json: cannot unmarshal {go_kind(value)} into Go value of type {go_type}")
    for name, item in folded(value or {}).items():
        check_field(item, f"{_struct_name(go_type)}.{name}", STRUCT_FIELDS[go_type].get(name))


def check_field(value: Json, where: str, go_type: str | None, *, named: bool = False) -> None:
    """Raise InvalidBody for a value that is not of its field's type.

    Args:
        value: The value.
        where: The field as the server's error names it, such as ChatRequest.model.
        go_type: A type of `request_fields`; None for a field that the server does not read.
        named: Whether an error names the struct of `where` for members, too. It does inside a decoder of its own.
    """
    if go_type in (None, RAW) or value is None:
        return
    if go_type == ANY:
        _check_numbers(value, where)
        return
    if go_type == KEEP_ALIVE:
        _check_numbers(value, where)
        _check_keep_alive(value)
        return
    if go_type == THINK:
        _check_think(value)
        return
    if go_type == IMAGE:
        _check_image(value, where)
        return
    if go_type == PROPERTY_TYPE:
        go_type = STRING if isinstance(value, str) else "[]string"
    if go_type in (ORDERED_MAP, ARGUMENTS) and not isinstance(value, dict):
        raise InvalidBody(NO_OBJECT)
    if not isinstance(value, _python_type(go_type)) or (isinstance(value, bool) and go_type != BOOL):
        raise _wrong_type(value, where, go_type)
    if isinstance(value, JsonNumber) and (go_type == INT or _overflows(value, go_type)):
        raise _wrong_type(value, where, go_type, kind=f"number {value.text}")
    if isinstance(value, dict):
        _check_members(value, where, go_type, named=named)
    elif isinstance(value, list):
        for item in value:
            _check_item(item, where, go_type, named=named)


def _python_type(go_type: str) -> type | tuple[type, ...]:
    if go_type in PYTHON_TYPES:
        return PYTHON_TYPES[go_type]
    return list if go_type in ITEM_TYPES or go_type.startswith("[]") else dict


def _overflows(number: JsonNumber, go_type: str) -> bool:
    return overflows_float32(number) if go_type == FLOAT32 else abs(number) > _LARGEST_FLOAT


def _check_numbers(value: Json, where: str) -> None:
    """Raise InvalidBody for a number beyond those of 64 bits in a value of any type."""
    if isinstance(value, JsonNumber) and _overflows(value, FLOAT):
        raise _wrong_type(value, where, FLOAT, kind=f"number {value.text}")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_numbers(item, where)


def _check_members(value: JsonObject, where: str, go_type: str, *, named: bool) -> None:
    """Check the values of an object field: alike in a map, each of its own type in a struct."""
    if go_type in MAP_TYPES:
        for item in value.values():
            check_field(item, where, MAP_TYPES[go_type], named=named or go_type == ORDERED_MAP)
    struct, _, path = where.partition(".")
    for name, item in folded(value).items() if go_type in STRUCT_FIELDS else ():
        outer = struct if named else _struct_name(go_type)
        check_field(item, f"{outer}.{path}.{MIXED_CASE.get(name, name)}", STRUCT_FIELDS[go_type].get(name), named=named)


def _struct_name(go_type: str) -> str:
    """Return the name of a struct in an error: that of its type, nothing where the type has none."""
    return "" if go_type.startswith("struct") else go_type.rpartition(".")[2]


def _check_item(item: Json, where: str, go_type: str, *, named: bool) -> None:
    """Check one item of a list field."""
    if go_type == MESSAGES:
        _check_message(item, where)
    elif go_type == BLOCK_MESSAGES:
        _check_block_message(item, where)
    else:
        check_field(item, where, ITEM_TYPES.get(go_type), named=named)


def _check_message(message: Json, where: str) -> None:
    if not isinstance(message, dict | None):
        raise _wrong_type(message, where, "api.Alias")
    fields = folded(message or {})
    _check_arguments(fields.get("tool_calls"))
    for name, value in fields.items():
        check_field(value, f"{where}.{name}", STRUCT_FIELDS[MESSAGE].get(name), named=True)


def _check_block_message(message: Json, where: str) -> None:
    """Check a message whose content is a text or a list of blocks."""
    if not isinstance(message, dict | None):
        raise _wrong_type(message, where, _BLOCK_MESSAGE)
    fields = folded(message or {})
    check_field(fields.get("role"), f"{where}.role", STRING)
    if "content" not in fields:
        raise InvalidBody("unexpected end of JSON input")
    content = fields["content"]
    if not isinstance(content, str | None):
        check_field(content, where, "[]anthropic.ContentBlock", named=True)


def _check_arguments(calls: Json) -> None:
    """Check the arguments of tool calls: they have a decoder of their own, whose error comes before any other."""
    for call in rows_of(calls):
        if not isinstance(object_of(call.get("function")).get("arguments"), dict | None):
            raise InvalidBody(NO_OBJECT)


def _check_keep_alive(value: Json) -> None:
    try:
        keep_alive_s(value)
    except DurationError as error:
        raise InvalidBody(str(error)) from error


def _check_think(value: Json) -> None:
    if isinstance(value, bool):
        return
    if not isinstance(value, str):
        raise InvalidBody(f"think must be a boolean or string ({_THINK_CHOICE})")
    if value not in _THINK_LEVELS:
        raise InvalidBody(f"invalid think value: {go_quoted(value)} (must be {_THINK_CHOICE})")


def _check_image(image: Json, where: str) -> None:
    """Check the bytes of an image: base64, or a list of them."""
    if isinstance(image, list):
        for byte in image:
            _check_byte(byte, where)
    elif not isinstance(image, str):
        raise _wrong_type(image, where, IMAGE)
    elif (fault := base64_fault(image)) is not None:
        raise InvalidBody(f"illegal base64 data at input byte {fault}")


def _check_byte(byte: Json, where: str) -> None:
    if isinstance(byte, bool) or not isinstance(byte, int | float | None):
        raise _wrong_type(byte, where, "uint8")
    if byte is not None and (isinstance(byte, float) or byte not in range(256)):
        text = byte.text if isinstance(byte, JsonNumber) else str(byte)
        raise _wrong_type(byte, where, "uint8", kind=f"number {text}")


def _wrong_type(value: Json, where: str, go_type: str, *, kind: str | None = None) -> InvalidBody:
    return InvalidBody(
        f"json: cannot unmarshal {kind or go_kind(value)} into Go struct field {where} of type {go_type}"
    )
