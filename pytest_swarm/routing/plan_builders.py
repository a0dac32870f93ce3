"""Turning row numbers into a Plan: the last step that every router of ours shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlanStatus
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.feasibility import explain_infeasible


def infeasible_plan(view: PlanningView, *, staged: bool = False, reason: str | None = None) -> Plan:
    """An empty plan with the sentence that says why there is none."""
    sentence = reason or explain_infeasible(view, staged=staged) or "the solver found no plan within the VRAM budget"
    return Plan(assignments=(), residency=(), status=PlanStatus.INFEASIBLE, reason=sentence)


def assign(view: PlanningView, rows: Sequence[int], origin: Origin) -> tuple[Assignment, ...]:
    """One assignment per task of the horizon; `rows[m]` is the row of the model of `tasks[m]`."""
    tags = view.fleet.tags
    return tuple(
        Assignment(task=task.id, model=tags[i], origin=origin) for task, i in zip(view.tasks, rows, strict=True)
    )


def held_throughout(view: PlanningView, models: Iterable[str]) -> tuple[frozenset[str], ...]:
    """The residency of a plan that holds `models` and the pinned ones during the whole horizon."""
    return (frozenset(models) | {model.tag for model in view.fleet if model.keep},)


def rule_plan(view: PlanningView, rows: Sequence[int]) -> Plan:
    """The plan of a rule: it holds the models that it assigns, and knows no bound."""
    assignments = assign(view, rows, Origin.RULE)
    residency = held_throughout(view, (each.model for each in assignments))
    return Plan(assignments=assignments, residency=residency, status=PlanStatus.HEURISTIC)
