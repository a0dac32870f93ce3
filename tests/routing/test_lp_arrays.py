"""`lp` without CVXPY: the same arrays, the same plans, ties included."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.lp import LpRouter, formulate
from pytest_swarm.routing.lp_arrays import DirectLpRouter, lp_arrays
from pytest_swarm.routing.lp_rounding import SIMPLEX, SOLVERS
from tests.instances import INSTANCES, matrix_view, random_view

MODE, DIRECT = LpRouter(), DirectLpRouter()


@pytest.mark.parametrize("shape", [(4, 1), (4, 3), (2, 5), (1, 1)], ids=str)
def test_highs_is_given_what_cvxpy_gives_it(shape: tuple[int, int]) -> None:
    models, tasks = shape
    draw = np.random.default_rng(models * 10 + tasks)
    allowed = (draw.random(shape) < 0.8).astype(float)
    keep = (draw.random(models) < 0.3).astype(float)
    vram_gb, worth = draw.uniform(1, 12, models), draw.normal(size=shape)
    program = formulate(allowed, keep)
    program.worth.value, program.load.value = worth.ravel(), draw.random(models)
    program.vram_gb.value, program.budget_gb.value = vram_gb, 8.0
    given = program.problem.get_problem_data(cp.HIGHS)[0]
    ours = lp_arrays(allowed, keep, vram_gb, 8.0)
    matrix = given["A"].tocsc()
    assert ours.start.tolist() == matrix.indptr.tolist()
    assert ours.index.tolist() == matrix.indices.tolist()
    assert ours.value.tolist() == matrix.data.tolist()
    assert ours.row_high.tolist() == given["b"].tolist()
    assert (ours.row_low[:tasks] == 1).all()
    assert np.isneginf(ours.row_low[tasks:]).all()
    assert ours.lower.tolist() == given["lower_bounds"].tolist()
    assert ours.upper.tolist() == given["upper_bounds"].tolist()
    cost = [*(-worth.T.ravel()), *program.load.value]
    assert np.array(cost) == pytest.approx(given["c"])


def same(view: PlanningView) -> Plan:
    """Return the plan of the mode, which is that of the arrays."""
    expected, plan = asyncio.run(MODE.route(view)), asyncio.run(DIRECT.route(view))
    if plan.objective is not None:  # the sums differ in the last digit
        assert plan.objective == pytest.approx(expected.objective, rel=1e-12)
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
    assert {plan.solver for plan in plans} == {SIMPLEX, SOLVERS[0], None}, "with the solver and without"


def test_equal_models_are_drawn_as_the_mode_draws_them() -> None:
    for seed in range(10):
        view = random_view(seed, models=4, tasks=3)
        table = view.estimates
        tied = replace(table, quality=np.round(table.quality), token_cost=np.zeros_like(table.token_cost))
        same(replace(view, estimates=tied))


def test_equal_programs_with_ties_are_solved_once() -> None:
    view = matrix_view([[0.5], [0.5]], vram_gb=[4, 2], budget_gb=8)
    router = DirectLpRouter()
    first, again = router.relax(view), router.relax(replace(view, step=1))
    assert first is again
    other, expected = (each.relax(replace(view, vram_budget_gb=3)) for each in (router, MODE))
    assert other is not None
    assert expected is not None
    assert other is not first
    assert other.shares == pytest.approx(expected.shares)
