"""Decodes request bodies as the server's JSON decoder does: first value only, checked types, Go's own error messages.

The one place that reads JSON requests in the simulator. Knows no models and no options.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

from pytest_swarm.domain.prompt import wire_text
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import InvalidBody, check_field, folded, go_kind
from pytest_swarm.simulator.server.go_syntax import MAX_DEPTH, syntax_fault
from pytest_swarm.simulator.server.go_values import JsonNumber
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_fields import (
    FIELDS,
    ITEM_TYPES,
    LISTS,
    OWN_DECODERS,
    RAW,
    RESPONSES_INPUT,
    STRUCT_FIELDS,
)
from pytest_swarm.simulator.server.request_values import JsonObject
from pytest_swarm.simulator.server.responses_input import input_items

_BRACKETS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
"""A bracket, or a text with what looks like some."""
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def read_object(body: bytes, kind: str) -> JsonObject:
    """Return the JSON object in a request body: the fields that the server reads, with their types checked.

    Args:
        body: The request body.
        kind: The server's name of the request type, such as ChatRequest; a key of `FIELDS`.

    Raises:
        InvalidBody: The server would reject the body.
    """
    text = body.decode("utf-8", errors="replace").lstrip(" \t\r\n")
    if not text:
        raise InvalidBody("missing request body")
    try:
        if _is_too_deep(text):
            raise ValueError("nested too deep")
        value, _ = _DECODER.raw_decode(text)
    except ValueError as error:
        raise InvalidBody(syntax_fault(body.lstrip(b" \t\r\n")) or str(error)) from error
    if _SURROGATE.search(text):
        value = _without_lone_surrogates(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidBody(
            f"json: cannot unmarshal {go_kind(value)} into Go value of type {kind if '.' in kind else f'api.{kind}'}"
        )
    fields = FIELDS[kind]
    faults: list[InvalidBody] = []
    found = folded(value)
    for name, item in found.items():
        try:
            if fields.get(name) == RESPONSES_INPUT:
                input_items(item)
            else:
                check_field(item, f"{kind.rpartition('.')[2]}.{name}", fields.get(name))
        except InvalidBody as fault:
            if fields[name] in OWN_DECODERS and (isinstance(item, list) or fields[name] not in LISTS):
                raise
            faults.append(fault)
    if faults:
        raise faults[0]
    return {name: _with_small_names(item, fields[name]) for name, item in found.items() if name in fields}


def _with_small_names(value: Json, go_type: str) -> Json:
    """Return a value that was checked, with the names of its structs' fields in small letters."""
    if isinstance(value, list) and go_type in ITEM_TYPES:
        return [_with_small_names(each, ITEM_TYPES[go_type]) for each in value]
    if isinstance(value, dict) and go_type in STRUCT_FIELDS:
        types = STRUCT_FIELDS[go_type]
        return {name: _with_small_names(item, types.get(name, RAW)) for name, item in folded(value).items()}
    return value


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


def _is_too_deep(text: str) -> bool:
    """Return whether a JSON text is nested deeper than the simulator reads."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth > MAX_DEPTH:
            return True
    return False


def _without_lone_surrogates(value: Json) -> Json:
    """Return a value in whose texts a half of a surrogate pair is the replacement character, as Go reads it."""
    clean: Json = json.loads(wire_text(json.dumps(value, ensure_ascii=False)))
    return clean


def _no_constant(name: str) -> NoReturn:
    """Reject NaN and Infinity, which only Python accepts."""
    raise json.JSONDecodeError("Expecting value", name, 0)


def _integer(text: str) -> int | float:
    """Return an int of 64 bits; Go reads a longer one as a float."""
    if len(text) <= _SURE_DIGITS:
        return int(text)
    return int(text) if len(text) <= _MOST_DIGITS and -_INT64 <= int(text) < _INT64 else JsonNumber(text)


_SURE_DIGITS: Final = 18
_MOST_DIGITS: Final = 20  # with a sign
_INT64: Final = 2**63
_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=JsonNumber, parse_int=_integer)
