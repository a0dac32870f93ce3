"""The `/v1` routes: requests and replies in the OpenAI form, over the same models."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.simulator.servers import ServerClient, in_virtual_time, model, spec

HI = [{"role": "user", "content": "hi"}]
CHAT = "/v1/chat/completions"


def call(method: str, path: str, body: Any = None) -> httpx.Response:
    async def main() -> httpx.Response:
        client = ServerClient(spec(model("a", 1)))
        response = await client.http.request(method, path, json=body)
        await response.aread()
        return response

    return in_virtual_time(main)


def events(response: httpx.Response) -> list[Any]:
    texts = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


def test_a_chat_reports_what_it_used() -> None:
    reply = call("POST", CHAT, {"model": "a", "messages": HI, "max_tokens": 3}).json()
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["usage"] == {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}


def test_a_stream_ends_with_the_usage_if_asked_for() -> None:
    body = {"model": "a", "messages": HI, "max_tokens": 2, "stream": True, "stream_options": {"include_usage": True}}
    found = events(call("POST", CHAT, body))
    assert [event["choices"][0]["delta"] for event in found[:3]] == [
        {"role": "assistant", "content": "The "},
        {"content": "small"},
        {},
    ]
    assert found[3]["choices"] == []
    assert found[3]["usage"]["completion_tokens"] == 2
    assert found[4] == "[DONE]"


def test_a_json_schema_constrains_the_reply() -> None:
    schema = {"type": "object", "properties": {"color": {"enum": ["red"]}}, "required": ["color"]}
    format_ = {"type": "json_schema", "json_schema": {"schema": schema}}
    reply = call("POST", CHAT, {"model": "a", "messages": HI, "response_format": format_}).json()
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"color": "red"}


def test_a_stream_of_completions_repeats_the_usage_in_every_event() -> None:
    body = {"model": "a", "prompt": "hi", "max_tokens": 1, "stream": True, "stream_options": {"include_usage": True}}
    found = events(call("POST", "/v1/completions", body))
    assert [event["usage"]["completion_tokens"] for event in found[:-1]] == [0, 0, 1]
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
        (CHAT, {"model": "a", "messages": HI, "tools": [{"type": "function"}]}, 400,
         "registry.ollama.ai/library/a:latest does not support tools"),
        (CHAT, {"model": "a b", "messages": HI}, 400, "invalid model name"),
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


def test_models_are_listed_and_found_by_name() -> None:
    listed = call("GET", "/v1/models").json()
    assert [row["id"] for row in listed["data"]] == ["a:latest"]
    assert call("GET", "/v1/models/a").json()["id"] == "a"
