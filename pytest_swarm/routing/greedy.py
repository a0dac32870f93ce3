"""`greedy`: the best utility per task among the models that fit with what is already chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pytest_swarm.domain.plan import Assignment, Origin, Plan
from pytest_swarm.errors import InfeasibleError
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.feasibility import can_cover, explain_infeasible, holder_rows
from pytest_swarm.routing.objective import load_price, utility
from pytest_swarm.routing.plan_builders import assign, infeasible_plan, rule_plan


class GreedyRouter:
    """Task by task in the order of the horizon; also completes what a planner leaves open."""

    name = "greedy"

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:  # noqa: ARG003  every router has it
        """Return the router; it needs nothing of the setup."""
        return cls()

    async def route(self, view: PlanningView) -> Plan:
        """Return a feasible plan wherever one exists that holds one residency over the horizon."""
        rows = greedy_rows(view, {})
        return rule_plan(view, rows) if rows else infeasible_plan(view)


def fill_in(view: PlanningView, fixed: Mapping[str, str]) -> tuple[Assignment, ...]:
    """Return an assignment, with origin `fill-in`, for each task of the horizon that is not fixed.

    Args:
        view: The step to plan.
        fixed: Task to model. These models count as chosen, even if they are over budget already.

    Raises:
        InfeasibleError: A task finds no model.
    """
    rows = greedy_rows(view, fixed)
    if rows is None:
        reason = explain_infeasible(view) or "the models chosen so far leave no room for the remaining tasks"
        raise InfeasibleError(reason)
    return tuple(each for each in assign(view, rows, Origin.FILL_IN) if each.task not in fixed)


def greedy_rows(view: PlanningView, fixed: Mapping[str, str]) -> list[int] | None:
    """Return the row of the model of each task; None where a task finds none, or there is no task.

    Each task takes the largest U_im minus the load of i if i is neither resident nor chosen before. Ties go to the
    fewest loads, then the least VRAM, then the name. A model that would leave a later task without any is not taken.
    Models of the same weights are held and loaded as one.

    Args:
        view: The step to plan.
        fixed: Task to model, decided before.
    """
    if sum(model.vram_gb for model in view.pinned) > view.limit_gb:
        return None
    choice = _Choice(view, fixed)
    rows: list[int] = []
    for column, task in enumerate(view.tasks):
        row = choice.row[fixed[task.id]] if task.id in fixed else choice.best(column)
        if row is None:
            return None
        choice.take(row)
        rows.append(row)
    return rows or None


class _Choice:
    """The models chosen so far, while tasks are assigned one by one; each by the row that stands for its weights."""

    def __init__(self, view: PlanningView, fixed: Mapping[str, str]) -> None:
        models = view.fleet.models
        self.row = {model.tag: i for i, model in enumerate(models)}
        self._view = view
        self._worth = utility(view).T.tolist()
        self._allowed = view.estimates.allowed.T.tolist()
        self._restricted = not bool(view.estimates.allowed.all())
        self._price = [
            0.0 if tag in view.resident else price
            for tag, price in zip(view.fleet.tags, load_price(view).tolist(), strict=True)
        ]
        self._vram_gb = [model.vram_gb for model in models]
        self._holder = holder_rows(view)
        self._chosen: set[int] = set()
        self._free_gb = view.limit_gb
        self._pending = [m for m, task in enumerate(view.tasks) if task.id not in fixed]
        self._order = sorted(range(len(models)), key=lambda i: (self._vram_gb[i], models[i].tag))
        for model in models:
            if model.keep or model.tag in fixed.values():
                self.take(self.row[model.tag])

    def take(self, row: int) -> None:
        """Hold a model from now on; its load is paid once."""
        row = self._holder[row]
        if row not in self._chosen:
            self._chosen.add(row)
            self._free_gb -= self._vram_gb[row]
            self._price[row] = 0.0

    def best(self, column: int) -> int | None:
        """Return the row of the best model that fits for a task; None where no model does."""
        worth, allowed, holder = self._worth[column], self._allowed[column], self._holder
        options = [
            i
            for i in self._order
            if allowed[i] and (holder[i] in self._chosen or 0 <= self._vram_gb[i] <= self._free_gb)
        ]
        if self._restricted:
            later = [m for m in self._pending if m > column]
            options = [i for i in options if can_cover(self._view, later, frozenset(self._chosen | {holder[i]}))]
        price = self._price
        return max(options, key=lambda i: (worth[i] - price[holder[i]], price[holder[i]] == 0), default=None)
