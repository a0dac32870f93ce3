"""The clock of a recording: it counts waiting, and what happens within a moment happens at one time."""

from __future__ import annotations

import asyncio
import time

import pytest

from pytest_swarm.execution.wait_time_loop import new_wait_time_loop
from pytest_swarm.simulator.virtual_loop import settle


def test_a_moment_takes_real_time_that_does_not_count() -> None:
    async def main() -> None:
        loop, began_s = asyncio.get_running_loop(), time.perf_counter()
        before_s = loop.time()
        thread = loop.run_in_executor(None, time.sleep, 0.005)
        timer = asyncio.create_task(asyncio.sleep(0.001))
        await asyncio.gather(settle(0.03), settle(0.03))
        assert time.perf_counter() - began_s >= 0.03
        assert loop.time() == before_s
        assert (thread.done(), timer.done()) == (True, False), "an event came at this moment, a timer is not yet due"
        await asyncio.sleep(0.01)
        assert loop.time() - before_s == pytest.approx(0.01, abs=1e-5)
        assert timer.done()

    with asyncio.Runner(loop_factory=new_wait_time_loop) as runner:
        runner.run(main())


def test_a_moment_that_nobody_waits_for_stops_no_clock() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await settle(0.005)
        await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() == pytest.approx(0.01, abs=1e-5)

    with asyncio.Runner(loop_factory=new_wait_time_loop) as runner:
        runner.run(main())
