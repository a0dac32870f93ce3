"""From the state of a job to what a router may see."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import CaseKey
from pytest_swarm.domain.seeding import stable_int
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.routing.base import PlanningView, Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where a job stands when a step is planned."""

    step: int
    graph: TaskGraph
    finished: frozenset[str]
    resident: frozenset[str]


def build_view(moment: Moment, key: CaseKey, *, estimator: Estimator, weights: Weights, seed: int) -> PlanningView:
    """The view of one step. A flat horizon is the ready tasks of a graph without edges: all that is unfinished."""
    graph, depth = moment.graph, 0 if key.horizon == "flat" else key.horizon
    horizon = graph.horizon(moment.finished, depth)
    tasks = tuple(graph.task(task_id) for task_id in horizon)
    stages = graph.stages(horizon)
    inside = frozenset(horizon)
    return PlanningView(
        job=graph.name,
        step=moment.step,
        tasks=tasks,
        ready=tuple(task_id for task_id in horizon if stages[task_id] == 0),
        stages=tuple(stages[task_id] for task_id in horizon),
        edges=tuple((parent, child) for child in horizon for parent in graph.parents(child) if parent in inside),
        horizon_depth=key.horizon,
        fleet=estimator.fleet,
        resident=moment.resident,
        vram_budget_gb=key.vram_budget_gb,
        estimates=estimator.table(tasks),
        weights=weights,
        seed=stable_int("view", seed, key.repeat, graph.name, moment.step),
    )
