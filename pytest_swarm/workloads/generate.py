"""Generated graphs of any size for measuring the engine: layers of small sums, each of which can be checked."""

from __future__ import annotations

import random
from typing import Final

from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError

PARENTS_PER_TASK: Final = 2


def layered(name: str, layers: int, width: int, seed: int) -> TaskGraph:
    """`layers` layers of `width` additions; each task waits for up to two of the layer before. Same seed, same graph.

    The prompts are unique within the graph. Raises GraphError for sizes below 1.
    """
    if layers < 1 or width < 1:
        raise GraphError(f"graph {name!r}: a layered graph needs at least 1 layer and width 1")
    draw = random.Random(f"layered|{seed}")
    tasks: list[Task] = []
    edges: list[tuple[str, str]] = []
    for layer in range(layers):
        for place in range(width):
            task = _addition(f"l{layer:03}t{place:02}", draw)
            tasks.append(task)
            if layer:
                before = [f"l{layer - 1:03}t{each:02}" for each in range(width)]
                edges += [(parent, task.id) for parent in sorted(draw.sample(before, min(PARENTS_PER_TASK, width)))]
    return TaskGraph(name=name, tasks=tuple(tasks), edges=tuple(edges))


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
