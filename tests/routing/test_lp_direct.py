"""`lp` without CVXPY: the plans of the mode, ties included."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.lp_direct import DirectLpRouter
from pytest_swarm.routing.lp_rounding import SIMPLEX, SOLVERS
from tests.instances import INSTANCES, matrix_view, random_view, tied

MODE, DIRECT = LpRouter(), DirectLpRouter()


def same(view: PlanningView) -> Plan:
    """Return the plan of the router, which is that of the mode."""
    expected, plan = asyncio.run(MODE.route(view)), asyncio.run(DIRECT.route(view))
    if plan.objective is not None:  # HiGHS's sums differ in the last digits
        assert plan.objective == pytest.approx(expected.objective, abs=1e-7)
    own = {"objective": None, "bound": None, "gap": None, "solve_ms": 0.0, "solver": None}
    assert replace(plan, **own) == replace(expected, **own)
    return plan


@pytest.mark.parametrize("instance", INSTANCES, ids=str)
def test_the_plan_of_an_instance_is_that_of_the_mode(instance) -> None:
    same(instance.view)


def test_random_steps_have_the_plans_of_the_mode() -> None:
    plans = [same(random_view(seed, models=4, tasks=1 + seed % 4)) for seed in range(60)]
    assert any(plan.fractional for plan in plans)
    assert any(plan.status is PlanStatus.INFEASIBLE for plan in plans)
    assert {plan.solver for plan in plans} == {SIMPLEX, None}


def test_steps_with_ties_have_the_plans_of_the_mode() -> None:
    for seed in range(30):
        same(tied(random_view(seed, models=5, tasks=3)))


def test_a_large_step_has_the_plan_of_the_mode_also_where_threads_share_the_router() -> None:
    views = [tied(replace(random_view(seed, models=8, tasks=50), vram_budget_gb=64.0)) for seed in range(8)]
    alone = [same(view) for view in views]
    assert {plan.solver for plan in alone} == {SOLVERS[0]}
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda view: asyncio.run(DIRECT.route(view)), views))
    assert [replace(plan, solve_ms=0) for plan in together] == [replace(plan, solve_ms=0) for plan in alone]


def test_the_mode_takes_the_optimum_of_the_rule_whatever_its_solver_returned() -> None:
    view = matrix_view([[0.5]] * 3, vram_gb=[4, 3, 2], budget_gb=8)
    for turned in range(3):
        order = np.roll(np.arange(3), turned)
        plan = same(matrix_view([[0.5]] * 3, vram_gb=[view.fleet.models[i].vram_gb for i in order], budget_gb=8))
        (each,) = plan.assignments
        assert each.model == f"m{order.tolist().index(2)}"
