"""The simulated server through the product's own client, in virtual time and over a real socket."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

from pytest_swarm.errors import (
    BackendError,
    BadReplyError,
    CallTimeoutError,
    ModelMissingError,
    OptionError,
    ServerDownError,
    ServerRefusedError,
)
from pytest_swarm.ollama.client import LEASE_S, OllamaClient
from pytest_swarm.ollama.messages import ChatReply, ChatRequest
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.models.fixed_length_text import FixedLengthGenerator
from pytest_swarm.simulator.server.faults import parse_fault
from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from pytest_swarm.simulator.server.token_stream import GeneratedText, GenerationRequest
from pytest_swarm.simulator.transport import Receive, Scope, Send
from tests.simulator.servers import in_virtual_time, model, spec

SPEC = spec(model("a", 4), model("b", 5, "20"), gpu_gib=24)


def client(server_spec: ServerSpec = SPEC, **more: float) -> OllamaClient:
    server = SimulatedServer(server_spec, generator=FixedLengthGenerator())
    return OllamaClient("http://simulated", transport=server.transport(), **more)


def request(tokens: int = 10, name: str = "a") -> ChatRequest:
    return ChatRequest(model=name, messages=({"role": "user", "content": "hi"},), num_ctx=4096, num_predict=tokens)


def test_a_chat_takes_load_prefill_and_decode_time() -> None:
    async def main() -> tuple[ChatReply, float]:
        reply = await client().chat(request(10))
        return reply, asyncio.get_running_loop().time()

    reply, elapsed_s = in_virtual_time(main)
    assert (reply.prompt_tokens, reply.completion_tokens, reply.done_reason) == (1, 10, "length")
    assert (reply.load_s, reply.prefill_s, reply.decode_s) == pytest.approx((0.501, 0.001, 0.18))
    assert reply.total_s == pytest.approx(elapsed_s) == pytest.approx(0.682)


def test_load_resident_and_unload() -> None:
    async def main() -> list[list[str]]:
        ollama = client()
        seen = []
        for step in (ollama.load("a", num_ctx=4096), ollama.load("b", num_ctx=4096), ollama.unload("a")):
            await step
            seen.append(sorted(row.tag for row in await ollama.resident()))
        return seen

    assert in_virtual_time(main) == [["a:latest"], ["a:latest", "b:latest"], ["b:latest"]]


@pytest.mark.parametrize(("idle_s", "resident"), [(LEASE_S - 1, 1), (LEASE_S + 1, 0)])
def test_what_is_loaded_stays_as_long_as_its_lease(idle_s: float, resident: int) -> None:
    async def main() -> int:
        ollama = client()
        await ollama.load("a", num_ctx=4096)
        await ollama.chat(request())
        await asyncio.sleep(idle_s)
        return len(await ollama.resident())

    assert in_virtual_time(main) == resident


def test_unloading_a_busy_model_waits_for_its_chat() -> None:
    async def main() -> float:
        ollama = client()
        chat = asyncio.create_task(ollama.chat(request(200)))  # a load of 0.5 s and 4 s of tokens
        await asyncio.sleep(1)
        await ollama.unload("a")
        gone_s = asyncio.get_running_loop().time()
        await chat
        return gone_s

    assert in_virtual_time(main) == pytest.approx(4.5, abs=0.1)


def test_unloading_a_model_that_stays_busy_gives_up_in_time() -> None:
    async def main() -> float:
        server = SimulatedServer(SPEC, generator=FixedLengthGenerator())
        patient = OllamaClient("http://simulated", transport=server.transport(), timeout_s=1000.0)
        hasty = OllamaClient("http://simulated", transport=server.transport(), timeout_s=5.0)
        chat = asyncio.create_task(patient.chat(request(5000)))
        await asyncio.sleep(1)
        with pytest.raises(CallTimeoutError, match="still resident"):
            await hasty.unload("a")
        given_up_s = asyncio.get_running_loop().time()
        await chat
        return given_up_s

    assert in_virtual_time(main) == pytest.approx(6.0)


def test_a_missing_model_is_named_by_every_call_that_needs_it() -> None:
    async def main() -> None:
        ollama = client()
        for call in (ollama.load("x", num_ctx=8), ollama.unload("x"), ollama.chat(request(1, "x"))):
            with pytest.raises(ModelMissingError, match="ollama pull x"):
                await call

    in_virtual_time(main)


def test_a_chat_that_times_out_frees_its_slot() -> None:
    async def main() -> float:
        ollama = client(timeout_s=2.0)
        with pytest.raises(CallTimeoutError):
            await ollama.chat(request(10_000))
        reply = await ollama.chat(request(2))
        assert reply.total_s is not None
        return reply.total_s

    assert in_virtual_time(main) < 0.1


def test_the_same_calls_take_the_same_time_to_the_last_bit() -> None:
    async def main() -> list[ChatReply]:
        ollama = client(spec(model("a", 4), model("b", 5, "20"), gpu_gib=24, num_parallel=2))
        calls = [ollama.chat(request(3 + n, "ab"[n % 2])) for n in range(20)]
        return list(await asyncio.gather(*calls))

    assert in_virtual_time(main) == in_virtual_time(main)


class Parrot:
    """Says the same word again and again."""

    def prompt_tokens(self, _: GenerationRequest) -> int:
        return 1

    def generate(self, _: GenerationRequest) -> GeneratedText:
        return GeneratedText(text="no " * 64, completion_tokens=64)


def test_a_reply_that_repeats_itself_ends_without_figures() -> None:
    async def main() -> ChatReply:
        server = SimulatedServer(SPEC, generator=Parrot())
        return await OllamaClient("http://simulated", transport=server.transport()).chat(request(1000))

    reply = in_virtual_time(main)
    assert (reply.done_reason, reply.text, reply.completion_tokens) == ("repeat", "no " * 31, None)


def test_layers_on_the_cpu_slow_a_model_down() -> None:
    async def main() -> float:
        slow = spec(model("a", 4, cpu_slowdown=5.0), gpu_gib=None)
        reply = await client(slow).chat(request(10))
        assert reply.decode_s is not None
        return reply.decode_s

    assert in_virtual_time(main) == pytest.approx(5 * 0.18)


# --- over a real socket ----------------------------------------------------------------------------------------

FAST = spec(model("a", 1, decode_tokens_per_s=1e4, prefill_tokens_per_s=1e6, load_s=0.0), gpu_gib=24)


@pytest.fixture
def url() -> Iterator[str]:
    pytest.importorskip("uvicorn")
    with serve_in_thread(SimulatedServer(FAST, generator=FixedLengthGenerator())) as base:
        yield base


def test_the_same_app_serves_a_real_client_over_http(url: str) -> None:
    async def main() -> tuple[ChatReply, int]:
        ollama = OllamaClient(url, timeout_s=60.0)
        reply = await ollama.chat(request(5))
        resident = await ollama.resident()
        await ollama.unload("a")
        await ollama.aclose()
        return reply, len(resident)

    reply, resident = asyncio.run(main())
    assert (reply.completion_tokens, resident) == (5, 1)
    assert reply.load_s is not None
    assert reply.load_s >= 0.25


def test_a_server_on_the_ipv6_loopback_address_has_a_url_and_refuses_names_of_others() -> None:
    pytest.importorskip("uvicorn")
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    with serve_in_thread(SimulatedServer(FAST, generator=FixedLengthGenerator()), host="::1") as url:
        statuses = [
            httpx.get(url, headers={"host": name}).status_code for name in ("[::1]:1", "box.local", "box.example")
        ]
    assert url.startswith("http://[::1]:")
    assert statuses == [200, 200, 403]


def test_no_part_of_an_answer_waits_for_the_one_before(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nagle's algorithm would hold each body back for 40 ms."""
    port, set_option, told = int(url.rsplit(":", 1)[1]), socket.socket.setsockopt, []

    def noted(self: socket.socket, *option: int) -> None:
        told.append((self.getsockname()[1], *option[:2]))
        set_option(self, *option)

    monkeypatch.setattr(socket.socket, "setsockopt", noted)
    httpx.get(f"{url}/api/version", trust_env=False).raise_for_status()
    assert (port, socket.IPPROTO_TCP, socket.TCP_NODELAY) in told


@pytest.mark.parametrize(
    ("fault", "error"),
    [("refuse", BadReplyError), ("cut", BadReplyError), ("busy", ServerRefusedError), ("hang", CallTimeoutError)],
)
def test_faults_reach_a_client_over_http(fault: str, error: type[BackendError]) -> None:
    pytest.importorskip("uvicorn")
    server = SimulatedServer(FAST, generator=FixedLengthGenerator(), faults=(parse_fault(fault),))

    timeout_s = 0.5 if fault == "hang" else 60.0

    async def main(url: str) -> None:
        ollama = OllamaClient(url, timeout_s=timeout_s)
        try:
            await ollama.chat(request(5))
        finally:
            await ollama.aclose()

    with serve_in_thread(server) as base, pytest.raises(error):
        asyncio.run(main(base))


def test_a_server_that_was_stopped_is_down() -> None:
    pytest.importorskip("uvicorn")
    with serve_in_thread(SimulatedServer(FAST, generator=FixedLengthGenerator())) as base:
        pass
    with pytest.raises(ServerDownError):
        asyncio.run(OllamaClient(base).version())


def test_a_port_that_is_taken_is_one_sentence(url: str) -> None:
    port = int(url.rsplit(":", 1)[1])
    other = SimulatedServer(FAST, generator=FixedLengthGenerator())
    with pytest.raises(OptionError, match=f"cannot listen on 127.0.0.1:{port}"), serve_in_thread(other, port=port):
        pass


@pytest.mark.parametrize("host", ["x y", "é" * 80, "::zz"])
def test_a_name_of_no_host_is_one_sentence(host: str) -> None:
    other = SimulatedServer(FAST, generator=FixedLengthGenerator())
    said = f"cannot listen on {host}:0 .*; choose another --host"
    with pytest.raises(OptionError, match=said), serve_in_thread(other, host=host, port=0):
        pass


def test_without_uvicorn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    server = SimulatedServer(FAST, generator=FixedLengthGenerator())
    with pytest.raises(OptionError, match=r"pip install uvicorn"), serve_in_thread(server):
        pass


def test_a_server_starts_where_standard_output_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with serve_in_thread(SimulatedServer(FAST, generator=FixedLengthGenerator())) as base:
        assert httpx.get(f"{base}/api/version").status_code == 200


def test_a_request_that_goes_through_a_proxy_names_the_server_too() -> None:
    with serve_in_thread(SimulatedServer(FAST, generator=FixedLengthGenerator())) as base:
        host, port = base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(f"GET {base}/api/version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            told = b"".join(iter(lambda: connection.recv(4096), b""))
    assert told.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("load_s", "stream", "fault"),
    [(0.0, True, None), (0.0, False, None), (3600.0, False, None), (0.0, False, "slow:seconds=60"), (0, False, "hang")],
    ids=["stream", "whole", "load", "slow", "hang"],
)
def test_a_server_that_is_stopped_breaks_off_what_it_answers_and_prints_nothing(
    caplog: pytest.LogCaptureFixture, load_s: float, stream: bool, fault: str | None
) -> None:
    slow = spec(model("a", 1, load_s=load_s), gpu_gib=24)
    faults = () if fault is None else (parse_fault(fault),)
    server = SimulatedServer(slow, generator=FixedLengthGenerator(), faults=faults)
    app, reached, ended = server.app, threading.Event(), list[type[Exception]]()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if not stream:
            reached.set()
        await app(scope, receive, send)

    def ask(base: str) -> None:
        options = {"num_predict": 100_000, "num_ctx": 100_000}
        body = {"model": "a", "messages": [{"role": "user", "content": "x"}], "stream": stream, "options": options}
        try:
            with httpx.stream("POST", f"{base}/api/chat", json=body, timeout=60, trust_env=False) as response:
                for _ in response.iter_raw():
                    reached.set()
        except httpx.HTTPError as error:
            ended.append(type(error))

    server.app = watched
    with serve_in_thread(server) as base:
        client = threading.Thread(target=ask, args=(base,))
        client.start()
        assert reached.wait(60)
    client.join(60)
    assert (ended, caplog.messages) == ([httpx.RemoteProtocolError], [])
