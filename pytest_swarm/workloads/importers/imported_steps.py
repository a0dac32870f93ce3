"""A foreign graph of steps with costs, as WfFormat and DAGBench have it, and the one way from it to a TaskGraph."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.rules import sizes_from_costs, type_from_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedStep:
    """One step: `id` is unique, `name` says what it does, `cost` in any unit, 0 where it is not known."""

    id: str
    name: str
    cost: float = 0.0


def graph_of_steps(
    name: str, steps: tuple[ImportedStep, ...], edges: tuple[tuple[str, str], ...], where: str
) -> TaskGraph:
    """The task graph of the steps, sized by their costs; GraphError with `where` in front for what is no DAG."""
    sizes = sizes_from_costs(step.cost for step in steps)
    try:
        tasks = tuple(
            Task(
                id=step.id,
                type=type_from_text(step.name),
                prompt=_prompt(name, step),
                estimated_tokens=tokens,
                difficulty=difficulty,
            )
            for step, (tokens, difficulty) in zip(steps, sizes, strict=True)
        )
        return TaskGraph(name=name, tasks=tasks, edges=tuple(dict.fromkeys(edges)))
    except GraphError as error:
        raise GraphError(f"{where}: {error}") from error


def _prompt(name: str, step: ImportedStep) -> str:
    called = step.id if step.name == step.id else f"{step.id} ({step.name})"
    return (
        f"You carry out step {called} of the workflow {name}. Say in at most three sentences what this step "
        "does with the results of the steps before it, and what it hands on."
    )
