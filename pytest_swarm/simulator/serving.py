"""Serves a simulated server until it is stopped, and says how clients reach it: `python -m pytest_swarm serve`."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.simulated_world import SimulatedWorld

_HANGUP: Final = getattr(signal, "SIGHUP", None)  # Windows has none
_STOPPING: Final = tuple(each for each in (signal.SIGINT, signal.SIGTERM, _HANGUP) if each is not None)


def serve(
    world: SimulatedWorld, *, address: tuple[str, int], graphs: Sequence[TaskGraph] = (), say: Callable[[str], None]
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP, whose handlers are those of before when it returns.

    Args:
        world: What is served.
        address: Host and port to listen on; port 0 takes any free one.
        graphs: Task graphs whose prompts are answered as tasks.
        say: Called with each line of output.

    Raises:
        OptionError: uvicorn is not installed, or the port is not available.
    """
    host, port = address
    server = world.server(world.generator(graphs))
    with _stopping_signals() as await_stop, serve_in_thread(server, host=host, port=port) as url:
        for line in _announcement(world, graphs, url):
            say(line)
        await_stop()
    say("stopped")


@contextmanager
def _stopping_signals() -> Iterator[Callable[[], None]]:
    """Give what waits for a signal that stops, and restore the handlers afterwards. `nohup` keeps SIGHUP from stopping.

    The bytes are written as a signal arrives, in whichever thread, and not by a handler in Python: that one runs only
    when the main thread does, and waits forever for a lock that the handler of an earlier signal holds.
    """
    reader, writer = socket.socketpair()

    def wait() -> None:
        while reader.recv(1)[0] not in _STOPPING:
            pass  # the signal of someone else's handler

    with reader, writer:
        writer.setblocking(False)
        before = {number: signal.getsignal(number) for number in _STOPPING}
        if before.get(_HANGUP) is signal.SIG_IGN:
            del before[_HANGUP]
        woken = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)  # first: no handler takes one unseen
        try:
            for number in before:
                signal.signal(number, _only_wake)
            yield wait
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)


def _only_wake(number: int, frame: FrameType | None) -> None:
    """Handle a signal: nothing but that Python writes to the descriptor that is to be woken."""


def _announcement(world: SimulatedWorld, graphs: Sequence[TaskGraph], url: str) -> Iterable[str]:
    profile = world.profile
    yield f"simulated Ollama server, profile {profile.name!r}, seed {world.seed}, at {url} (stop it with Ctrl-C)"
    yield f"  models: {', '.join(spec.full_name for spec in profile.server_spec.models)}"
    yield f"  Ollama clients: OLLAMA_HOST={url}"
    yield f"  OpenAI clients: base URL {url}/v1, any API key"
    yield f"  Anthropic clients: base URL {url}, any API key"
    if graphs:
        yield f"  known tasks: {', '.join(graph.name for graph in graphs)}"
    if world.all_faults:
        yield f"  faults: {len(world.all_faults)} to be injected"
