"""`random`: a seeded draw among the models that fit, the reference that every policy must beat."""

from __future__ import annotations

import random

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView, SetupFree
from pytest_swarm.routing.greedy import ChosenModels, task_by_task
from pytest_swarm.routing.plan_builders import infeasible_plan, rule_plan


class RandomRouter(SetupFree):
    """Task by task, uniformly among the models that fit with what is chosen and leave no later task without one."""

    name = "random"

    async def route(self, view: PlanningView) -> Plan:
        """Return the plan that seed, job and step determine."""
        generator = random.Random(f"{view.seed}|{view.job}|{view.step}".encode("utf-8", "surrogatepass"))

        def draw(chosen: ChosenModels, column: int) -> int | None:
            options = sorted(chosen.options(column))
            return generator.choice(options) if options else None

        rows = task_by_task(view, draw, fixed={})
        return rule_plan(view, rows) if rows else infeasible_plan(view)
