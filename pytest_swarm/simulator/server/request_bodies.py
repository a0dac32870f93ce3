"""Decodes request bodies as the server's JSON decoder does: first value only, checked types, Go's own error messages.

The one place that reads JSON requests in the simulator. Knows no models and no options.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NoReturn, TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import DurationError, keep_alive_s
from pytest_swarm.simulator.server.go_syntax import syntax_fault
from pytest_swarm.simulator.server.go_values import base64_fault, go_number
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_fields import (
    ANY,
    BOOL,
    CALLS,
    FIELDS,
    FUNCTION,
    IMAGES,
    INT,
    ITEM_TYPES,
    KEEP_ALIVE,
    MAP_TYPES,
    MESSAGE_FIELDS,
    MESSAGES,
    ORDERED_MAP,
    OWN_DECODERS,
    PROPERTY,
    PROPERTY_TYPE,
    PYTHON_TYPES,
    STRING,
    STRUCT_FIELDS,
    THINK,
)

JsonObject: TypeAlias = Mapping[str, Json]

_SHORT_BYTES: Final = 1024
_THINK_LEVELS: Final = ("high", "medium", "low", "max")
_NO_OBJECT: Final = "Value looks like object, but can't find closing '}' symbol"
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_THINK_CHOICE: Final = '"high", "medium", "low", "max", true, or false'


class InvalidBody(Exception):  # noqa: N818 - it is the text of a 400, not a fault of the program
    """A body that the server rejects with status 400; the message is the server's."""


def read_object(body: bytes, kind: str) -> JsonObject:
    """Return the JSON object in a request body, with the types of its fields checked.

    Args:
        body: The request body.
        kind: The server's name of the request type, such as ChatRequest; a key of `FIELDS`.

    Raises:
        InvalidBody: The server would reject the body.
    """
    return _read_short_object(body, kind) if len(body) <= _SHORT_BYTES else _read_object(body, kind)


def read_request(body: bytes, kind: str) -> JsonObject:
    """Return the JSON object of a body. Raises RequestError 400 for a body that the server rejects.

    Args:
        body: The request body.
        kind: The server's name of the request type, such as ShowRequest.
    """
    try:
        return read_object(body, kind)
    except InvalidBody as error:
        raise RequestError(400, str(error)) from error


@lru_cache(maxsize=256)
def _read_short_object(body: bytes, kind: str) -> JsonObject:
    """Read a body that may well come again, such as one that loads a model."""
    return _read_object(body, kind)


def _read_object(body: bytes, kind: str) -> JsonObject:
    text = body.decode("utf-8", errors="replace").lstrip(" \t\r\n")
    if not text:
        raise InvalidBody("missing request body")
    try:
        value, _ = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        raise InvalidBody(syntax_fault(body.lstrip(b" \t\r\n")) or str(error)) from error
    except RecursionError as error:
        deep = f"invalid character '{max('[{', key=text.count)}' exceeded max depth"
        raise InvalidBody(syntax_fault(body.lstrip(b" \t\r\n")) or deep) from error
    if _SURROGATE.search(text):
        value = _without_lone_surrogates(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidBody(
            f"json: cannot unmarshal {go_kind(value)} into Go value of type {kind if '.' in kind else f'api.{kind}'}"
        )
    fields, folded = FIELDS[kind], _folded(value)
    faults: list[InvalidBody] = []
    for name in folded:
        try:
            _check(folded[name], f"{kind.rpartition('.')[2]}.{name}", fields.get(name, ANY))
        except InvalidBody as fault:
            if fields[name] in OWN_DECODERS:
                raise
            faults.append(fault)
    if faults:
        raise faults[0]
    rows = folded.get("messages")
    if isinstance(rows, list):
        folded["messages"] = [_folded(row) if isinstance(row, dict) else row for row in rows]
    return folded


def _without_lone_surrogates(value: Json) -> Json:
    """Return a value in whose texts a half of a surrogate pair is the replacement character, as Go reads it."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    clean: Json = json.loads(text)
    return clean


def _folded(data: JsonObject) -> dict[str, Json]:
    """Return an object with its names in small letters: Go finds a field in any case, the last of equals counts."""
    return {name.lower(): value for name, value in data.items()}


def text_field(data: JsonObject, name: str) -> str:
    """Return the text of a field; "" if it is missing or not a text.

    Args:
        data: The request.
        name: The name of the field.
    """
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _check(value: Json, where: str, go_type: str) -> None:
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
    if go_type == ORDERED_MAP and not isinstance(value, dict):
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
            _check(item, where, MAP_TYPES[go_type])
    if go_type in STRUCT_FIELDS:
        struct, _, path = where.partition(".")
        struct = struct if go_type == PROPERTY else go_type.rpartition(".")[2]  # Go keeps the name around a map
        for name, item in _folded(value).items():
            _check(item, f"{struct}.{path}.{name}", STRUCT_FIELDS[go_type].get(name, ANY))


def _check_item(item: Json, where: str, go_type: str) -> None:
    """Check one item of a list field."""
    if go_type == MESSAGES:
        _check_message(item, where)
    elif go_type == IMAGES:
        _check_image(item, where)
    elif go_type in ("[]int", "[]string", "api.Tools", "[]api.Tool"):
        _check(item, where, ITEM_TYPES[go_type])
    elif not isinstance(item, dict | None) and go_type in ITEM_TYPES:
        raise _wrong_type(item, where, ITEM_TYPES[go_type])
    elif go_type == CALLS:
        _check_call(item or {}, where)
    elif go_type == "[]openai.Message" and isinstance(item, dict):
        _check(item.get("role"), f"Message.{where.rpartition('.')[2]}.role", STRING)


def _check_message(message: Json, where: str) -> None:
    if not isinstance(message, dict | None):
        raise _wrong_type(message, where, "api.Alias")
    fields = _folded(message or {})
    _check_arguments(fields.get("tool_calls"))
    for name, value in fields.items():
        _check(value, f"{where}.{name}", MESSAGE_FIELDS.get(name, ANY))


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
    _check(call.get("id"), f"{where}.id", STRING)
    _check(function, f"{where}.function", FUNCTION)
    if isinstance(function, dict):
        _check(function.get("index"), f"{where}.function.index", INT)
        _check(function.get("name"), f"{where}.function.name", STRING)


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


def go_kind(value: Json) -> str:
    """Return the name of a JSON value's type in Go's decoder."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _no_constant(name: str) -> NoReturn:
    """Reject NaN and Infinity, which only Python accepts."""
    raise json.JSONDecodeError("Expecting value", name, 0)


def _number(text: str) -> float:
    """Return a finite float: Go rejects 1e400."""
    value = float(text)
    if math.isinf(value):
        raise InvalidBody(f"json: cannot unmarshal number {text} into Go value of type float64")
    return value


def _integer(text: str) -> int | float:
    """Return an int of at most 64 bits; Go reads a longer one as a float."""
    return int(text) if len(text) <= INT64_DIGITS else _number(text)


INT64_DIGITS: Final = 18
_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_number, parse_int=_integer)


def model_field(data: JsonObject) -> str:
    """Return the model's name from `model`, or from the older `name`."""
    return text_field(data, "model") or text_field(data, "name")
