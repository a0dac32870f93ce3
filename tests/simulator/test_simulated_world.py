"""A simulated server tells by its version what decides its answers."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.server_version import is_simulated_version
from pytest_swarm.simulator.simulated_world import SimulatedWorld, load_world
from tests.execution.lab import graph
from tests.simulator.servers import in_virtual_time


def version(world: SimulatedWorld, *graphs: TaskGraph) -> str:
    async def ask() -> str:
        server = world.server(world.generator(graphs))
        async with httpx.AsyncClient(transport=server.transport(), base_url="http://server") as client:
            told: str = (await client.get("/api/version")).json()["version"]
            return told

    return asyncio.run(ask())


def test_each_that_answers_otherwise_has_another_version() -> None:
    jobs = graph(ids="a b"), graph(ids="a b c")
    versions = [
        version(load_world("a40")),
        version(load_world("a40", seed=1)),
        version(load_world("a40", faults=["busy:times=1"])),
        version(load_world("a40-published-planner")),
        *(version(load_world("a40"), job) for job in jobs),
    ]
    assert len(set(versions)) == len(versions)
    assert version(load_world("a40"), *jobs) == version(load_world("a40"), *reversed(jobs))


@pytest.mark.parametrize(
    ("route", "made"),
    [("copy", {"source": "gemma2:2b", "destination": "mine"}), ("create", {"from": "gemma2:2b", "model": "mine"})],
)
def test_a_model_that_was_made_of_another_answers_like_it(route: str, made: dict[str, str]) -> None:
    job = graph(ids="a")

    async def ask() -> list[list[str]]:
        world = load_world("a40")
        server = world.server(world.generator([job]))
        async with httpx.AsyncClient(transport=server.transport(), base_url="http://server") as client:
            assert (await client.post(f"/api/{route}", json=made)).is_success
            texts = []
            for name in ("gemma2:2b", "mine"):
                body = {"model": name, "prompt": job.tasks[0].prompt, "stream": False}
                replies = [await client.post("/api/generate", json={**body, "options": {"seed": n}}) for n in range(9)]
                texts.append([reply.json()["response"] for reply in replies])
            return texts

    source, copied = in_virtual_time(ask)
    assert copied == source
    assert len(set(source)) > 1


def test_it_is_a_semantic_version_of_a_simulated_server() -> None:
    told = version(load_world("a40", seed=-3))
    assert is_simulated_version(told)
    assert re.fullmatch(r"\d+\.\d+\.\d+-simulated\+a40\.[0-9a-f]{8}\.seed-3", told)
