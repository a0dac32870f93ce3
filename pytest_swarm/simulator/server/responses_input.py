"""The input of `/v1/responses`, which the server decodes by itself: items by their types, with its own messages."""

from __future__ import annotations

from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import InvalidBody, check_struct, folded, go_kind
from pytest_swarm.simulator.server.go_values import go_quoted
from pytest_swarm.simulator.server.request_fields import FUNCTION_OUTPUT, TYPE_AND_ROLE, TYPE_ONLY
from pytest_swarm.simulator.server.request_values import JsonObject, object_of

_NO_LIST: Final = "must be a string or array: json: cannot unmarshal {} into Go value of type []json.RawMessage"
_PARTS: Final = {
    "input_text": "openai.ResponsesTextContent",
    "input_image": "openai.ResponsesImageContent",
    "output_text": "openai.ResponsesOutputTextContent",
    "input_file": "openai.ResponsesFileContent",
}
_ITEMS: Final = {
    "message": TYPE_AND_ROLE,
    "function_call": "openai.ResponsesFunctionCall",
    "function_call_output": FUNCTION_OUTPUT,
    "reasoning": "openai.ResponsesReasoningInput",
    "web_search_call": "openai.ResponsesWebSearchCall",
}


def input_items(given: Json) -> list[JsonObject]:
    """Return the checked items of an input; none of a text. Raises InvalidBody with the server's message."""
    if given is None or isinstance(given, str):
        return []
    if not isinstance(given, list):
        raise InvalidBody(f"input {_NO_LIST.format(go_kind(given))}")
    items: list[JsonObject] = []
    for index, item in enumerate(given):
        try:
            items.append(_item(item))
        except InvalidBody as error:
            raise InvalidBody(f"input[{index}]: {error}") from error
    return items


def _item(item: Json) -> JsonObject:
    """Return an input item with its type and its content checked: its parts are read, a text is one part."""
    check_struct(item, TYPE_AND_ROLE)
    fields = folded(object_of(item))
    kind = str(fields.get("type") or ("message" if fields.get("role") else ""))
    if not kind:
        raise InvalidBody("input item missing required 'type' field")
    if kind not in _ITEMS:
        raise InvalidBody(f"unknown input item type: {go_quoted(kind)}")
    check_struct(fields, _ITEMS[kind])
    if kind == "message":
        return {**fields, "type": kind, "content": _parts(fields.get("content"), "content")}
    if kind == "function_call_output":
        return {**fields, "output": _parts(fields.get("output"), "output")}
    return fields


def _parts(content: Json, name: str) -> list[Json]:
    if content is None or isinstance(content, str):
        return [{"type": "input_text", "text": content or ""}]
    if not isinstance(content, list):
        raise InvalidBody(f"{name} {_NO_LIST.format(go_kind(content))}")
    return [_part(part, f"{name}[{index}]") for index, part in enumerate(content)]


def _part(part: Json, where: str) -> Json:
    try:
        check_struct(part, TYPE_ONLY)
        fields = folded(object_of(part))
        kind = str(fields.get("type") or "")
        if kind not in _PARTS:
            raise InvalidBody(f"unknown content type: {kind}")
        check_struct(fields, _PARTS[kind])
    except InvalidBody as error:
        raise InvalidBody(f"{where}: {error}") from error
    return fields
