"""Which backend a run uses, and why. `auto` never guesses silently: its reason is shown in the header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_swarm.domain.model import Fleet
from pytest_swarm.errors import BackendError, ProfileError, ServerDownError
from pytest_swarm.execution.backends import Backend, network_backend, simulated_backend
from pytest_swarm.execution.server_models import (
    PROBE_TIMEOUT_S,
    installed_models,
    is_simulated_server,
    models_of_one_weights,
    one_file_models,
    reachable_host,
    require_models,
)
from pytest_swarm.ollama.address import shown_host
from pytest_swarm.plugin.options import Options

if TYPE_CHECKING:
    import httpx

    from pytest_swarm.execution.server_models import ModelRole
    from pytest_swarm.ollama.messages import ListedModel
    from pytest_swarm.plugin.option_kinds import Option
    from pytest_swarm.plugin.process import Process
    from pytest_swarm.plugin.settings import Settings
    from pytest_swarm.simulator.simulated_world import SimulatedWorld


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDemand:
    """The models that a run needs: the fleet's, and the planners and judge that are used; None = not used."""

    fleet: Fleet
    planners: tuple[str, ...] = ()
    judge: str | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """Every needed tag, each once."""
        others = (tag for tag in (*self.planners, self.judge) if tag is not None and tag not in self.fleet)
        return (*self.fleet.tags, *dict.fromkeys(others))

    @property
    def roles(self) -> dict[str, ModelRole]:
        """What each needed tag is for that is not of the fleet, and what names another."""
        judge = {} if self.judge is None else {self.judge: _role("judge", Options.judge)}
        planners = dict.fromkeys(self.planners, _role("planner", Options.planner, ", or with llm:TAG"))
        return {tag: role for tag, role in (judge | planners).items() if tag not in self.fleet}


def _role(name: str, option: Option[str | None], other: str = "") -> ModelRole:
    from pytest_swarm.execution.server_models import ModelRole

    return ModelRole(name=name, option=f"{option.flag}=TAG or the ini key {option.dest}{other}")


def choose_backend(settings: Settings, demand: ModelDemand, *, process: Process) -> Backend:
    """The backend of the settings. Raises BackendError where `ollama` was asked for and cannot serve the models.

    Of several hosts a worker of xdist names its own first, by its number; the cases are spread by `host_pool`. A
    recording knows its own cases by the name of the run, and stays on the first host.
    """
    if settings.backend == "replay":
        return _replayed(settings)
    if settings.backend == "record":
        inner = _called(settings, _server_given(settings), demand, process.worker)
        return _recorded(settings, inner, process.run_name)
    described = settings.backend == "auto" and settings.describes_simulator
    return _called(settings, "sim" if described else settings.backend, demand, process.worker)


def _called(settings: Settings, kind: str, demand: ModelDemand, worker: int | None) -> Backend:
    """Return the backend of a kind (auto, ollama, sim) that really computes answers."""
    fleet, needed = demand.fleet, demand.tags
    first = (worker or 0) % len(settings.hosts)
    hosts = settings.hosts[first:] + settings.hosts[:first]
    asked_for = f"asked for by --swarm-backend{_others(settings)}"
    if kind == "ollama":
        installed = installed_models(hosts[0], settings.timeout_s)
        require_models(hosts[0], needed, installed, roles=demand.roles)
        return _network(settings, hosts[0], asked_for, demand, installed)
    if kind == "sim":
        described = "described by --swarm-profile or --swarm-fault"
        return _simulated(settings, fleet, needed, asked_for if settings.backend == "sim" else described)
    if Options.host.dest in settings.given:
        _require_an_answer(hosts)
    host, why = reachable_host(hosts, needed, roles=demand.roles)
    if host is None:
        try:
            return _simulated(settings, fleet, needed, why)
        except ProfileError as error:
            raise ProfileError(f"{why}. The simulator cannot stand in: {error}") from error
    return _network(settings, host, why, demand, installed_models(host, settings.timeout_s))


def _require_an_answer(hosts: tuple[str, ...]) -> None:
    """Raise the first host's BackendError where none of the servers that the user named answers."""
    errors: list[BackendError] = []
    for host in hosts:
        try:
            installed_models(host, PROBE_TIMEOUT_S)
        except BackendError as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def measured_server(settings: Settings, demand: ModelDemand, *, process: Process) -> Backend | None:
    """Return the server that is measured: the simulator where options describe it, else a real one; None offline.

    Raises:
        BackendError: No server answers, or it lacks a model.
    """
    if settings.offline:
        return None
    if _server_given(settings) == "sim":
        return _called(settings, "sim", demand, process.worker)
    try:
        return _called(settings, "ollama", demand, process.worker)
    except ServerDownError as error:
        raise ServerDownError(f"{error}; --swarm-offline plays what was measured before") from error


def _others(settings: Settings) -> str:
    """Return what the header says of several servers."""
    if len(settings.hosts) == 1:
        return ""
    if not settings.spreads_cases:
        return f"; of the {len(settings.hosts)} servers of --swarm-host each process calls one"
    return f"; the cases are spread over {', '.join(map(shown_host, settings.hosts))}"


def _network(
    settings: Settings, host: str, why: str, demand: ModelDemand, installed: tuple[ListedModel, ...]
) -> Backend:
    simulated = is_simulated_server(host, settings.timeout_s)
    transport = _transports(settings, own_draws=not simulated)
    backend = network_backend(host, why=why, limits=settings.limits, transport=transport, simulated=simulated)
    tags = demand.fleet.tags
    one_file = one_file_models(tags, installed)
    weights, copies = models_of_one_weights(host, tags, settings.timeout_s, others=demand.tags)
    return replace(backend, one_file=one_file, of_weights=weights, same_weights=copies)


def _transports(settings: Settings, *, own_draws: bool) -> Callable[[], httpx.AsyncBaseTransport]:
    """Return what makes the transport of a connection: bounded, and watched where the cases have other servers."""
    from pytest_swarm.ollama.transports.bounded import BoundedTransport
    from pytest_swarm.ollama.transports.network import network_transport
    from pytest_swarm.ollama.transports.watched import ServerHealth, WatchedTransport

    health = ServerHealth()

    def transport() -> httpx.AsyncBaseTransport:
        network = network_transport(own_draws=own_draws)
        if settings.one_of_several:
            network = WatchedTransport(network, health)
        return BoundedTransport(network, limit_bytes=settings.reply_limit_bytes)

    return transport


def _server_given(settings: Settings) -> str:
    """Return the kind of server that options give: that of --swarm-host, a simulator that they describe, or auto."""
    if Options.host.dest in settings.given:
        return "ollama"
    return "sim" if {Options.profile.dest, Options.fault.dest} & set(settings.given) else "auto"


def _recorded(settings: Settings, inner: Backend, run: str) -> Backend:
    from pytest_swarm.execution.recorded_backends import RecordingTarget, RecordMode, recording_backend

    assert settings.cassette is not None, "checked with the other options"
    target = RecordingTarget(path=settings.cassette, mode=RecordMode(settings.record_mode), run=run)
    return recording_backend(inner, target, limits=settings.limits)


def _replayed(settings: Settings) -> Backend:
    from pytest_swarm.execution.recorded_backends import replay_backend
    from pytest_swarm.ollama.cassette.cassette_file import read_cassette

    assert settings.cassette is not None, "checked with the other options"
    cassette = read_cassette(settings.cassette)
    return replay_backend(cassette, why="asked for by --swarm-backend", limits=settings.limits)


def _simulated(settings: Settings, fleet: Fleet, needed: tuple[str, ...], why: str) -> Backend:
    world = _world(settings)
    world.profile.require_models(needed)
    return simulated_backend(world, fleet, why=why, limits=settings.limits)


def _world(settings: Settings) -> SimulatedWorld:
    from pytest_swarm.simulator.simulated_world import load_world

    what = settings.name_of(Options.fault)
    with settings.naming(Options.profile):
        return load_world(settings.profile, seed=settings.seed, faults=settings.fault, what=what)


@contextmanager
def serve_simulated(settings: Settings) -> Iterator[str]:
    """Serve the settings' profile over real HTTP while the block runs; gives the base URL."""
    from pytest_swarm.simulator.http_server import serve_in_thread

    with serve_in_thread(_world(settings).server()) as url:
        yield url


def imported_answers(settings: Settings) -> Path | None:
    """Return the file of known answers that the simulator's profile plays; None where it draws its answers."""
    from pytest_swarm.simulator.models.profile import load_profile

    with settings.naming(Options.profile):
        imported = load_profile(settings.profile).measured
    return None if imported is None else Path(imported.source)
