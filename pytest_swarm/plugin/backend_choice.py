"""Which backend a run uses, and why. `auto` never guesses silently: its reason is shown in the header."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_swarm.domain.limits import full_tag
from pytest_swarm.domain.model import Fleet
from pytest_swarm.errors import OptionError, ProfileError
from pytest_swarm.execution.backends import Backend, SimulatedWorld, network_backend, simulated_backend
from pytest_swarm.execution.server_models import installed_models, one_file_models, reachable_host, require_models
from pytest_swarm.plugin.options import Options

if TYPE_CHECKING:
    from pytest_swarm.plugin.process import Process
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDemand:
    """The models that a run needs: the fleet's, and the planner and judge that are used; None = not used."""

    fleet: Fleet
    planner: str | None = None
    judge: str | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """Every needed tag, each once."""
        others = (tag for tag in (self.planner, self.judge) if tag is not None and tag not in self.fleet)
        return (*self.fleet.tags, *others)


def choose_backend(settings: Settings, demand: ModelDemand, *, process: Process) -> Backend:
    """The backend of the settings. Raises BackendError where `ollama` was asked for and cannot serve the models.

    Of several hosts an xdist worker takes its own by number, so that two GPUs can work side by side. A recording knows
    its own cases by the name of the run.
    """
    if settings.backend == "replay":
        return _replayed(settings)
    if settings.backend == "record":
        return _recorded(
            settings, _called(settings, _recorded_kind(settings), demand, process.worker), process.run_name
        )
    return _called(settings, settings.backend, demand, process.worker)


def _called(settings: Settings, kind: str, demand: ModelDemand, worker: int | None) -> Backend:
    """Return the backend of a kind (auto, ollama, sim) that really computes answers."""
    fleet, needed = demand.fleet, demand.tags
    first = (worker or 0) % len(settings.hosts)
    hosts = settings.hosts[first:] + settings.hosts[:first]
    asked_for = "asked for by --swarm-backend"
    if kind == "ollama":
        installed = installed_models(hosts[0], settings.timeout_s)
        require_models(hosts[0], needed, installed)
        return _network(settings, hosts[0], asked_for, one_file=one_file_models(fleet.tags, installed))
    if kind == "sim":
        return _simulated(settings, fleet, needed, asked_for)
    host, why = reachable_host(hosts, needed)
    if host is None:
        return _simulated(settings, fleet, needed, why)
    installed = installed_models(host, settings.timeout_s)
    return _network(settings, host, why, one_file=one_file_models(fleet.tags, installed))


def _network(settings: Settings, host: str, why: str, *, one_file: tuple[tuple[str, ...], ...]) -> Backend:
    return replace(network_backend(host, timeout_s=settings.timeout_s, why=why), one_file=one_file)


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
    known = set(map(full_tag, profile.tags))
    missing = [tag for tag in needed if full_tag(tag) not in known]
    if missing:
        has = ", ".join(profile.tags)
        raise ProfileError(f"simulator profile {profile.name!r} does not know {', '.join(missing)}; it knows {has}")
    faults = tuple(parse_fault(text) for text in settings.fault)
    known = {full_tag(tag) for tag in profile.tags}
    for fault in faults:
        if fault.model is not None and full_tag(fault.model) not in known:
            has = ", ".join(profile.tags)
            raise OptionError(f"--swarm-fault: profile {profile.name!r} does not know {fault.model!r}; it knows {has}")
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
