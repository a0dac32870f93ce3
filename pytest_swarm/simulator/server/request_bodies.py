"""Decodes request bodies as the server's JSON decoder does: first value only, checked types, Go's own error messages.

The one place that reads JSON requests in the simulator. Knows no models and no options.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final, NoReturn, TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.go_values import base64_fault, go_number

JsonObject: TypeAlias = Mapping[str, Json]

_STRING: Final = "string"
_BOOL: Final = "bool"
_INT: Final = "int"
_FLOAT: Final = "float64"
_MAP: Final = "map[string]interface {}"
_FILES: Final = "map[string]string"
_IMAGES: Final = "[]api.ImageData"
_CALLS: Final = "[]api.ToolCall"
_COMMON: Final = {
    "model": _STRING,
    "stream": _BOOL,
    "raw": _BOOL,
    "shift": _BOOL,
    "truncate": _BOOL,
    "logprobs": _BOOL,
    "top_logprobs": _INT,
    "options": _MAP,
}
_TRANSFER: Final = {
    "model": _STRING,
    "name": _STRING,
    "insecure": _BOOL,
    "username": _STRING,
    "password": _STRING,
    "stream": _BOOL,
}
_OPENAI: Final = {
    "model": _STRING,
    "stream": _BOOL,
    "stream_options": "openai.StreamOptions",
    "max_tokens": _INT,
    "seed": _INT,
    "temperature": _FLOAT,
    "frequency_penalty": _FLOAT,
    "presence_penalty": _FLOAT,
    "top_p": _FLOAT,
}
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ChatRequest": {**_COMMON, "messages": "[]api.Message", "tools": "api.Tools"},
    "GenerateRequest": {
        **_COMMON,
        "prompt": _STRING,
        "suffix": _STRING,
        "system": _STRING,
        "template": _STRING,
        "context": "[]int",
        "images": _IMAGES,
    },
    "ShowRequest": {"model": _STRING, "name": _STRING, "system": _STRING, "verbose": _BOOL, "options": _MAP},
    "DeleteRequest": {"model": _STRING, "name": _STRING},
    "CopyRequest": {"source": _STRING, "destination": _STRING},
    "CreateRequest": {
        "model": _STRING,
        "name": _STRING,
        "from": _STRING,
        "stream": _BOOL,
        "quantize": _STRING,
        "template": _STRING,
        "system": _STRING,
        "parameters": _MAP,
        "messages": "[]api.Message",
        "files": _FILES,
        "adapters": _FILES,
        "info": _MAP,
    },
    "EmbedRequest": {"model": _STRING, "truncate": _BOOL, "options": _MAP, "dimensions": _INT},
    "EmbeddingRequest": {"model": _STRING, "prompt": _STRING, "options": _MAP},
    "PullRequest": _TRANSFER,
    "PushRequest": _TRANSFER,
    "openai.ChatCompletionRequest": {
        **_OPENAI,
        "messages": "[]openai.Message",
        "response_format": "openai.ResponseFormat",
        "tools": "[]api.Tool",
        "reasoning_effort": _STRING,
        "reasoning": "openai.Reasoning",
        "logprobs": _BOOL,
        "top_logprobs": _INT,
    },
    "openai.CompletionRequest": {**_OPENAI, "prompt": _STRING, "suffix": _STRING, "logprobs": _INT},
    "openai.EmbedRequest": {"model": _STRING, "dimensions": _INT, "encoding_format": _STRING},
}
_PYTHON: Final[Mapping[str, type | tuple[type, ...]]] = {
    _STRING: str,
    _BOOL: bool,
    _INT: (int, float),
    _FLOAT: (int, float),
    _MAP: dict,
    _FILES: dict,
    "openai.StreamOptions": dict,
    "openai.ResponseFormat": dict,
    "openai.Reasoning": dict,
}
_ITEMS: Final = {
    "[]int": _INT,
    "api.Tools": "api.Tool",
    "[]api.Tool": "api.Tool",
    _CALLS: "api.ToolCall",
    "[]openai.Message": "openai.Message",
}
_EXPLAINED: Final = {
    "Expecting property name": "looking for beginning of object key string",
    "Expecting ':'": "after object key",
    "Expecting ','": "after object key:value pair",
    "Invalid control character": "in string literal",
    "Invalid \\": "in string escape code",
    "Illegal trailing comma": "looking for beginning of object key string",
}


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
    text = body.decode("utf-8", errors="replace").lstrip(" \t\r\n")
    if not text:
        raise InvalidBody("missing request body")
    try:
        value, _ = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        raise InvalidBody(_go_syntax_error(error)) from error
    except RecursionError as error:
        raise InvalidBody("exceeded max depth") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidBody(
            f"json: cannot unmarshal {go_kind(value)} into Go value of type {kind if '.' in kind else f'api.{kind}'}"
        )
    for name, go_type in FIELDS[kind].items():
        _check(value.get(name), f"{kind.rpartition('.')[2]}.{name}", go_type)
    return value


def text_field(data: JsonObject, name: str) -> str:
    """Return the text of a field; "" if it is missing or not a text.

    Args:
        data: The request.
        name: The name of the field.
    """
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _check(value: Json, where: str, go_type: str) -> None:
    if value is None:
        return
    python = _PYTHON.get(go_type, list)
    if not isinstance(value, python) or (isinstance(value, bool) and go_type != _BOOL):
        raise _wrong_type(value, where, go_type)
    if go_type == _INT and isinstance(value, float):
        raise _wrong_type(value, where, go_type, kind=f"number {go_number(value)}")
    if isinstance(value, dict) and go_type == _FILES:
        for item in value.values():
            _check(item, where, _STRING)
    if isinstance(value, list):
        for item in value:
            _check_item(item, where, go_type)


def _check_item(item: Json, where: str, go_type: str) -> None:
    """Check one item of a list field."""
    if go_type == "[]api.Message":
        _check_message(item, where)
    elif go_type == _IMAGES:
        _check_image(item, where)
    elif go_type == "[]int":
        _check(item, where, _INT)
    elif not isinstance(item, dict | None) and go_type in _ITEMS:
        raise _wrong_type(item, where, _ITEMS[go_type])
    elif go_type == "[]openai.Message" and isinstance(item, dict):
        _check(item.get("role"), f"Message.{where.rpartition('.')[2]}.role", _STRING)


def _check_message(message: Json, where: str) -> None:
    if not isinstance(message, dict | None):
        raise _wrong_type(message, where, "api.Alias")
    for name in ("role", "content", "thinking", "tool_name", "tool_call_id"):
        _check((message or {}).get(name), f"{where}.{name}", _STRING)
    _check((message or {}).get("images"), f"{where}.images", _IMAGES)
    _check((message or {}).get("tool_calls"), f"{where}.tool_calls", _CALLS)


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


def _go_syntax_error(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return "unexpected EOF"
    why = next(
        (text for start, text in _EXPLAINED.items() if error.msg.startswith(start)), "looking for beginning of value"
    )
    return f"invalid character {error.doc[error.pos]!r} {why}"


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
    return int(text) if len(text) <= _INT64_DIGITS else _number(text)


_INT64_DIGITS: Final = 18
_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_number, parse_int=_integer)
