"""Faults on the routes that translate: what the server's own chat would say, in the form of the route."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.simulator.servers import ServerClient, in_virtual_time, model, server_events, spec

SPEC = spec(model("a", 4), gpu_gib=24)
HI = [{"role": "user", "content": "hi"}]
REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "a", "messages": HI, "max_tokens": 5},
    "/v1/completions": {"model": "a", "prompt": "hi", "max_tokens": 5},
    "/v1/responses": {"model": "a", "input": "hi", "max_output_tokens": 5},
    "/v1/messages": {"model": "a", "messages": HI, "max_tokens": 5},
}
CRASHED = "an error was encountered while running the model: unexpected EOF"
LOAD_FAILED = "llama-server process has terminated: exit status 1: error loading model"
FULL = "server busy, please try again.  maximum pending requests exceeded"


def reply(path: str, fault: str, **more: Any) -> tuple[int, str, str, bool]:
    """Status, content type and body of a reply, and whether it came to its end."""

    async def main() -> tuple[int, str, str, bool]:
        client = ServerClient(SPEC, fault)
        seen, complete = b"", True
        async with client.http.stream("POST", path, json=REQUESTS[path] | more) as response:
            try:
                async for part in response.aiter_raw():
                    seen += part
            except httpx.RemoteProtocolError:
                complete = False
        return response.status_code, response.headers.get("content-type", ""), seen.decode(), complete

    return in_virtual_time(main)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(
    ("fault", "status", "message", "kind", "messages_kind"),
    [
        ("busy", 503, FULL, "api_error", "overloaded_error"),
        ("missing", 404, "model 'a' not found", "not_found_error", "not_found_error"),
        ("load-error", 500, LOAD_FAILED, "api_error", "api_error"),
    ],
)
def test_a_refusal_has_the_form_of_its_route(
    path: str, stream: bool, fault: str, status: int, message: str, kind: str, messages_kind: str
) -> None:
    told_status, content_type, text, complete = reply(path, fault, stream=stream)
    error = json.loads(text)["error"]
    assert (told_status, content_type, error["message"], complete) == (status, "application/json", message, True)
    assert error["type"] == (messages_kind if path == "/v1/messages" else kind)


@pytest.mark.parametrize("path", REQUESTS)
def test_a_crash_is_an_error_of_its_route(path: str) -> None:
    status, _, text, _ = reply(path, "crash")
    assert (status, json.loads(text)["error"]["message"]) == (500, CRASHED)


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("/v1/chat/completions", {"delta": {"content": ""}}),
        ("/v1/completions", {"text": ""}),
    ],
)
def test_a_crash_in_an_openai_stream_is_an_empty_chunk_without_a_model(path: str, last: dict[str, Any]) -> None:
    """Measured on a real server whose runner was killed: no error, no `[DONE]`."""
    status, content_type, text, complete = reply(path, "crash", stream=True)
    told = server_events(text)
    assert (status, content_type, complete, len(told)) == (200, "text/event-stream", True, 3)
    assert [event["model"] for event in told] == ["a", "a", ""]
    assert told[-1]["choices"] == [{"index": 0, "finish_reason": None, **last}]


@pytest.mark.parametrize(
    ("path", "last"), [("/v1/responses", "response.output_text.delta"), ("/v1/messages", "content_block_delta")]
)
def test_a_crash_ends_a_stream_of_named_events_after_a_piece_of_text(path: str, last: str) -> None:
    """Measured on a real server whose runner was killed: nothing says that there was a fault."""
    status, _, text, complete = reply(path, "crash", stream=True)
    assert (status, complete, server_events(text)[-1]["type"]) == (200, True, last)


def test_a_crash_below_a_translated_route_makes_the_next_call_load_the_model_again() -> None:
    async def main() -> list[bool]:
        client = ServerClient(SPEC, "crash:times=1")
        await client.http.post("/v1/chat/completions", json=REQUESTS["/v1/chat/completions"])
        return [(await client.use("a")).cold, (await client.use("a")).cold]

    assert in_virtual_time(main) == [True, False]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_replies_with_a_fault_are_numbered_with_the_others(path: str) -> None:
    async def main() -> list[str]:
        client = ServerClient(SPEC, "wrong-model:after=1,times=2")
        return [(await client.http.post(path, json=REQUESTS[path])).json()["id"] for _ in range(4)]

    assert len(set(in_virtual_time(main))) == 4


@pytest.mark.parametrize("path", REQUESTS)
def test_what_a_proxy_sends_is_not_translated(path: str) -> None:
    _, content_type, text, _ = reply(path, "html")
    assert (content_type, "Bad Gateway" in text) == ("text/html", True)
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply(path, "garbage")[2])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", REQUESTS)
def test_a_reply_can_be_cut(path: str, stream: bool) -> None:
    status, _, text, complete = reply(path, "cut", stream=stream)
    assert (status, complete) == (200, False)
    assert text


def test_a_hang_hangs_and_a_refused_connection_is_refused() -> None:
    async def main() -> bool:
        client = ServerClient(SPEC, "hang")
        try:
            await asyncio.wait_for(client.http.post("/v1/messages", json=REQUESTS["/v1/messages"]), 60)
        except TimeoutError:
            return True
        return False

    assert in_virtual_time(main)
    with pytest.raises(httpx.ConnectError):
        reply("/v1/chat/completions", "refuse")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_a_reply_without_its_end_has_no_reason_and_no_usage(path: str) -> None:
    whole = json.loads(reply(path, "no-done")[2])
    assert (whole["choices"][0]["finish_reason"], whole["usage"]["total_tokens"]) == (None, 0)
    assert "[DONE]" not in server_events(reply(path, "no-done", stream=True)[2])


def test_another_model_is_named_and_only_the_model_asked_for_is_hit() -> None:
    assert json.loads(reply("/v1/chat/completions", "wrong-model")[2])["model"] == "another-model:latest"
    assert json.loads(reply("/v1/chat/completions", "wrong-model:model=b")[2])["model"] == "a"
