"""A server on a slow way: what a request takes besides the server's own time is measured, and played."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace

import httpx
import pytest

from pytest_swarm.execution.backends import Backend, Connection
from pytest_swarm.workloads.graph_files import load_graph
from tests.execution.lab import A40, backend
from tests.execution.measuring import Counts, Lab, cases_of, plain_records

WAY_S = 0.05
WB1 = load_graph("benchmarks/graphs/wb1.toml")


class FarTransport(httpx.AsyncBaseTransport):
    """Passes each request on after the time of its way, in virtual time."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(WAY_S)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def far_server() -> Backend:
    """Models that are so fast that the way counts."""
    quick = tuple(
        replace(spec, prefill_tokens_per_s=1e5, decode_tokens_per_s=1e4, load_s=0.2, first_load_s=None, overhead_s=0.0)
        for spec in A40.server_spec.models
    )
    spec = replace(A40.server_spec, models=quick, load_poll_s=0.0, stale_free_memory=False)
    inner = backend(profile=replace(A40, server_spec=spec))

    def connect() -> Connection:
        connection = inner.connect()
        return replace(
            connection,
            client=connection.client.through(FarTransport),
            probe_client=connection.probe_client.through(FarTransport),
        )

    return replace(inner, connect=connect)


def test_the_way_to_a_server_is_part_of_every_makespan_and_latency() -> None:
    cases = cases_of(WB1, ("greedy", "random"), (0, 1), (8.0, 16.0))
    with closing((lab := Lab(far_server())).broker):
        played = lab.records(cases)
    for one, plain in zip(played, plain_records(cases, Counts(), far_server()), strict=True):
        assert one.makespan_s == pytest.approx(plain.makespan_s, rel=0.03)
        latencies = [(each.finished_s or 0.0) - (each.started_s or 0.0) for each in one.outcomes]
        real = [(each.finished_s or 0.0) - (each.started_s or 0.0) for each in plain.outcomes]
        assert latencies == pytest.approx(real, rel=0.03)
        assert min(latencies) > WAY_S
