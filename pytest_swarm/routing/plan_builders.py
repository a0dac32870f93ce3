"""Builders of plans from row numbers, shared by the routers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlanStatus
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.feasibility import explain_infeasible

_ASSIGNMENTS: Final = 1024  # that are shared; a workflow of 20 tasks on four models has 80


def infeasible_plan(view: PlanningView, *, staged: bool = False, reason: str | None = None) -> Plan:
    """Return an empty plan with the sentence that says why there is none.

    Args:
        view: The step to plan.
        staged: Whether each stage could have had its own residency.
        reason: The sentence; by default it is found from the view.
    """
    sentence = reason or explain_infeasible(view, staged=staged) or "the solver found no plan within the VRAM budget"
    return Plan(assignments=(), residency=(), status=PlanStatus.INFEASIBLE, reason=sentence)


def assign(view: PlanningView, rows: Sequence[int], origin: Origin) -> tuple[Assignment, ...]:
    """Return one assignment per task of the horizon.

    Args:
        view: The step to plan.
        rows: The row of each task's model, in the order of `view.tasks`.
        origin: Who chose them.

    Raises:
        ValueError: There are more or fewer rows than tasks.
    """
    tags = view.fleet.tags
    if len(rows) != len(view.tasks):
        raise ValueError(f"a plan for {len(view.tasks)} tasks got {len(rows)} rows; give each the row of its model")
    return tuple([assignment(task.id, tags[i], origin) for task, i in zip(view.tasks, rows, strict=True)])


@lru_cache(maxsize=_ASSIGNMENTS)
def assignment(task: str, model: str, origin: Origin) -> Assignment:
    """Return the value that gives a task a model; plans of a job share those that they have in common.

    Args:
        task: The task.
        model: Its model.
        origin: Who chose it.
    """
    return Assignment(task=task, model=model, origin=origin)


def held_throughout(view: PlanningView, models: Iterable[str]) -> tuple[frozenset[str], ...]:
    """Return the residency of a plan that holds some models, and the pinned ones, during the whole horizon.

    Of models of the same weights, the one that stands for them is held.

    Args:
        view: The step to plan.
        models: Tags of the models.
    """
    return (view.fleet.held(models) | {model.tag for model in view.pinned},)


def rule_plan(view: PlanningView, rows: Sequence[int]) -> Plan:
    """Return the plan of a rule: it holds the models that it assigns, and has no bound.

    Args:
        view: The step to plan.
        rows: The row of each task's model, in the order of `view.tasks`.
    """
    assignments = assign(view, rows, Origin.RULE)
    residency = held_throughout(view, (each.model for each in assignments))
    return Plan(assignments=assignments, residency=residency, status=PlanStatus.HEURISTIC)
