"""Contraction of an agent workflow to its LLM steps: an edge for each way between two steps without a third on it.

A container (iteration, loop) is replaced by its contents: what leads to it leads to its entries, and its exits lead to
what follows it. That it repeats is no cycle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.agent_flow import AgentFlow, FlowLink, FlowNode

Edge: TypeAlias = tuple[str, str]
Place = TypeVar("Place", bound=Hashable)
_AFTER: Final = "\0after"  # suffix of the place behind a container; node IDs from a file cannot contain it


def chosen_branches(flow: AgentFlow, choices: Mapping[str, str]) -> AgentFlow:
    """Return the flow without the branches that were not chosen, and without what only they lead to.

    Args:
        flow: The flow.
        choices: Name of a node with several ways out, to the name of the one to keep.

    Raises:
        GraphError: For a choice of a branch that the node does not have. A node that is not there changes nothing.
    """
    dropped: set[FlowLink] = set()
    for name, branch in choices.items():
        ours = [link for link in flow.links if link.branch is not None and flow.by_id[link.source].name == name]
        known = tuple(dict.fromkeys(link.branch or "" for link in ours))
        if known and branch not in known:
            raise GraphError(f"--branch {name}={branch}: there is no such branch; its branches are {', '.join(known)}")
        dropped.update(link for link in ours if link.branch != branch)
    links = tuple(link for link in flow.links if link not in dropped)
    gone = _only_behind(flow, links, {link.target for link in dropped})
    return replace(
        flow,
        nodes=tuple(node for node in flow.nodes if node.id not in gone and node.container not in gone),
        links=tuple(link for link in links if link.source not in gone and link.target not in gone),
    )


def _only_behind(flow: AgentFlow, links: tuple[FlowLink, ...], heads: set[str]) -> set[str]:
    """Return the nodes that were reached through the dropped links alone, those of a cycle among themselves too."""
    following: dict[str, list[str]] = defaultdict(list)
    for link in links:
        following[link.source].append(link.target)
    for node in flow.nodes:
        if node.container is not None:
            following[node.container].append(node.id)
    led_to = {link.target for link in flow.links}
    behind = reached(heads, following)
    first = {node.id for node in flow.nodes if node.id not in led_to and node.container is None}
    staying = reached(first | (flow.by_id.keys() - behind), following)
    return behind - staying


def reached(starts: Iterable[Place], following: Mapping[Place, Sequence[Place]]) -> set[Place]:
    """Return the nodes that some nodes lead to, and these themselves.

    Args:
        starts: The nodes to begin at.
        following: What follows each node.
    """
    found: set[Place] = set()
    todo = list(starts)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += following.get(node, ())
    return found


def entry_steps(flow: AgentFlow) -> tuple[str, ...]:
    """Return the LLM steps that the workflow begins with: no other one lies before them, but perhaps in a cycle."""
    following = _without_containers(flow)
    led_to = {target for targets in following.values() for target in targets}
    first: dict[str, None] = {}
    for node in flow.nodes:
        if node.id not in led_to and (node.container is None or node.is_entry):
            first |= dict.fromkeys([node.id] if node.step is not None else _next_steps(node.id, following, flow.by_id))
    return tuple(first)


def never_run(flow: AgentFlow) -> tuple[FlowNode, ...]:
    """Return the LLM steps that no way leads to from a start, where the tool runs no others."""
    led_to = reached(flow.starts, _without_containers(flow)) if flow.starts else flow.by_id.keys()
    return tuple(node for node in flow.nodes if node.step is not None and node.id not in led_to)


def contracted_edges(flow: AgentFlow) -> tuple[Edge, ...]:
    """Return (step, step) for each way from one LLM step to another, or to itself, on which no third one lies."""
    following = _without_containers(flow)
    return tuple(
        (node.id, other)
        for node in flow.nodes
        if node.step is not None
        for other in _next_steps(node.id, following, flow.by_id)
    )


def _next_steps(start: str, following: Mapping[str, list[str]], by_id: Mapping[str, FlowNode]) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    todo = list(following.get(start, ()))
    while todo:
        place = todo.pop(0)
        if place in seen:
            continue
        seen.add(place)
        if place in by_id and by_id[place].step is not None:
            found.append(place)
        else:
            todo += following.get(place, ())
    return found


def _without_containers(flow: AgentFlow) -> dict[str, list[str]]:
    """Return what follows each node, where a container is two places: its own ID before it, and another behind."""
    children: dict[str, list[FlowNode]] = defaultdict(list)
    for node in flow.nodes:
        if node.container is not None:
            children[node.container].append(node)
    following: dict[str, list[str]] = defaultdict(list)
    for link in flow.links:
        inner = _is_inside(flow, link.target, link.source)
        source = link.source + _AFTER if link.source in children and not inner else link.source
        if link.target in children and _is_inside(flow, link.source, link.target):
            following[source].append(link.target + _AFTER)  # a link back to its own container ends the round
        else:
            following[source].append(link.target)
    led = {place for link in flow.links for place in (link.source, link.target)}
    for container, nodes in children.items():
        # A model, a tool or a note beside the steps is on no way: what leads to the container does not lead past them.
        on_way = [node for node in nodes if node.step is not None or node.id in led or node.id in children]
        entries, exits = _ends(flow, on_way or nodes)
        following[container] += entries
        for each in exits:
            following[each + _AFTER if each in children else each].append(container + _AFTER)
    return following


def _ends(flow: AgentFlow, nodes: Iterable[FlowNode]) -> tuple[list[str], list[str]]:
    """Return the entries and the exits of a container's nodes: those without a link from, or to, another of them."""
    own = {node.id for node in nodes}
    inside = [link for link in flow.links if link.source in own and link.target in own and link.source != link.target]
    begun, left = {link.target for link in inside}, {link.source for link in inside}
    declared = [node.id for node in nodes if node.is_entry]
    entries = declared or [node.id for node in nodes if node.id not in begun] or [next(node.id for node in nodes)]
    exits = [node.id for node in nodes if node.id not in left] or [node.id for node in nodes]
    return entries, exits


def _is_inside(flow: AgentFlow, node: str, container: str) -> bool:
    """Return whether a node belongs to a container, at any depth."""
    seen: set[str] = set()
    at = flow.by_id[node].container
    while at is not None and at not in seen:
        if at == container:
            return True
        seen.add(at)
        at = flow.by_id[at].container
    return False
