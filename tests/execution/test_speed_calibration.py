"""How many calls run at once is told by their ends and the server's own times, not by when they were sent."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from pytest_swarm.execution.speed_calibration import calibrate_speed
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.simulator.virtual_loop import VirtualTimeLoop

WORK_S = 0.06  # of 48 tokens, on a quick model
MODEL = ModelIdentity(tag="quick:1b", digest="ab" * 32, server="0.33.0")


class SlottedServer(httpx.AsyncBaseTransport):
    """A server with slots behind a network that holds the first request up, as a busy machine does."""

    def __init__(self, slots: int, *, first_delay_s: float) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._delay_s = first_delay_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - all are alike
        delay_s, self._delay_s = self._delay_s, 0.0
        await asyncio.sleep(delay_s)
        async with self._slots:
            await asyncio.sleep(WORK_S)
        nanoseconds = round(WORK_S * 1e9)
        body = {
            "model": MODEL.tag,
            "message": {"role": "assistant", "content": "1\n2"},
            "done": True,
            "eval_count": 48,
            "eval_duration": nanoseconds,
            "total_duration": nanoseconds,
        }
        return httpx.Response(200, json=body)


@pytest.mark.parametrize("first_delay_s", [0.0, 0.05])
@pytest.mark.parametrize(("slots", "running"), [(1, [1]), (2, [2, 2]), (4, [2, 4])])
def test_calls_that_wait_for_a_slot_did_not_run_together(slots: int, running: list[int], first_delay_s: float) -> None:
    async def measured() -> list[int]:
        server = SlottedServer(slots, first_delay_s=first_delay_s)
        client = OllamaClient("http://quick", transport=server, timeout_s=10.0)
        return [
            sample.running
            for sample in await calibrate_speed(client.chat, MODEL, num_ctx=4096, at_once=(2, 4), site="http://quick")
        ]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(measured()) == running
