"""The order of a graph's tasks: what comes before what, and cycles."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TypeAlias

from pytest_swarm.errors import GraphError

Neighbours: TypeAlias = dict[str, tuple[str, ...]]


def ancestors(task_id: str, parents: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the IDs of all tasks that a task depends on.

    Args:
        task_id: The task.
        parents: Task ID to the IDs of its direct predecessors.
    """
    found: set[str] = set()
    todo = list(parents[task_id])
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += parents[each]
    return found


def topological_order(name: str, parents: Neighbours, children: Neighbours) -> tuple[str, ...]:
    """Return the tasks, parents first and else as declared (Kahn); a cycle is an error that spells it out.

    Args:
        name: Name of the graph, for the error.
        parents: Task ID to the IDs of its direct predecessors.
        children: Task ID to the IDs of its direct successors.

    Raises:
        GraphError: For a cycle.
    """
    missing = {each: len(of) for each, of in parents.items()}
    queue = deque(each for each, count in missing.items() if count == 0)
    order: list[str] = []
    while queue:
        task_id = queue.popleft()
        order.append(task_id)
        for child in children[task_id]:
            missing[child] -= 1
            if missing[child] == 0:
                queue.append(child)
    if len(order) < len(parents):
        stuck = set(parents).difference(order)
        raise GraphError(
            f"graph {name!r} has a cycle: {_spell_cycle(stuck, parents)}; a workflow must not wait for itself"
        )
    return tuple(order)


def _spell_cycle(stuck: set[str], parents: Neighbours) -> str:
    """Return one cycle among the tasks that were never ready, walked backwards from any of them."""
    path = [min(stuck)]
    while True:
        parent = min(each for each in parents[path[-1]] if each in stuck)
        if parent in path:
            cycle = [*path[path.index(parent) :], parent]
            return " -> ".join(reversed(cycle))
        path.append(parent)
