"""Requests of `/v1/responses`, translated to the server's own chat: input items become messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import NO_OBJECT, InvalidBody, check_struct, folded
from pytest_swarm.simulator.server.go_syntax import syntax_fault
from pytest_swarm.simulator.server.openai_requests import image_data, think_value
from pytest_swarm.simulator.server.request_values import JsonObject, object_of, rows_of, text_field
from pytest_swarm.simulator.server.responses_input import input_items


def responses_body(data: JsonObject) -> dict[str, Json]:
    """Return the body for `/api/chat`. Raises InvalidBody with the server's message."""
    instructions = text_field(data, "instructions")
    messages: list[Json] = [{"role": "system", "content": instructions}] if instructions else []
    messages += _messages(data.get("input"))
    temperature = data.get("temperature")
    options: dict[str, Json] = {"temperature": 1.0 if temperature is None else temperature}
    for name, option in (("top_p", "top_p"), ("max_output_tokens", "num_predict")):
        if data.get(name) is not None:
            options[option] = data[name]
    think = think_value({"reasoning": data.get("reasoning") or {}})
    body: dict[str, Json] = {
        "model": text_field(data, "model"),
        "messages": messages,
        "stream": data.get("stream") is True,
        "options": options,
        "tools": list(_tools(data.get("tools"))),
        "think": think,
    }
    form = text_format(data)
    schema = form.get("schema") if form.get("type") == "json_schema" else None
    return body if schema is None else {**body, "format": schema}


def searches_web(data: JsonObject) -> bool:
    """Return whether a request has the server's own search among its tools: its stream then tells of errors, too."""
    return any(tool.get("type") == "web_search" for tool in rows_of(data.get("tools")))


def text_format(data: JsonObject) -> JsonObject:
    """Return the format of the text that a request asks for: plain text, if it does not say."""
    form = object_of(data.get("text")).get("format")
    return form if isinstance(form, dict) else {"type": "text"}


def _messages(given: Json) -> list[Json]:
    if given is None or isinstance(given, str):
        return [{"role": "user", "content": given}] if given else []
    return list(_translated(input_items(given)))


def _translated(items: list[JsonObject]) -> Iterator[Json]:
    """Yield the messages of the items; the reasoning before an answer becomes its thinking."""
    thinking: Json = None
    for item in items:
        match item["type"]:
            case "reasoning":
                thinking = text_field(item, "encrypted_content") or None
            case "message":
                message = _content(text_field(item, "role"), item["content"])
                if message["role"] == "assistant" and thinking is not None:
                    message["thinking"], thinking = thinking, None
                yield message
            case "function_call":
                yield _function_call(item, thinking)
                thinking = None
            case "function_call_output":
                yield {**_content("tool", item["output"]), "tool_call_id": text_field(item, "call_id")}
    if thinking is not None:
        yield {"role": "assistant", "content": "", "thinking": thinking}


def _content(role: str, parts: Json) -> dict[str, Json]:
    text, images = "", list[Json]()
    for part in rows_of(parts):
        if part["type"] == "input_file":
            raise InvalidBody("file inputs are not currently supported")
        if part["type"] == "input_image":
            url = text_field(part, "image_url")
            images += [image_data(url)] if url else []
        else:
            text += text_field(part, "text")
    message: dict[str, Json] = {"role": role, "content": text}
    return {**message, "images": images} if images else message


def _function_call(item: JsonObject, thinking: Json) -> Json:
    arguments = text_field(item, "arguments") or "{}"
    fault = syntax_fault(arguments.encode(), whole=True)
    value = None if fault else json.loads(arguments)
    if not isinstance(value, dict | None):
        fault = NO_OBJECT
    if fault is not None:
        raise InvalidBody(f"failed to parse function call arguments: {fault}")
    call: dict[str, Json] = {"function": {"name": text_field(item, "name"), "arguments": value or {}}}
    return {"role": "assistant", "content": "", "tool_calls": [call], "thinking": thinking}


def _tools(given: Json) -> Iterator[Json]:
    """Yield the tools in the form of the server's own chat: a namespace is the tools in it."""
    for tool in map(folded, rows_of(given)):
        if text_field(tool, "type") == "namespace":
            yield from _tools(tool.get("tools"))
            continue
        try:
            check_struct(tool.get("parameters"), "api.ToolFunctionParameters")
        except InvalidBody as error:
            raise InvalidBody(f"failed to unmarshal tool parameters: {error}") from error
        yield {"type": "function", "function": {"name": text_field(tool, "name"), "parameters": tool.get("parameters")}}
