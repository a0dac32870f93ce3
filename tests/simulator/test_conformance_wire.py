"""What the real server says on the wire, key for key and text for text, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.simulator.server.durations import rfc3339
from pytest_swarm.simulator.virtual_loop import VIRTUAL_EPOCH_S
from tests.simulator.servers import ServerClient, in_virtual_time, model, spec
from tests.tries import tries

CHAT = {"model": "a", "messages": [{"role": "user", "content": "hi"}]}
FIGURES = [
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
]


def client() -> ServerClient:
    return ServerClient(spec(model("a", 4), model("b", 5, "20", parameters={"num_ctx": 2048}), gpu_gib=24))


def with_bench(use: Callable[[ServerClient], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await use(client())

    return in_virtual_time(main)


def request(method: str, path: str, **more: Any) -> httpx.Response:
    response: httpx.Response = with_bench(lambda server: server.http.request(method, path, **more))
    return response


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


# --- routes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "text"),
    [
        ("GET", "/", 200, "text/plain; charset=utf-8", "Ollama is running"),
        ("HEAD", "/", 200, "text/plain; charset=utf-8", ""),
        ("HEAD", "/api/tags", 200, "application/json; charset=utf-8", ""),
        ("HEAD", "/api/version", 200, "application/json; charset=utf-8", ""),
        ("HEAD", "/api/ps", 405, "text/plain", ""),
        ("GET", "/api/chat", 405, "text/plain", "405 method not allowed"),
        ("GET", "/api/experimental/web_search", 405, "text/plain", "405 method not allowed"),
        ("GET", "/api/nothing", 404, "text/plain", "404 page not found"),
        ("HEAD", "/api/blobs/sha256:00", 400, "application/json; charset=utf-8", ""),
        (
            *("POST", "/api/signout", 500, "application/json; charset=utf-8"),
            '{"error":"there was an error signing out"}',
        ),
    ],
)
def test_routes(method: str, path: str, status: int, kind: str, text: str) -> None:
    response = request(method, path)
    assert (response.status_code, response.headers["content-type"], response.text) == (status, kind, text)


@pytest.mark.parametrize(
    ("method", "path", "location", "text"),
    [
        ("GET", "/api//tags", "/api/tags", '<a href="/api/tags">Temporary Redirect</a>.\n\n'),
        ("GET", "/api///tags", "/api/tags", '<a href="/api/tags">Temporary Redirect</a>.\n\n'),
        ("POST", "//api/chat//", "/api/chat/", ""),
        ("HEAD", "//", "/", ""),
        ("HEAD", "//a%2Fb%20(", "/a%252Fb%2520%28", ""),
    ],
)
def test_a_path_with_empty_parts_is_redirected(method: str, path: str, location: str, text: str) -> None:
    response = request(method, f"http://simulated{path}")
    assert (response.status_code, response.headers["location"], response.text) == (307, location, text)


def test_tags_and_show_agree_on_the_models() -> None:
    async def use(server: ServerClient) -> tuple[Any, Any, int]:
        rows = (await server.http.get("/api/tags")).json()["models"]
        shown = (await server.post("/api/show", model="b")).body
        blob = await server.http.head(f"/api/blobs/sha256:{rows[0]['digest']}")
        return rows, shown, blob.status_code

    rows, shown, status = with_bench(use)
    assert [row["name"] for row in rows] == ["a:latest", "b:latest"]
    assert set(rows[0]) == {"name", "model", "modified_at", "size", "digest", "details", "capabilities"}
    assert rows[0]["details"]["context_length"] == 131_072
    assert rows[0]["details"]["embedding_length"] == shown["model_info"]["llama.embedding_length"]
    assert len(rows[0]["digest"]) == 64
    assert status == 200
    assert shown["parameters"] == "num_ctx                        2048"
    assert shown["model_info"]["llama.context_length"] == 131_072
    assert shown["capabilities"] == ["completion"]


def test_show_leaves_out_what_a_model_does_not_have() -> None:
    shown = request("POST", "/api/show", json={"name": "a"}).json()
    assert {"parameters", "license", "system"}.isdisjoint(shown)


# --- chat and generate -----------------------------------------------------------------------------------------


def test_a_whole_chat_has_exactly_these_keys() -> None:
    response = request("POST", "/api/chat", json={**CHAT, "stream": False, "options": {"num_predict": 5}})
    reply = response.json()
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert list(reply) == ["model", "created_at", "message", "done", "done_reason", *FIGURES]
    assert (reply["done_reason"], reply["eval_count"]) == ("length", 5)
    assert reply["total_duration"] >= reply["load_duration"] + reply["prompt_eval_duration"] + reply["eval_duration"]


def test_a_whole_generate_has_a_token_context_unless_raw() -> None:
    body = {"model": "a", "prompt": "hi", "stream": False, "options": {"num_predict": 2}}
    assert request("POST", "/api/generate", json=body).json()["context"]
    assert "context" not in request("POST", "/api/generate", json={**body, "raw": True}).json()


@pytest.mark.parametrize("stream", [{}, {"stream": True}, {"stream": None}])
def test_a_stream_is_json_lines_with_figures_in_the_last(stream: dict[str, Any]) -> None:
    response = request("POST", "/api/chat", json={**CHAT, **stream, "options": {"num_predict": 5}})
    *chunks, last = lines(response)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert len(chunks) == 5
    assert all(list(chunk) == ["model", "created_at", "message", "done"] and not chunk["done"] for chunk in chunks)
    assert list(last) == ["model", "created_at", "message", "done", "done_reason", *FIGURES]
    assert last["message"] == {"role": "assistant", "content": ""}


def test_a_stream_says_the_same_as_a_whole_answer() -> None:
    async def use(server: ServerClient) -> tuple[str, str]:
        body = {**CHAT, "options": {"num_predict": 7, "seed": 3}}
        whole = (await server.http.post("/api/chat", json={**body, "stream": False})).json()["message"]["content"]
        parts = lines(await server.http.post("/api/chat", json=body))
        return whole, "".join(part["message"]["content"] for part in parts)

    whole, streamed = with_bench(use)
    assert whole == streamed != ""


def test_tokens_arrive_one_by_one_at_the_models_speed() -> None:
    async def use(server: ServerClient) -> list[float]:
        await server.load("a")
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        body = {**CHAT, "options": {"num_predict": 3, "num_ctx": 4096}}
        async with server.http.stream("POST", "/api/chat", json=body) as response:
            return [loop.time() - begun_s async for _ in response.aiter_lines()]

    prefill_s = 0.001 + 0.001  # of handling, and one token of prompt at 1000 a second, which gives the first
    assert with_bench(use) == pytest.approx([prefill_s, prefill_s + 0.02, prefill_s + 0.04, prefill_s + 0.04])


@pytest.mark.parametrize(("tokens", "nanoseconds"), [(1, 1000), (2, 20_000_000), (5, 80_000_000)])
def test_the_decoding_time_is_that_of_the_tokens_after_the_first(tokens: int, nanoseconds: int) -> None:
    async def use(server: ServerClient) -> Any:
        body = {**CHAT, "stream": False, "options": {"num_predict": tokens, "num_ctx": 4096}}
        return (await server.http.post("/api/chat", json=body)).json()["eval_duration"]

    assert with_bench(use) == nanoseconds


def test_zeros_are_left_out() -> None:
    """A model so fast that its prompt takes no nanosecond."""

    async def main() -> Any:
        return (await ServerClient(spec(model("a", 1, prefill_tokens_per_s=1e12))).use("a")).body

    assert "prompt_eval_duration" not in in_virtual_time(main)


def test_waiting_for_a_slot_counts_in_the_total_only() -> None:
    async def use(server: ServerClient) -> Any:
        await server.load("a")
        _, second = await asyncio.gather(server.use("a", tokens=50), server.use("a"))
        return second.body

    reply = with_bench(use)
    assert reply["load_duration"] < 10_000_000 < 1_000_000_000 < reply["total_duration"]


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/api/chat", {"messages": []}, "load"),
        ("/api/chat", {}, "load"),
        ("/api/generate", {"prompt": ""}, "load"),
        ("/api/generate", {"keep_alive": 0}, "unload"),
        ("/api/generate", {"keep_alive": "0"}, "unload"),
        ("/api/chat", {"keep_alive": 0}, "unload"),
    ],
)
def test_loading_and_unloading_is_one_plain_object(path: str, body: dict[str, Any], reason: str) -> None:
    response = request("POST", path, json={"model": "a", "stream": True, **body})
    reply = response.json()
    said = "message" if path == "/api/chat" else "response"
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert list(reply) == ["model", "created_at", said, "done", "done_reason"]
    assert reply["done_reason"] == reason


def test_names_match_without_case_and_are_repeated_as_written() -> None:
    assert (
        request("POST", "/api/chat", json={**CHAT, "model": "A:Latest", "stream": False}).json()["model"] == "A:Latest"
    )


def test_bytes_after_the_object_are_ignored() -> None:
    assert request("POST", "/api/chat", content=b'{"model":"a"} trailing').json()["done_reason"] == "load"


@pytest.mark.parametrize(
    ("encoding", "error"),
    [
        ("gzip", "invalid character '\\x1f' looking for beginning of value"),
        ("zstd", "the simulated server reads no request bodies compressed by zstd; send the body as it is"),
    ],
)
def test_a_compressed_body_is_refused(encoding: str, error: str) -> None:
    """As a real server refuses all but zstd."""
    response = request("POST", "/api/chat", content=b"\x1f\x8b\x08", headers={"content-encoding": encoding})
    assert (response.status_code, response.json()) == (400, {"error": error})


def test_log_probabilities_come_one_per_token_with_alternatives() -> None:
    body = {**CHAT, "stream": False, "logprobs": True, "top_logprobs": 2, "options": {"num_predict": 3}}
    reply = request("POST", "/api/chat", json=body).json()
    entries = reply["logprobs"]
    assert len(entries) == 3
    assert list(reply).index("logprobs") == list(reply).index("total_duration") - 1
    assert all(set(entry) == {"token", "logprob", "bytes", "top_logprobs"} for entry in entries)


@pytest.mark.parametrize(("alternatives", "status"), [(-1, 400), (0, 200), (20, 200), (21, 400)])
def test_up_to_twenty_alternatives_of_a_token_are_given(alternatives: int, status: int) -> None:
    body = {**CHAT, "stream": False, "logprobs": True, "top_logprobs": alternatives, "options": {"num_predict": 1}}
    assert request("POST", "/api/chat", json=body).status_code == status


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("chat", {"raw": True, "template": "{{", "suffix": "x", "context": [-1], "images": ["AAAA"], "prompt": 5}),
        ("generate", {"tools": [{}], "messages": 5}),
    ],
)
def test_a_field_of_another_route_is_ignored(path: str, ignored: dict[str, Any]) -> None:
    asked = {**CHAT, **HI, "stream": False} if path == "generate" else {**CHAT, "stream": False}
    assert request("POST", f"/api/{path}", json={**asked, **ignored}).json()["done"] is True


def test_a_schema_constrains_the_answer() -> None:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}, "color": {"enum": ["red"]}},
        "required": ["ok", "color"],
    }
    reply = request("POST", "/api/chat", json={**CHAT, "stream": False, "format": schema}).json()
    assert json.loads(reply["message"]["content"]) == {"ok": True, "color": "red"}


# --- errors ----------------------------------------------------------------------------------------------------

HI = {"prompt": "hi", "model": "a"}
FIELD = "json: cannot unmarshal {} into Go struct field {} of type {}"
REFUSAL = '{{"error":{{"code":400,"message":"{}","type":"invalid_request_error"}}}}'
ERRORS: list[tuple[str, Any, int, str]] = [
    ("chat", b"", 400, "missing request body"),
    ("chat", b"{bad", 400, "invalid character 'b' looking for beginning of object key string"),
    ("chat", b'{"model":', 400, "unexpected EOF"),
    ("chat", b'{"model":"a', 400, "unexpected EOF"),
    ("chat", b'{"model" 1}', 400, "invalid character '1' after object key"),
    ("chat", b"nonsense", 400, "invalid character 'o' in literal null (expecting 'u')"),
    ("chat", b"[" * 100_000, 400, "invalid character '[' exceeded max depth"),
    ("chat", b'{"top_logprobs": 1e999}', 400, FIELD.format("number 1e999", "ChatRequest.top_logprobs", "int")),
    ("chat", b'{"top_logprobs": 3.0}', 400, FIELD.format("number 3.0", "ChatRequest.top_logprobs", "int")),
    ("chat", b'{"top_logprobs": 1E2}', 400, FIELD.format("number 1E2", "ChatRequest.top_logprobs", "int")),
    ("chat", b'{"top_logprobs": 9223372036854775807}', 400, "top_logprobs must be between 0 and 20"),
    ("chat", b'{"top_logprobs": 9223372036854775808}', 400,
     FIELD.format("number 9223372036854775808", "ChatRequest.top_logprobs", "int")),
    ("chat", b'{"options": {"seed": 1e999}}', 400, FIELD.format("number 1e999", "ChatRequest.options", "float64")),
    ("chat", b'{"model": 1e999}', 400, FIELD.format("number", "ChatRequest.model", "string")),
    ("chat", b'{"unknown": 1e999}', 400, "model is required"),
    ("chat", [], 400, "json: cannot unmarshal array into Go value of type api.ChatRequest"),
    ("chat", {"model": 5}, 400, "json: cannot unmarshal number into Go struct field ChatRequest.model of type string"),
    ("chat", {"model": ""}, 400, "model is required"),
    ("chat", {"model": "a b"}, 400, "invalid model name"),
    ("chat", {"model": "../x"}, 400, "invalid model name"),
    ("chat", {"model": "nope:7b"}, 404, "model 'nope:7b' not found"),
    ("generate", {"model": ""}, 404, "model '' not found"),
    ("generate", {}, 404, "model '' not found"),
    ("chat", {**CHAT, "keep_alive": "xx"}, 400, 'time: invalid duration "xx"'),
    ("chat", {**CHAT, "keep_alive": "10"}, 400, 'time: missing unit in duration "10"'),
    ("chat", {**CHAT, "keep_alive": "1d"}, 400, 'time: unknown unit "d" in duration "1d"'),
    ("chat", {**CHAT, "keep_alive": 'é\n"'}, 400, r'time: invalid duration "\xc3\xa9\x0a\""'),
    ("chat", {**CHAT, "think": "\x00\u200b\n"}, 400,
     r'invalid think value: "\x00\u200b\n" (must be "high", "medium", "low", "max", true, or false)'),
    ("chat", {"messages": "x", "think": "y"}, 400,
     'invalid think value: "y" (must be "high", "medium", "low", "max", true, or false)'),
    ("chat", {**CHAT, "keep_alive": []}, 400, "Unsupported type: '[]interface {}'"),
    ("chat", {**CHAT, "options": {"num_ctx": "big"}}, 500, 'option "num_ctx" must be of type integer'),
    ("chat", {**CHAT, "options": {"num_ctx": True}}, 500, 'option "num_ctx" must be of type integer'),
    ("chat", {**CHAT, "options": {"top_p": "x"}}, 500, 'option "top_p" must be of type float32'),
    ("chat", {**CHAT, "options": {"stop": "x"}}, 500, 'option "stop" must be of type array'),
    ("chat", {**CHAT, "options": {"stop": [1]}}, 500, 'option "stop" must be of an array of strings'),
    ("chat", {**CHAT, "options": {"use_mmap": 1}}, 500, 'option "use_mmap" must be of type boolean'),
    ("chat", {**CHAT, "think": True}, 400, '"a" does not support thinking'),
    ("chat", {**CHAT, "tools": [{}]}, 400, "registry.ollama.ai/library/a:latest does not support tools"),
    ("generate", {**HI, "suffix": "x"}, 400, "registry.ollama.ai/library/a:latest does not support insert"),
    ("generate", {**HI, "template": "{{ .Bad"}, 500, "template: :1: unclosed action"),
    ("chat", {**CHAT, "format": 5}, 500, 'invalid format: "5"; expected "json" or a valid JSON Schema object'),
    ("chat", b'{"model":"a","messages":[{}],"format":[1,20,"x"]}', 500,
     r'invalid format: "[1,20,\"x\"]"; expected "json" or a valid JSON Schema object'),
    ("show", {"model": "a", "template": 1}, 400, FIELD.format("number", "ShowRequest.template", "string")),
    ("create", {"model": "x", "renderer": 1}, 400, FIELD.format("number", "CreateRequest.renderer", "string")),
    ("generate", {**HI, "stream": False, "options": {"repeat_last_n": -5}}, 400,
     '{"error":{"code":400,"message":"Field '
     "'repeat_last_n': Value must be between 0 <= value <= 2147483647, but got -5\",\"type\":"
     '"invalid_request_error"}}'),
    ("generate", {**HI, "stream": False, "options": {"repeat_penalty": 0}}, 400, '{"error":{"code":400,"message":'
     '"Failed to initialize samplers: penalty_repeat must be finite and greater than 0","type":'
     '"invalid_request_error"}}'),
    ("generate", {**HI, "options": {"num_keep": -2, "repeat_last_n": -5}}, 400, REFUSAL.format("Field 'n_keep': "
     "Value must be between -1 <= value <= 2147483647, but got -2")),
    ("generate", {**HI, "options": {"repeat_last_n": 2**32 - 1, "repeat_penalty": 0}}, 400,
     REFUSAL.format("Field 'repeat_last_n': Value must be between 0 <= value <= 2147483647, but got -1")),
    ("generate", {**HI, "format": {"pattern": "^\\d$"}, "options": {"repeat_penalty": 0}}, 400,
     REFUSAL.format("Failed to initialize samplers: penalty_repeat must be finite and greater than 0")),
    ("generate", {**HI, "format": {"type": "x"}, "images": ["aGk="], "options": {"num_keep": -2}}, 400,
     REFUSAL.format("Multimodal data provided, but model does not support multimodal requests.")),
    ("chat", {**CHAT, "options": {"top_p": 1e39, "repeat_last_n": -1}}, 500,
     "failed to marshal completion request: json: unsupported value: +Inf"),
    ("chat", {**CHAT, "options": {"typical_p": 1e39, "presence_penalty": -1e300}}, 500,
     "failed to marshal completion request: json: unsupported value: -Inf"),
    ("generate", {**HI, "format": 5, "images": ["aGk="], "options": {"top_p": 1e300}}, 500,
     'invalid format: "5"; expected "json" or a valid JSON Schema object'),
    ("generate", {"model": "a", "prompt": "x" * 5000, "format": 5, "shift": False, "options": {"num_ctx": 256}}, 400,
     "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the "
     "context length in settings, or use a model with a longer context length"),
    ("generate", {"model": "a", "options": {"num_thread": 2**31}}, 500,
     "llama-server process has terminated: exit status 1"),
    ("generate", {"model": "a", "options": {"num_batch": 2**31, "num_thread": -(2**40)}}, 500,
     "llama-server process has terminated: exit status 1"),
    ("generate", {"model": "a", "options": {"main_gpu": 1e300}}, 500,
     "llama-server process has terminated: exit status 1"),
    ("create", {"model": "x", "from": "a", "draft_quantize": "q8_0"}, 400,
     "--draft-quantize requires a DRAFT model"),
    ("create", {"model": "x", "from": "a", "draft_files": {}, "template": "{{ end }}"}, 400, "unknown type"),
    ("create", {"model": "x", "from": "a", "quantize": "x", "template": "{{ end }}"}, 500,
     "unsupported quantization type X - supported types are F32, F16, Q4_K_S, Q4_K_M, Q8_0"),
    ("create", {"model": "x", "from": "a", "license": 5, "template": "{{ end }}"}, 400,
     "template error: template: :1: unexpected {{end}}"),
    ("create", {"model": "x", "from": "a", "files": {"../x": ""}}, 400, "file path must be relative"),
    ("create", {"model": "x", "from": "a", "adapters": {"../x": ""}}, 400, "invalid digest format"),
    ("generate", {**HI, "context": [5, -1]}, 500, 'detokenize error: {"error":{"code":500,"message":'
     '"vector::_M_range_check: __n (which is 18446744073709551615) >= this->size() (which is 32000)",'
     '"type":"server_error"}}'),
    ("embed", b'{"model":"a","input":"x","keep_alive":1e999}', 400,
     FIELD.format("number 1e999", "EmbedRequest.keep_alive", "float64")),
    ("embeddings", {"model": "A", "prompt": "hi"}, 404, 'model "A" not found, try pulling it first'),
    ("experimental/web_search", b"", 400, "missing request body"),
    ("experimental/web_fetch", {}, 403, "ollama cloud is disabled: web fetch is unavailable"),
    ("show", {"model": "nope"}, 404, "model 'nope:latest' not found"),
    ("show", {}, 400, "model is required"),
    ("copy", {"source": "nope", "destination": "x"}, 404, 'model "nope" not found'),
    ("copy", {"source": "a", "destination": "b b"}, 400, 'destination "b b" is invalid'),
    ("create", {}, 400, "invalid model name"),
    ("create", {"model": "x"}, 400, "neither 'from' or 'files' was specified"),
    ("embed", {"model": "a", "input": 5}, 400, "invalid input type"),
    ("embed", {}, 404, "model '' not found"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status", "text"), ERRORS)
def test_errors_have_the_servers_status_and_text(path: str, body: Any, status: int, text: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = request("POST", f"/api/{path}", content=content)
    assert (response.status_code, response.json()) == (status, {"error": text})


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just(10**100),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["messages", "prompt", "options", "keep_alive", "format", "think", "stream", "logprobs", "top_logprobs"]
FIELDS += ["tools", "raw", "shift", "template", "model"]
OPTIONS = ["num_ctx", "num_predict", "num_gpu", "num_batch", "seed", "stop", "use_mmap", "num_thread"]


@given(
    path=st.sampled_from(["chat", "generate"]),
    fields=st.dictionaries(
        st.sampled_from([*FIELDS, "tools", "raw", "shift", "template", "model"]), VALUES, max_size=3
    ),
    options=st.dictionaries(st.sampled_from(OPTIONS), VALUES, max_size=2),
)
@settings(max_examples=tries(150), deadline=None)
def test_no_body_breaks_the_server(path: str, fields: dict[str, Any], options: dict[str, Any]) -> None:
    body = {**CHAT, "prompt": "hi", "stream": False, "options": {"num_predict": 3} | options} | fields
    response = request("POST", f"/api/{path}", json=body)
    assert response.status_code in {200, 400, 404, 500}
    assert response.status_code == 200 or set(response.json()) == {"error"}


def test_an_endless_integer_breaks_nothing_either() -> None:
    body = b'{"model": "a", "options": {"num_ctx": ' + b"9" * 5000 + b"}}"
    assert request("POST", "/api/generate", content=body).status_code == 400


def test_a_refused_request_loads_nothing_but_a_bad_format_is_seen_after_the_load() -> None:
    async def use(server: ServerClient) -> tuple[list[str], list[str]]:
        await server.use("a", keep_alive="xx")
        await server.use("a", options={"num_gpu": "all"})
        before = await server.resident()
        await server.use("a", format="yaml")
        return before, await server.resident()

    assert with_bench(use) == ([], ["a"])


def test_a_copy_works_until_it_is_deleted_and_stays_loaded_even_then() -> None:
    async def use(server: ServerClient) -> tuple[list[int], list[str]]:
        statuses = [(await server.post("/api/copy", source="a", destination="copy")).status]
        statuses.append((await server.use("copy")).status)
        statuses.append((await server.http.request("DELETE", "/api/delete", json={"model": "copy"})).status_code)
        statuses.append((await server.use("copy")).status)
        statuses.append((await server.http.request("DELETE", "/api/delete", json={"model": "copy"})).status_code)
        return statuses, await server.resident()

    assert with_bench(use) == ([200, 200, 200, 404, 404], ["copy"])


def test_a_model_created_from_another_can_be_used() -> None:
    async def use(server: ServerClient) -> list[int]:
        created = await server.post("/api/create", model="made", **{"from": "a"}, stream=False)
        return [created.status, (await server.use("made")).status]

    assert with_bench(use) == [200, 200]


# --- keep_alive and ps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keep_alive", "seconds"),
    [(None, 300.0), (20.5, 20.5), ("30s", 30.0), ("1h30m", 5400.0), ("1500ms", 1.5), ("1m0.5s", 60.5)],
)
def test_every_form_of_keep_alive(keep_alive: Any, seconds: float) -> None:
    async def use(server: ServerClient) -> tuple[str, float, list[str], list[str]]:
        await server.load("a", keep_alive=keep_alive)
        loaded_s = asyncio.get_running_loop().time()
        expires_at = (await server.ps())["a"]["expires_at"]
        await asyncio.sleep(seconds - 0.01)
        before = await server.resident()
        await asyncio.sleep(0.02)
        return expires_at, loaded_s, before, await server.resident()

    expires_at, loaded_s, before, after = with_bench(use)
    assert expires_at == rfc3339(VIRTUAL_EPOCH_S + loaded_s + seconds)
    assert (before, after) == (["a"], [])


@pytest.mark.parametrize("keep_alive", [-1, "-1m", "-1ns"])
def test_negative_is_for_ever(keep_alive: Any) -> None:
    async def use(server: ServerClient) -> str:
        await server.load("a", keep_alive=keep_alive)
        await asyncio.sleep(1e6)
        return str((await server.ps())["a"]["expires_at"])

    assert with_bench(use) > "2300"


def test_a_number_beyond_the_longest_duration_unloads_at_once() -> None:
    async def use(server: ServerClient) -> tuple[str, list[str]]:
        reply = await server.load("a", keep_alive=1e10)
        return str(reply.body["done_reason"]), await server.resident()

    assert with_bench(use) == ("load", [])


def test_models_that_stay_for_ever_are_listed_by_their_last_use() -> None:
    async def use(server: ServerClient) -> list[list[str]]:
        orders = []
        for name in ("a", "b", "a"):
            await server.load(name, keep_alive=-1)
            await asyncio.sleep(2)
            orders.append(list(await server.ps()))
        return orders

    assert with_bench(use) == [["a"], ["b", "a"], ["a", "b"]]


def test_keep_alive_is_sticky_and_every_use_restarts_the_timer() -> None:
    async def use(server: ServerClient) -> list[list[str]]:
        await server.load("a", keep_alive=2)
        await asyncio.sleep(1.9)
        await server.load("a")
        await asyncio.sleep(1.9)
        before = await server.resident()
        await asyncio.sleep(0.2)
        return [before, await server.resident()]

    assert with_bench(use) == [["a"], []]


def test_a_busy_model_outlives_its_time_and_a_reload_forgets_it() -> None:
    async def use(server: ServerClient) -> tuple[list[str], str, float]:
        await server.load("a", keep_alive=1)
        await server.use("a", tokens=100)
        after = await server.resident()
        await server.load("a", num_ctx=8192)
        return after, str((await server.ps())["a"]["expires_at"]), asyncio.get_running_loop().time()

    after, expires_at, now_s = with_bench(use)
    assert after == ["a"]
    assert expires_at == rfc3339(VIRTUAL_EPOCH_S + now_s + 300)


def test_a_pinned_model_expires_after_the_longest_duration_of_go() -> None:
    async def use(server: ServerClient) -> tuple[str, str]:
        await server.load("a", keep_alive=-1)
        first = str((await server.ps())["a"]["expires_at"])
        await asyncio.sleep(7)
        return first, str((await server.ps())["a"]["expires_at"])

    first, later = with_bench(use)
    assert first == later
    assert (datetime.fromisoformat(first).timestamp() - VIRTUAL_EPOCH_S) * 1e9 == pytest.approx(2**63, abs=1e10)


def test_a_busy_model_shows_the_expiry_of_its_last_idle_time() -> None:
    async def use(server: ServerClient) -> tuple[str, str]:
        await server.load("a", keep_alive="10m")
        idle = (await server.ps())["a"]["expires_at"]
        task = asyncio.create_task(server.use("a", tokens=100, keep_alive="20m"))
        await asyncio.sleep(1)
        busy = (await server.ps())["a"]["expires_at"]
        await task
        return str(idle), str(busy)

    idle, busy = with_bench(use)
    assert idle == busy


def test_ps_lists_the_latest_expiry_first_and_no_model_that_still_loads() -> None:
    async def main() -> tuple[list[str], list[str]]:
        server = ServerClient(spec(model("a", 4), model("b", 5, "20"), model("c", 3, "30", load_s=60.0), gpu_gib=40))
        await server.load("a", keep_alive="10m")
        await server.load("b", keep_alive=-1)
        task = asyncio.create_task(server.load("c", keep_alive="30m"))
        await asyncio.sleep(30)
        early = list(await server.ps())
        await task
        return early, list(await server.ps())

    assert in_virtual_time(main) == (["b", "a"], ["b", "c", "a"])


def test_a_row_of_ps_has_exactly_these_keys() -> None:
    async def use(server: ServerClient) -> Any:
        await server.load("a")
        return (await server.ps())["a"]

    row = with_bench(use)
    keys = {"name", "model", "size", "digest", "details", "expires_at", "size_vram", "context_length"}
    assert set(row) == keys
    assert row["size"] == row["size_vram"] == round(4.75 * 2**30)


@pytest.mark.parametrize(
    ("gpu_gib", "name", "num_ctx", "context"),
    [
        (16, "a", None, 4096),
        (24, "a", None, 32_768),
        (48, "a", None, 131_072),
        (16, "b", None, 2048),
        (16, "b", 3072, 3072),
        (16, "a", 0, 4),
        (16, "a", 1e300, 4),
    ],
)
def test_the_context_length_of_a_loaded_model(gpu_gib: float, name: str, num_ctx: float | None, context: int) -> None:
    async def main() -> Any:
        server = ServerClient(spec(model("a", 1), model("b", 1, "20", parameters={"num_ctx": 2048}), gpu_gib=gpu_gib))
        await server.load(name, num_ctx=num_ctx)
        return (await server.ps())[name]["context_length"]

    assert in_virtual_time(main) == context
