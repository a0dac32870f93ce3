"""The makespan runs from the first dispatch to the last completion, whatever came before."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.execution.bench import Bench
from tests.execution.lab import HEAVY, backend, case, graph

CASE = case(graph(("a", "b")), "milp")


class SlowLooks(httpx.AsyncBaseTransport):
    """A server that takes its time to say what is resident, but for nothing else."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.looks_left = 2  # at the start of a case: to clear the GPU, and before the first step

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/ps" and self.looks_left:
            self.looks_left -= 1
            await asyncio.sleep(5)
        return await self.inner.handle_async_request(request)


def run(*, slow: bool) -> JobRecord:
    inner = backend()

    def connect() -> object:
        made = inner.connect()
        return replace(made, client=made.client.through(SlowLooks)) if slow else made

    with Bench(backend=replace(inner, connect=connect), fleet=HEAVY) as bench:
        return bench.run(CASE)


def test_what_comes_before_the_first_dispatch_does_not_count() -> None:
    plain, slow = run(slow=False), run(slow=True)
    last_s = max(each.finished_s for each in slow.outcomes if each.finished_s is not None)
    assert plain.makespan_s is not None
    assert slow.makespan_s == pytest.approx(plain.makespan_s)
    assert last_s == pytest.approx(plain.makespan_s + 10)
