"""`greedy`: the best utility per task among the models that fit with what is already chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_swarm.domain.plan import Assignment, Origin, Plan
from pytest_swarm.errors import InfeasibleError
from pytest_swarm.routing.base import PlanningView, SetupFree
from pytest_swarm.routing.feasibility import can_cover, explain_infeasible, holder_rows
from pytest_swarm.routing.objective import load_price, utility
from pytest_swarm.routing.plan_builders import assign, infeasible_plan, rule_plan


class GreedyRouter(SetupFree):
    """Task by task in the order of the horizon; also completes what a planner leaves open."""

    name = "greedy"

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
    fewest loads, then the least VRAM, then the name. Models of the same weights are held and loaded as one.

    Args:
        view: The step to plan.
        fixed: Task to model, decided before.
    """
    worth = utility(view).T.tolist()
    prices = zip(view.fleet.tags, load_price(view).tolist(), strict=True)
    price = [0.0 if tag in view.resident else price for tag, price in prices]

    def best(chosen: ChosenModels, column: int) -> int | None:
        for row in chosen.rows:  # whose load is paid once
            price[row] = 0.0
        gain, holder = worth[column], chosen.holder
        options = chosen.options(column)
        return max(options, key=lambda i: (gain[i] - price[holder[i]], price[holder[i]] == 0), default=None)

    return task_by_task(view, best, fixed=fixed)


def task_by_task(
    view: PlanningView, choose: Callable[[ChosenModels, int], int | None], *, fixed: Mapping[str, str]
) -> list[int] | None:
    """Return the row of the model that each task is given in turn; None where a task finds none, or there is no task.

    Args:
        view: The step to plan.
        choose: Returns the row for the task of a column, one of the options beside what is chosen; None without any.
        fixed: Task to model, decided before.
    """
    if sum(model.vram_gb for model in view.pinned) > view.limit_gb:
        return None
    chosen = ChosenModels(view, fixed)
    rows: list[int] = []
    for column, task in enumerate(view.tasks):
        row = view.fleet.tags.index(fixed[task.id]) if task.id in fixed else choose(chosen, column)
        if row is None:
            return None
        chosen.take(row)
        rows.append(row)
    return rows or None


class ChosenModels:
    """The models chosen so far, while tasks are assigned one by one; each by the row that stands for its weights."""

    def __init__(self, view: PlanningView, fixed: Mapping[str, str]) -> None:
        models = view.fleet.models
        self._view = view
        self._allowed = view.estimates.allowed.T.tolist()
        self._restricted = not bool(view.estimates.allowed.all())
        self._vram_gb = [model.vram_gb for model in models]
        self.holder = holder_rows(view)
        self.rows: set[int] = set()
        self._free_gb = view.limit_gb
        self._pending = [m for m, task in enumerate(view.tasks) if task.id not in fixed]
        self._order = sorted(range(len(models)), key=lambda i: (self._vram_gb[i], models[i].tag))
        for row, model in enumerate(models):
            if model.keep or model.tag in fixed.values():
                self.take(row)

    def take(self, row: int) -> None:
        """Hold a model from now on."""
        row = self.holder[row]
        if row not in self.rows:
            self.rows.add(row)
            self._free_gb -= self._vram_gb[row]

    def options(self, column: int) -> list[int]:
        """Return the rows of the models that fit for a task and leave no later one without any: by VRAM, then name."""
        allowed, holder, rows = self._allowed[column], self.holder, self.rows
        vram_gb, free_gb = self._vram_gb, self._free_gb
        fitting = [i for i in self._order if allowed[i] and (holder[i] in rows or vram_gb[i] <= free_gb)]
        if not self._restricted:
            return fitting
        later = [m for m in self._pending if m > column]
        return [i for i in fitting if can_cover(self._view, later, frozenset(rows | {holder[i]}))]
