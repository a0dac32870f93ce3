"""An httpx transport to an ASGI app in the same process, which passes chunks on as they are sent.

httpx's own ASGITransport collects the whole body first. When the client disconnects during a response, the app
receives `http.disconnect`, as it would from a real server.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import httpx

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_CUT_OFF: Final = "peer closed connection without sending complete message body"


class DroppedConnection(Exception):  # noqa: N818 - a signal of the app; the client sees an error of its own
    """Raised by an app that drops the connection without a response; the client sees a refused connection."""


class AppFailedError(RuntimeError):
    """The app raised an exception: a bug, not a response of the server. The cause is the exception."""


class AsgiTransport(httpx.AsyncBaseTransport):
    """Calls `app` for each request, in a task of its own."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._running: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response when the app has sent its head; the body follows while it is read."""
        exchange = _Exchange(await request.aread())
        task = asyncio.get_running_loop().create_task(exchange.run(self._app, _scope(request)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await exchange.head_or_end()
        except asyncio.CancelledError:
            exchange.disconnect()
            raise
        if exchange.status is None:
            _raise_unless_dropped(exchange.failure)
            raise httpx.ConnectError("the connection was refused", request=request)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=_Body(exchange, request))

    async def aclose(self) -> None:
        """Cancel the requests that are still running."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class _Exchange:
    """One request and its response, between the client's task and the app's."""

    def __init__(self, body: bytes) -> None:
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: deque[bytes] = deque()
        self.complete = False
        self.ended = False
        self.failure: BaseException | None = None
        self._body: bytes | None = body
        self._disconnected = asyncio.Event()
        self._waiter: asyncio.Future[None] | None = None

    async def run(self, app: AsgiApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the app raises belongs to the client's task
            self.failure = error
        finally:
            self.ended = True
            self._wake()

    async def head_or_end(self) -> None:
        while self.status is None and not self.ended:
            await self._changed()

    async def next_chunk(self) -> bytes | None:
        """Return the next chunk, or None after the last; a failure of the app or a cut-off response stays recorded."""
        while not self.chunks and not self.complete and not self.ended:
            await self._changed()
        return self.chunks.popleft() if self.chunks else None

    def disconnect(self) -> None:
        self._disconnected.set()

    async def _receive(self) -> Event:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: Event) -> None:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.headers = list(event.get("headers", ()))
        else:
            body = event.get("body", b"")
            if body:
                self.chunks.append(body)
            self.complete = not event.get("more_body", False)
        self._wake()

    async def _changed(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Body(httpx.AsyncByteStream):
    """The response's body, chunk by chunk."""

    def __init__(self, exchange: _Exchange, request: httpx.Request) -> None:
        self._exchange = exchange
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._exchange.next_chunk()) is not None:
            yield chunk
        if not self._exchange.complete:
            _raise_unless_dropped(self._exchange.failure)
            raise httpx.RemoteProtocolError(_CUT_OFF, request=self._request)

    async def aclose(self) -> None:
        self._exchange.disconnect()


def _scope(request: httpx.Request) -> Scope:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
    }


def _raise_unless_dropped(failure: BaseException | None) -> None:
    if failure is not None and not isinstance(failure, Exception):
        raise failure  # an outcome of the test, such as a skip or a time limit in a user's scorer, stays that outcome
    if failure is not None and not isinstance(failure, DroppedConnection):
        raise AppFailedError(f"the simulated server failed: {failure!r}") from failure
