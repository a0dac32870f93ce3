"""`/v1/messages`: requests and replies in the Anthropic form, as a real server answered 125 requests."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_swarm.simulator.server.messages_requests import estimated_tokens, messages_body
from tests.simulator.servers import call, named_events

HI = [{"role": "user", "content": "hi"}]
BASE = {"model": "a", "messages": HI, "max_tokens": 2}


def test_a_message_has_a_block_of_text_and_its_usage() -> None:
    response = call("POST", "/v1/messages", {**BASE, "system": "Be brief."})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    reply = response.json()
    assert reply.pop("id").startswith("msg_")
    assert reply == {
        "type": "message",
        "role": "assistant",
        "model": "a",
        "content": [{"type": "text", "text": "The small"}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }


def test_a_stream_names_its_events() -> None:
    response = call("POST", "/v1/messages", {**BASE, "stream": True})
    assert response.headers["content-type"] == "text/event-stream"
    assert (response.headers["cache-control"], response.headers["connection"]) == ("no-cache", "keep-alive")
    found = named_events(response)
    assert [name for name, _ in found] == [
        *("message_start", "content_block_start", "content_block_delta", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert all(event["type"] == name for name, event in found)
    assert found[0][1]["message"]["content"] == []
    assert found[0][1]["message"]["usage"] == {"input_tokens": 1, "output_tokens": 0}
    assert [event["delta"]["text"] for name, event in found if name == "content_block_delta"] == ["The ", "small"]
    assert found[-2][1]["delta"] == {"stop_reason": "max_tokens"}
    assert found[-2][1]["usage"] == {"input_tokens": 1, "output_tokens": 2}


@pytest.mark.parametrize("content", ["", None, [], [{"type": "text"}], [{"type": "unknown"}], [{"text": "x"}]])
def test_messages_without_text_only_load_the_model(content: Any) -> None:
    messages = [{"role": "user", "content": content}]
    reply = call("POST", "/v1/messages", {**BASE, "messages": messages}).json()
    assert (reply["content"], reply["stop_reason"], reply["usage"]["output_tokens"]) == (None, "stop_sequence", 0)
    found = named_events(call("POST", "/v1/messages", {**BASE, "messages": messages, "stream": True}))
    assert [name for name, _ in found] == ["message_start", "message_delta", "message_stop"]


_FIELD = "json: cannot unmarshal {} into Go struct field {} of type {}"
_ROW = 'struct { Role string "json:\\"role\\""; Content json.RawMessage "json:\\"content\\"" }'


def _content(*blocks: Any) -> dict[str, Any]:
    return {"messages": [*HI, {"role": "user", "content": list(blocks)}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": ""}, "model is required"),
        ({"max_tokens": 0}, "max_tokens is required and must be positive"),
        ({"max_tokens": None}, "max_tokens is required and must be positive"),
        ({"messages": []}, "messages is required"),
        ({"max_tokens": "x"}, _FIELD.format("string", "MessagesRequest.max_tokens", "int")),
        ({"messages": "x"}, _FIELD.format("string", "MessagesRequest.messages", "[]anthropic.MessageParam")),
        ({"messages": [3]}, _FIELD.format("number", "MessagesRequest.messages", _ROW)),
        ({"messages": [{}]}, "unexpected end of JSON input"),
        ({"messages": [{"role": 3, "content": "x"}]},
         _FIELD.format("number", "MessagesRequest.messages.role", "string")),
        ({"messages": [{"role": "user", "content": 3}]},
         _FIELD.format("number", "MessagesRequest.messages", "[]anthropic.ContentBlock")),
        (_content("x"), _FIELD.format("string", "MessagesRequest.messages", "anthropic.ContentBlock")),
        (_content({"type": "text", "text": 3}), _FIELD.format("number", "MessagesRequest.messages.text", "string")),
        (_content({"type": "image", "source": {"data": 3}}),
         _FIELD.format("number", "MessagesRequest.messages.source.data", "string")),
        (_content({"type": "image"}), "invalid image source"),
        (_content({"type": "image", "source": {"type": "url"}}),
         "invalid image source type: url. Only base64 images are supported."),
        (_content({"type": "image", "source": {"type": "base64", "data": "@"}}),
         "invalid base64 image data: illegal base64 data at input byte 0"),
        (_content({"type": "tool_use", "name": "f"}), "tool_use block missing required 'id' field"),
        (_content({"type": "tool_use", "id": "1"}), "tool_use block missing required 'name' field"),
        (_content({"type": "tool_use", "input": "x"}),
         "Value looks like object, but can't find closing '}' symbol"),
        (_content({"type": "tool_result", "content": [{"type": "image"}]}), "invalid tool_result image source"),
        ({"stop_sequences": [3]}, _FIELD.format("number", "MessagesRequest.stop_sequences", "string")),
        ({"tools": [{"name": 3}]}, _FIELD.format("number", "Tool.tools.name", "string")),
        ({"tools": [{"name": "f", "input_schema": 3}]}, 'invalid input_schema for tool "f": json: cannot unmarshal '
         "number into Go value of type api.ToolFunctionParameters"),
        ({"tools": [{"name": "f", "input_schema": {"properties": {"x": {"type": 3}}}}]},
         'invalid input_schema for tool '
         '"f": ' + _FIELD.format("number", "ToolFunctionParameters.properties.type", "[]string")),
        ({"tools": [None]}, "registry.ollama.ai/library/a:latest does not support tools"),
        ({"tools": [{"name": "f"}]}, "registry.ollama.ai/library/a:latest does not support tools"),
        ({"tool_choice": {"type": 3}}, _FIELD.format("number", "ToolChoice.tool_choice.type", "string")),
        ({"thinking": 3}, _FIELD.format("number", "MessagesRequest.thinking", "anthropic.ThinkingConfig")),
        ({"model": "a//b"}, "invalid model name"),
    ],
)  # fmt: skip
def test_refusals(changes: dict[str, Any], message: str) -> None:
    response = call("POST", "/v1/messages", {**BASE, **changes})
    assert response.status_code == 400
    reply = response.json()
    assert reply.pop("request_id").startswith("req_")
    assert reply == {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def test_a_missing_model_and_an_empty_body() -> None:
    missing = call("POST", "/v1/messages", {**BASE, "model": "no", "stream": True})
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-cache")
    assert missing.json()["error"] == {"type": "not_found_error", "message": "model 'no' not found"}
    assert call("POST", "/v1/messages", b" ").json()["error"]["message"] == "EOF"


def test_blocks_become_messages_of_the_chat() -> None:
    used = {"type": "tool_use", "id": "1", "name": "f", "input": {"x": 1}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "42"}]}
    texts = [{"type": "text", "text": "So "}, {"type": "text", "text": "what?"}]
    rows = [{"role": "assistant", "content": [used]}, {"role": "user", "content": [*texts, result]}]
    body = messages_body(
        {**BASE, "messages": rows, "system": [{"type": "text", "text": "Be brief."}], "temperature": 0}
    )

    assert body["options"] == {"num_predict": 2, "temperature": 0}
    messages: Any = body["messages"]
    assert [(each["role"], each["content"]) for each in messages] == [
        ("system", "Be brief."),
        ("assistant", ""),
        ("tool", "42"),
        ("user", "So what?"),
    ]
    assert messages[1]["tool_calls"] == [{"id": "1", "function": {"name": "f", "arguments": {"x": 1}}}]


def test_a_stream_begins_with_the_estimate_of_the_real_server() -> None:
    def tokens(text: str) -> int:
        return estimated_tokens({"messages": [{"role": "user", "content": text}]})

    assert [tokens(text) for text in ("", "Say hi.", "x" * 12)] == [1, 2, 4]  # the role counts, four bytes a token
