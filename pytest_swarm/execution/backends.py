"""Backends: where calls go, and which clock runs. All use one client; a backend is a transport and an event loop.

Owns the backends `ollama` and `sim`; `recorded_backends` adds `record` and `replay`. Must not know pytest or routing.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.limits import full_tag
from pytest_swarm.domain.measured_call import MeasuredCall
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import Case
from pytest_swarm.errors import BackendError, ModelMissingError
from pytest_swarm.execution.announced_calls import Announcement, ignore
from pytest_swarm.ollama.address import base_url, is_loopback, shown_host
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ListedModel

if TYPE_CHECKING:
    from pytest_swarm.simulator.models.profile import Profile
    from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
    from pytest_swarm.simulator.server.faults import Fault

DEFAULT_TIMEOUT_S: Final = 120.0
_SIMILAR: Final = 0.65  # of difflib's ratio: `llama3.1:8b` and `llama3.2:3b` have 0.82, and `codellama:7b` 0.61
PROBE_TIMEOUT_S: Final = 2.0  # `auto` skips a server that does not list its models in this time

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
    end; None if nothing is recorded or replayed. `measured` returns the calls of a graph by (task, model) that were
    measured elsewhere, for which no server is asked. `announce` is told of the calls that a step is about to make.
    """

    client: OllamaClient
    probe_client: OllamaClient
    register_graph: Callable[[TaskGraph], None]
    realised: Callable[[TaskGraph, int], RealisedScores | None]
    listener: CaseListener | None = None
    measured: Callable[[TaskGraph], Mapping[tuple[str, str], MeasuredCall]] = lambda _: {}
    announce: Callable[[Announcement], None] = ignore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backend:
    """Where calls go, and which clock runs.

    `detail` is the text of the header line. `virtual`: computing takes no time on the loops of `new_loop`. `connect`
    makes a new connection, which must be made, used and closed in one loop; in the simulator it reaches a server of its
    own. `live`: calls reach a real server, at `host` without credentials, whose VRAM is shared with others.
    `is_local`: the server runs on this machine, so that NVML measures its GPU. `knows_realised`: its connections know
    realized scores. `for_case` returns the backend of one case, if cases differ. `predicted`: no call is made, and the
    times are predicted from measured ones.
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
    knows_realised: bool = False
    predicted: bool = False
    for_case: Callable[[Case], Backend] | None = None


def network_backend(host: str, *, timeout_s: float, why: str, retries: int = 0) -> Backend:
    """Return the backend of a real server over HTTP, on the wall clock.

    Args:
        host: URL of the server, in any form that `--swarm-host` accepts.
        timeout_s: Time limit of one call in seconds.
        why: Why this backend was chosen, for the header line.
        retries: How often a call is tried again that failed for the server's sake.
    """

    def connect() -> Connection:
        client = OllamaClient(host, timeout_s=timeout_s, retries=retries)
        probe = client.without_retries()
        return Connection(client=client, probe_client=probe, register_graph=lambda _: None, realised=lambda *_: None)

    return Backend(
        kind="ollama",
        detail=f"ollama at {shown_host(base_url(host))} ({why})",
        simulated=False,
        virtual=False,
        profile_name=None,
        new_loop=asyncio.new_event_loop,
        connect=connect,
        live=True,
        host=shown_host(base_url(host)),
        is_local=is_loopback(host),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWorld:
    """A simulated server's profile, the seed of its draws, and the faults to inject."""

    profile: Profile
    seed: int = 0
    faults: tuple[Fault, ...] = ()


def simulated_backend(
    world: SimulatedWorld,
    fleet: Fleet,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    why: str = "asked for",
    retries: int = 0,
) -> Backend:
    """Return the backend of a simulated server in this process, in virtual time; equal seeds give equal runs.

    Every connection reaches a new server with all weights in the page cache. So no case pays for reading a model from
    disk, which takes the same time under every router.

    Args:
        world: The profile, the seed and the faults.
        fleet: The models on offer, for realized scores.
        timeout_s: Time limit of one call in seconds of virtual time.
        why: Why this backend was chosen, for the header line.
        retries: As for a real server.
    """
    from pytest_swarm.execution.simulated_client import SimulatedClient
    from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer
    from pytest_swarm.simulator.virtual_loop import new_virtual_loop

    profile, seed = world.profile, world.seed
    cached = tuple(replace(model, first_load_s=None) for model in profile.server_spec.models)
    spec = replace(profile.server_spec, models=cached)

    def connect() -> Connection:
        generator = ProfileGenerator(profile, seed=seed)
        server = SimulatedServer(spec, generator=generator, seed=seed, faults=(*profile.faults, *world.faults))
        direct = None if profile.faults or world.faults else server  # a fault may concern the list of residents
        client = SimulatedClient(
            "http://simulated", transport=server.transport(), timeout_s=timeout_s, retries=retries, server=direct
        )
        return Connection(
            client=client,
            probe_client=client.without_retries(),
            register_graph=generator.register_graph,
            realised=partial(_realised, generator, fleet),
            measured=partial(_measured, profile, fleet),
        )

    return Backend(
        kind="sim",
        detail=f"SIMULATED Ollama, profile {profile.name}, seed {seed} ({why})",
        simulated=True,
        virtual=True,
        profile_name=profile.name,
        new_loop=new_virtual_loop,
        connect=connect,
        knows_realised=True,
    )


def _measured(profile: Profile, fleet: Fleet, graph: TaskGraph) -> Mapping[tuple[str, str], MeasuredCall]:
    return {} if profile.measured is None else profile.measured.of_graph(graph, fleet.tags)


def _realised(generator: ProfileGenerator, fleet: Fleet, graph: TaskGraph, request_seed: int) -> RealisedScores:
    measured = _measured(generator.profile, fleet, graph)
    if measured:
        return {key: call.score for key, call in measured.items()}
    return {
        (task.id, tag): generator.task_score(graph, tag, task, request_seed)
        for task in graph.tasks
        for tag in fleet.tags
    }


def installed_models(host: str, timeout_s: float) -> tuple[ListedModel, ...]:
    """Return the models of the server at `host`, with a time limit in seconds.

    Args:
        host: URL of the server.
        timeout_s: Time limit in seconds.

    Raises:
        BackendError: The server cannot be asked.
    """

    async def ask() -> tuple[ListedModel, ...]:
        client = OllamaClient(host, timeout_s=timeout_s)
        try:
            return await client.installed()
        finally:
            await client.aclose()

    return asyncio.run(ask())


def require_models(host: str, needed: tuple[str, ...], installed: tuple[ListedModel, ...]) -> None:
    """Raise ModelMissingError if the server lacks a model, or runs it elsewhere; the message says what to do.

    Args:
        host: URL of the server.
        needed: The tags that are needed, in any form.
        installed: The models that the server has.
    """
    has = {full_tag(model.tag): model for model in installed}
    cloud = [tag for tag in needed if full_tag(tag) in has and has[full_tag(tag)].remote_host is not None]
    if cloud:
        raise ModelMissingError(
            f"the server at {shown_host(host)} does not run {', '.join(cloud)} itself: a cloud model has no VRAM; "
            "leave it out"
        )
    missing = [tag for tag in dict.fromkeys(needed) if full_tag(tag) not in has]
    if missing:
        local = [model.tag for model in installed if model.remote_host is None]
        named = ", ".join(f"{tag}{_nearest_installed(tag, local)}" for tag in missing)
        pulls = " && ".join(f"ollama pull {tag}" for tag in missing)
        raise ModelMissingError(f"the server at {shown_host(host)} does not have {named}; run: {pulls}")


def _nearest_installed(tag: str, installed: list[str]) -> str:
    """Return ` (installed is gemma2:9b)` for the most similar installed name; of one family if there is one."""
    family = full_tag(tag).rpartition(":")[0]
    relatives = [name for name in installed if full_tag(name).rpartition(":")[0] == family]
    by_tag = {full_tag(name): name for name in relatives or installed}
    near = difflib.get_close_matches(full_tag(tag), by_tag, n=1, cutoff=0.0 if relatives else _SIMILAR)
    return f" (installed is {by_tag[near[0]]})" if near else ""


def one_file_models(tags: tuple[str, ...], installed: tuple[ListedModel, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of tags that are one model file on the server, which keeps one copy of it in VRAM.

    Args:
        tags: The tags to look at.
        installed: The models that the server has, with their digests.
    """
    digests = {full_tag(model.tag): model.digest for model in installed}
    groups: dict[str, list[str]] = {}
    for tag in tags:
        digest = digests.get(full_tag(tag))
        if digest is not None:
            groups.setdefault(digest, []).append(tag)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def reachable_host(hosts: tuple[str, ...], needed: tuple[str, ...]) -> tuple[str | None, str]:
    """Return the first host that has every needed model, and why it was chosen or why none was.

    Args:
        hosts: URLs of servers, in order of preference.
        needed: The tags that are needed.

    Returns:
        The host and the reason; None and each host's error if no host will do.
    """
    why: list[str] = []
    for host in hosts:
        try:
            require_models(host, needed, installed_models(host, PROBE_TIMEOUT_S))
        except BackendError as error:
            why.append(str(error))
        else:
            return host, f"Ollama at {shown_host(host)} answers and has every model of the fleet"
    return None, "; ".join(why)
