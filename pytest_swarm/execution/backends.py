"""Backends: where the calls go, and which clock runs. One client for all; a backend is a transport plus a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import Case
from pytest_swarm.errors import BackendError, ModelMissingError
from pytest_swarm.ollama.address import base_url, shown_host
from pytest_swarm.ollama.client import OllamaClient

if TYPE_CHECKING:
    from pytest_swarm.simulator.models.profile import Profile
    from pytest_swarm.simulator.server.faults import Fault

DEFAULT_TIMEOUT_S: Final = 120.0
PROBE_TIMEOUT_S: Final = 2.0  # an Ollama that does not list its models within this is taken for absent by `auto`

RealisedScores = Mapping[tuple[str, str], float]


class CaseListener(Protocol):
    """Is told where a case begins and ends, so that a recording can be replayed case by case, in any order."""

    def begin(self, case: Case, *, now_s: float) -> None:
        """The next requests are this case's; `now_s` is the loop's time at which it starts."""

    def finish(self, *, now_s: float) -> tuple[str, ...]:
        """The case has come to its end; sentences that its report should show."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Connection:
    """One connection to a server. `realised` gives the scores that are really achieved, where they are known.

    `watcher` is for questions beside the case's own calls: it reaches the same server. `journal` is None where nobody
    needs to know of cases.
    """

    client: OllamaClient
    probe_client: OllamaClient
    register_graph: Callable[[TaskGraph], None]
    realised: Callable[[TaskGraph, int], RealisedScores | None]
    listener: CaseListener | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backend:
    """Where calls go, and which clock runs.

    `detail` is the sentence of the header line. `virtual` says that what this process computes takes no time on
    `new_loop`'s loops. `connect` makes a fresh connection, to be made, used and closed within one loop; in the
    simulator to a server of its own. `live`: calls reach a real server, whose VRAM others may want as well. `here`: it
    runs on this machine, so that NVML here tells of its GPU. `for_case` gives the backend of one case, where they
    differ.
    """

    kind: str
    detail: str
    simulated: bool
    virtual: bool
    profile_name: str | None
    new_loop: Callable[[], asyncio.AbstractEventLoop]
    connect: Callable[[], Connection]
    live: bool = False
    is_local: bool = False
    for_case: Callable[[Case], Backend] | None = None


def is_loopback(host: str) -> bool:
    """Whether a server's URL names this machine."""
    name = urlsplit(base_url(host)).hostname or ""
    return name in ("localhost", "::1") or name.startswith("127.")


def network_backend(host: str, *, timeout_s: float, why: str) -> Backend:
    """A real server (or anything that speaks its protocol) over HTTP, on the wall clock."""

    def connect() -> Connection:
        client = OllamaClient(host, timeout_s=timeout_s)
        return Connection(client=client, probe_client=client, register_graph=lambda _: None, realised=lambda *_: None)

    return Backend(
        kind="ollama",
        detail=f"ollama at {shown_host(base_url(host))} ({why})",
        simulated=False,
        virtual=False,
        profile_name=None,
        new_loop=asyncio.new_event_loop,
        connect=connect,
        live=True,
        is_local=is_loopback(host),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWorld:
    """What a simulated server is: its profile, the seed of every draw, and the faults that it has on purpose."""

    profile: Profile
    seed: int = 0
    faults: tuple[Fault, ...] = ()


def simulated_backend(
    world: SimulatedWorld, fleet: Fleet, *, timeout_s: float = DEFAULT_TIMEOUT_S, why: str = "asked for"
) -> Backend:
    """The simulated server in this process, on virtual time; the same seed gives the same run.

    Every connection is to a fresh server whose weights are in the page cache: a case is not charged for a cold disk, on
    which the first model of a day takes a minute whatever the router decides.
    """
    from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
    from pytest_swarm.simulator.server.simulated_server import SimulatedServer
    from pytest_swarm.simulator.virtual_loop import new_virtual_loop

    profile, seed = world.profile, world.seed
    cached = tuple(replace(model, first_load_s=None) for model in profile.server_spec.models)
    spec = replace(profile.server_spec, models=cached)

    def connect() -> Connection:
        generator = ProfileGenerator(profile, seed=seed)
        server = SimulatedServer(spec, generator=generator, seed=seed, faults=(*profile.faults, *world.faults))

        def realised(graph: TaskGraph, request_seed: int) -> RealisedScores:
            return {
                (task.id, tag): generator.task_score(graph, tag, task, request_seed)
                for task in graph.tasks
                for tag in fleet.tags
            }

        client = OllamaClient("http://simulated", transport=server.transport(), timeout_s=timeout_s)
        return Connection(
            client=client, probe_client=client, register_graph=generator.register_graph, realised=realised
        )

    return Backend(
        kind="sim",
        detail=f"SIMULATED Ollama, profile {profile.name}, seed {seed} ({why})",
        simulated=True,
        virtual=True,
        profile_name=profile.name,
        new_loop=new_virtual_loop,
        connect=connect,
    )


def installed_models(host: str, timeout_s: float) -> tuple[str, ...]:
    """Tags that the server at `host` has; raises BackendError."""

    async def ask() -> tuple[str, ...]:
        client = OllamaClient(host, timeout_s=timeout_s)
        try:
            return await client.installed()
        finally:
            await client.aclose()

    return asyncio.run(ask())


def require_models(host: str, needed: tuple[str, ...], installed: tuple[str, ...]) -> None:
    """ModelMissingError where the server lacks a model: says which, and how to get them."""
    missing = [tag for tag in needed if tag not in installed]
    if missing:
        pulls = " && ".join(f"ollama pull {tag}" for tag in missing)
        raise ModelMissingError(f"the server at {shown_host(host)} does not have {', '.join(missing)}; run: {pulls}")


def reachable_host(hosts: tuple[str, ...], needed: tuple[str, ...]) -> tuple[str | None, str]:
    """The first host that has every needed model, and why (not); a server that is absent or strange is no error."""
    why = ""
    for host in hosts:
        try:
            require_models(host, needed, installed_models(host, PROBE_TIMEOUT_S))
        except BackendError as error:
            why = why or str(error)
        else:
            return host, f"Ollama at {shown_host(host)} answers and has every model of the fleet"
    return None, why
