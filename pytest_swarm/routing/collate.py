"""`collate`: the models of `fixed`, with the tasks of one model together: AABBCC in place of ABCABC."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.fixed import FixedRouter
from pytest_swarm.routing.residency_queue import LruResidency, deferring_plan, in_order_of_arrival


class CollateRouter(FixedRouter):
    """First the ready tasks of resident models, then those of the model with the most ready tasks.

    Models of the same weights count as one.

    Further models are loaded in the same step where nothing must be evicted for them. The least recently used makes
    room for the first one.
    """

    name = "collate"

    def plan(self, view: PlanningView, models: Mapping[str, str]) -> Plan:
        """Return the plan that runs the tasks of these models now; the others wait.

        Args:
            view: The step to plan.
            models: Task to model, of the whole horizon.
        """
        waiting: dict[str, list[str]] = {}
        for task in in_order_of_arrival(view):
            waiting.setdefault(view.fleet.holder(models[task.id]), []).append(task.id)
        by_size = sorted(waiting, key=lambda tag: -len(waiting[tag]))  # stable: of equals, the first to arrive
        order = sorted(by_size, key=lambda tag: tag not in view.resident)
        residency = LruResidency(view)
        run: set[str] = set()
        for tag in order:
            if residency.hold(tag, evict=not run):
                run.update(waiting[tag])
        return deferring_plan(view, models, run=run, residency=residency.tags)
