"""Serves a simulated server over HTTP with uvicorn (extra `server`), in real time."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import OptionError
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from pytest_swarm.simulator.transport import AsgiApp, DroppedConnection, Receive, Scope, Send

if TYPE_CHECKING:
    import uvicorn

_START_LIMIT_S: Final = 30.0
_POLL_S: Final = 0.005
_SHUTDOWN_S: Final = 1  # time for open requests when the server stops


@contextmanager
def serve_in_thread(server: SimulatedServer, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread while the block runs, and yield the base URL.

    Args:
        server: The server; it must not be used in another event loop.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.

    Raises:
        OptionError: uvicorn is not installed, or the port is not available.
    """
    with closing(_bind(host, port)) as listener:
        web = _web_server(server, listener.getsockname()[:2])
        failures: list[BaseException] = []

        def run() -> None:
            try:
                web.run(sockets=[listener])
            except BaseException as error:  # noqa: BLE001 - a failure of the thread is raised in the thread that waits
                failures.append(error)

        thread = threading.Thread(target=run, name="simulated-ollama", daemon=True)
        thread.start()
        try:
            _await_start(web, thread, failures)
            name = f"[{host}]" if ":" in host else host
            yield f"http://{name}:{listener.getsockname()[1]}"
        finally:
            web.should_exit = True
            thread.join(timeout=_START_LIMIT_S)


def _await_start(web: uvicorn.Server, thread: threading.Thread, failures: list[BaseException]) -> None:
    deadline_s = time.monotonic() + _START_LIMIT_S
    while not web.started:
        if failures or not thread.is_alive() or time.monotonic() > deadline_s:
            cause = failures[0] if failures else None
            raise OptionError(f"the simulated server did not start ({cause or 'no reason given'})") from cause
        time.sleep(_POLL_S)


def _served_at(address: tuple[str, int], app: AsgiApp) -> AsgiApp:
    """Wrap the app for a web server: it learns the address that is listened on, not that of the connection.

    A dropped connection becomes a response that is shorter than its length. A request that is given up because the
    server stops has no connection any more, and ends here.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app({**scope, "server": address}, receive, send)
        except DroppedConnection:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        except asyncio.CancelledError:
            pass

    return served


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, a body waits 40 ms for its head
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError, TypeError) as error:  # a TypeError for a name that no host can have
        listener.close()
        other = "--host" if isinstance(error, socket.gaierror | TypeError) else "--port"
        raise OptionError(f"cannot listen on {host}:{port} ({error}); choose another {other}") from error
    return listener


def _web_server(server: SimulatedServer, address: tuple[str, int]) -> uvicorn.Server:
    try:
        import uvicorn
    except ImportError as error:
        raise OptionError("serving over HTTP needs uvicorn; install it with `pip install uvicorn`") from error
    config = uvicorn.Config(
        _served_at(address, server.app),
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,
        use_colors=False,  # uvicorn looks for a terminal otherwise, also where standard output is closed
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )

    class WebServer(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Break off what is still being answered, as Ollama does when it is stopped, and shut down."""
            for each in self.servers:
                each.close()
            for connection in tuple(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)  # now the requests know that their connections are lost
            for task in tuple(self.server_state.tasks):
                task.cancel()
            await super().shutdown(sockets)

    return WebServer(config)
