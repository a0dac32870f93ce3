"""`collate`: the models of `fixed`, with the tasks of one model together: AABBCC in place of ABCABC."""

from __future__ import annotations

from typing import Self

from pytest_swarm.domain.plan import Plan
from pytest_swarm.errors import InfeasibleError
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.fixed import fixed_models
from pytest_swarm.routing.plan_builders import infeasible_plan
from pytest_swarm.routing.residency_queue import LruResidency, deferring_plan, in_order_of_arrival


class CollateRouter:
    """First the ready tasks of resident models, then those of the model with the most ready tasks.

    Further models are loaded in the same step where nothing must be evicted for them. The least recently used makes
    room for the first one.
    """

    name = "collate"

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:  # noqa: ARG003  every router has it
        """Return the router; the fleet of each step has its table."""
        return cls()

    async def route(self, view: PlanningView) -> Plan:
        """Return the plan that runs the tasks of these models now; the others wait."""
        try:
            models = fixed_models(view)
        except InfeasibleError as error:
            return infeasible_plan(view, reason=str(error))
        waiting: dict[str, list[str]] = {}
        for task in in_order_of_arrival(view):
            waiting.setdefault(models[task.id], []).append(task.id)
        by_size = sorted(waiting, key=lambda tag: -len(waiting[tag]))  # stable: of equals, the first to arrive
        order = sorted(by_size, key=lambda tag: tag not in view.resident)
        residency = LruResidency(view)
        run: set[str] = set()
        for tag in order:
            if residency.hold(tag, evict=not run):
                run.update(waiting[tag])
        return deferring_plan(view, models, run=run, residency=residency.tags)
