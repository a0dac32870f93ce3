"""Calls of one model at once: each as much slower as was measured for their number."""

from __future__ import annotations

import asyncio

import pytest

from pytest_swarm.simulator.server.decode_sharing import DecodeSharing, slowdown
from tests.simulator.servers import in_virtual_time

SHARED = {2: 2.0, 4: 4.0}


@pytest.mark.parametrize(("count", "factor"), [(1, 1.0), (2, 1.5), (3, 2.0), (4, 2.5), (8, 5.0)])
def test_factors_between_and_beyond_the_measured_ones(count: int, factor: float) -> None:
    assert slowdown({2: 1.5, 4: 2.5}, count) == factor


def ends(*calls: tuple[str, float, float]) -> list[float]:
    """When calls of (model, begin, work) end."""

    async def run() -> list[float]:
        sharing, loop = DecodeSharing(), asyncio.get_running_loop()

        async def call(model: str, begin_s: float, work_s: float) -> float:
            await asyncio.sleep(begin_s)
            took_s = await sharing.decode(model, work_s, SHARED)
            assert took_s == pytest.approx(loop.time() - begin_s)
            return loop.time()

        return list(await asyncio.gather(*(call(*each) for each in calls)))

    return in_virtual_time(run)


def test_a_call_alone_takes_its_own_time() -> None:
    assert ends(("m", 0.0, 3.0)) == [3.0]


def test_two_calls_share_and_the_longer_one_is_fast_again_when_it_is_alone() -> None:
    assert ends(("m", 0.0, 2.0), ("m", 0.0, 3.0)) == pytest.approx([4.0, 5.0])


def test_a_call_that_comes_later_slows_down_the_first_from_then_on() -> None:
    assert ends(("m", 0.0, 2.0), ("m", 1.0, 2.0)) == pytest.approx([3.0, 4.0])


def test_calls_of_other_models_do_not_matter() -> None:
    assert ends(("m", 0.0, 2.0), ("n", 0.0, 2.0)) == [2.0, 2.0]


def test_a_call_that_is_cancelled_frees_the_others() -> None:
    async def run() -> float:
        sharing, loop = DecodeSharing(), asyncio.get_running_loop()
        other = asyncio.ensure_future(sharing.decode("m", 100.0, SHARED))
        own = asyncio.ensure_future(sharing.decode("m", 2.0, SHARED))
        await asyncio.sleep(2.0)
        other.cancel()
        await own
        return loop.time()

    assert in_virtual_time(run) == pytest.approx(3.0)
