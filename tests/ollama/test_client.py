from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.prompt import Message
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.errors import (
    BackendError,
    BadReplyError,
    CallTimeoutError,
    ModelMissingError,
    OptionError,
    ServerDownError,
    ServerRefusedError,
)
from pytest_swarm.ollama.address import base_url, credentials_of, default_host
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.error_messages import translate_error
from pytest_swarm.ollama.messages import ChatReply, ChatRequest, ListedModel
from pytest_swarm.ollama.official_package import ollama
from pytest_swarm.ollama.transports.network import network_transport
from pytest_swarm.ollama.transports.probe import ProbeTransport
from tests.ollama.wires import GOOD, REQUEST, answering, chat, client, saying
from tests.simulator.servers import in_virtual_time


def test_a_good_reply_is_read_in_seconds() -> None:
    assert chat(saying(GOOD)) == ChatReply(
        text="hello",
        prompt_tokens=5,
        completion_tokens=7,
        total_s=3.0,
        load_s=1.0,
        prefill_s=0.5,
        decode_s=1.5,
        done_reason="stop",
    )


def test_figures_that_the_server_leaves_out_are_none() -> None:
    reply = chat(saying({key: GOOD[key] for key in ("model", "message", "done")}))
    assert (reply.prompt_tokens, reply.completion_tokens, reply.total_s, reply.load_s) == (None, None, None, None)


@pytest.mark.parametrize(
    ("message", "completion"),
    [({"content": "hello"}, None), ({"content": "", "thinking": "hm"}, None), ({"content": ""}, 0)],
)
def test_no_tokens_for_a_text_that_is_there_are_not_known(message: dict[str, str], completion: int | None) -> None:
    reply = chat(saying({**GOOD, "message": {"role": "assistant", **message}, "eval_count": 0, "prompt_eval_count": 0}))
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, completion)


def sent(request: ChatRequest) -> dict[str, Any]:
    bodies: list[dict[str, Any]] = []

    def handler(http: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(http.content))
        return httpx.Response(200, json=GOOD)

    chat(client(handler), request)
    return bodies[0]


def test_the_request_pins_the_model_and_is_not_streamed() -> None:
    body = sent(REQUEST)
    assert (body["keep_alive"], body["stream"], body["options"]) == (900, False, {"num_ctx": 2048})


LONG = replace(REQUEST, messages=({"role": "user", "content": "天" * 400},))  # 1,200 bytes, of 2,048 tokens
REFUSAL = (
    '{"error":"{\\"error\\":{\\"code\\":400,\\"message\\":\\"request (2729 tokens) exceeds the available context size '
    '(2048 tokens), try increasing it\\",\\"type\\":\\"exceed_context_size_error\\",\\"n_prompt_tokens\\":2729,'
    '\\"n_ctx\\":2048}}"}'
)  # as a real server sent it


def refusing(bodies: list[dict[str, Any]], refusal: str = REFUSAL, *, status: int = 400) -> OllamaClient:
    """A client of a server that refuses to read a prompt whole, and else cuts it."""

    def handler(http: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(http.content))
        return httpx.Response(status, text=refusal) if "truncate" in bodies[-1] else httpx.Response(200, json=GOOD)

    return client(handler)


def test_a_prompt_that_is_too_long_is_cut_only_after_the_server_has_told_its_length() -> None:
    bodies: list[dict[str, Any]] = []
    reply = chat(refusing(bodies), LONG)
    assert (reply.whole_prompt_tokens, reply.prompt_tokens, reply.text) == (2729, 5, "hello")
    assert [body.pop("truncate", None) for body in bodies] == [False, None]
    assert bodies[0] == bodies[1]


def test_a_prompt_of_fewer_bytes_than_half_the_context_is_sent_once() -> None:
    bodies: list[dict[str, Any]] = []
    reply = chat(refusing(bodies), replace(LONG, num_ctx=2400))
    assert (reply.whole_prompt_tokens, len(bodies)) == (None, 1)


def test_any_other_refusal_of_a_long_prompt_is_an_error() -> None:
    with pytest.raises(ServerRefusedError, match="invalid repeat_penalty"):
        chat(refusing([], '{"error": "invalid repeat_penalty"}'), LONG)


@pytest.mark.parametrize(
    "refusal",
    [
        '{"error": "the input length exceeds the context length"}',  # the other engine of Ollama, as reported
        '{"error": {"message": "request exceeds the available context size"}}',
    ],
)
def test_a_refusal_that_tells_no_number_of_tokens_is_a_cut_all_the_same(refusal: str) -> None:
    reply = chat(refusing([], refusal), LONG)
    assert (reply.refused_whole, reply.whole_prompt_tokens, reply.text) == (True, None, "hello")


@pytest.mark.parametrize(
    "refusal",
    [
        '{"error": "json: unknown field \\"truncate\\""}',
        "{\"error\": \"[{'type': 'extra_forbidden', 'loc': ['body', 'truncate']}]\"}",
    ],
)
def test_a_server_that_takes_no_unknown_field_is_asked_without_it(refusal: str) -> None:
    bodies: list[dict[str, Any]] = []
    reply = chat(refusing(bodies, refusal), LONG)
    assert (reply.refused_whole, reply.whole_prompt_tokens, reply.text) == (False, None, "hello")
    assert ["truncate" in body for body in bodies] == [True, False]


def test_what_is_sent_uncut_is_otherwise_what_the_official_client_sends() -> None:
    schema = {"type": "object"}
    messages = ({"role": "system", "content": ""}, {"role": "user", "content": "天" * 400})
    request = replace(LONG, messages=messages, schema=schema, seed=1)  # type: ignore[arg-type]
    bodies: list[dict[str, Any]] = []
    chat(refusing(bodies), request)
    assert {**bodies[1], "truncate": False} == bodies[0]


def test_options_and_schema_are_sent_where_given() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    body = sent(
        ChatRequest(
            model="m:1b",
            messages=REQUEST.messages,
            num_ctx=512,
            seed=3,
            temperature=0.0,
            num_predict=9,
            schema=schema,  # type: ignore[arg-type]
        )
    )
    assert body["options"] == {"num_ctx": 512, "seed": 3, "temperature": 0.0, "num_predict": 9}
    assert body["format"] == schema


@pytest.mark.parametrize(
    ("answered", "asked"),
    [("a\ud800", "a\ufffd"), ("\ud800b", "\ufffdb"), ("\udc00", "\ufffd"), ("\ud83d\ude00", "😀")],
)
@pytest.mark.parametrize("num_ctx", [2048, 2])
def test_half_a_surrogate_pair_is_sent_as_the_server_would_read_it(answered: str, asked: str, num_ctx: int) -> None:
    said = Message(role="user", content=answered)
    body = sent(ChatRequest(model="m:1b", messages=(said,), num_ctx=num_ctx, schema={"enum": [answered]}))
    assert body["messages"] == [{"role": "user", "content": asked}]
    assert body["format"] == {"enum": [asked]}


LIES = {
    "without done": {"done": False},
    "no done key": {"done": None},
    "negative count": {"eval_count": -1},
    "absurd count": {"prompt_eval_count": 10**12},
    "negative time": {"total_duration": -5},
    "a year": {"total_duration": 10**9 * 86_400 * 366},
    "a part longer than the whole": {"load_duration": 10**10},
    "another model": {"model": "n:1b"},
    "no model": {"model": None},
    "no content": {"message": {"role": "assistant"}},
    "message of the wrong type": {"message": "hello"},
    "count in words": {"eval_count": "many"},
}


REPEATED = {"model": "m:1b", "done": False}


@pytest.mark.parametrize(
    "text",
    [
        '{"score": 0.5,' + "\n" * 31,
        "Yes." + " \n" * 31,
        "so" + " the" * 31,
        "ab" * 31,
        "=====" * 31,
        "é" * 40,
        "x" * 200_000,
    ],
)
def test_a_text_that_the_server_stopped_for_repeats_is_an_answer(text: str) -> None:
    reply = chat(saying({**REPEATED, "message": {"role": "assistant", "content": text}}))
    assert (reply.text, reply.done_reason) == (text, "repeat")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.total_s) == (None, None, None)


def test_a_model_that_repeats_itself_while_it_thinks_has_answered_nothing() -> None:
    message = {"role": "assistant", "content": "", "thinking": "Hmm, " + "wait " * 31}
    reply = chat(saying({**REPEATED, "message": message}))
    assert (reply.text, reply.thinking, reply.done_reason) == ("", message["thinking"], "repeat")


@pytest.mark.parametrize(
    "changes",
    [
        {"message": {"role": "assistant", "content": "The answer is"}},
        {"message": {"role": "assistant", "content": ""}},
        {"message": {"role": "assistant", "content": "ha ha ha"}},
        {"message": {"role": "assistant", "content": "ha" * 40}, "done": None},
        {"message": {"role": "assistant", "content": "ha" * 40}, "done_reason": "load"},
    ],
)
def test_another_reply_without_done_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError, match="without `done`"):
        chat(saying({**REPEATED, **changes}))


def test_thinking_is_kept_apart_from_the_answer() -> None:
    message = {"role": "assistant", "content": "42", "thinking": "20 + 22"}
    reply = chat(saying({**GOOD, "message": message}))
    assert (reply.text, reply.thinking, reply.done_reason) == ("42", "20 + 22", "stop")


@pytest.mark.parametrize(
    ("told", "kept"), [("stop", "stop"), ("", ""), (None, None), ("to \n" * 9999, "to " * 40 + "...")]
)
def test_the_reason_of_an_end_is_bounded(told: str | None, kept: str | None) -> None:
    assert chat(saying({**GOOD, "done_reason": told})).done_reason == kept


@pytest.mark.parametrize("part", ["load_duration", "prompt_eval_duration", "eval_duration"])
def test_a_part_may_be_longer_than_the_whole_by_50_ms_only(part: str) -> None:
    total_ns = GOOD["total_duration"]
    assert chat(saying({**GOOD, part: total_ns + 40_000_000})).text == "hello"
    with pytest.raises(BadReplyError, match="longer than the whole"):
        chat(saying({**GOOD, part: total_ns + 60_000_000}))


@pytest.mark.parametrize("limit_ns", [0, 7 * 86_400 * 10**9])
def test_a_time_of_nothing_and_one_of_a_week_are_times(limit_ns: int) -> None:
    told = dict.fromkeys(("total_duration", "load_duration", "eval_duration", "prompt_eval_duration"), limit_ns)
    parts = {name: 0 for name in told if name != "total_duration"}
    reply = chat(saying({**GOOD, **told, **parts}))
    assert (reply.total_s, reply.load_s, reply.decode_s, reply.prefill_s) == (limit_ns / 1e9, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_reply_that_cannot_be_true_is_no_reply(lie: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError, match=r"m:1b.*http://box:1"):
        chat(saying({**GOOD, **lie}))


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>hello</html>"),
        httpx.Response(200, text='{"model": '),
        httpx.Response(200, text=""),
        httpx.Response(200, text="[1, 2]"),
        httpx.Response(200, text="7"),
        httpx.Response(400, text="[]"),
        httpx.Response(200, content=b"\xff\xfe\x00"),
    ],
    ids=["html", "cut", "empty", "list", "number", "list-400", "bytes"],
)
def test_an_answer_that_is_no_ollama_reply_is_named_so(response: httpx.Response) -> None:
    with pytest.raises(BadReplyError, match="box:1"):
        chat(answering(response))


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (httpx.Response(200, text="<html>\x1b[31mhello</html>"), r"it is not JSON: '<html>\u001b[31mhello</html>'"),
        (httpx.Response(200, text=" \n"), "it is empty"),
        (httpx.Response(200, text="x" * 9000), f"it is not JSON: '{'x' * 120}...'"),
        (httpx.Response(200, text="[1, 2]"), "it is JSON, but no object"),
        (httpx.Response(200, json={"error": "GPU\x07\non fire"}), r"it is an error: 'GPU\u0007 on fire'"),
        (httpx.Response(200, json=GOOD | {"error": "the runner died"}), "it is an error: 'the runner died'"),
        (httpx.Response(200, json=GOOD | {"error": {"code": 7}}), """it is an error: '{"code": 7}'"""),
        (httpx.Response(200, json=GOOD | {"eval_count": 1.5}), "eval_count: Input should be a valid integer, got a"),
        (httpx.Response(200, json=GOOD | {"eval_count": True}), "eval_count is no number: true"),
        (httpx.Response(200, json=GOOD | {"load_duration": "7_0"}), 'load_duration is no number: "7_0'),
        (httpx.Response(200, content=b'{"model": "caf\xe9"}'), "it is not UTF-8 text (byte 14)"),
        (httpx.Response(200, json={"model": "m:1b"}), "message: Field required"),
        (
            httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"plain")),
            "it cannot be unpacked: Error -3 while decompressing data",
        ),
    ],
)
def test_the_reason_is_said_why_a_reply_cannot_be_read(response: httpx.Response, reason: str) -> None:
    with pytest.raises(BadReplyError) as caught:
        chat(answering(response))
    sentence = str(caught.value)
    assert f"did not send an Ollama reply ({reason}" in sentence
    assert sentence.endswith("is another program on that port?")
    assert sentence.isprintable()
    assert len(sentence) < 400


def test_an_error_in_place_of_the_reply_to_any_call_is_none() -> None:
    calls: list[Callable[[OllamaClient], Coroutine[Any, Any, Any]]] = [
        lambda ollama: ollama.resident(),
        lambda ollama: ollama.installed(),
        lambda ollama: ollama.load("m", num_ctx=8),
        lambda ollama: ollama.ask({"model": "m"}),
    ]
    for call in calls:
        with pytest.raises(BadReplyError, match="it is an error: 'no GPU'"):
            asyncio.run(call(saying({**GOOD, "models": [], "error": "no GPU"})))


@pytest.mark.parametrize("empty", [None, "", False])
def test_an_empty_error_beside_an_answer_is_none(empty: object) -> None:
    assert chat(saying({**GOOD, "error": empty})).text == "hello"
    spoken = {"role": "assistant", "content": '{"error": "none"}'}
    assert chat(saying({**GOOD, "message": spoken})).text == spoken["content"]


PASSING, LASTING, OF_REQUEST = (True, True), (True, False), (False, False)


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        *((status, "no", PASSING) for status in (408, 425, 429, 499, 500, 502, 503, 504, 507, 520, 529)),
        *((status, "no", LASTING) for status in (300, 304, 401, 402, 407, 421, 501, 505, 511)),
        *((status, "no", OF_REQUEST) for status in (400, 403, 404, 405, 413, 422)),
        (500, "llama-server process has terminated: exit status 1: cudaMalloc failed: out of memory", PASSING),
        (500, "model requires more system memory (9.1 GiB) than is available (3.2 GiB)", PASSING),
        (500, "an error was encountered while running the model: unexpected EOF", PASSING),
        (500, "invalid file magic", LASTING),
        (500, "llama-server process has terminated: error loading model: unknown model architecture: 'x'", LASTING),
        (500, "this model is not supported by your version of Ollama. You may need to upgrade", LASTING),
        (500, "the input length exceeds the context length", OF_REQUEST),
        (500, '{"error":{"code":500,"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":5}}', OF_REQUEST),
        (500, 'option "num_ctx" must be of type integer', OF_REQUEST),
        (500, 'invalid format: "yaml"; expected "json" or a valid JSON Schema object', OF_REQUEST),
        (500, "Failed to initialize samplers: failed to parse grammar", OF_REQUEST),
        (500, 'json: unknown field "truncate"', OF_REQUEST),
        (500, "Additional properties are not allowed ('truncate')", OF_REQUEST),
        (500, "llama-server process has terminated: cannot truncate cache: exit status 2", PASSING),
        (503, "truncate: disk quota exceeded", PASSING),
        (500, "process has terminated: failed to truncate cache: unexpected EOF", PASSING),
        (500, "cannot truncate the log: argument list too long", PASSING),
    ],
)
def test_what_no_retry_can_change_is_asked_once(status: int, said: str, expected: tuple[bool, bool]) -> None:
    asked: list[str] = []

    def handler(http: httpx.Request) -> httpx.Response:
        asked.append(http.url.path)
        return httpx.Response(status, json={"error": said})

    found = client(handler)
    found.retries = 0 if expected == PASSING else 2
    with pytest.raises(ServerRefusedError) as caught:
        chat(found)
    assert (caught.value.of_server, caught.value.may_pass, len(asked)) == (*expected, 1)


@pytest.mark.parametrize("status", [400, 500])
def test_a_prompt_that_is_too_long_is_cut_at_once_whatever_the_status_of_its_refusal(status: int) -> None:
    bodies: list[dict[str, Any]] = []
    found = refusing(bodies, '{"error": "the input length exceeds the context length"}', status=status)
    found.retries = 2
    assert (chat(found, LONG).refused_whole, len(bodies)) == (True, 2)


def test_a_missing_model_says_how_to_get_it() -> None:
    with pytest.raises(ModelMissingError, match="ollama pull m:1b"):
        chat(saying({"error": "model 'm:1b' not found"}, 404))


@pytest.mark.parametrize(
    ("status", "page", "said"),
    [
        (404, "404 page not found", "refused .*404 page not found"),
        (503, '{"error": "server busy, please try again."}', "refused .*server busy"),
        (502, "<!doctype html><p>Bad Gateway", r"box:1 refused \(status 502\)"),  # a gateway in the server's name
        (
            403,
            "",
            r"refused \(status 403\): it gives no reason, as Ollama .* by another host name; start it",
        ),
        (400, "", r"refused \(status 400\): it gives no reason; check its log$"),
        (304, "", r"refused \(status 304\): it gives no reason; check its log$"),
        (500, '{"error": "an error was encountered while running the model: unexpected EOF"}', "refused"),  # no file
    ],
)
def test_a_refusal_keeps_status_and_text(status: int, page: str, said: str) -> None:
    with pytest.raises(ServerRefusedError, match=said) as caught:
        chat(answering(httpx.Response(status, text=page)))
    assert (caught.value.status, caught.value.may_pass) == (status, status >= 500)


@pytest.mark.parametrize("page", ['"Service Unavailable"', "null", "[1]", "9" * 5000, "[" * 100_000])
def test_a_refusal_in_json_that_is_no_object_keeps_its_status_and_is_tried_again(page: str) -> None:
    with pytest.raises(ServerRefusedError, match=r"refused \(status 503\)") as caught:
        chat(answering(httpx.Response(503, text=page)))
    assert (caught.value.status, caught.value.may_pass) == (503, True)


@pytest.mark.parametrize(
    "said",
    [
        "EOF",
        "unexpected EOF",
        "invalid file magic",
        'tensor "blk.7.ffn_up.weight" offset+size (49600576) exceeds file size (49181216)',
        "GGUF string length 18446462598732840961 exceeds maximum 9223372036854775807",
    ],
)
def test_files_of_a_model_that_are_damaged_are_to_be_fetched_again(said: str) -> None:
    """What a real server said of files that were cut off, overwritten or empty."""
    with pytest.raises(ServerRefusedError, match=r"cannot read the model's files .*`ollama rm` and fetch it") as caught:
        chat(saying({"error": said}, 500))
    assert said in str(caught.value)
    assert caught.value.status == 500


@pytest.mark.parametrize("page", ["", "<html><h1>401 Authorization Required", '{"error": "unauthorized"}'])
def test_a_proxy_that_wants_an_account_says_where_it_is_written(page: str) -> None:
    with pytest.raises(
        ServerRefusedError, match=r"wants an account \(status 401\); .* http://USER:PASSWORD@HOST"
    ) as caught:
        chat(answering(httpx.Response(401, text=page)))
    assert caught.value.status == 401


def test_a_server_that_is_down_says_what_to_do() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    with pytest.raises(ServerDownError, match=r"ollama serve.*--swarm-backend=sim"):
        chat(client(refuse))


def test_a_closed_port_is_a_server_that_is_down() -> None:
    with pytest.raises(ServerDownError, match=r"127\.0\.0\.1:1"):
        chat(OllamaClient("http://127.0.0.1:1"))


def test_a_certificate_that_is_not_trusted_is_named_so() -> None:
    """What httpx makes of a self-signed certificate: a connection that failed, of a server that runs."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", request=request)

    with pytest.raises(ServerDownError, match=r"box:1 cannot be reached by TLS \(\[SSL: CERT.*trusted here") as caught:
        chat(client(refuse))
    assert "ollama serve" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://u:secret@other:2/api/{}?key=secret", "https://other:2"),
        ("/login", "http://box:1/login"),
        ("https://other/base/api/{}", "https://other/base"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("route", ["chat", "tags", "ps", "version"])
def test_a_redirect_is_not_followed_and_says_where_it_leads(route: str, status: int, location: str, named: str) -> None:
    """Whoever answers at another address is not the server whose name stands beside the figures."""
    asked: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(status, headers={"location": location.format(route)})

    server = client(redirect)
    calls = {"chat": lambda: server.chat(REQUEST), "tags": server.installed}
    calls |= {"ps": server.resident, "version": server.version}
    with pytest.raises(BadReplyError, match=rf"box:1 redirects to {named}; name the address") as caught:
        asyncio.run(calls[route]())
    assert "secret" not in str(caught.value)
    assert asked == ["box"]


@pytest.mark.parametrize(("words", "told"), [("peer closed connection",) * 2, ("", "RemoteProtocolError")])
def test_a_broken_connection_is_a_bad_reply(words: str, told: str) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError(words, request=request)

    with pytest.raises(BadReplyError, match=rf"broke off its answer \({told}\); try again"):
        chat(client(cut))


def test_a_refusal_without_a_reason_is_not_due_to_the_name_of_this_machine() -> None:
    refusal = ollama.ResponseError("", 403)
    error = translate_error(refusal, host="http://127.0.0.1:1", call="chat with m", timeout_s=1)
    assert str(error).endswith("refused (status 403): it gives no reason; check its log")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no route to http://me:hunter2@box:1/api/tags?key=k3y#x", "no route to http://box:1/api/tags"),
        ("GET https://me:hunter2@box", "GET https://box"),
        ("Authorization: Basic bWU6aHVudGVyMg== is wrong", "Authorization: Basic ... is wrong"),
        ("a Basic math error", "a Basic math error"),
    ],
)
def test_a_server_that_repeats_the_request_shows_no_secret(text: str, reason: str) -> None:
    error = translate_error(ollama.ResponseError(text, 500), host="http://box:1", call="chat with m", timeout_s=1)
    assert str(error).endswith(f"refused (status 500): {reason}")


def test_a_silent_server_is_a_timeout() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            await asyncio.sleep(3600)
            raise AssertionError

    with pytest.raises(CallTimeoutError, match=r"within 0\.01 s"):
        chat(OllamaClient("http://box:1", transport=Silent(), timeout_s=0.01))


def test_resident_models_are_read_with_their_bytes() -> None:
    row = {"name": "m:1b", "model": "m:1b", "size": 10, "size_vram": 4, "digest": "d", "context_length": 8}
    found = asyncio.run(saying({"models": [row]}).resident())
    assert found == (ResidentModel(tag="m:1b", size_bytes=10, size_vram_bytes=4),)


@pytest.mark.parametrize(
    "row",
    [
        {"name": "m", "size": 4, "size_vram": 10},
        {"name": "m", "size": -4, "size_vram": -10},
        {"name": "m", "size": 4},
        {"name": "", "size": 4, "size_vram": 1},
        {"name": "m", "size": "four", "size_vram": 1},
        {"name": "m", "size": 1 << 60, "size_vram": 1},
        {"name": "m", "size": 10, "size_vram": True},
        {"name": "m", "size": 10, "size_vram": "5"},
        {"name": "m", "size": 10, "size_vram": 5, "context_length": -1},
    ],
)
def test_rows_of_residents_that_cannot_be_true_are_refused(row: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError):
        asyncio.run(saying({"models": [row]}).resident_entries())


@pytest.mark.parametrize("charset", ["idna", "base64", "zlib", "undefined", "no-such"])
def test_the_codec_that_a_refusal_names_is_not_used(charset: str) -> None:
    """httpx fails at some of them, and JSON is UTF-8 whatever its header says."""
    response = httpx.Response(
        500, content="no café".encode(), headers={"content-type": f"text/plain; charset={charset}"}
    )
    with pytest.raises(ServerRefusedError, match="no café"):
        chat(answering(response))


HALF: Any = "x\ud800"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (OllamaClient.version, {"version": HALF}),
        (OllamaClient.installed, {"models": [{"model": HALF, "digest": HALF, "remote_host": HALF}]}),
        (OllamaClient.resident_entries, {"models": [{"name": HALF, "size": 1, "size_vram": 1, "digest": HALF}]}),
        (
            lambda client: client.show("m"),
            {
                "details": dict.fromkeys(("family", "parameter_size", "quantization_level"), HALF),
                "model_info": {},
                "capabilities": [HALF],
                "parameters": f"num_thread {HALF}",
            },
        ),
    ],
    ids=["version", "installed", "resident", "show"],
)
def test_half_a_surrogate_pair_in_a_name_becomes_text(call: Callable[[OllamaClient], Any], told: Any) -> None:
    """No file can hold one; the lock of a server holds its version, and names and digests of its models."""
    found = repr(asyncio.run(call(answering(httpx.Response(200, text=json.dumps(told))))))
    assert "x\N{REPLACEMENT CHARACTER}" in found
    assert "ud800" not in found


def test_the_name_of_a_figure_in_an_answer_is_text() -> None:
    text = '{"eval_count": true, "eval_count" : "x"}'
    assert chat(saying(GOOD | {"message": {"role": "assistant", "content": text}})).text == text


@pytest.mark.parametrize(("names", "listed"), [(("m:1b", "m:1b"), "m:1b"), (("m", "m:latest"), "m:latest")])
def test_a_model_that_is_listed_twice_does_not_count_twice(names: tuple[str, str], listed: str) -> None:
    rows = [{"name": name, "model": name, "size": 10, "size_vram": 4, "digest": "a"} for name in names]
    with pytest.raises(BadReplyError, match=f"lists '{listed}' as resident more than once"):
        asyncio.run(saying({"models": rows}).resident())


def test_a_model_that_was_replaced_while_it_was_resident_counts_beside_the_new_one() -> None:
    rows = [{"name": "m:1b", "model": "m:1b", "size": 10, "size_vram": 4, "digest": each} for each in "ab"]
    assert [each.size_vram_bytes for each in asyncio.run(saying({"models": rows}).resident())] == [4, 4]


def test_installed_models_are_listed_by_name() -> None:
    cloud = {"name": "b:2", "model": "b:2", "remote_host": "https://ollama.com:443", "remote_model": "b"}
    odd = {"model": "c:3", "digest": 5, "remote_host": ["x"]}
    assert asyncio.run(saying({"models": [{"model": "a:1", "digest": "d"}, cloud, odd]}).installed()) == (
        ListedModel(tag="a:1", digest="d"),
        ListedModel(tag="b:2", remote_host="https://ollama.com:443"),
        ListedModel(tag="c:3"),
    )


CALLS: dict[str, Callable[[OllamaClient], Coroutine[Any, Any, object]]] = {
    "chat": lambda ollama: ollama.chat(REQUEST),
    "generate": lambda ollama: ollama.load("m:1b", num_ctx=8),
    "ps": OllamaClient.resident,
    "tags": OllamaClient.installed,
    "version": OllamaClient.version,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_request_carries_the_credentials(call: Callable[[OllamaClient], Coroutine[Any, Any, object]]) -> None:
    sent: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("authorization"))
        return httpx.Response(200, json={**GOOD, "response": "", "models": [], "version": "1"})

    main = OllamaClient("http://me:secret@box:1", transport=httpx.MockTransport(handler))
    for each in (main, main.through(ProbeTransport)):
        asyncio.run(call(each))
    assert sent == ["Basic bWU6c2VjcmV0"] * 2


def test_a_nameless_installed_model_is_refused() -> None:
    with pytest.raises(BadReplyError):
        asyncio.run(saying({"models": [{"size": 3}]}).installed())


def test_show_reads_the_context_length_of_the_architecture() -> None:
    info = {"general.architecture": "qwen2", "qwen2.context_length": 32768}
    shown = asyncio.run(saying({"model_info": info, "details": {"family": "qwen2"}}).show("q"))
    assert (shown.context_length, shown.family, shown.quantization) == (32768, "qwen2", None)


def test_show_reads_the_weights_and_what_they_are_launched_with() -> None:
    weights, adapter, other = ("a" * 64, "b" * 64, "c" * 64)
    modelfile = (
        f'# Modelfile generated by "ollama show"\n# FROM q:latest\n\nFROM /blobs/sha256-{weights}\n'
        f'ADAPTER /blobs/sha256-{adapter}\nSYSTEM """\nFROM /blobs/sha256-{other}\n"""\nPARAMETER num_thread 9\n'
    )
    parameters = 'num_thread                     4\nnum_ctx    8192\nstop   "num_gpu 1"\nnum_batch   256'
    shown = asyncio.run(saying({"modelfile": modelfile, "parameters": parameters, "model_info": {}}).show("q"))
    assert shown.weights == weights
    assert shown.launch == (f"ADAPTER {adapter}", "num_batch 256", "num_thread 4")
    plain = asyncio.run(saying({"modelfile": "TEMPLATE x", "model_info": {}}).show("q"))
    assert (plain.weights, plain.launch) == (None, ())


@pytest.mark.parametrize("length", [-1, 0, 1 << 40, "long", 1.5, True])
def test_a_context_length_that_cannot_be_true_is_refused(length: Any) -> None:
    info = {"general.architecture": "x", "x.context_length": length}
    with pytest.raises(BadReplyError):
        asyncio.run(saying({"model_info": info}).show("q"))


def test_the_version_is_read() -> None:
    assert asyncio.run(saying({"version": "0.33.0"}).version()) == "0.33.0"


@pytest.mark.parametrize("value", [{}, [], {"version": ""}, {"version": 3}])
def test_a_server_without_a_version_is_not_ollama(value: Any) -> None:
    with pytest.raises(BadReplyError):
        asyncio.run(saying(value).version())


def test_unloading_waits_until_the_model_is_gone() -> None:
    row = {"name": "m:1b", "model": "m:1b", "size": 10, "size_vram": 4}
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if request.url.path == "/api/ps":
            return httpx.Response(200, json={"models": [row] if calls.count("/api/ps") < 3 else []})
        return httpx.Response(200, json={"model": "m:1b", "done": True, "response": ""})

    asyncio.run(client(handler).unload("m:1b"))
    assert calls == ["/api/generate", "/api/ps", "/api/ps", "/api/ps"]


@pytest.mark.parametrize("hangs", ["nothing", "/api/generate", "/api/ps"])
def test_a_model_that_stays_ends_the_unloading_in_time(hangs: str) -> None:
    row = {"name": "m:latest", "model": "m:latest", "size": 10, "size_vram": 4}

    async def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == hangs:
            await asyncio.sleep(1000)
        if request.url.path == "/api/ps":
            return httpx.Response(200, json={"models": [row]})
        return httpx.Response(200, json={"model": "m", "done": True, "response": ""})

    asked = OllamaClient("http://box:1", transport=httpx.MockTransport(handler), timeout_s=5, retries=1)
    with pytest.raises(CallTimeoutError, match="still resident"):
        in_virtual_time(lambda: asked.unload("m"))


def test_a_model_that_was_replaced_under_its_tag_is_not_waited_for() -> None:
    row = {"name": "m:latest", "model": "m:latest", "size": 10, "size_vram": 4, "digest": "old"}
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if request.url.path == "/api/ps":
            return httpx.Response(200, json={"models": [row]})
        if request.url.path == "/api/tags":
            return httpx.Response(200, json={"models": [{"name": "m:latest", "model": "m:latest", "digest": "new"}]})
        return httpx.Response(200, json={"model": "m", "done": True, "response": ""})

    in_virtual_time(lambda: client(handler, timeout_s=5).unload("m"))
    assert calls.count("/api/tags") == 1
    assert calls[-2:] == ["/api/tags", "/api/ps"]


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"done": False}, "does not confirm"),
        ({"model": "other"}, "says that it comes from model 'other'"),
        ({"model": None}, "does not say which model it comes from"),
        ({"model": ""}, "does not say which model it comes from"),
    ],
)
def test_a_load_that_is_not_confirmed_for_the_model_is_refused(lie: dict[str, Any], said: str) -> None:
    loaded = {"model": "M:latest", "done": True, "response": ""}
    asyncio.run(saying(loaded).load("m", num_ctx=8))
    with pytest.raises(BadReplyError, match=said):
        asyncio.run(saying(loaded | lie).load("m", num_ctx=8))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("box:5", "http://box:5"),
        ("http://box:5/", "http://box:5"),
        ("https://box/ollama/", "https://box/ollama"),
        ("[::1]:5", "http://[::1]:5"),
        (":8080", "http://127.0.0.1:8080"),
        ("HTTP://Box:5", "http://box:5"),
        ('"127.0.0.1:11434"', "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://gpu.lan", "http://gpu.lan"),
    ],
)
def test_hosts_become_urls(host: str, url: str) -> None:
    assert base_url(host) == url


@pytest.mark.parametrize(
    "host", ["", " ", "ftp://box", "http://", "http://box:99999", "127.0.0.1:abc", "::1", "http://a b", "http://[::1"]
)
def test_a_host_that_is_no_url_is_a_bad_option(host: str) -> None:
    with pytest.raises(OptionError, match=r"^host: .* is not the URL of an HTTP server"):
        OllamaClient(host)


def test_what_names_a_host_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "ftp://me:secret@x")
    with pytest.raises(OptionError, match=r"^OLLAMA_HOST: 'x' is not the URL"):
        default_host()
    with pytest.raises(OptionError, match=r"^--swarm-host: 'http://\[x' is not the URL"):
        base_url("http://[x", what="--swarm-host")


def test_a_password_is_used_and_never_shown() -> None:
    client = OllamaClient("http://me:s%20cret@box:5")
    assert client.host == "http://box:5"
    assert credentials_of(base_url("http://me:s%20cret@box:5")) == ("me", "s cret")
    with pytest.raises(OptionError) as error:
        OllamaClient("ftp://me:hidden@box")
    assert "hidden" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "error"]), inner, max_size=6),
    max_leaves=8,
)


@given(changes=st.dictionaries(st.sampled_from([*GOOD, "error"]), JSON, max_size=4), status=st.sampled_from([200, 500]))
def test_whatever_the_server_says_becomes_a_checked_reply_or_an_error_of_ours(
    changes: dict[str, Any], status: int
) -> None:
    body = json.dumps({**GOOD, **changes}).encode()
    with suppress(BackendError):
        reply = chat(answering(httpx.Response(status, content=body)))
        assert reply.completion_tokens is None or reply.completion_tokens >= 0
        assert reply.total_s is None or 0 <= reply.total_s < 1e6


def test_a_further_connection_reads_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    network_transport()
    monkeypatch.delattr(ssl, "create_default_context")
    assert network_transport() is not network_transport()
