"""Building task graphs of the usual shapes from tasks: chain, fork, join."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task

Branch: TypeAlias = Task | Sequence[Task]


def chain(name: str, *tasks: Task) -> TaskGraph:
    """Each task after the one before it: s0 -> s1 -> s2. Raises GraphError as TaskGraph does."""
    return TaskGraph(name=name, tasks=tasks, edges=_in_a_row(tasks))


def fork(name: str, source: Task, *branches: Branch) -> TaskGraph:
    """`source`, then every branch at once; a branch is a task, or several in a row. Raises GraphError."""
    tasks = [source]
    edges: list[tuple[str, str]] = []
    for branch in map(_as_row, branches):
        edges += _in_a_row((source, *branch))
        tasks += branch
    return TaskGraph(name=name, tasks=tuple(tasks), edges=tuple(edges))


def join(name: str, sources: Iterable[Branch], sink: Task) -> TaskGraph:
    """Every source at once, then `sink`; a source is a task, or several in a row. Raises GraphError."""
    tasks: list[Task] = []
    edges: list[tuple[str, str]] = []
    for source in map(_as_row, sources):
        edges += _in_a_row((*source, sink))
        tasks += source
    return TaskGraph(name=name, tasks=(*tasks, sink), edges=tuple(edges))


def _as_row(branch: Branch) -> tuple[Task, ...]:
    return (branch,) if isinstance(branch, Task) else tuple(branch)


def _in_a_row(tasks: Sequence[Task]) -> tuple[tuple[str, str], ...]:
    return tuple((parent.id, child.id) for parent, child in pairwise(tasks))
