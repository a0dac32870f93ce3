"""The models of a real server before a run: whether all that are needed are there, and which tags are one file."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.server_version import is_simulated_version
from pytest_swarm.errors import BackendError, BadReplyError, CallTimeoutError, ModelMissingError, ServerRefusedError
from pytest_swarm.ollama.address import shown_host
from pytest_swarm.ollama.messages import ListedModel, ResidentEntry

if TYPE_CHECKING:
    from pytest_swarm.ollama.client import OllamaClient

_SIMILAR: Final = 0.65  # of difflib's ratio: `llama3.1:8b` and `llama3.2:3b` have 0.82, and `codellama:7b` 0.61
PROBE_TIMEOUT_S: Final = 2.0  # `auto` skips a server that does not list its models in this time
START_TIMEOUT_S: Final = 10.0  # of a call before a run; a server lists its models in milliseconds, even while it loads

T = TypeVar("T")


class ModelRole(NamedTuple):
    """What a model is for that is not of the fleet, such as `planner`, and the options that name another."""

    name: str
    option: str


def installed_models(host: str, timeout_s: float) -> tuple[ListedModel, ...]:
    """Return the models of the server at `host`; BackendError where it cannot be asked, or hangs.

    It is asked for its version and its resident models too, which a run begins with, so that a hang is told early.

    Args:
        host: URL of the server.
        timeout_s: Time limit of a question in seconds, of which `START_TIMEOUT_S` are used at most.
    """
    found = _asked(host, timeout_s, "/api/tags", lambda client: client.installed())
    with suppress(BadReplyError, ServerRefusedError):  # what it answers there is judged by who needs it
        server_version(host, timeout_s)
    with suppress(BadReplyError, ServerRefusedError):
        _asked(host, timeout_s, "/api/ps", lambda client: client.resident_entries())
    return found


def server_version(host: str, timeout_s: float) -> str:
    """Return the version of the server at `host`; BackendError where it cannot be asked, or hangs.

    Args:
        host: URL of the server.
        timeout_s: Time limit in seconds, of which `START_TIMEOUT_S` are used at most.
    """
    return _asked(host, timeout_s, "/api/version", lambda client: client.version())


def is_simulated_server(host: str, timeout_s: float) -> bool:
    """Return whether the server at `host` says by its version that it runs no model; BackendError where it hangs.

    Args:
        host: URL of the server.
        timeout_s: Time limit in seconds, of which `START_TIMEOUT_S` are used at most.
    """
    with suppress(BadReplyError, ServerRefusedError):
        return is_simulated_version(server_version(host, timeout_s))
    return False


def resident_models(host: str) -> tuple[ResidentEntry, ...]:
    """Return the resident models of the server at `host`; BackendError where it does not tell at once."""
    return _asked(host, PROBE_TIMEOUT_S, "/api/ps", lambda client: client.resident_entries())


def _asked(host: str, timeout_s: float, path: str, call: Callable[[OllamaClient], Awaitable[T]]) -> T:
    """Return what a server answers before a run to a call of `path`, which takes it milliseconds."""
    from pytest_swarm.ollama.client import OllamaClient

    limit_s = min(timeout_s, START_TIMEOUT_S)

    async def ask() -> T:
        client = OllamaClient(host, timeout_s=limit_s)
        try:
            return await call(client)
        except CallTimeoutError as error:
            raise CallTimeoutError(
                f"the server at {client.host} hangs: it takes connections, but did not answer {path} within "
                f"{limit_s:g} s, a question of milliseconds; restart it, or give another --swarm-host"
            ) from error
        finally:
            await client.aclose()

    return asyncio.run(ask())


def require_models(
    host: str, needed: tuple[str, ...], installed: tuple[ListedModel, ...], *, roles: Mapping[str, ModelRole]
) -> None:
    """Raise ModelMissingError if the server lacks a model, or runs it elsewhere; the message says what to do.

    Args:
        host: URL of the server.
        needed: The tags that are needed, in any form.
        installed: The models that the server has.
        roles: What a needed tag is for, and what names another, where that is to be told.
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
        own = {tag: roles[tag] for tag in missing if tag in roles}
        named = ", ".join(
            f"{f'the {own[tag].name} ' if tag in own else ''}{tag}{_nearest_installed(tag, local)}" for tag in missing
        )
        others = [f"name an installed {role.name} with {role.option}" for role in dict.fromkeys(own.values())]
        run = ", or ".join([*others, "run"])
        pulls = " && ".join(f"ollama pull {tag}" for tag in missing)
        raise ModelMissingError(f"the server at {shown_host(host)} does not have {named}; {run}: {pulls}")


def _nearest_installed(tag: str, installed: list[str]) -> str:
    """Return ` (installed is gemma2:9b)` for the most similar installed name; of one family if there is one."""
    family = full_tag(tag).rpartition(":")[0]
    relatives = [name for name in installed if full_tag(name).rpartition(":")[0] == family]
    by_tag = {full_tag(name): name for name in relatives or installed}
    near = difflib.get_close_matches(full_tag(tag), by_tag, n=1, cutoff=0.0 if relatives else _SIMILAR)
    return f" (installed is {by_tag[near[0]]})" if near else ""


Groups: TypeAlias = tuple[tuple[str, ...], ...]
"""Tags that have something in common, group by group."""


def one_file_models(tags: tuple[str, ...], installed: tuple[ListedModel, ...]) -> Groups:
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
    return _of_several(groups.values())


def models_of_one_weights(
    host: str, tags: Iterable[str], timeout_s: float, *, others: Iterable[str] = ()
) -> tuple[Groups, Groups]:
    """Return the groups of models that a server made of one file of weights, which it keeps in VRAM once at most.

    The second groups are those of which it runs all on one copy, at the same context: it loads the file again for one
    with other adapters or launch parameters. Models that are resident now are among them, after the others. There are
    none where the server does not tell.

    Args:
        host: URL of the server.
        tags: The models of the fleet.
        others: Further models of the run, which are in the second groups only.
        timeout_s: Time limit of a question in seconds, of which `START_TIMEOUT_S` are used at most.
    """

    async def ask(client: OllamaClient) -> tuple[Groups, Groups]:
        weights: dict[str, list[str]] = {}
        copies: dict[tuple[str | None, tuple[str, ...]], list[str]] = {}
        for tag in tags:
            info = await client.show(tag)
            weights.setdefault(info.weights or tag, []).append(tag)
            copies.setdefault((info.weights or tag, info.launch), []).append(tag)
        known = set(map(full_tag, (tag for group in weights.values() for tag in group)))
        resident: list[str] = []
        with suppress(BackendError):  # what it answers there is judged by who needs it
            resident = [row.tag for row in await client.resident_entries()]
        for tag in {full_tag(tag): tag for tag in (*others, *resident) if full_tag(tag) not in known}.values():
            with suppress(BackendError):  # one that was removed from the disk
                info = await client.show(tag)
                if (info.weights, info.launch) in copies:
                    copies[info.weights, info.launch].append(tag)
        return _of_several(weights.values()), _of_several(copies.values())

    try:
        return _asked(host, timeout_s, "/api/show", ask)
    except BackendError:  # of an old server, or of one that the first case will not reach either
        return (), ()


def _of_several(groups: Iterable[list[str]]) -> Groups:
    return tuple(tuple(group) for group in groups if len(group) > 1)


def reachable_host(
    hosts: tuple[str, ...], needed: tuple[str, ...], *, roles: Mapping[str, ModelRole]
) -> tuple[str | None, str]:
    """Return the first host that has every needed model, and why it was chosen or why none was.

    Args:
        hosts: URLs of servers, in order of preference.
        needed: The tags that are needed.
        roles: What a needed tag is for, and what names another, where that is to be told.

    Returns:
        The host and the reason; None and each host's error if no host will do.
    """
    why: list[str] = []
    for host in hosts:
        try:
            require_models(host, needed, installed_models(host, PROBE_TIMEOUT_S), roles=roles)
        except BackendError as error:
            why.append(str(error))
        else:
            return host, f"Ollama at {shown_host(host)} answers and has every model of the fleet"
    return None, "; ".join(why)
