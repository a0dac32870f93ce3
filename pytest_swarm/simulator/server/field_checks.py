"""Checks the fields of a request as the server's JSON decoder does: by their Go types, with Go's own error messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import DurationError, keep_alive_s
from pytest_swarm.simulator.server.go_values import base64_fault, go_number
from pytest_swarm.simulator.server.request_fields import (
    ANY,
    ARGUMENTS,
    BLOCK_FIELDS,
    BLOCK_MESSAGES,
    BOOL,
    CALLS,
    CHECKED_ITEMS,
    FUNCTION,
    IMAGES,
    INT,
    ITEM_TYPES,
    KEEP_ALIVE,
    MAP_TYPES,
    MESSAGE_FIELDS,
    MESSAGES,
    ORDERED_MAP,
    PROPERTY,
    PROPERTY_TYPE,
    PYTHON_TYPES,
    STRING,
    STRUCT_FIELDS,
    THINK,
)

JsonObject: TypeAlias = Mapping[str, Json]

_THINK_LEVELS: Final = ("high", "medium", "low", "max")
_BLOCK_MESSAGE: Final = 'struct { Role string "json:\\"role\\""; Content json.RawMessage "json:\\"content\\"" }'
_NO_OBJECT: Final = "Value looks like object, but can't find closing '}' symbol"
_THINK_CHOICE: Final = '"high", "medium", "low", "max", true, or false'


class InvalidBody(Exception):  # noqa: N818 - it is the text of a 400, not a fault of the program
    """A body that the server rejects with status 400; the message is the server's."""


def folded(data: JsonObject) -> dict[str, Json]:
    """Return an object with its names in small letters: Go finds a field in any case, the last of equals counts.

    Args:
        data: The object.
    """
    return {name.lower(): value for name, value in data.items()}


def go_kind(value: Json) -> str:
    """Return the name of a JSON value's type in Go's decoder.

    Args:
        value: The value.
    """
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def check_field(value: Json, where: str, go_type: str) -> None:
    """Raise InvalidBody for a value that is not of its field's type.

    Args:
        value: The value.
        where: The field as the server's error names it, such as ChatRequest.model.
        go_type: A type of `request_fields`.
    """
    if go_type == ANY or value is None:
        return
    if go_type == KEEP_ALIVE:
        _check_keep_alive(value)
        return
    if go_type == THINK:
        _check_think(value)
        return
    if go_type == PROPERTY_TYPE:
        go_type = STRING if isinstance(value, str) else "[]string"
    python = PYTHON_TYPES.get(go_type, list)
    if go_type in (ORDERED_MAP, ARGUMENTS) and not isinstance(value, dict):
        raise InvalidBody(_NO_OBJECT)
    if not isinstance(value, python) or (isinstance(value, bool) and go_type != BOOL):
        raise _wrong_type(value, where, go_type)
    if go_type == INT and isinstance(value, float):
        raise _wrong_type(value, where, go_type, kind=f"number {go_number(value)}")
    if isinstance(value, dict):
        _check_members(value, where, go_type)
    elif isinstance(value, list):
        for item in value:
            _check_item(item, where, go_type)


def _check_members(value: JsonObject, where: str, go_type: str) -> None:
    """Check the values of an object field: alike in a map, each of its own type in a struct."""
    if go_type in MAP_TYPES:
        for item in value.values():
            check_field(item, where, MAP_TYPES[go_type])
    if go_type in STRUCT_FIELDS:
        struct, _, path = where.partition(".")
        struct = struct if go_type == PROPERTY else go_type.rpartition(".")[2]  # Go keeps the name around a map
        for name, item in folded(value).items():
            check_field(item, f"{struct}.{path}.{name}", STRUCT_FIELDS[go_type].get(name, ANY))


def _check_item(item: Json, where: str, go_type: str) -> None:
    """Check one item of a list field."""
    if go_type == MESSAGES:
        _check_message(item, where)
    elif go_type == BLOCK_MESSAGES:
        _check_block_message(item, where)
    elif go_type == IMAGES:
        _check_image(item, where)
    elif go_type in CHECKED_ITEMS:
        check_field(item, where, ITEM_TYPES[go_type])
    elif not isinstance(item, dict | None) and go_type in ITEM_TYPES:
        raise _wrong_type(item, where, ITEM_TYPES[go_type])
    elif go_type == CALLS:
        _check_call(item or {}, where)
    elif go_type == "[]openai.Message" and isinstance(item, dict):
        check_field(item.get("role"), f"Message.{where.rpartition('.')[2]}.role", STRING)


def _check_message(message: Json, where: str) -> None:
    if not isinstance(message, dict | None):
        raise _wrong_type(message, where, "api.Alias")
    fields = folded(message or {})
    _check_arguments(fields.get("tool_calls"))
    for name, value in fields.items():
        check_field(value, f"{where}.{name}", MESSAGE_FIELDS.get(name, ANY))


def _check_block_message(message: Json, where: str) -> None:
    """Check a message whose content is a text or a list of blocks."""
    if not isinstance(message, dict | None):
        raise _wrong_type(message, where, _BLOCK_MESSAGE)
    fields = folded(message or {})
    check_field(fields.get("role"), f"{where}.role", STRING)
    if "content" not in fields:
        raise InvalidBody("unexpected end of JSON input")
    content = fields["content"]
    if isinstance(content, str | None):
        return
    check_field(content, where, "[]anthropic.ContentBlock")
    for block in content if isinstance(content, list) else []:
        for name, value in (block if isinstance(block, dict) else {}).items():
            check_field(value, f"{where}.{name}", BLOCK_FIELDS.get(name, ANY))
            for part, text in value.items() if name == "source" and isinstance(value, dict) else ():
                check_field(text, f"{where}.source.{part}", STRING)


def _check_arguments(calls: Json) -> None:
    """Check the arguments of tool calls: they have a decoder of their own, whose error comes before any other."""
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and not isinstance(function.get("arguments"), dict | None):
            raise InvalidBody(_NO_OBJECT)


def _check_call(call: Json, where: str) -> None:
    """Check a tool call of a message: its names are texts."""
    assert isinstance(call, dict)  # checked as an item of its list
    function = call.get("function")
    check_field(call.get("id"), f"{where}.id", STRING)
    check_field(function, f"{where}.function", FUNCTION)
    if isinstance(function, dict):
        check_field(function.get("index"), f"{where}.function.index", INT)
        check_field(function.get("name"), f"{where}.function.name", STRING)


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
        raise InvalidBody(f"invalid think value: {json.dumps(value)} (must be {_THINK_CHOICE})")


def _check_image(image: Json, where: str) -> None:
    if image is None:
        return
    if not isinstance(image, str):
        raise _wrong_type(image, where, "api.ImageData")
    fault = base64_fault(image)
    if fault is not None:
        raise InvalidBody(f"illegal base64 data at input byte {fault}")


def _wrong_type(value: Json, where: str, go_type: str, *, kind: str | None = None) -> InvalidBody:
    return InvalidBody(
        f"json: cannot unmarshal {kind or go_kind(value)} into Go struct field {where} of type {go_type}"
    )
