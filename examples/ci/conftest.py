"""A custom routing policy, checked by the gate: one model for the whole horizon."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_swarm import Assignment, Origin, Plan, PlanningView, PlanStatus, Router, RouterSetup

RouterFactory = Callable[[RouterSetup], Router]


class HouseRouter:
    """A router that gives all tasks to the model with the best total quality among those that fit the budget."""

    name = "house"

    async def route(self, view: PlanningView) -> Plan:
        """Return a plan with one model, resident throughout."""
        fitting = [n for n, model in enumerate(view.fleet) if model.vram_gb <= view.vram_budget_gb]
        best = max(fitting, key=lambda n: view.estimates.quality[n].sum())
        tag = view.fleet.tags[best]
        return Plan(
            assignments=tuple(Assignment(task=task.id, model=tag, origin=Origin.RULE) for task in view.tasks),
            residency=(frozenset({tag}),),
            status=PlanStatus.HEURISTIC,
        )


def pytest_swarm_routers() -> Mapping[str, RouterFactory]:
    """Return the mode `house`, for --swarm-compare."""
    return {"house": lambda _: HouseRouter()}
