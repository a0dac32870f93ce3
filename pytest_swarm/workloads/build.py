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


def chain(name: str, *tasks: Task) -> TaskGraph:
    """Return a graph in which each task follows the one before it: s0 -> s1 -> s2.

    Args:
        name: Name of the graph.
        tasks: The tasks, in order.

    Raises:
        GraphError: Where TaskGraph refuses the tasks.
    """
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
    tasks = [source]
    edges: list[tuple[str, str]] = []
    for branch in map(_sequence, branches):
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
    for source in map(_sequence, sources):
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


def _sequence(branch: Branch) -> tuple[Task, ...]:
    return (branch,) if isinstance(branch, Task) else tuple(branch)


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
