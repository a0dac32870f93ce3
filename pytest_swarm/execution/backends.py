"""Backends: where calls go, and which clock runs. All use one client; a backend is a transport and an event loop.

Owns the backends `ollama` and `sim`; `recorded_backends` adds `record` and `replay`. Must not know pytest or routing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.imported_call import ImportedCall
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import SIMULATED_BACKEND, Case
from pytest_swarm.domain.seeding import task_seeds
from pytest_swarm.execution.server_models import one_file_models
from pytest_swarm.ollama.address import SIMULATED_HOST, base_url, is_loopback, shown_host
from pytest_swarm.ollama.messages import ListedModel
from pytest_swarm.ollama.retrying import CallLimits

if TYPE_CHECKING:
    import httpx

    from pytest_swarm.execution.tasks import Announcement
    from pytest_swarm.ollama.client import OllamaClient
    from pytest_swarm.routing.base import HindsightAnswers
    from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
    from pytest_swarm.simulator.models.profile_types import Profile
    from pytest_swarm.simulator.server.hardware import ServerSpec
    from pytest_swarm.simulator.simulated_world import SimulatedWorld

T = TypeVar("T")
NO_RETRIES: Final = CallLimits()

RealisedScores = Mapping[tuple[str, str], float]


class CaseListener(Protocol):
    """Receives the start and end of each case, so that a recording can be replayed by case, in any order."""

    def begin(self, case: Case, *, now_s: float) -> None:
        """Start a case: the next requests belong to it; `now_s` is the loop time of its start.

        Args:
            case: The case that the next requests belong to.
            now_s: Loop time of its start in seconds.
        """

    def rehearse(self, case: Case, *, now_s: float) -> None:
        """Start a decision of a case that is only timed: it is neither recorded nor counted as a replay.

        Args:
            case: The case that the next requests belong to.
            now_s: Loop time of its start in seconds.
        """

    def finish(self, *, now_s: float) -> tuple[str, ...]:
        """End the case at loop time `now_s`, and return notes for its report."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Connection:
    """One connection to a server.

    `client` is for the case's own calls, `probe_client` for samples beside them; both reach the same server.
    `register_graph` announces the graph of a case to a simulated server. `realised` returns the realized scores by
    (task, model) for a graph and a request seed; None if they are not known. `listener` is told where cases start and
    end; None if nothing is recorded or replayed. `imported` returns the calls of a graph by (task, model) that were
    measured elsewhere, for which no server is asked. `hindsight` returns the answers of all models of a graph for a
    request seed, given any answers before them; None where they are not known. `announce` is told of the calls that a
    step is about to make. `probe_sent` tells whether a pending request of `probe_client` is on its way: a replay holds
    it back until the time at which one was recorded.
    """

    client: OllamaClient
    probe_client: OllamaClient
    register_graph: Callable[[TaskGraph], None] = lambda _: None
    realised: Callable[[TaskGraph, int], RealisedScores | None] = lambda *_: None
    listener: CaseListener | None = None
    imported: Callable[[TaskGraph], Mapping[tuple[str, str], ImportedCall]] = lambda _: {}
    announce: Callable[[Announcement], None] = lambda _: None
    hindsight: Callable[[TaskGraph, int], HindsightAnswers | None] = lambda *_: None
    probe_sent: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backend:
    """Where calls go, and which clock runs.

    `detail` is the text of the header line. `virtual`: computing takes no time on the loops of `new_loop`. `connect`
    makes a new connection, which must be used and closed in one loop; in the simulator it reaches a server of its
    own. `live`: calls reach a server at `host`, without credentials, whose VRAM is shared with others; a simulated one
    has a clock of its own, too.
    `is_local`: the server runs on this machine, so that NVML measures its GPU. `one_file` are groups of the fleet's
    tags that are one model file on the server, `of_weights` those of one file of weights, `same_weights` groups that it
    runs on one copy of their weights, where they ask for the same context: the fleet's tags, then others.
    `knows_realised`: its connections know realized scores. `for_case` returns the backend of one case, if cases differ.
    `predicted`: no call is made, and the times are predicted from measured ones. `sparse_samples`: VRAM is sampled less
    and less often in a step, as is done where the server is in this process, or the times are predicted.
    """

    kind: str
    detail: str
    simulated: bool
    virtual: bool
    profile_name: str | None
    new_loop: Callable[[], asyncio.AbstractEventLoop]
    connect: Callable[[], Connection]
    live: bool = False
    host: str | None = None
    is_local: bool = False
    one_file: tuple[tuple[str, ...], ...] = ()
    same_weights: tuple[tuple[str, ...], ...] = ()
    of_weights: tuple[tuple[str, ...], ...] = ()
    knows_realised: bool = False
    predicted: bool = False
    sparse_samples: bool = False
    for_case: Callable[[Case], Backend] | None = None

    def call(self, work: Callable[[OllamaClient], Coroutine[None, None, T]]) -> T:
        """Return the result of work on a connection of its own, which belongs to no case."""

        async def done() -> T:
            client = self.connect().client
            try:
                return await work(client)
            finally:
                await client.aclose()

        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            return runner.run(done())


def network_backend(
    host: str,
    *,
    why: str,
    limits: CallLimits = NO_RETRIES,
    transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    simulated: bool = False,
) -> Backend:
    """Return the backend of a server over HTTP, on the wall clock.

    Args:
        host: URL of the server, in any form that `--swarm-host` accepts.
        why: Why this backend was chosen, for the header line.
        limits: The limits of its calls.
        transport: Makes the transport of a connection; None for the network, with the usual bounds.
        simulated: Whether no model runs there, so that its figures are no measured ones.
    """

    def connect() -> Connection:
        from pytest_swarm.ollama.client import OllamaClient
        from pytest_swarm.ollama.transports.network import network_transport

        own = network_transport(own_draws=not simulated) if transport is None else transport()
        client = OllamaClient(host, transport=own, timeout_s=limits.timeout_s, retries=limits.retries)
        return Connection(client=client, probe_client=client.without_retries())

    return Backend(
        kind="ollama",
        detail=f"{'SIMULATED Ollama' if simulated else 'ollama'} at {shown_host(base_url(host))} ({why})",
        simulated=simulated,
        virtual=False,
        profile_name=None,
        new_loop=asyncio.new_event_loop,
        connect=connect,
        live=True,
        host=shown_host(base_url(host)),
        is_local=is_loopback(host),
    )


def simulated_backend(
    world: SimulatedWorld, fleet: Fleet, *, why: str = "asked for", limits: CallLimits = NO_RETRIES
) -> Backend:
    """Return the backend of a simulated server in this process, in virtual time; equal seeds give equal runs.

    Every connection reaches a new server with all weights in the page cache: reading them takes every router the same.

    Args:
        world: The profile, the seed and the faults.
        fleet: The models on offer, for realized scores.
        why: Why this backend was chosen, for the header line.
        limits: The limits of calls.
    """
    from pytest_swarm.simulator.server.model_library import digest_of
    from pytest_swarm.simulator.virtual_loop import new_virtual_loop

    profile = world.profile
    models = profile.server_spec.models
    cached = replace(profile.server_spec, models=tuple(replace(model, first_load_s=None) for model in models))
    others = (model.name for model in models if model.name not in fleet)  # one of them may plan or judge
    return Backend(
        kind=SIMULATED_BACKEND,
        detail=f"SIMULATED Ollama, profile {profile.name}, seed {world.seed} ({why})",
        simulated=True,
        virtual=True,
        profile_name=profile.name,
        new_loop=new_virtual_loop,
        connect=lambda: _connection(world, cached, fleet, limits),
        knows_realised=True,
        sparse_samples=True,
        one_file=_models_of_one(fleet.tags, {model.name: digest_of(model) for model in models}),
        same_weights=_models_of_one((*fleet.tags, *others), {model.name: model.blob for model in models}),
    )


def _connection(world: SimulatedWorld, spec: ServerSpec, fleet: Fleet, limits: CallLimits) -> Connection:
    """Return a connection to a new server of a world, with models and hardware of `spec`."""
    from pytest_swarm.execution.simulated_answers import SimulatedAnswers
    from pytest_swarm.execution.simulated_client import SimulatedClient

    profile, generator = world.profile, world.generator()
    server = world.server(generator, spec=spec)
    direct = None if world.all_faults else server  # a fault may concern the list of residents
    client = partial(
        SimulatedClient, SIMULATED_HOST, transport=server.transport(), timeout_s=limits.timeout_s, server=direct
    )
    return Connection(
        client=client(retries=limits.retries),
        probe_client=client(),
        register_graph=generator.register_graph,
        realised=partial(_realised, generator, fleet),
        imported=partial(_imported, profile, fleet),
        hindsight=lambda graph, seed: None if profile.measured else SimulatedAnswers(generator, fleet, graph, seed),
    )


def _models_of_one(tags: tuple[str, ...], digests: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of tags of which a profile's models have one digest."""
    return one_file_models(tags, tuple(ListedModel(tag=tag, digest=each) for tag, each in digests.items()))


def _imported(profile: Profile, fleet: Fleet, graph: TaskGraph) -> Mapping[tuple[str, str], ImportedCall]:
    return {} if profile.measured is None else profile.measured.of_graph(graph, fleet.tags)


def _realised(generator: ProfileGenerator, fleet: Fleet, graph: TaskGraph, request_seed: int) -> RealisedScores:
    imported = _imported(generator.profile, fleet, graph)
    if imported:
        return {key: call.score for key, call in imported.items()}
    seeds = task_seeds(graph, request_seed)
    return {
        (task.id, tag): generator.task_score(graph, tag, task, seeds[task.id])
        for task in graph.tasks
        for tag in fleet.tags
    }
