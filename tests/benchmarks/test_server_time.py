"""The stopwatch of `harness share` counts the steps of a reply: not what it waits for, nor what is left out."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.performance import server_time
from benchmarks.performance.server_time import Stopwatch, TimedSteps


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    ticks = iter(range(1000))
    monkeypatch.setattr(server_time, "perf_counter", lambda: next(ticks))  # a second at each look
    monkeypatch.setattr(server_time, "WATCH", Stopwatch())
    return server_time.WATCH


def test_each_step_of_a_coroutine_is_counted(watch: Stopwatch) -> None:
    async def reply() -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "done"

    async def waiting() -> str:
        return await TimedSteps(reply())

    assert asyncio.run(waiting()) == "done"
    assert watch.seconds == 3


def test_a_cancelled_reply_ends_as_cancelled(watch: Stopwatch) -> None:
    async def waiting() -> None:
        async with asyncio.timeout(0.01):
            await TimedSteps(asyncio.sleep(60))

    with pytest.raises(TimeoutError):
        asyncio.run(waiting())
    assert watch.seconds == 2


def test_what_is_left_out_is_counted_nowhere(watch: Stopwatch) -> None:
    left_out = watch.without(lambda: watch.seconds)
    watch.within(left_out)
    assert watch.seconds == 2  # before it and behind it, of the three between four looks
    left_out()
    assert watch.seconds == 2
