"""Requests of `/v1/messages` (the Anthropic form), translated to the server's own chat: content blocks become text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import InvalidBody, check_struct
from pytest_swarm.simulator.server.go_values import base64_fault, go_quoted
from pytest_swarm.simulator.server.request_values import JsonObject, rows_of, text_field

_OPTIONS: Final = (("temperature", "temperature"), ("top_p", "top_p"), ("top_k", "top_k"), ("stop_sequences", "stop"))
_BYTES_PER_TOKEN: Final = 4


def messages_body(data: JsonObject) -> dict[str, Json]:
    """Return the body for `/api/chat`. Raises InvalidBody with the server's message.

    A wish to think is left out, as the server leaves it out for a model that cannot.
    """
    if not text_field(data, "model"):
        raise InvalidBody("model is required")
    limit, rows = data.get("max_tokens"), data.get("messages")
    if not isinstance(limit, int) or limit <= 0:
        raise InvalidBody("max_tokens is required and must be positive")
    if not isinstance(rows, list) or not rows:
        raise InvalidBody("messages is required")
    system = _system(data.get("system"))
    messages: list[Json] = [{"role": "system", "content": system}] if system else []
    for row in rows_of(rows):
        messages += _messages(text_field(row, "role").lower(), _blocks(row.get("content")))
    options: dict[str, Json] = {"num_predict": limit}
    options |= {option: data[name] for name, option in _OPTIONS if data.get(name) not in (None, [])}
    if isinstance(stops := options.get("stop"), list):
        options["stop"] = [each or "" for each in stops]  # null is an empty text
    return {
        "model": text_field(data, "model"),
        "messages": messages,
        "stream": data.get("stream") is True,
        "options": options,
        "tools": list(_tools(data.get("tools"))),
    }


def estimated_tokens(data: JsonObject) -> int:
    """Return the tokens of a prompt that a stream states at its beginning: the server's own rough estimate.

    Tools are left out: a request that has some is refused, as no simulated model can use them.
    """
    blocks, texts = rows_of(data.get("system")), [text_field(data, "system")]
    for row in rows_of(data.get("messages")):
        texts.append(text_field(row, "role"))
        blocks += _blocks(row.get("content"))
    for block in blocks:
        texts += [text_field(block, "text"), text_field(block, "thinking")]
        if block.get("type") in ("tool_use", "tool_result"):
            texts.append(json.dumps(block, ensure_ascii=False, separators=(",", ":")))
    return max(sum(len(text.encode()) for text in texts) // _BYTES_PER_TOKEN, 1)


def _system(given: Json) -> str:
    if isinstance(given, str):
        return given
    return "".join(text_field(each, "text") for each in rows_of(given) if each.get("type") == "text")


def _blocks(content: Json) -> list[JsonObject]:
    """Return the content of a message as blocks: a text, or null, is one."""
    if isinstance(content, list):
        return rows_of(content)
    return [{"type": "text", "text": content if isinstance(content, str) else ""}]


def _messages(role: str, blocks: list[JsonObject]) -> Iterator[Json]:
    """Yield the messages of one message: its text with images and tool calls, and each result of a tool."""
    text, thinking, images, calls, results = "", "", list[Json](), list[Json](), list[Json]()
    for block in blocks:
        match text_field(block, "type"):
            case "text":
                text += text_field(block, "text")
            case "thinking":
                thinking = text_field(block, "thinking")
            case "image":
                source = block.get("source")
                images.append(_image(source, "invalid image source"))
            case "tool_use" | "server_tool_use" as kind:
                calls.append(_call(block, checked=kind == "tool_use"))
            case "tool_result" | "web_search_tool_result":
                results.append(_result(block))
    if role == "user":
        yield from results
    if text or images or calls or thinking:
        message: dict[str, Json] = {"role": role, "content": text, "images": images, "tool_calls": calls}
        yield {**message, "thinking": thinking}
    if role != "user":
        yield from results


def _call(block: JsonObject, *, checked: bool) -> Json:
    for name in ("id", "name") if checked else ():
        if not text_field(block, name):
            raise InvalidBody(f"tool_use block missing required '{name}' field")
    function: Json = {"name": text_field(block, "name"), "arguments": block.get("input") or {}}
    return {"id": text_field(block, "id"), "function": function}


def _result(block: JsonObject) -> Json:
    """Return the result of a tool as a message: the texts and images of its content."""
    text, images = text_field(block, "content"), list[Json]()
    for part in rows_of(block.get("content")):
        if part.get("type") == "text":
            text += text_field(part, "text")
        if part.get("type") == "image":
            images.append(_image(part.get("source"), "invalid tool_result image source"))
    call = text_field(block, "tool_use_id")
    return {"role": "tool", "content": text, "images": images, "tool_call_id": call}


def _image(source: Json, missing: str) -> Json:
    if not isinstance(source, dict):
        raise InvalidBody(missing)
    kind, data = text_field(source, "type"), text_field(source, "data")
    if kind != "base64":
        raise InvalidBody(f"invalid image source type: {kind}. Only base64 images are supported.")
    fault = base64_fault(data)
    if fault is not None:
        raise InvalidBody(f"invalid base64 image data: illegal base64 data at input byte {fault}")
    return data


def _tools(given: Json) -> Iterator[Json]:
    for fields in rows_of(given):
        name, schema = text_field(fields, "name"), fields.get("input_schema")
        if not text_field(fields, "type").startswith("web_search"):
            try:
                check_struct(schema, "api.ToolFunctionParameters")
            except InvalidBody as error:
                raise InvalidBody(f"invalid input_schema for tool {go_quoted(name)}: {error}") from error
        yield {"type": "function", "function": {"name": name, "parameters": schema or {}}}
