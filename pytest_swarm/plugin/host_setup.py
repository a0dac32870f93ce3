"""The start of a run on several servers: whether they have the same models, and the pool of them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pytest_swarm.domain.limits import short_digests
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.server_version import is_simulated_version
from pytest_swarm.errors import BackendError, OptionError
from pytest_swarm.execution.server_models import PROBE_TIMEOUT_S, installed_models, require_models, server_version
from pytest_swarm.ollama.address import shown_host
from pytest_swarm.ollama.messages import ListedModel
from pytest_swarm.plugin.host_pool import HostPool
from pytest_swarm.plugin.server_lock import lock_path

if TYPE_CHECKING:
    from pytest_swarm.plugin.backend_choice import ModelDemand
    from pytest_swarm.plugin.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What a server is at the start: its address as it is shown, its version, and its models."""

    host: str
    version: str
    models: tuple[ListedModel, ...]

    def digest(self, tag: str) -> str | None:
        """Return the digest of a model; None where the server gives none."""
        return next((each.digest for each in self.models if full_tag(each.tag) == full_tag(tag)), None)


def pool_of_hosts(resources: Resources) -> HostPool | None:
    """Return the servers that cases are spread over; None where one server is called, or none.

    Args:
        resources: The session's resources. The number of a worker of xdist decides where it looks first.

    Raises:
        BackendError: A server that was asked for does not answer, or lacks a model; `auto` leaves it out.
        OptionError: Two addresses are of one server, some servers are simulated and others are not, or two have
            different models under one name.
    """
    settings, worker = resources.settings, resources.inputs.process.worker
    if not settings.spreads_cases or not resources.backend.live:
        return None
    demand = resources.demand
    needed = demand.tags
    urls = {shown_host(url): url for url in settings.hosts}
    check_distinct([shown_host(url) for url in settings.hosts])
    states: list[ServerState] = []
    for host, url in urls.items():
        try:
            states.append(_state_of(host, url, demand, settings.timeout_s))
        except BackendError as error:
            if settings.backend == "ollama":
                raise
            resources.remarks.append(f"{host} was left out: {error}")
    if len(states) < 2:
        return None
    check_one_kind(states)
    check_same_models(states, needed)
    resources.remarks.extend(version_remarks(states))
    urls = {state.host: urls[state.host] for state in states}
    first = (worker or 0) % len(states)
    order = [*urls][first:] + [*urls][:first]
    servers = {host: resources.at(urls[host]) for host in order}
    for server in servers.values():
        server.look_at_server()
    return HostPool(servers, answers=lambda host: _answers(urls[host]), tell=resources.inputs.announcer.tell)


def check_distinct(hosts: Sequence[str]) -> None:
    """Raise OptionError where two addresses are of one server, on which two cases would run at a time.

    Two names of one IP address are not: a proxy may tell its servers by name.
    """
    for first, host in combinations(hosts, 2):
        if lock_path(first) == lock_path(host) or _is_at(first, host) or _is_at(host, first):
            raise OptionError(f"--swarm-host: {first} and {host} are one server; give it once")


def _is_at(named: str, numbered: str) -> bool:
    """Return whether the name in a URL stands for the IP address in another one, with the same port and path."""
    url = urlsplit(named)
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(url.hostname, url.port)}
    except OSError:  # the call itself says that the name is not known
        return False
    here = ((f"[{each}]" if ":" in each else each) + (f":{url.port}" if url.port else "") for each in found)
    return lock_path(numbered) in (lock_path(urlunsplit(url._replace(netloc=each))) for each in here)


def check_one_kind(states: Sequence[ServerState]) -> None:
    """Raise OptionError where some servers run models and others do not: a run, and its mark, is of one kind."""
    simulated = [state.host for state in states if is_simulated_version(state.version)]
    real = [state.host for state in states if state.host not in simulated]
    if simulated and real:
        raise OptionError(
            f"--swarm-host: {simulated[0]} is a simulated server, and {real[0]} is not; give them to runs of their own"
        )


def check_same_models(states: Sequence[ServerState], needed: Sequence[str]) -> None:
    """Raise OptionError for the first model that two servers have under one name with different digests."""
    for tag in needed:
        for other in states[1:]:
            here, there = states[0].digest(tag), other.digest(tag)
            if here != there and here is not None and there is not None:
                one, another = short_digests(here, there)
                raise OptionError(
                    f"--swarm-host: {tag} is not the same model at {states[0].host} ({one}) and at {other.host} "
                    f"({another}); run `ollama pull {tag}` on both"
                )


def version_remarks(states: Sequence[ServerState]) -> list[str]:
    """Return a sentence for the report where the servers have different versions."""
    if len({state.version for state in states}) < 2:
        return []
    versions = ", ".join(f"{state.host} has {state.version}" for state in states)
    return [f"the servers run different versions of Ollama: {versions}"]


def _state_of(host: str, url: str, demand: ModelDemand, timeout_s: float) -> ServerState:
    models = installed_models(url, timeout_s)
    require_models(url, demand.tags, models, roles=demand.roles)
    return ServerState(host=host, version=server_version(url, timeout_s), models=models)


def _answers(host: str) -> bool:
    try:
        server_version(host, PROBE_TIMEOUT_S)
    except BackendError:
        return False
    return True
