"""Models of the same weights as one: the view that an exact program solves, and its plan told in the models' own names.

The server holds weights once, so residency is by weights, and only the choice for a task is by model. Of a group, each
task takes the best member that may take it, whatever else is chosen. So a program over one model per group, whose worth
for a task is that of its best member, has the same optimum (docs/routing.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan
from pytest_swarm.estimate.estimate_table import EstimateTable
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import utility


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupedView:
    """The view with one model per group, named after the one that stands for it; `members` says whom it stands for.

    `members[task, holder]` is the model that a task gets where its group is chosen.
    """

    view: PlanningView
    members: dict[tuple[str, str], str]

    def in_own_names(self, plan: Plan) -> Plan:
        """Return a plan of the grouped view with each task on the best member of its group."""
        if not self.members:
            return plan
        assignments = tuple(
            replace(each, model=self.members.get((each.task, each.model), each.model)) for each in plan.assignments
        )
        return replace(plan, assignments=assignments)


def grouped(view: PlanningView) -> GroupedView:
    """Return the view of a step with models of the same weights as one; the view itself where there are none."""
    fleet = view.fleet
    if not fleet.sharers:
        return GroupedView(view=view, members={})
    worth = np.where(view.estimates.allowed, utility(view), -np.inf)
    by_name = sorted(fleet.tags)
    groups = [[fleet.row[tag] for tag in by_name if fleet.holder(tag) == model.tag] for model in fleet.holders]
    best = np.array([np.array(group)[worth[group].argmax(axis=0)] for group in groups])  # (G, M); ties: the name
    table, column = view.estimates, np.arange(len(view.tasks))
    own = Fleet(name=fleet.name, models=fleet.holders)
    members = {
        (task.id, holder): fleet.tags[best[g, m]]
        for g, holder in enumerate(own.tags)
        for m, task in enumerate(view.tasks)
    }
    rows = np.array([fleet.row[tag] for tag in own.tags])
    estimates = EstimateTable(
        models=own.tags,
        tasks=table.tasks,
        quality=table.quality[best, column],
        token_cost=table.token_cost[best, column],
        latency=lambda: table.latency_s[best, column],
        allowed=table.allowed[best, column],
        load_cost=table.load_cost[rows],
        start=None if table.start is None else table.start[best, column],
    )
    held = fleet.held(view.resident)
    running = tuple(replace(each, model=fleet.holder(each.model)) for each in view.running)
    own_view = replace(view, fleet=own, estimates=estimates, resident=held, running=running, whole_graph=None)
    return GroupedView(view=own_view, members=members)
