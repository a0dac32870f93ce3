from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from pytest_swarm.errors import (
    BackendError,
    BadReplyError,
    CallTimeoutError,
    ModelMissingError,
    OptionError,
    ProfileError,
    ServerDownError,
    ServerRefusedError,
)
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ChatReply, ChatRequest
from pytest_swarm.simulator.server.faults import Fault, FaultKind, FaultSchedule, parse_fault
from tests.simulator.servers import ServerClient, in_virtual_time, model, spec

SPEC = spec(model("a", 4), model("b:7b", 5, "20"), gpu_gib=24)


def request(name: str = "a") -> ChatRequest:
    return ChatRequest(model=name, messages=({"role": "user", "content": "hi"},), num_ctx=4096, num_predict=5)


def outcomes(fault: str, *models: str, seed: int = 0) -> tuple[list[str], float]:
    """How a chat with each model in turn ends (`ok`, or the kind of its error), and the time at the end."""

    async def main() -> tuple[list[str], float]:
        server = ServerClient(SPEC, fault, seed=seed).server
        client = OllamaClient("http://simulated", transport=server.transport(), timeout_s=60.0)
        seen = []
        for name in models:
            try:
                await client.chat(request(name))
                seen.append("ok")
            except BackendError as error:
                seen.append(error.kind)
        await client.aclose()
        return seen, asyncio.get_running_loop().time()

    return in_virtual_time(main)


def failing(fault: str) -> ChatReply:
    async def main() -> ChatReply:
        client = OllamaClient(
            "http://simulated", transport=ServerClient(SPEC, fault).server.transport(), timeout_s=60.0
        )
        return await client.chat(request())

    return in_virtual_time(main)


FAILING: list[tuple[str, type[BackendError], str]] = [
    ("refuse", ServerDownError, "as --swarm-fault told"),
    ("missing", ModelMissingError, "ollama pull a"),
    ("load-error", ServerRefusedError, r"500.*llama-server process has terminated"),
    ("busy", ServerRefusedError, r"503.*maximum pending requests"),
    ("cut", BadReplyError, "broke off"),
    ("no-done", BadReplyError, "cut off"),
    ("hang", CallTimeoutError, "within 60 s"),
    ("garbage", BadReplyError, "did not send an Ollama reply"),
    ("html", BadReplyError, "did not send an Ollama reply"),
    ("wrong-model", BadReplyError, "another-model"),
    ("crash", ServerRefusedError, "unexpected EOF"),
]


@pytest.mark.parametrize(("fault", "error", "says"), FAILING)
def test_each_fault_ends_as_its_own_error(fault: str, error: type[BackendError], says: str) -> None:
    with pytest.raises(error, match=says):
        failing(fault)


def test_every_kind_of_fault_is_tried_here() -> None:
    assert {kind.value for kind in FaultKind} == {kind for kind, *_ in FAILING} | {"slow"}


def test_a_slow_answer_is_right_and_late() -> None:
    on_time_s = outcomes("slow:model=b:7b", "a")[1]
    assert outcomes("slow:seconds=30", "a") == (["ok"], pytest.approx(on_time_s + 30))


def test_a_server_slower_than_the_limit_is_a_timeout() -> None:
    assert outcomes("slow:seconds=100", "a") == (["timeout"], pytest.approx(60.0))


def test_a_hang_costs_the_time_limit_and_no_more() -> None:
    assert outcomes("hang", "a") == (["timeout"], pytest.approx(60.0))


def test_only_the_named_model_is_hit() -> None:
    assert outcomes("busy:model=B:7B", "a", "b:7b", "a")[0] == ["ok", "server_error", "ok"]


def test_after_and_times_bound_a_burst() -> None:
    assert outcomes("busy:after=1,times=2", "a", "a", "a", "a")[0] == ["ok", "server_error", "server_error", "ok"]


def test_load_errors_hit_only_calls_that_load() -> None:
    assert outcomes("load-error:model=b:7b,times=1", "a", "b:7b", "b:7b", "b:7b")[0] == [
        "ok",
        "server_error",
        "ok",
        "ok",
    ]


def test_chance_is_drawn_from_the_seed() -> None:
    draws = [outcomes("busy:chance=0.5", *["a"] * 20, seed=seed)[0] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert 0 < draws[0].count("ok") < 20


def test_chance_hits_other_calls_in_each_case_and_the_same_ones_in_each_run() -> None:
    fault = parse_fault("busy:chance=0.3")
    runs = [
        [FaultSchedule((fault,), seed=0).next_fault("a", loads=False, request=b"%d" % n) for n in range(60)]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert 8 <= runs[0].count(fault) <= 28


def test_a_refused_connection_hits_every_call() -> None:
    async def main() -> None:
        client = OllamaClient("http://simulated", transport=ServerClient(SPEC, "refuse").server.transport())
        await client.installed()

    with pytest.raises(
        ServerDownError, match=r"^the simulated server refuses the connection, as --swarm-fault told it to$"
    ):
        in_virtual_time(main)


def test_other_calls_are_served_while_chats_fail() -> None:
    async def main() -> tuple[str, ...]:
        client = OllamaClient("http://simulated", transport=ServerClient(SPEC, "html").server.transport())
        return tuple(model.tag for model in await client.installed())

    assert in_virtual_time(main) == ("a:latest", "b:7b")


@pytest.mark.parametrize("fault", ["cut", "crash", "no-done", "wrong-model", "busy", "garbage"])
def test_a_failed_answer_frees_its_model(fault: str) -> None:
    assert outcomes(f"{fault}:times=1", "a", "a")[0][1] == "ok"


def test_a_crashed_model_is_still_listed_and_loaded_again_by_the_next_call() -> None:
    async def main() -> tuple[list[str], bool, bool]:
        bench = ServerClient(SPEC, "crash:times=1")
        await bench.use("a")
        listed = await bench.resident()
        return listed, (await bench.use("a")).cold, (await bench.use("a")).cold

    assert in_virtual_time(main) == (["a"], True, False)


def stream(fault: str) -> tuple[list[dict[str, Any]], bool]:
    """The lines of a stream of five tokens, and whether it came to its end."""

    async def main() -> tuple[list[dict[str, Any]], bool]:
        bench = ServerClient(SPEC, fault)
        body = {"model": "a", "messages": [{"role": "user", "content": "hi"}], "options": {"num_predict": 5}}
        seen: list[dict[str, Any]] = []
        try:
            async with bench.http.stream("POST", "/api/chat", json=body) as response:
                async for line in response.aiter_lines():
                    seen.append(json.loads(line))  # noqa: PERF401 - what came before the break counts
        except httpx.RemoteProtocolError:
            return seen, False
        return seen, True

    return in_virtual_time(main)


def test_a_stream_can_be_cut_in_the_middle() -> None:
    lines, complete = stream("cut")
    assert (len(lines), complete) == (2, False)


def test_a_stream_can_end_without_done() -> None:
    lines, complete = stream("no-done")
    assert complete
    assert not any(line["done"] for line in lines)


def test_a_crash_in_mid_stream_is_an_error_line() -> None:
    lines, complete = stream("crash")
    assert complete
    assert lines[-1] == {"error": "an error was encountered while running the model: unexpected EOF"}


def test_a_stream_can_name_another_model() -> None:
    assert {line["model"] for line in stream("wrong-model")[0]} == {"another-model:latest"}


def test_a_fault_is_read_from_its_text() -> None:
    assert parse_fault("cut:model=qwen2.5-coder:7b,after=2,times=3,chance=0.25") == Fault(
        kind=FaultKind.CUT, model="qwen2.5-coder:7b", after=2, times=3, chance=0.25
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "explode", "cut:often", "cut:often=1", "cut:after=-1", "cut:times=0", "cut:chance=2"),
        *("slow:seconds=long", "busy:times=1,times=2", "hang:seconds=3"),
    ],
)
def test_a_fault_that_means_nothing_is_one_sentence(text: str) -> None:
    with pytest.raises(OptionError, match=r"^--swarm-fault: [^\n]*$"):
        parse_fault(text)


def test_a_profile_names_itself_in_the_error() -> None:
    with pytest.raises(ProfileError, match=r"^p\.toml: 'boom'"):
        parse_fault("boom", error=ProfileError, what="p.toml")


def test_the_first_of_two_faults_applies_and_both_count() -> None:
    schedule = FaultSchedule((parse_fault("busy:times=1"), parse_fault("cut:after=1")), seed=0)
    chosen = [schedule.next_fault("a", loads=False) for _ in range(2)]
    assert [fault.kind if fault else None for fault in chosen] == [FaultKind.BUSY, FaultKind.CUT]
