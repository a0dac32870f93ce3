"""`single:TAG`: one model for every task."""

from __future__ import annotations

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.plan_builders import infeasible_plan, rule_plan
from pytest_swarm.units import format_gb


class SingleRouter:
    """Always the same model; infeasible where it, beside the pinned ones, is over budget or cannot take a task."""

    def __init__(self, *, tag: str) -> None:
        self.name = f"single:{tag}"
        self._tag = tag

    async def route(self, view: PlanningView) -> Plan:
        """The one plan there is."""
        reason = reason_against(view, view.fleet.tags.index(self._tag)) if view.tasks else None
        if reason or not view.tasks:
            return infeasible_plan(view, reason=reason)
        return rule_plan(view, [view.fleet.tags.index(self._tag)] * len(view.tasks))


def reason_against(view: PlanningView, row: int) -> str | None:
    """Why a model cannot do every task of the horizon within the budget; None where it can."""
    model = view.fleet.models[row]
    needed_gb = sum(each.vram_gb for each in view.fleet if each.keep or each is model)
    if needed_gb > view.vram_budget_gb + BUDGET_TOLERANCE_GB:
        beside = " with the pinned models" if any(each.keep for each in view.fleet) else ""
        return (
            f"model {model.tag}{beside} needs {format_gb(needed_gb)}, more than the VRAM budget of "
            f"{format_gb(view.vram_budget_gb)}, for task {view.tasks[0].id!r} (the smallest model is "
            f"{view.fleet.smallest.tag}); raise the budget or choose another model"
        )
    for column, task in enumerate(view.tasks):
        if not view.estimates.allowed[row, column]:
            return (
                f"model {model.tag} cannot take task {task.id!r}: {task.estimated_tokens} tokens are more than its "
                f"context of {model.max_ctx}; choose another model"
            )
    return None
