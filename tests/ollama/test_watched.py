"""A server that takes requests and answers none, and how soon that is said."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from pytest_swarm.ollama.transports.watched import ServerHealth, WatchedTransport
from tests.simulator.servers import in_virtual_time


class Silent(httpx.AsyncBaseTransport):
    """A server that answers nothing until it recovers."""

    def __init__(self) -> None:
        self.recovered = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's
        if not self.recovered:
            await asyncio.sleep(3600)
        return httpx.Response(200, json={"version": "1"})


def test_a_hang_is_said_after_30_s_and_the_next_time_after_one_probe() -> None:
    server, took_s = Silent(), list[float]()
    watched = WatchedTransport(server, ServerHealth())

    async def calls() -> None:
        for recovered in (False, False, True, False):
            server.recovered = recovered
            began_s = asyncio.get_running_loop().time()
            request = httpx.Request("GET", "http://box:1/api/tags")
            if recovered:
                assert (await watched.handle_async_request(request)).status_code == 200
            else:
                with pytest.raises(httpx.ConnectError, match="takes requests and answers none"):
                    await watched.handle_async_request(request)
            took_s.append(asyncio.get_running_loop().time() - began_s)

    in_virtual_time(calls)
    assert took_s == pytest.approx([30.0, 5.0, 0.0, 30.0])
