"""`fixed`: a model per task type, as people route who have no router. Tasks run in the order in which they arrive."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_swarm.domain.model import Model
from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import InfeasibleError
from pytest_swarm.routing.base import PlanningView, SetupFree
from pytest_swarm.routing.feasibility import explain_alone
from pytest_swarm.routing.plan_builders import infeasible_plan
from pytest_swarm.routing.residency_queue import in_order_of_arrival, run_in_order
from pytest_swarm.units import format_gb_apart


class FixedRouter(SetupFree):
    """Tasks in the order in which they became ready; a model is loaded when its task comes, and the LRU makes room."""

    name = "fixed"

    async def route(self, view: PlanningView) -> Plan:
        """Return the plan with the model of each task; `infeasible` where a task has none."""
        try:
            models = fixed_models(view)
        except InfeasibleError as error:
            return infeasible_plan(view, reason=str(error))
        return self.plan(view, models)

    def plan(self, view: PlanningView, models: Mapping[str, str]) -> Plan:
        """Return the plan for the first tasks in the queue whose models fit together; the others wait.

        Args:
            view: The step to plan.
            models: Task to model, of the whole horizon.
        """
        return run_in_order(view, in_order_of_arrival(view), models)


def fixed_models(view: PlanningView) -> dict[str, str]:
    """Return the model of each task: what the fleet assigns to its type, else the best estimate of the type.

    The estimate is the one that the job began with: the fleet's prior, or what --swarm-estimates gives instead. What
    is learned later plays no part. The model is among those that fit the budget alone, beside the pinned ones, and
    whose context is long enough; of equals the one with the least VRAM, then by name.

    Args:
        view: The step to plan.

    Raises:
        InfeasibleError: A task has no model, or the one that is assigned to its type cannot run it.
    """
    reason = explain_alone(view)
    if reason is not None:
        raise InfeasibleError(reason)
    return {task.id: _model(view, column, task).tag for column, task in enumerate(view.tasks)}


def _model(view: PlanningView, column: int, task: Task) -> Model:
    models, start = view.fleet.models, view.estimates.start
    able = view.assignable[:, column].nonzero()[0].tolist()
    named = view.fleet.assigned(task.type)
    if named is not None:
        if named not in [models[row] for row in able]:
            raise InfeasibleError(_reason(view, task, named))
        return named

    def rank(row: int) -> tuple[float, float, str]:
        model = models[row]
        quality = model.capability(task.type) if start is None else float(start[row, column])
        return (-quality, model.vram_gb, model.tag)

    return models[min(able, key=rank)]


def _reason(view: PlanningView, task: Task, named: Model) -> str:
    given = f"[assign] of fleet {view.fleet.name!r} gives task {task.id!r} of type {task.type!r} to {named.tag}"
    if not view.fit_alone[view.fleet.tags.index(named.tag)]:
        smallest = view.fleet.smallest
        needed, budget = format_gb_apart(named.vram_gb, view.vram_budget_gb)
        return (
            f"{given}, which needs {needed}, more than the VRAM budget of {budget} leaves "
            f"(the smallest model is {smallest.tag}); assign another model, "
            "or raise the budget"
        )
    return f"{given}, whose context is too short for it; assign another model"
