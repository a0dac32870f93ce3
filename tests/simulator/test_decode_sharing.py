"""Calls of one model at once: each as much slower as was measured for their number."""

from __future__ import annotations

import asyncio
import json

import pytest

from pytest_swarm.simulator.server.decode_sharing import DecodeSharing, slowdown
from tests.simulator.servers import ServerClient, in_virtual_time, model, spec

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
            with sharing.work(model, SHARED) as work:
                await work.until(work_s / 4)
                await work.until(work_s)
            assert work.took_s == pytest.approx(loop.time() - begin_s)
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

        async def call(work_s: float) -> None:
            with sharing.work("m", SHARED) as work:
                await work.until(work_s)

        other, own = asyncio.ensure_future(call(100.0)), asyncio.ensure_future(call(2.0))
        await asyncio.sleep(2.0)
        other.cancel()
        await own
        return loop.time()

    assert in_virtual_time(run) == pytest.approx(3.0)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("names", "figures"),
    [("ab", {"slowdown_beside": 2.0}), ("aa", {"slowdowns": {2: 2.0}})],
    ids=["beside-another-model", "calls-of-one-model"],
)
def test_the_server_is_slower_while_another_call_computes(names: str, figures: dict[str, object], stream: bool) -> None:
    async def main() -> list[float]:
        models = [model(name, 1, name, **figures) for name in sorted(set(names))]
        client = ServerClient(spec(*models, gpu_gib=40, num_parallel=2))

        async def decode_s(name: str, tokens: int) -> float:
            options = {"num_predict": tokens, "num_ctx": 4096}
            body = {"model": name, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
            reply = await client.http.post("/api/chat", json=body | {"options": options})
            last = json.loads(reply.text.splitlines()[-1])
            assert isinstance(last, dict)
            return float(last["eval_duration"]) / 1e9

        for name in names:
            await client.load(name)
        alone_s = await decode_s(names[0], 101)
        return [alone_s, *await asyncio.gather(decode_s(names[0], 101), decode_s(names[1], 51))]

    # the shorter call ends after two seconds with half of the longer one's work
    assert in_virtual_time(main) == pytest.approx([2.0, 3.0, 2.0], abs=0.02)
