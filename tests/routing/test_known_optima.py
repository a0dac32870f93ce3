"""Every router on the tiny instances whose optima are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.feasibility import ProblemKind, check
from pytest_swarm.routing.milp import cheap_optimum
from pytest_swarm.routing.objective import evaluate
from tests import instances
from tests.instances import (
    GEMMA,
    INSTANCES,
    MATH_ALONE,
    PHI,
    Instance,
    mode_names,
    random_view,
    scores_of,
    with_speeds,
)

EXACT = mode_names(exact=True)
ONE_MODEL = ("single", "best-single")
WITHIN_BUDGET = mode_names(keeps_budget=True, needs=("realised", "speeds"))
OVER_BUDGET = mode_names(keeps_budget=False)
FEASIBLE = [each for each in INSTANCES if each.milp is not None]


def route(mode: str, view: PlanningView) -> Plan:
    return instances.route(mode, with_speeds(view), realised=scores_of(view))


@pytest.mark.parametrize("instance", FEASIBLE, ids=str)
def test_lp_reports_the_optimum_of_the_relaxation(instance: Instance) -> None:
    plan = route("lp", instance.view)
    assert plan.objective == pytest.approx(instance.lp, abs=1e-9)
    assert plan.bound == plan.objective
    assert plan.solver == "HIGHS"


@pytest.mark.parametrize("instance", FEASIBLE, ids=str)
@pytest.mark.parametrize("mode", EXACT)
def test_exact_routers_find_the_optimum_and_say_so(mode: str, instance: Instance) -> None:
    plan = route(mode, instance.view)
    expected = pytest.approx(getattr(instance, mode), abs=1e-9)
    assert plan.objective == expected
    assert evaluate(plan, instance.view).value == expected
    assert (plan.status, plan.gap) == (PlanStatus.OPTIMAL, 0.0)


@pytest.mark.parametrize("instance", FEASIBLE, ids=str)
def test_ties_of_milp_go_to_fewest_loads_then_least_vram_then_name(instance: Instance) -> None:
    plan = route("milp", instance.view)
    assert tuple(plan.model_of[task.id] for task in instance.view.tasks) == instance.models


@pytest.mark.parametrize("instance", FEASIBLE, ids=str)
@pytest.mark.parametrize("mode", WITHIN_BUDGET)
def test_no_router_but_lp_plans_a_violation(mode: str, instance: Instance) -> None:
    plan = route(mode, instance.view)
    if plan.status is PlanStatus.INFEASIBLE:
        assert mode in ONE_MODEL
        return
    assert check(plan, instance.view) == ()
    if plan.deferred or mode == "oracle":  # a plan that defers swaps models, which one residency cannot
        return
    best = instance.staged if mode == "staged" else instance.milp
    assert best is not None
    assert evaluate(plan, instance.view).value <= best + 1e-9


@pytest.mark.parametrize("instance", [each for each in INSTANCES if each.milp is None], ids=str)
@pytest.mark.parametrize("mode", [*OVER_BUDGET, *WITHIN_BUDGET])
def test_no_plan_is_a_status_with_a_reason(mode: str, instance: Instance) -> None:
    plan = route(mode, instance.view)
    assert plan.status is PlanStatus.INFEASIBLE
    assert plan.assignments == ()
    assert plan.reason is not None
    for word in ("3GB", "m0", "t0"):
        assert word in plan.reason


def test_lp_leaks_where_its_residency_is_fractional() -> None:
    plan = route("lp", MATH_ALONE)
    assert plan.fractional
    assert dict(plan.fractional_residency) == {
        GEMMA: pytest.approx(0.4286, abs=1e-4),
        PHI: pytest.approx(0.5714, abs=1e-4),
    }
    assert [problem.kind for problem in check(plan, MATH_ALONE)] == [ProblemKind.OVER_BUDGET]
    assert evaluate(plan, MATH_ALONE).vram_gb == (12.5,)


def test_greedy_takes_the_best_of_each_task_alone() -> None:
    view = INSTANCES[0].view  # wb1: the first task alone prefers gemma2:2b, after which nothing else fits 8 GB
    assert set(route("greedy", view).model_of.values()) == {GEMMA}


@pytest.mark.parametrize("instance", INSTANCES, ids=str)
def test_the_optimum_is_known_beside_any_router(instance: Instance) -> None:
    expected = None if instance.milp is None else pytest.approx(instance.milp, abs=1e-9)
    assert cheap_optimum(instance.view) == expected


def test_an_optimum_that_takes_work_is_not_sought() -> None:
    assert cheap_optimum(replace(random_view(4, models=12, tasks=10), vram_budget_gb=200.0)) is None
