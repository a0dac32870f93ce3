from __future__ import annotations

import asyncio
import threading
import time

import pytest

from pytest_swarm.simulator.virtual_loop import (
    VIRTUAL_EPOCH_S,
    DeadlockError,
    new_virtual_loop,
    settle,
    wall_time_s,
)
from tests.simulator.servers import in_virtual_time


def test_an_hour_of_sleep_costs_no_real_time() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    started_s = time.monotonic()
    assert in_virtual_time(main) == pytest.approx(3600)
    assert time.monotonic() - started_s < 60


def test_timers_run_in_the_order_of_their_time() -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def at(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            seen.append(f"{name}@{asyncio.get_running_loop().time():g}")

        await asyncio.gather(at(2, "b"), at(1, "a"), at(2, "c"))
        return seen

    assert in_virtual_time(main) == ["a@1", "b@2", "c@2"]


def test_settling_takes_no_time_and_lets_all_of_this_moment_happen() -> None:
    async def main() -> tuple[list[str], float]:
        seen: list[str] = []

        async def at(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            for _ in range(5):  # what follows takes turns of the loop, as a request does
                await asyncio.sleep(0)
            seen.append(name)

        rest = asyncio.gather(at(1, "a"), at(1, "b"), at(1 + 5e-7, "c"), at(1.001, "later"))
        await asyncio.sleep(1)
        await settle(real_s=60)
        found = sorted(seen), asyncio.get_running_loop().time()
        await rest
        return found

    seen, now_s = in_virtual_time(main)
    assert seen == ["a", "b", "c"]
    assert now_s == pytest.approx(1, abs=1e-6)


def test_settling_that_is_cancelled_disturbs_nobody() -> None:
    async def main() -> float:
        given_up = asyncio.ensure_future(settle(real_s=60))
        await asyncio.sleep(0)
        given_up.cancel()
        await settle(real_s=60)
        return asyncio.get_running_loop().time()

    assert in_virtual_time(main) == 0


def test_a_timeout_counts_virtual_seconds() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert in_virtual_time(main) == pytest.approx(30)


def test_a_deadlock_is_an_error_not_a_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="no timer, thread or socket"):
        in_virtual_time(main)


def test_virtual_time_does_not_advance_while_a_thread_works() -> None:
    release = threading.Event()

    async def main() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        ringing = loop.call_later(5, lambda: None)
        loop.call_soon(release.set)
        answer = await asyncio.to_thread(lambda: release.wait(60) and 7)
        ringing.cancel()
        return int(answer), loop.time()

    assert in_virtual_time(main) == (7, 0.0)


def test_a_thread_without_any_timer_is_waited_for() -> None:
    async def main() -> str:
        return await asyncio.to_thread(lambda: (time.sleep(0.02), "done")[1])

    assert in_virtual_time(main) == "done"


def test_sockets_are_waited_for_in_real_time() -> None:
    async def main() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
        return line

    assert in_virtual_time(main) == b"hello\n"


def test_the_wall_clock_is_the_same_in_every_run() -> None:
    async def main() -> float:
        await asyncio.sleep(10)
        return wall_time_s(asyncio.get_running_loop())

    assert in_virtual_time(main) == pytest.approx(VIRTUAL_EPOCH_S + 10)


def test_an_ordinary_loop_has_the_machines_wall_clock() -> None:
    loop = asyncio.new_event_loop()
    try:
        assert abs(wall_time_s(loop) - time.time()) < 60
    finally:
        loop.close()


def test_each_loop_starts_at_zero() -> None:
    loop = new_virtual_loop()
    try:
        assert loop.time() == 0.0
    finally:
        loop.close()
