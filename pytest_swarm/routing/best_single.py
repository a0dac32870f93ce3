"""`best-single`: the one model that does the whole horizon best, by the estimates."""

from __future__ import annotations

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import load_price, utility
from pytest_swarm.routing.plan_builders import infeasible_plan, rule_plan
from pytest_swarm.routing.single import reason_against


class BestSingleRouter:
    """The feasible model with the largest sum_m U_im minus its load; ties: fewest loads, least VRAM, name."""

    name = "best-single"

    async def route(self, view: PlanningView) -> Plan:
        """One model for all; infeasible where no single model can do every task within the budget."""
        if not view.tasks:
            return infeasible_plan(view)
        reasons = [reason_against(view, row) for row in range(len(view.fleet))]
        rows = [row for row, reason in enumerate(reasons) if reason is None]
        if not rows:
            smallest = view.fleet.tags.index(view.fleet.smallest.tag)
            sentence = f"no single model can do every task: {reasons[smallest]}"
            return infeasible_plan(view, reason=infeasible_plan(view).reason if _nothing_fits(view) else sentence)
        worth, price = utility(view).sum(axis=1), load_price(view)
        models = view.fleet.models

        def rank(row: int) -> tuple[float, bool, float, str]:
            loads = models[row].tag not in view.resident and not models[row].keep
            return (-(worth[row] - price[row] * loads), loads, models[row].vram_gb, models[row].tag)

        return rule_plan(view, [min(rows, key=rank)] * len(view.tasks))


def _nothing_fits(view: PlanningView) -> bool:
    return all(model.vram_gb > view.vram_budget_gb for model in view.fleet)
