"""`single:TAG` and `best-single`: one model for every task."""

from __future__ import annotations

from typing import Self

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView, RouterSetup, SetupFree
from pytest_swarm.routing.feasibility import context_advice
from pytest_swarm.routing.objective import load_price, utility
from pytest_swarm.routing.plan_builders import infeasible_plan, rule_plan
from pytest_swarm.routing.program import TIE
from pytest_swarm.units import format_gb_apart


class SingleRouter:
    """Always the same model; infeasible where it, with the pinned ones, is over budget or cannot take a task."""

    def __init__(self, *, tag: str) -> None:
        self.name = f"single:{tag}"
        self._tag = tag

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:
        """Return the router of the model that the mode's argument names."""
        assert setup.argument is not None, "the table of modes checks it"
        return cls(tag=setup.fleet[setup.argument].tag)

    async def route(self, view: PlanningView) -> Plan:
        """Return the only possible plan."""
        return _plan_with(view, self._tag) if view.tasks else infeasible_plan(view)


class BestSingleRouter(SetupFree):
    """One model per job: the feasible one with the largest sum_m U_im over the whole graph minus its load.

    It is chosen at the first step and kept. Ties go to the fewest loads, then the least VRAM, then the name.
    """

    name = "best-single"

    def __init__(self) -> None:
        self._kept: str | None = None

    async def route(self, view: PlanningView) -> Plan:
        """Return a plan with one model; infeasible where no single model can do every task within the budget."""
        if not view.tasks:
            return infeasible_plan(view)
        if view.step == 0 or self._kept not in view.fleet.tags:
            self._kept = None
            chosen = self._choose(view.whole())
            if isinstance(chosen, Plan):
                return chosen
            self._kept = chosen
        return _plan_with(view, self._kept)

    def _choose(self, view: PlanningView) -> str | Plan:
        """Return the model for every task of a view; an infeasible plan where there is none."""
        reasons = [_reason_against(view, row) for row in range(len(view.fleet))]
        rows = [row for row, reason in enumerate(reasons) if reason is None]
        if not rows:
            smallest = view.fleet.tags.index(view.fleet.smallest.tag)
            if all(model.vram_gb > view.vram_budget_gb for model in view.fleet):
                return infeasible_plan(view)
            return infeasible_plan(view, reason=f"no single model can do every task: {reasons[smallest]}")
        models = view.fleet.models
        loads = [model.tag not in view.resident and not model.keep for model in models]
        value = (utility(view).sum(axis=1) - load_price(view) * loads).tolist()
        best = max(value[row] for row in rows)
        tied = [row for row in rows if value[row] >= best - TIE]  # the rounding of a sum depends on the tasks' order
        return models[min(tied, key=lambda row: (loads[row], models[row].vram_gb, models[row].tag))].tag


def _plan_with(view: PlanningView, tag: str) -> Plan:
    """Return the plan with one model; infeasible, with the reason, where it cannot do every task."""
    row = view.fleet.tags.index(tag)
    reason = _reason_against(view, row)
    return infeasible_plan(view, reason=reason) if reason else rule_plan(view, [row] * len(view.tasks))


def _reason_against(view: PlanningView, row: int) -> str | None:
    """Return why a model cannot do every task of a horizon that is not empty within the budget, None where it can."""
    model = view.fleet.models[row]
    holder = view.fleet.holder(model.tag)
    needed_gb = sum(each.vram_gb for each in view.fleet.holders if each.keep or each.tag == holder)
    if needed_gb > view.limit_gb:
        beside = " with the pinned models" if any(each.keep for each in view.fleet) else ""
        needed, budget = format_gb_apart(needed_gb, view.vram_budget_gb)
        return (
            f"model {model.tag}{beside} needs {needed}, more than the VRAM budget of {budget}, for task "
            f"{view.tasks[0].id!r} (the smallest model is "
            f"{view.fleet.smallest.tag}); raise the budget or choose another model"
        )
    for column, task in enumerate(view.tasks):
        if not view.estimates.allowed[row, column]:
            if model.can_take(task):
                tokens = view.prompts.get(task.id, task.estimated_tokens)
                return (
                    f"model {model.tag} cannot take task {task.id!r}: its prompt has about {tokens} "
                    f"tokens, and num_ctx is {model.context_tokens}; {context_advice(model, tokens)}"
                )
            return (
                f"model {model.tag} cannot take task {task.id!r}: {task.estimated_tokens} tokens are more than its "
                f"context of {model.max_ctx}; choose another model"
            )
    return None
