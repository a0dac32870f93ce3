"""The `/v1` routes: requests and replies in the OpenAI form, over the same models."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from pytest_swarm.simulator.server.asgi_messages import json_line
from pytest_swarm.simulator.server.responses_requests import responses_body
from tests.simulator.servers import call, named_events, server_events

HI = [{"role": "user", "content": "hi"}]
CHAT = "/v1/chat/completions"


def test_a_chat_reports_what_it_used() -> None:
    reply = call("POST", CHAT, {"model": "a", "messages": HI, "max_tokens": 3}).json()
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["usage"] == {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}


def test_a_stream_ends_with_the_usage_if_asked_for() -> None:
    body = {"model": "a", "messages": HI, "max_tokens": 2, "stream": True, "stream_options": {"include_usage": True}}
    found = server_events(call("POST", CHAT, body).text)
    assert [event["choices"][0]["delta"] for event in found[:3]] == [
        {"role": "assistant", "content": "The "},
        {"content": "small"},
        {},
    ]
    assert found[3]["choices"] == []
    assert found[3]["usage"]["completion_tokens"] == 2
    assert found[4] == "[DONE]"


@pytest.mark.parametrize("names", [("type", "json_schema", "schema"), ("Type", "JSON_schema", "Schema")])
def test_a_json_schema_constrains_the_reply(names: tuple[str, str, str]) -> None:
    kind, outer, inner = names  # in any case, as all names of fields
    schema = {"type": "object", "properties": {"Color": {"enum": ["red"]}}, "required": ["Color"]}
    format_ = {kind: "json_schema", outer: {inner: schema}}
    reply = call("POST", CHAT, {"model": "a", "messages": HI, "response_format": format_}).json()
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"Color": "red"}


def test_half_a_surrogate_pair_in_an_answer_is_the_replacement_character() -> None:
    """As in Go; an answer that was measured, and is played, may hold one."""
    assert json_line({"response": "a\ud800b"}).decode() == '{"response":"a\N{REPLACEMENT CHARACTER}b"}\n'


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ["/api/chat", CHAT, "/v1/responses"])
def test_no_text_breaks_a_line_or_opens_a_tag(path: str, stream: bool) -> None:
    """Go escapes five characters. A client that reads lines as Python does would break a stream at two of them."""
    schema = {"enum": ["one <b>&\u2028two\u2029é"]}
    asked: dict[str, Any] = {
        "/api/chat": {"messages": HI, "format": schema},
        CHAT: {"messages": HI, "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}},
        "/v1/responses": {"input": "hi", "text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}},
    }
    told = call("POST", path, {"model": "a", "stream": stream, **asked[path]}).text
    assert all(escape in told for escape in ("\\u003c", "\\u003e", "\\u0026", "\\u2028", "\\u2029", "é"))
    assert not set(told) & set("<>&\u2028\u2029")


def test_a_stream_of_completions_repeats_the_usage_in_every_event() -> None:
    body = {"model": "a", "prompt": "hi", "max_tokens": 1, "stream": True, "stream_options": {"include_usage": True}}
    found = server_events(call("POST", "/v1/completions", body).text)
    assert [event["usage"]["completion_tokens"] for event in found[:-1]] == [0, 0, 1]
    assert [" ".join(event) for event in found[:-1]] == ["id object created choices model system_fingerprint usage"] * 3
    assert found[1]["choices"][0] == {"text": "", "index": 0, "finish_reason": "length"}


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (CHAT, None, 400, "EOF"),
        (CHAT, {"model": "a", "messages": "x"}, 400, "json: cannot unmarshal string into Go struct field "
         "ChatCompletionRequest.messages of type []openai.Message"),
        (CHAT, {"model": "a", "messages": HI, "max_tokens": 1.5}, 400, "json: cannot unmarshal number 1.5 into Go "
         "struct field ChatCompletionRequest.max_tokens of type int"),
        (CHAT, {"model": "a", "messages": [{"role": "user", "content": 5}]}, 400,
         "invalid message content type: float64"),
        (CHAT, {"model": "a", "messages": [{"role": "user", "content": [{"type": "video"}]}]}, 400,
         "invalid message format"),
        (CHAT, {"model": "a", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio":
         {"data": "%"}}]}]}, 400, "invalid input_audio base64 data: illegal base64 data at input byte 0"),
        (CHAT, {"model": "a", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
         400, "invalid input_audio format: missing data"),
        (CHAT, {"model": "a", "messages": HI, "tools": [{"type": "function"}]}, 400,
         "registry.ollama.ai/library/a:latest does not support tools"),
        (CHAT, {"model": "a b", "messages": HI}, 400, "invalid model name"),
        (CHAT, {"model": "a", "messages": HI, "stream_options": {"include_usage": "x"}}, 400, "json: cannot unmarshal "
         "string into Go struct field StreamOptions.stream_options.include_usage of type bool"),
        (CHAT, {"model": "a", "messages": HI, "response_format": {"type": 3}}, 400, "json: cannot unmarshal "
         "number into Go struct field ResponseFormat.response_format.type of type string"),
        (CHAT, {"model": "a", "messages": HI, "response_format": {"json_schema": 3}}, 400, "json: cannot unmarshal "
         "number into Go struct field ResponseFormat.response_format.json_schema of type openai.JsonSchema"),
        (CHAT, {"model": "a", "messages": [None]}, 400, "invalid message content type: <nil>"),
        (CHAT, {"model": "a", "messages": [{"name": 3}]}, 400, "json: cannot unmarshal number into Go struct field "
         "Message.messages.name of type string"),
        (CHAT, {"model": "a", "messages": [{"tool_calls": [3]}]}, 400, "json: cannot unmarshal number into Go struct "
         "field Message.messages.tool_calls of type openai.ToolCall"),
        (CHAT, {"model": "a", "messages": [{"tool_calls": [{"function": 3}]}]}, 400, "json: cannot unmarshal number "
         "into Go struct field ToolCall.messages.tool_calls.function of type struct { Name string "
         '"json:\\"name\\""; Arguments string "json:\\"arguments\\"" }'),
        (CHAT, {"model": "a", "messages": [{"tool_calls": [{"function": {"arguments": {}}}]}]}, 400, "json: cannot "
         "unmarshal object into Go struct field .messages.tool_calls.function.arguments of type string"),
        (CHAT, {"model": "a", "messages": HI, "temperature": "x"}, 400, "json: cannot unmarshal string into Go struct "
         "field ChatCompletionRequest.temperature of type float64"),
        ("/v1/completions", {"model": "a", "prompt": "hi", "temperature": "x"}, 400, "json: cannot unmarshal string "
         "into Go struct field CompletionRequest.temperature of type float32"),
        ("/v1/completions", {"model": "a", "prompt": ["hi"]}, 400, "json: cannot unmarshal array into Go struct field "
         "CompletionRequest.prompt of type string"),
        ("/v1/completions", {"model": "a", "prompt": "hi", "stop": [1]}, 400, "invalid type for 'stop' field: float64"),
        ("/v1/completions", {"model": "no", "prompt": "hi"}, 404, "model 'no' not found"),
        ("/v1/embeddings", {"model": "a", "input": []}, 400, "invalid input"),
        ("/v1/embeddings", {"model": "a", "input": "x", "encoding_format": "hex"}, 400,
         "Invalid value for 'encoding_format' = hex. Supported values: ['float', 'base64']."),
    ],
)  # fmt: skip
def test_refusals(path: str, body: Any, status: int, message: str) -> None:
    response = call("POST", path, body)
    kind = "invalid_request_error" if status == 400 else "not_found_error"
    assert response.status_code == status
    assert response.json() == {"error": {"message": message, "type": kind, "param": None, "code": None}}


@pytest.mark.parametrize(
    ("more", "status", "sized"),
    [
        ({"messages": [{"role": "user", "content": []}]}, 200, True),
        ({"max_tokens": 2}, 200, False),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}}}, 400, False),
        ({"model": "no"}, 404, True),
    ],
)
def test_a_length_is_stated_of_what_was_not_about_to_be_a_stream(more: Any, status: int, sized: bool) -> None:
    response = call("POST", CHAT, {"model": "a", "messages": HI, "stream": True, **more})
    assert (response.status_code, "content-length" in response.headers) == (status, sized)


BAD_CALLS = [{"function": {"arguments": '{"a": NaN}'}}]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"tool_calls": [{"function": {"arguments": " null"}}]}, None),
        ({"content": "hi", "tool_calls": BAD_CALLS}, "invalid tool call arguments"),
        ({"content": [{"type": "text", "text": "hi"}], "tool_calls": BAD_CALLS}, "invalid tool call arguments"),
        ({"content": [{"type": "x"}], "tool_calls": BAD_CALLS}, "invalid message format"),
        ({"content": [], "tool_calls": BAD_CALLS}, None),
    ],
)
def test_the_parts_of_a_message_are_read_before_its_tool_calls(message: Any, told: str | None) -> None:
    reply = call("POST", CHAT, {"model": "a", "messages": [{"role": "assistant", **message}, *HI]}).json()
    assert reply.get("error", {}).get("message") == told


def test_models_are_listed_and_found_by_name() -> None:
    listed = call("GET", "/v1/models").json()
    assert [row["id"] for row in listed["data"]] == ["a:latest", "b:latest"]
    assert call("GET", "/v1/models/a").json()["id"] == "a"


# --- /v1/responses ---------------------------------------------------------------------------------------------

RESPONSES = "/v1/responses"


def test_a_response_repeats_the_settings_of_its_request() -> None:
    body = {"model": "a", "input": "hi", "instructions": "Be brief.", "max_output_tokens": 2, "temperature": 0.5}
    reply = call("POST", RESPONSES, body).json()
    assert (reply["status"], reply["instructions"], reply["max_output_tokens"]) == ("completed", "Be brief.", 2)
    assert (reply["temperature"], reply["top_p"], reply["truncation"]) == (0.5, 1, "disabled")
    assert (reply["output"][0]["status"], reply["output"][0]["content"][0]["text"]) == ("completed", "The small")
    assert reply["usage"]["output_tokens"] == 2
    assert reply["reasoning"] is None
    assert list(reply)[:6] == ["id", "object", "created_at", "completed_at", "status", "incomplete_details"]
    assert list(reply)[-2:] == ["safety_identifier", "prompt_cache_key"]


def test_the_events_of_a_response_are_numbered_and_end_with_the_whole() -> None:
    body = {"model": "a", "input": [{"role": "user", "content": "hi"}], "max_output_tokens": 2, "stream": True}
    response = call("POST", RESPONSES, body)
    assert (response.headers["cache-control"], response.headers["connection"]) == ("no-cache", "keep-alive")
    found = named_events(response)
    assert [name.removeprefix("response.") for name, _ in found] == [
        *("created", "in_progress", "output_item.added", "content_part.added", "output_text.delta"),
        *("output_text.delta", "output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    assert [event["sequence_number"] for _, event in found] == list(range(len(found)))
    last = found[-1][1]["response"]
    assert list(last) == sorted(last)
    assert last["output"][0]["content"][0]["text"] == "".join(
        event["delta"] for name, event in found if name.endswith("delta")
    )
    assert last["usage"]["total_tokens"] == 3


def test_a_schema_constrains_a_response() -> None:
    schema = {"type": "object", "properties": {"color": {"enum": ["red"]}}, "required": ["color"]}
    text = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    reply = call("POST", RESPONSES, {"model": "a", "input": "hi", "text": text}).json()
    assert json.loads(reply["output"][0]["content"][0]["text"]) == {"color": "red"}
    assert reply["text"] == text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, "input must be a string or array: json: cannot unmarshal number into Go value of type []json.RawMessage"),
        ([{}], "input[0]: input item missing required 'type' field"),
        ([5], 'input[0]: json: cannot unmarshal number into Go value of type struct { Type string "json:\\"type\\""; '
         'Role string "json:\\"role\\"" }'),
        ([{"type": 5}], "input[0]: json: cannot unmarshal number into Go struct field .type of type string"),
        ([{"type": "function_call", "name": 5}],
         "input[0]: json: cannot unmarshal number into Go struct field ResponsesFunctionCall.name of type string"),
        ([{"type": "reasoning", "summary": [{"text": 5}]}], "input[0]: json: cannot unmarshal number into Go struct "
         "field ResponsesReasoningSummary.summary.text of type string"),
        ([{"role": "user", "content": [{"type": "input_text", "text": 5}]}], "input[0]: content[0]: json: cannot "
         "unmarshal number into Go struct field ResponsesTextContent.text of type string"),
        ([{"role": "user", "content": [{"type": 5}]}],
         "input[0]: content[0]: json: cannot unmarshal number into Go struct field .type of type string"),
        ([{"type": "function_call", "arguments": "{} x"}],
         "failed to parse function call arguments: invalid character 'x' after top-level value"),
        ([{"type": "function_call", "arguments": "{"}],
         "failed to parse function call arguments: unexpected end of JSON input"),
        ([{"type": "function_call", "arguments": "[1]"}],
         "failed to parse function call arguments: Value looks like object, but can't find closing '}' symbol"),
        ([{"type": "bad"}], 'input[0]: unknown input item type: "bad"'),
        ([{"role": "user", "content": [{"type": "x"}]}], "input[0]: content[0]: unknown content type: x"),
        ([{"role": "user", "content": [{"type": "input_file"}]}], "file inputs are not currently supported"),
        (
            [{"role": "user", "content": 5}],
            "input[0]: content must be a string or array: json: cannot unmarshal number into Go value of type "
            "[]json.RawMessage",
        ),
    ],
)  # fmt: skip
def test_the_input_of_a_response_is_checked(given: Any, message: str) -> None:
    response = call("POST", RESPONSES, {"model": "a", "input": given})
    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


@pytest.mark.parametrize("other", [{"model": 5}, {"tools": 5}, {"text": 5, "reasoning": 5}])
def test_a_fault_of_the_input_comes_before_those_of_other_fields(other: dict[str, Any]) -> None:
    response = call("POST", RESPONSES, {"model": "a", **other, "input": [{}]})
    assert response.json()["error"]["message"] == "input[0]: input item missing required 'type' field"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tools": [None]}, "registry.ollama.ai/library/a:latest does not support tools"),
        ({"tools": [{"type": "namespace", "tools": [{}]}]},
         "registry.ollama.ai/library/a:latest does not support tools"),
        ({"tools": [{"strict": 5}]}, "json: cannot unmarshal number into Go struct field ResponsesTool.tools.strict of "
         "type bool"),
        ({"tools": [{"parameters": {"type": 5}}]}, "failed to unmarshal tool parameters: json: cannot unmarshal number "
         "into Go struct field ToolFunctionParameters.type of type string"),
        ({"text": {"format": {"name": 5}}}, "json: cannot unmarshal number into Go struct field "
         "ResponsesTextFormat.text.format.name of type string"),
        ({"reasoning": {"summary": 5}}, "json: cannot unmarshal number into Go struct field "
         "ResponsesReasoning.reasoning.summary of type string"),
    ],
)  # fmt: skip
def test_the_settings_of_a_response_are_checked(changes: dict[str, Any], message: str) -> None:
    response = call("POST", RESPONSES, {"model": "a", "input": "hi", **changes})
    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


def test_the_stream_of_a_response_that_searches_the_web_tells_of_a_refusal() -> None:
    asked = {"model": "a", "input": "hi", "stream": True, "tools": [{"type": "web_search"}]}
    refused = call("POST", RESPONSES, asked)
    assert (refused.status_code, refused.headers["content-type"]) == (200, "text/event-stream")
    found = named_events(refused)
    assert [name for name, _ in found] == ["response.created", "response.in_progress", "response.failed"]
    message = "registry.ollama.ai/library/a:latest does not support tools"
    nothing = dict.fromkeys(("description", "strict", "parameters"))
    assert found[0][1]["response"]["tools"] == [{"type": "web_search", "name": "", **nothing}]
    assert found[-1][1]["response"]["error"] == {"code": "api_error", "message": message}
    assert call("POST", RESPONSES, {**asked, "stream": False}).status_code == 400


def test_settings_are_repeated_as_go_writes_them() -> None:
    text = {"format": {"type": "json_schema", "name": "", "schema": {"type": "object"}, "strict": None}}
    asked = {"model": "a", "input": "hi", "text": text, "top_p": 2.0, "temperature": 1e30}
    reply = call("POST", RESPONSES, asked).json()
    assert reply["text"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert [repr(reply[name]) for name in ("top_p", "temperature")] == ["2", "1e+30"]
    nothing = {"format": {"type": "json_schema", "schema": None}}
    assert call("POST", RESPONSES, {**asked, "text": nothing}).json()["text"] == nothing


def test_an_empty_namespace_of_tools_is_no_tool() -> None:
    assert call("POST", RESPONSES, {"model": "a", "input": "hi", "tools": [{"type": "namespace"}]}).status_code == 200


def test_reasoning_of_an_earlier_answer_is_its_thinking() -> None:
    items = [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "encrypted_content": "hm"},
        {"role": "assistant", "content": "hello"},
        {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "5"},
    ]
    body = responses_body({"model": "a", "input": items})
    roles = [message["role"] for message in cast("list[dict[str, Any]]", body["messages"])]
    assert roles == ["user", "assistant", "assistant", "tool"]
    assert cast("list[dict[str, Any]]", body["messages"])[1]["thinking"] == "hm"
