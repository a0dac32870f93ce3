"""A real server gets a seed of each prompt's own; what is recorded keeps that of the repeat."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import httpx
import pytest

from pytest_swarm.domain.prompt import Message
from pytest_swarm.domain.seeding import prompt_seed
from pytest_swarm.execution.backends import network_backend
from pytest_swarm.fields import Json
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ChatRequest
from pytest_swarm.ollama.transports.own_draws import OwnDrawsTransport

HOST = "http://127.0.0.1:11434"
REPLY = {"model": "m", "message": {"role": "assistant", "content": "7"}, "done": True, "done_reason": "stop"}


class Server(httpx.AsyncBaseTransport):
    """Notes what it is sent."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    @property
    def bodies(self) -> list[Mapping[str, Json]]:
        return [json.loads(each.content) for each in self.requests]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(REPLY).encode()))


def asked(*contents: str, seed: int | None = 5, host: str = HOST) -> Server:
    server = Server()

    async def ask() -> None:
        client = OllamaClient(host, transport=OwnDrawsTransport(server))
        for content in contents:
            messages = ({"role": "user", "content": content},)
            await client.chat(ChatRequest(model="m", messages=messages, num_ctx=512, seed=seed, temperature=0.5))
        await client.aclose()

    asyncio.run(ask())
    return server


def seeds(server: Server) -> list[Json]:
    return [body["options"].get("seed") for body in server.bodies]


def test_each_prompt_draws_by_itself_and_the_same_prompt_alike() -> None:
    first, second, again = seeds(asked("2 + 5?", "3 + 4?", "2 + 5?"))
    assert first == again == prompt_seed(5, [{"role": "user", "content": "2 + 5?"}])
    assert first != second != 5


def test_all_else_of_the_request_is_sent_as_it_was() -> None:
    server = asked("2 + 5?", host="http://me:secret@127.0.0.1:11434")
    (body,), (request,) = server.bodies, server.requests
    assert body["messages"] == [{"role": "user", "content": "2 + 5?"}]
    assert {name: value for name, value in body["options"].items() if name != "seed"} == {
        "num_ctx": 512,
        "temperature": 0.5,
    }
    assert int(request.headers["content-length"]) == len(request.content)
    assert request.headers["authorization"].startswith("Basic ")
    assert request.headers["host"] == "127.0.0.1:11434"


@pytest.mark.parametrize("seed", [None, -1])
def test_a_request_that_asks_for_any_draw_stays_so(seed: int | None) -> None:
    assert seeds(asked("2 + 5?", seed=seed)) == [seed]


@pytest.mark.parametrize(("simulated", "own"), [(True, False), (False, True)])
def test_connections_to_real_servers_have_it(monkeypatch: pytest.MonkeyPatch, *, simulated: bool, own: bool) -> None:
    server = Server()
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", lambda **_: server)

    async def ask() -> None:
        client = network_backend(HOST, why="a test", simulated=simulated).connect().client
        message: Message = {"role": "user", "content": "2 + 5?"}
        await client.chat(ChatRequest(model="m", messages=(message,), num_ctx=512, seed=5))
        await client.aclose()

    asyncio.run(ask())
    assert (seeds(server) != [5]) is own
