"""Request bodies are decoded as Go decodes them: the fault that comes first, names in any case."""

from __future__ import annotations

import pytest

from pytest_swarm.simulator.server.field_checks import InvalidBody
from pytest_swarm.simulator.server.request_bodies import read_object


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            '{"stream": "x", "model": 5}',
            "json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool",
            id="the-first-in-the-document",
        ),
        pytest.param(
            '{"model": 5, "stream": "x"}',
            "json: cannot unmarshal number into Go struct field ChatRequest.model of type string",
            id="in-the-other-order",
        ),
        pytest.param(
            '{"stream": "x", "messages": [{"role": 5}]}',
            "json: cannot unmarshal number into Go struct field ChatRequest.messages.role of type string",
            id="messages-have-their-own-decoder",
        ),
        pytest.param(
            '{"stream": "x", "keep_alive": "1"}', 'time: missing unit in duration "1"', id="so-has-keep-alive"
        ),
        pytest.param(
            '{"stream": 0, "think": 5}',
            'think must be a boolean or string ("high", "medium", "low", "max", true, or false)',
            id="and-think",
        ),
        pytest.param(
            '{"Stream": "x"}',
            "json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool",
            id="any-case",
        ),
        pytest.param(
            '{"messages": [{"images": [5], "tool_calls": [{"id": 5}, {"function": {"arguments": "{}"}}]}]}',
            "Value looks like object, but can't find closing '}' symbol",
            id="arguments-before-images",
        ),
        pytest.param(
            '{"messages": [{"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]}',
            "Value looks like object, but can't find closing '}' symbol",
            id="arguments-are-an-object",
        ),
        pytest.param(
            '{"messages": [{"tool_calls": [{"function": {"name": 5}}]}]}',
            "json: cannot unmarshal number into Go struct field ChatRequest.messages.tool_calls.function.name of type "
            "string",
            id="a-function-has-a-name",
        ),
        pytest.param(
            '{"tools": [{"type": 5}]}',
            "json: cannot unmarshal number into Go struct field Tool.tools.type of type string",
            id="a-tool-has-a-type",
        ),
        pytest.param(
            '{"tools": [{"function": {"parameters": "x"}}]}',
            "json: cannot unmarshal string into Go struct field ToolFunction.tools.function.parameters of type "
            "api.ToolFunctionParameters",
            id="parameters-are-an-object",
        ),
        pytest.param(
            '{"tools": [{"function": {"parameters": {"Required": [5]}}}]}',
            "json: cannot unmarshal number into Go struct field ToolFunctionParameters.tools.function.parameters."
            "required of type string",
            id="required-are-names",
        ),
        pytest.param(
            '{"tools": [{"function": {"parameters": {"properties": {"x": {"type": ["string"], "enum": 5}}}}}]}',
            "json: cannot unmarshal number into Go struct field ToolFunctionParameters.tools.function.parameters."
            "properties.enum of type []interface {}",
            id="the-name-around-a-map-stays",
        ),
        pytest.param(
            '{"tools": [{"function": {"parameters": {"properties": {"x": {"type": 5}}}}}]}',
            "json: cannot unmarshal number into Go struct field ToolFunctionParameters.tools.function.parameters."
            "properties.type of type []string",
            id="a-type-is-a-text-or-a-list",
        ),
        pytest.param(
            '{"tools": [{"function": {"parameters": {"properties": 5}}}]}',
            "Value looks like object, but can't find closing '}' symbol",
            id="properties-are-an-object",
        ),
        pytest.param(
            '{"tools": [{"function": {"parameters": {"properties": {"x": {"anyOf": [{"required": [5]}]}}}}}]}',
            "json: cannot unmarshal number into Go struct field ToolFunctionParameters.tools.function.parameters."
            "properties.anyOf.required of type string",
            id="the-name-around-a-map-stays-in-all-of-it",
        ),
        pytest.param(
            '{"messages": [{"tool_calls": [{"function": {"name": 5}}]}]}',
            "json: cannot unmarshal number into Go struct field ChatRequest.messages.tool_calls.function.name of type "
            "string",
            id="the-name-around-a-message-stays",
        ),
        pytest.param(
            '{"messages": [{"images": [[256]]}]}',
            "json: cannot unmarshal number 256 into Go struct field ChatRequest.messages.images of type uint8",
            id="an-image-may-be-a-list-of-bytes",
        ),
        pytest.param("[" * 20_000, "invalid character '[' exceeded max depth", id="too-deep"),
        pytest.param('{"x": ' + '{"y":' * 200, "invalid character '{' exceeded max depth", id="one-level-too-deep"),
    ],
)
def test_the_fault_of_a_body_is_the_servers(body: str, message: str) -> None:
    with pytest.raises(InvalidBody) as caught:
        read_object(body.encode(), "ChatRequest")
    assert str(caught.value) == message


def test_names_count_in_any_case_also_in_messages() -> None:
    found = read_object(b'{"MODEL": "a", "Messages": [{"Role": "user", "Content": "hi"}]}', "ChatRequest")
    assert found == {"model": "a", "messages": [{"role": "user", "content": "hi"}]}


def test_an_empty_message_and_an_empty_tool_call_are_taken() -> None:
    found = read_object(b'{"messages": [null, {"tool_calls": [{}, null], "images": [[1, null], []]}]}', "ChatRequest")
    assert found == {"messages": [None, {"tool_calls": [{}, None], "images": [[1, None], []]}]}


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    body = rb'{"model": "\ud800", "messages": [{"content": "\ud83d\ude00 \\ud800"}]}'
    data = read_object(body, "ChatRequest")
    assert data == {"model": "\N{REPLACEMENT CHARACTER}", "messages": [{"content": "\N{GRINNING FACE} \\ud800"}]}


@pytest.mark.parametrize("levels", [150, 198])
def test_what_is_nested_as_deep_as_it_is_read_is_taken(levels: int) -> None:
    deep = "[" * (levels - 1) + '{"[[": "]}\\""}' + "]" * (levels - 1)
    data = read_object(f'{{"x": {deep}, "model": "a]", "options": {{"y": {deep}, "seed": 3}}}}'.encode(), "ChatRequest")
    assert (data["model"], data["options"]["seed"]) == ("a]", 3)  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("twice", "field", "value"),
    [
        ('"model": "x", "model": "a"', "model", "a"),
        ('"MODEL": "x", "model": "a"', "model", "a"),
        ('"messages": [{"content": "x"}], "messages": []', "messages", []),
        ('"options": {"seed": 1, "seed": 2}', "options", {"seed": 2}),
    ],
)
def test_of_names_that_stand_twice_the_last_counts(twice: str, field: str, value: object) -> None:
    assert read_object(f"{{{twice}}}".encode(), "ChatRequest")[field] == value
