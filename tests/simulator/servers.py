"""Small simulated servers for tests, and a client that sends raw requests in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from pytest_swarm.simulator.models.fixed_length_text import FixedLengthGenerator
from pytest_swarm.simulator.server.faults import parse_fault
from pytest_swarm.simulator.server.hardware import GIB, ModelSpec, ServerSpec
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from pytest_swarm.simulator.virtual_loop import new_virtual_loop

T = TypeVar("T")


def model(name: str, size_gib: float, blob: str = "10", **changes: Any) -> ModelSpec:
    """32 layers, 0.5 GiB of keys and values per 4096 tokens, 50 tokens a second, loaded at 16 GiB a second."""
    figures: dict[str, Any] = {
        "name": name,
        "size_bytes": round(size_gib * GIB),
        "layers": 32,
        "kv_heads": 8,
        "head_dim": 128,
        "context_length": 131_072,
        "blob": blob,
        "prefill_tokens_per_s": 1000.0,
        "decode_tokens_per_s": 50.0,
        "load_s": size_gib / 16,
    }
    return ModelSpec(**(figures | changes))


def spec(*models: ModelSpec, gpu_gib: float | None = 16, **changes: Any) -> ServerSpec:
    """A server with a quarter of a GiB of scratch memory per model and a margin of 1 GiB."""
    figures: dict[str, Any] = {"compute_bytes": GIB // 4, "fit_margin_bytes": GIB}
    return ServerSpec(models=models, gpu_bytes=None if gpu_gib is None else round(gpu_gib * GIB), **(figures | changes))


def named_events(response: httpx.Response) -> list[tuple[str, Any]]:
    """The name and the data of each server-sent event."""
    blocks = [block.split("\n", 1) for block in response.text.split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def in_virtual_time(main: Callable[[], Awaitable[T]]) -> T:
    """The result of `main()` on a fresh virtual loop."""

    async def run() -> T:
        return await main()

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        return runner.run(run())


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply and when it was complete."""

    status: int
    body: Any
    ended_s: float
    load_s: float

    @property
    def cold(self) -> bool:
        return self.load_s >= 0.2


class ServerClient:
    """Raw requests to one simulated server, as any HTTP client would send them."""

    def __init__(self, server_spec: ServerSpec, *faults: str, seed: int = 0) -> None:
        self.server = SimulatedServer(
            server_spec,
            generator=FixedLengthGenerator(),
            seed=seed,
            faults=tuple(parse_fault(fault) for fault in faults),
        )
        self.http = httpx.AsyncClient(
            transport=self.server.transport(), base_url="http://simulated", timeout=None, trust_env=False
        )

    async def post(self, path: str, **body: Any) -> Reply:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        response = await self.http.post(path, json=body)
        data = response.json() if response.content else None
        reported = data.get("load_duration") if isinstance(data, dict) else None
        ended_s = loop.time()
        return Reply(response.status_code, data, ended_s, ended_s - started_s if reported is None else reported / 1e9)

    async def use(self, name: str, *, tokens: int = 2, num_ctx: int | None = 4096, **more: Any) -> Reply:
        """A chat of so many tokens, not streamed."""
        options = {"num_predict": tokens, "num_ctx": num_ctx} | more.pop("options", {})
        messages = [{"role": "user", "content": "hi"}]
        return await self.post("/api/chat", model=name, messages=messages, stream=False, options=options, **more)

    async def load(self, name: str, *, num_ctx: int | None = 4096, **more: Any) -> Reply:
        return await self.post("/api/generate", model=name, options={"num_ctx": num_ctx}, **more)

    async def unload(self, name: str) -> Reply:
        return await self.post("/api/generate", model=name, keep_alive=0)

    async def ps(self) -> dict[str, Any]:
        """Rows of `/api/ps` by name without the default tag, in its order."""
        rows = (await self.http.get("/api/ps")).json()["models"]
        return {row["name"].removesuffix(":latest"): row for row in rows}

    async def resident(self) -> list[str]:
        return sorted(await self.ps())

    async def uses(self, sequence: str) -> list[str]:
        """Use the models named by one letter each; who is resident in the end."""
        for name in sequence:
            assert (await self.use(name)).status == 200
        return await self.resident()


def calls(*requests: tuple[str, str, Any], models: int = 2) -> list[httpx.Response]:
    """The responses to requests (method, path, body), sent one after the other to a new server.

    Its models are a, b, c ... with weights of their own. A body of bytes is sent as it is, any other as JSON.
    """

    async def main() -> list[httpx.Response]:
        installed = (model(name, 1, blob=f"{place}0") for place, name in enumerate("abcdefghi"[:models]))
        http = ServerClient(spec(*installed)).http
        return [
            await http.request(method, path, **{"content" if isinstance(body, bytes) else "json": body})
            for method, path, body in requests
        ]

    return in_virtual_time(main)


def call(method: str, path: str, body: Any = None) -> httpx.Response:
    """The response to one request."""
    return calls((method, path, body))[0]


def server_events(text: str) -> list[Any]:
    """The data of server-sent events; one that is not JSON stays a text."""
    found = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) if line.startswith("{") else line for line in found]
