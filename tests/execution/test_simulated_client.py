"""The client of a server in this process: residents are read without a request, and are those of the request."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.errors import BackendError, ServerDownError
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.simulated_client import SimulatedClient
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ChatReply, ChatRequest
from pytest_swarm.simulator.server import request_parsing, simulated_server
from pytest_swarm.simulator.server.model_library import ModelLibrary
from pytest_swarm.simulator.server.request_parsing import ParsedRequest
from pytest_swarm.simulator.server.request_values import JsonObject
from pytest_swarm.simulator.transport import AppFailedError
from tests.execution.lab import backend

T = TypeVar("T")


def in_loop(of: Backend, work: Coroutine[None, None, T]) -> T:
    with asyncio.Runner(loop_factory=of.new_loop) as runner:
        return runner.run(work)


async def both(client: OllamaClient) -> tuple[tuple[ResidentModel, ...], tuple[ResidentModel, ...]]:
    """The residents without a request, and by one."""
    return await client.resident(), await client.through(lambda transport: transport).resident()


def test_residents_are_those_of_the_request_in_its_order() -> None:
    of = backend()

    async def work() -> None:
        client = of.connect().client
        assert isinstance(client, SimulatedClient)
        for tag, keep_alive in (("gemma2:2b", 900), ("qwen2.5-coder:7b", 60), ("llama3.1:8b", 300)):
            await client.load(tag, num_ctx=4096, keep_alive=keep_alive)
            direct, asked = await both(client)
            assert direct == asked
        assert [row.tag for row in direct] == ["gemma2:2b", "llama3.1:8b", "qwen2.5-coder:7b"]
        await client.chat(ChatRequest(model="llama3.1:8b", messages=({"role": "user", "content": "hi"},), num_ctx=4096))
        await asyncio.sleep(200)  # a lease ends
        direct, asked = await both(client)
        assert direct == asked
        assert {row.tag for row in direct} == {"gemma2:2b", "llama3.1:8b"}

    in_loop(of, work())


def test_a_server_with_faults_is_asked() -> None:
    of = backend("refuse:times=1")

    async def work() -> None:
        with pytest.raises(ServerDownError):
            await of.connect().client.resident()

    in_loop(of, work())


def test_bodies_are_those_of_the_official_client(monkeypatch: pytest.MonkeyPatch) -> None:
    of, bodies = backend(), list[JsonObject]()
    check = request_parsing.check_request

    def keep_and_check(data: JsonObject, library: ModelLibrary, *, chat: bool) -> ParsedRequest:
        bodies.append(data)
        return check(data, library, chat=chat)

    monkeypatch.setattr(request_parsing, "check_request", keep_and_check)
    monkeypatch.setattr(simulated_server, "check_request", keep_and_check)
    request = ChatRequest(
        model="gemma2:2b",
        messages=({"role": "system", "content": ""}, {"role": "user", "content": "hi"}),
        num_ctx=4096,
        seed=3,
        schema={"type": "object"},
    )

    async def work() -> None:
        direct = of.connect().client
        replies = []
        for client in (direct, direct.through(lambda transport: transport)):
            await client.load("gemma2:2b", num_ctx=None, keep_alive=60)
            await client.load("gemma2:2b", num_ctx=4096)
            replies.append(await client.chat(request))
            await client.unload("gemma2:2b")
        assert replies[0] == replies[1]

    in_loop(of, work())
    assert len(bodies) == 8
    assert bodies[:4] == bodies[4:]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"model": "absent:1b"}, "has no model 'absent:1b'"),
        ({"model": "gemma2:2b:cloud"}, "ollama cloud is disabled"),
        ({"messages": ({"role": "user", "content": "half a pair: \ud83d"},)}, None),
        ({"schema": {"type": "unheard of"}}, "schema conversion failed"),
        ({"schema": {"type": "object", "properties": {"a": ({"type": "null"},)}}}, "schema conversion failed"),
        ({"messages": ({"role": "user", "content": "word " * 3000},), "num_ctx": 1024}, None),
        ({"messages": ({"role": "user", "content": "hello"},), "num_predict": 1}, None),
        ({"messages": ()}, None),
    ],
)
def test_a_call_ends_as_that_of_the_official_client(changed: dict[str, object], error: str | None) -> None:
    of = backend()
    asked = {"model": "gemma2:2b", "messages": ({"role": "user", "content": "hi"},), "num_ctx": 4096, **changed}

    async def ended(client: OllamaClient) -> object:
        try:
            return await client.chat(ChatRequest(**asked))  # type: ignore[arg-type]
        except BackendError as refusal:
            return type(refusal), str(refusal)

    async def work() -> None:
        direct = of.connect().client
        await direct.load("gemma2:2b", num_ctx=asked["num_ctx"])  # type: ignore[arg-type]
        first, second = await ended(direct), await ended(direct.through(lambda transport: transport))
        assert first == second
        assert isinstance(first, ChatReply) if error is None else error in str(first)

    in_loop(of, work())


def test_a_bug_of_the_server_is_no_error_of_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    of = backend()

    def broken(*_: object, **__: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(simulated_server, "check_request", broken)

    async def work() -> None:
        with pytest.raises(AppFailedError, match="a bug"):
            await of.connect().client.load("gemma2:2b", num_ctx=None)

    in_loop(of, work())
