"""Which backend a run uses, and why. `auto` never guesses silently: its reason is shown in the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_swarm.domain.model import Fleet
from pytest_swarm.errors import ProfileError
from pytest_swarm.execution.backends import (
    Backend,
    SimulatedWorld,
    installed_models,
    network_backend,
    reachable_host,
    require_models,
    simulated_backend,
)
from pytest_swarm.plugin.options import Options

if TYPE_CHECKING:
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer


def choose_backend(settings: Settings, fleet: Fleet, *, worker: int | None, run: str) -> Backend:
    """Return the backend of the settings. Raises BackendError where `ollama` was asked for and cannot serve the fleet.

    Of several hosts an xdist worker takes its own by number, so that two GPUs can work side by side. `run` is the name
    of the run, by which a recording knows its own.
    """
    if settings.backend == "replay":
        return _replayed(settings)
    if settings.backend == "record":
        return _recorded(settings, _called(settings, _recorded_kind(settings), fleet, worker), run)
    return _called(settings, settings.backend, fleet, worker)


def _called(settings: Settings, kind: str, fleet: Fleet, worker: int | None) -> Backend:
    """Return the backend of a kind (auto, ollama, sim) that really computes answers."""
    needed = (*fleet.tags, *(tag for tag in (settings.planner, settings.judge) if tag and tag not in fleet))
    first = (worker or 0) % len(settings.hosts)
    hosts = settings.hosts[first:] + settings.hosts[:first]
    asked_for = "asked for by --swarm-backend"
    if kind == "ollama":
        require_models(hosts[0], needed, installed_models(hosts[0], settings.timeout_s))
        return network_backend(hosts[0], timeout_s=settings.timeout_s, why=asked_for)
    if kind == "sim":
        return _simulated(settings, fleet, needed, asked_for)
    host, why = reachable_host(hosts, needed)
    if host is None:
        return _simulated(settings, fleet, needed, why)
    return network_backend(host, timeout_s=settings.timeout_s, why=why)


def _recorded_kind(settings: Settings) -> str:
    """Return what a recording wraps: the server of --swarm-host, the simulator that options describe, else as auto."""
    if Options.host.dest in settings.given:
        return "ollama"
    return "sim" if {Options.profile.dest, Options.fault.dest} & set(settings.given) else "auto"


def _recorded(settings: Settings, inner: Backend, run: str) -> Backend:
    from pytest_swarm.execution.recorded_backends import RecordingTarget, RecordMode, recording_backend

    assert settings.cassette is not None, "checked with the other options"
    target = RecordingTarget(path=settings.cassette, mode=RecordMode(settings.record_mode), run=run)
    return recording_backend(inner, target, timeout_s=settings.timeout_s)


def _replayed(settings: Settings) -> Backend:
    from pytest_swarm.execution.recorded_backends import replay_backend
    from pytest_swarm.ollama.cassette.cassette_file import read_cassette

    assert settings.cassette is not None, "checked with the other options"
    cassette = read_cassette(settings.cassette)
    return replay_backend(cassette, timeout_s=settings.timeout_s, why="asked for by --swarm-backend")


def _simulated(settings: Settings, fleet: Fleet, needed: tuple[str, ...], why: str) -> Backend:
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.simulator.server.faults import parse_fault

    profile = load_profile(settings.profile)
    missing = [tag for tag in needed if tag not in profile.tags]
    if missing:
        has = ", ".join(profile.tags)
        raise ProfileError(f"simulator profile {profile.name!r} does not know {', '.join(missing)}; it knows {has}")
    faults = tuple(parse_fault(text) for text in settings.fault)
    world = SimulatedWorld(profile=profile, seed=settings.seed, faults=faults)
    return simulated_backend(world, fleet, timeout_s=settings.timeout_s, why=why)


def simulated_server(settings: Settings) -> SimulatedServer:
    """Return a simulated server of the settings' profile, for HTTP."""
    from pytest_swarm.simulator.models.profile import load_profile
    from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
    from pytest_swarm.simulator.server.faults import parse_fault
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer

    profile = load_profile(settings.profile)
    generator = ProfileGenerator(profile, seed=settings.seed)
    faults = (*profile.faults, *map(parse_fault, settings.fault))
    return SimulatedServer(profile.server_spec, generator=generator, seed=settings.seed, faults=faults)
