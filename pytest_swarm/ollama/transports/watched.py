"""Watch over a server that has connections open and answers none: its calls fail after a bounded time.

A call may rightly take minutes. So while one waits, the server is asked for its version, which takes it a millisecond
at any load. Must not know what is called and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final, TypeVar

import httpx

INTERVAL_S: Final = 10.0
PROBE_LIMIT_S: Final = 5.0
_MOST_MISSED: Final = 2  # probes in a row

T = TypeVar("T")


class SilentConnectionError(httpx.ConnectError):
    """The server takes requests and answers none."""


class ServerHealth:
    """What is known of one server, shared by all connections to it: whether it was found to answer nothing."""

    def __init__(self) -> None:
        self.hangs = False


class WatchedTransport(httpx.AsyncBaseTransport):
    """Forwards requests to `inner`; raises SilentConnectionError where the server answers nothing while one waits.

    That takes 30 s. A server that was found so once is given a single probe at the next request.

    Args:
        inner: The transport to the server.
        health: What is known of the server.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, health: ServerHealth) -> None:
        self._inner = inner
        self._health = health

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the inner transport's response, whose body is watched as well."""
        response = await self.watched(self._inner.handle_async_request(request), request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _WatchedBody(response.stream, self, request)
        return response

    async def watched(self, work: Awaitable[T], request: httpx.Request) -> T:
        """Return the result of work at the server.

        Args:
            work: What waits for the server.
            request: The request that it belongs to.

        Raises:
            SilentConnectionError: The server answers nothing.
        """
        waiting = asyncio.ensure_future(work)
        try:
            missed = 0
            while not (waiting.done() or (await asyncio.wait({waiting}, timeout=self._pause_s))[0]):
                missed = 0 if await self._answers(request, waiting) else missed + 1
                if missed >= (1 if self._health.hangs else _MOST_MISSED):
                    self._health.hangs = True
                    raise SilentConnectionError("the server takes requests and answers none", request=request)
            self._health.hangs = False
            return await waiting
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.wait({waiting})

    @property
    def _pause_s(self) -> float:
        return 0.0 if self._health.hangs else INTERVAL_S

    async def _answers(self, request: httpx.Request, waiting: asyncio.Future[Any]) -> bool:
        """Return whether the server answers a probe in time, or meanwhile the request itself."""
        probe: asyncio.Future[Any] = asyncio.ensure_future(self._probe(request))
        try:
            await asyncio.wait({probe, waiting}, timeout=PROBE_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
            return waiting.done() or (probe.done() and probe.result())
        finally:
            if not probe.done():
                probe.cancel()
                await asyncio.wait({probe})

    async def _probe(self, request: httpx.Request) -> bool:
        """Return whether the server sends any answer to a request for its version."""
        path = f"{request.url.path.rpartition('/api/')[0]}/api/version"
        login = {name: value for name, value in request.headers.items() if name == "authorization"}
        probe = httpx.Request("GET", request.url.copy_with(path=path), headers=login)
        try:
            response = await self._inner.handle_async_request(probe)
            await response.aclose()
        except (httpx.HTTPError, httpx.StreamError, OSError):
            return False
        self._health.hangs = False
        return True

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


class _WatchedBody(httpx.AsyncByteStream):
    """The body of a response."""

    def __init__(self, inner: httpx.AsyncByteStream, transport: WatchedTransport, request: httpx.Request) -> None:
        self._inner = inner
        self._transport = transport
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._inner)
        while (piece := await self._transport.watched(anext(pieces, None), self._request)) is not None:
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()
