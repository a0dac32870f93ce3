"""Serves a simulated server until it is stopped, and says how clients reach it: `python -m pytest_swarm serve`."""

from __future__ import annotations

import argparse
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.serve_arguments import LOOPBACK, OLLAMA_PORT
from pytest_swarm.simulator.simulated_world import SimulatedWorld, load_world

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServePlan:
    """What is served where: the simulated world, and the graphs whose tasks are known."""

    world: SimulatedWorld
    host: str = LOOPBACK
    port: int = OLLAMA_PORT
    graphs: tuple[TaskGraph, ...] = ()


def serve_plan(options: argparse.Namespace, *, graphs: Iterable[TaskGraph] = ()) -> ServePlan:
    """Return what the arguments ask for.

    Args:
        options: The arguments of `add_serve_arguments`.
        graphs: Task graphs whose prompts are answered as tasks.

    Raises:
        SwarmError: A profile or a fault is unknown.
    """
    return ServePlan(
        world=load_world(options.profile, seed=options.seed, faults=options.fault, what="--fault"),
        host=options.host,
        port=options.port,
        graphs=tuple(graphs),
    )


def serve(plan: ServePlan, *, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, whose handlers are those of before when it returns.

    Args:
        plan: What is served where.
        say: Called with each line of output.

    Raises:
        OptionError: uvicorn is not installed, or the port is not available.
    """
    server = plan.world.server(plan.world.generator(plan.graphs))
    with _stopping_signals() as await_stop, serve_in_thread(server, host=plan.host, port=plan.port) as url:
        for line in _announcement(plan, url):
            say(line)
        await_stop()
    say("stopped")


@contextmanager
def _stopping_signals() -> Iterator[Callable[[], None]]:
    """Give what waits for SIGINT or SIGTERM, and restore their handlers afterwards.

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
        woken = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)  # first: no handler takes one unseen
        try:
            for number in _STOPPING:
                signal.signal(number, _only_wake)
            yield wait
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)


def _only_wake(number: int, frame: FrameType | None) -> None:
    """Handle a signal: nothing but that Python writes to the descriptor that is to be woken."""


def _announcement(plan: ServePlan, url: str) -> Iterable[str]:
    profile, seed = plan.world.profile, plan.world.seed
    yield f"simulated Ollama server, profile {profile.name!r}, seed {seed}, at {url} (stop it with Ctrl-C)"
    yield f"  models: {', '.join(spec.full_name for spec in profile.server_spec.models)}"
    yield f"  Ollama clients: OLLAMA_HOST={url}"
    yield f"  OpenAI clients: base URL {url}/v1, any API key"
    yield f"  Anthropic clients: base URL {url}, any API key"
    if plan.graphs:
        yield f"  known tasks: {', '.join(graph.name for graph in plan.graphs)}"
    if plan.world.all_faults:
        yield f"  faults: {len(plan.world.all_faults)} to be injected"
