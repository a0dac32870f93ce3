"""Task graphs of the usual shapes: chain, fork and join of given tasks, and layers of generated ones."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError

Branch: TypeAlias = Task | Sequence[Task]
PARENTS_PER_TASK: Final = 2
_CHAIN: Final = "chain(NAME, TASK, TASK, ...)"
_FORK: Final = "fork(NAME, SOURCE, BRANCH, BRANCH, ...), where a branch is a task or a list of tasks"
_JOIN: Final = "join(NAME, [BRANCH, BRANCH, ...], SINK), where a branch is a task or a list of tasks"


def chain(name: str, *tasks: Task) -> TaskGraph:
    """Return a graph in which each task follows the one before it: s0 -> s1 -> s2.

    Args:
        name: Name of the graph.
        tasks: The tasks, in order.

    Raises:
        GraphError: Where TaskGraph refuses the tasks.
    """
    tasks = _tasks(name, tasks, _CHAIN)
    return TaskGraph(name=name, tasks=tasks, edges=_sequence_edges(tasks))


def fork(name: str, source: Task, *branches: Branch) -> TaskGraph:
    """Return a graph in which all branches follow one source.

    Args:
        name: Name of the graph.
        source: The first task.
        branches: What follows it in parallel: a task, or several in sequence.

    Raises:
        GraphError: Where TaskGraph refuses the tasks.
    """
    tasks = [*_tasks(name, [source], _FORK)]
    edges: list[tuple[str, str]] = []
    for branch in (_sequence(name, each, _FORK) for each in branches):
        edges += _sequence_edges((source, *branch))
        tasks += branch
    return TaskGraph(name=name, tasks=tuple(tasks), edges=tuple(edges))


def join(name: str, sources: Iterable[Branch], sink: Task) -> TaskGraph:
    """Return a graph in which one sink follows all sources.

    Args:
        name: Name of the graph.
        sources: What runs in parallel: a task, or several in sequence.
        sink: The last task.

    Raises:
        GraphError: Where TaskGraph refuses the tasks.
    """
    tasks: list[Task] = []
    edges: list[tuple[str, str]] = []
    _tasks(name, [sink], _JOIN)
    for source in (_sequence(name, each, _JOIN) for each in _sequences(name, sources)):
        edges += _sequence_edges((*source, sink))
        tasks += source
    return TaskGraph(name=name, tasks=(*tasks, sink), edges=tuple(edges))


def layered(name: str, layers: int, width: int, seed: int) -> TaskGraph:
    """Return a generated graph of additions in layers, for measuring the engine at any size.

    Each task depends on up to two tasks of the layer before. Prompts are unique within the graph. The same seed gives
    the same graph.

    Args:
        name: Name of the graph.
        layers: Number of layers, at least 1.
        width: Number of tasks in each layer, at least 1.
        seed: Seed of the numbers and the edges.

    Raises:
        GraphError: For a number of layers or a width below 1.
    """
    if layers < 1 or width < 1:
        raise GraphError(f"graph {name!r}: has {layers} layers of {width} tasks, but needs at least 1 layer of 1 task")
    draw = random.Random(f"layered|{seed}")
    tasks: list[Task] = []
    edges: list[tuple[str, str]] = []
    for layer in range(layers):
        for position in range(width):
            task = _addition(f"l{layer:03}t{position:02}", draw)
            tasks.append(task)
            if layer:
                before = [f"l{layer - 1:03}t{each:02}" for each in range(width)]
                edges += [(parent, task.id) for parent in sorted(draw.sample(before, min(PARENTS_PER_TASK, width)))]
    return TaskGraph(name=name, tasks=tuple(tasks), edges=tuple(edges))


def _sequences(name: str, sources: object) -> Iterable[Branch]:
    """Return the sources of a join; GraphError where they are no list."""
    if isinstance(sources, str) or not isinstance(sources, Iterable):
        raise GraphError(f"graph {name!r}: the sources of a join must be a list, found {sources!r:.60}; write {_JOIN}")
    return sources


def _sequence(name: str, branch: Branch, usage: str) -> tuple[Task, ...]:
    return _tasks(name, branch if isinstance(branch, list | tuple) else (branch,), usage)


def _tasks(name: str, given: Iterable[object], usage: str) -> tuple[Task, ...]:
    """Return the tasks; GraphError for anything else, with how the shape is written."""
    tasks: list[Task] = []
    for each in given:
        if not isinstance(each, Task):
            raise GraphError(f"graph {name!r}: {each!r:.60} stands where a task must stand; write {usage}")
        tasks.append(each)
    return tuple(tasks)


def _sequence_edges(tasks: Sequence[Task]) -> tuple[tuple[str, str], ...]:
    return tuple((parent.id, child.id) for parent, child in pairwise(tasks))


def _addition(task_id: str, draw: random.Random) -> Task:
    left, right = draw.randrange(100, 1000), draw.randrange(100, 1000)
    return Task(
        id=task_id,
        type=TaskType.MATH,
        prompt=f"Task {task_id}: add {left} and {right}. Answer with the sum alone.",
        estimated_tokens=60,
        difficulty=1.0,
        expected=Number(value=left + right),
    )
