"""Serves a simulated server until it is stopped, and says how clients reach it: `python -m pytest_swarm serve`."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.serve_arguments import LOOPBACK, OLLAMA_PORT
from pytest_swarm.simulator.server.faults import Fault, parse_fault
from pytest_swarm.simulator.server.simulated_server import SimulatedServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ServePlan:
    """What is served where: the profile, the seed of the answers, the faults, and the graphs whose tasks are known."""

    profile: Profile
    host: str = LOOPBACK
    port: int = OLLAMA_PORT
    seed: int = 0
    faults: tuple[Fault, ...] = ()
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
        profile=load_profile(options.profile),
        host=options.host,
        port=options.port,
        seed=options.seed,
        faults=tuple(parse_fault(text, what="--fault") for text in options.fault),
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
    generator = ProfileGenerator(plan.profile, seed=plan.seed, graphs=plan.graphs)
    faults = (*plan.profile.faults, *plan.faults)
    server = SimulatedServer(plan.profile.server_spec, generator=generator, seed=plan.seed, faults=faults)
    with _stopping_signals() as stop, serve_in_thread(server, host=plan.host, port=plan.port) as url:
        for line in _announcement(plan, url):
            say(line)
        stop.wait()
    say("stopped")


@contextmanager
def _stopping_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set, and restore their handlers afterwards."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announcement(plan: ServePlan, url: str) -> Iterable[str]:
    yield f"simulated Ollama server, profile {plan.profile.name!r}, seed {plan.seed}, at {url} (stop it with Ctrl-C)"
    yield f"  models: {', '.join(spec.full_name for spec in plan.profile.server_spec.models)}"
    yield f"  Ollama clients: OLLAMA_HOST={url}"
    yield f"  OpenAI clients: base URL {url}/v1, any API key"
    yield f"  Anthropic clients: base URL {url}, any API key"
    if plan.graphs:
        yield f"  known tasks: {', '.join(graph.name for graph in plan.graphs)}"
    if plan.profile.faults or plan.faults:
        yield f"  faults: {len(plan.profile.faults) + len(plan.faults)} to be injected"
