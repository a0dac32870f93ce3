"""What stays in VRAM beside a plan, and how the models outside of plans are asked."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from pytest_swarm.domain.record import ResidentModel
from pytest_swarm.errors import BadReplyError
from pytest_swarm.execution.auxiliary_models import borrowed
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.residency import Ledger, ResidencyKeeper
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ChatReply, ChatRequest
from tests.execution.lab import HEAVY

GEMMA, QWEN, LLAMA, _ = HEAVY.tags


class FakeClient:
    """A server that holds some models, refuses to chat, and remembers what it was asked."""

    def __init__(self, *resident: str) -> None:
        self.tags = set(resident)
        self.requests: list[ChatRequest] = []

    async def resident(self) -> tuple[ResidentModel, ...]:
        return tuple(ResidentModel(tag=tag, size_bytes=1, size_vram_bytes=1) for tag in self.tags)

    async def load(self, tag: str, *, num_ctx: int) -> None:
        assert num_ctx > 0
        self.tags.add(tag)

    async def unload(self, tag: str) -> None:
        self.tags.discard(tag)

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.requests.append(request)
        raise BadReplyError("no answer")


async def begun(client: FakeClient, budget_gb: float) -> ResidencyKeeper:
    keeper = ResidencyKeeper(cast(OllamaClient, client), HEAVY)
    clock = JobClock(virtual=False)
    keeper.begin(Ledger(vram_budget_gb=budget_gb, seed=7, clock=clock, on_switch=lambda _: None))
    await keeper.observe()
    return keeper


def test_of_what_fits_beside_the_target_the_slowest_to_load_is_kept() -> None:
    async def retained(budget_gb: float, *target: str) -> tuple[str, ...]:
        return (await begun(FakeClient(GEMMA, QWEN), budget_gb)).retained(target)

    assert asyncio.run(retained(8.0)) == (QWEN,)
    assert asyncio.run(retained(8.5)) == (QWEN, GEMMA)
    assert asyncio.run(retained(10.0, LLAMA)) == (GEMMA,)


def test_planner_and_judge_are_asked_at_temperature_0_with_the_seed_of_the_job() -> None:
    client = FakeClient()

    async def ask() -> None:
        keeper = await begun(client, 8.0)
        with pytest.raises(BadReplyError):
            await borrowed(GEMMA, HEAVY, lambda: keeper).ask("how?", schema={})

    asyncio.run(ask())
    (request,) = client.requests
    assert (request.temperature, request.seed, request.model) == (0.0, 7, GEMMA)
    assert client.tags == {GEMMA}
