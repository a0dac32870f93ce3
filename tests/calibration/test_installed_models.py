"""A fleet from the installed models of a simulated server gives the server's own values back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_swarm.calibration.installed_models import COST_PER_BILLION, InstalledModels, measure_installed_models
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.simulator.models.profile_answers import ProfileAnswerer
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from pytest_swarm.simulator.virtual_loop import new_virtual_loop
from tests.execution.lab import A40


def simulated_client() -> OllamaClient:
    spec = replace(A40.server_spec, models=A40.server_spec.models[:2])
    server = SimulatedServer(spec, answerer=ProfileAnswerer(A40, seed=0))
    return OllamaClient("http://sim:1", transport=server.transport(), timeout_s=600)


def test_a_fleet_from_the_installed_models() -> None:
    told: list[str] = []

    async def measure() -> InstalledModels:
        client = simulated_client()
        found = await measure_installed_models(client, num_ctx=4096, report_progress=told.append)
        assert await client.resident() == ()
        await client.aclose()
        return found

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        found = runner.run(measure())
    tags = [entry.model.tag for entry in found.entries]
    assert sorted(tags) == sorted(A40.tags[:2])
    assert [text.removeprefix("measuring ") for text in told] == tags
    for entry in found.entries:
        true = A40.model(entry.model.tag)
        assert true is not None
        kv_bytes = true.spec.kv_bytes(4096, 1)
        assert entry.model.vram_gb == pytest.approx((true.spec.size_bytes + kv_bytes + 2**29) / 1e9, abs=1e-3)
        assert 0 <= entry.model.load_time_ms / 1000 - true.spec.load_s <= 0.25
        assert entry.model.num_ctx == 4096
        assert entry.model.max_ctx == true.spec.context_length
        assert entry.model.cost_per_token > COST_PER_BILLION
        assert not entry.model.capabilities
