"""`random`: a seeded draw among the models that fit, the reference that every policy must beat."""

from __future__ import annotations

import random
from typing import Self

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.feasibility import can_cover, holder_rows
from pytest_swarm.routing.plan_builders import infeasible_plan, rule_plan


class RandomRouter:
    """Task by task, uniformly among the models that fit with what is chosen and leave no later task without one."""

    name = "random"

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:  # noqa: ARG003  every router has it
        """Return the router; it needs nothing of the setup."""
        return cls()

    async def route(self, view: PlanningView) -> Plan:
        """Return the plan that seed, job and step determine."""
        generator = random.Random(f"{view.seed}|{view.job}|{view.step}")
        rows = random_rows(view, generator)
        return rule_plan(view, rows) if rows else infeasible_plan(view)


def random_rows(view: PlanningView, generator: random.Random) -> list[int] | None:
    """Return the row of the model drawn for each task; None where a task finds none.

    Args:
        view: The step to plan.
        generator: The source of every draw.
    """
    models = view.fleet.models
    allowed, holder = view.estimates.allowed, holder_rows(view)
    chosen = frozenset(holder[i] for i, model in enumerate(models) if model.keep)
    limit_gb = view.limit_gb
    rows: list[int] = []
    for column in range(len(view.tasks)):
        free_gb = limit_gb - sum(models[i].vram_gb for i in chosen)
        options = [
            i
            for i, model in enumerate(models)
            if allowed[i, column] and free_gb >= 0 and (holder[i] in chosen or model.vram_gb <= free_gb)
        ]
        if not allowed.all():
            later = list(range(column + 1, len(view.tasks)))
            options = [i for i in options if can_cover(view, later, chosen | {holder[i]})]
        if not options:
            return None
        row = generator.choice(options)
        chosen |= {holder[row]}
        rows.append(row)
    return rows or None
