"""lp: the published relaxation, its leak on record, its fallback solver on record, no limit of size."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.routing import lp
from pytest_swarm.routing.base import PlanningView, RouterSetup, RoutingError
from pytest_swarm.routing.feasibility import ProblemKind, check
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.lp_simplex import LpOptimum
from pytest_swarm.routing.objective import evaluate
from tests.instances import HEAVY, INSTANCES, MATH_ALONE, WB1, matrix_view, random_view, view_of
from tests.tries import tries


def route(router: LpRouter, view: PlanningView) -> Plan:
    return asyncio.run(router.route(view))


@pytest.mark.filterwarnings("default")  # SCS says itself that it is not exact
@pytest.mark.parametrize("instance", INSTANCES[:5], ids=str)
def test_the_fallback_solver_finds_the_same_and_is_recorded(instance) -> None:
    plan = route(LpRouter(solvers=("NO_SUCH_SOLVER", "SCS")), instance.view)
    assert plan.solver == "SCS"
    assert (plan.status, plan.bound, plan.gap) == (PlanStatus.FEASIBLE, None, None)  # its optimum is approximate
    assert plan.objective == pytest.approx(instance.lp, abs=1e-3)


def test_without_any_solver_the_error_names_them() -> None:
    with pytest.raises(RoutingError, match=r"NO_SUCH_SOLVER.*NEITHER"):
        route(LpRouter(solvers=("NO_SUCH_SOLVER", "NEITHER")), view_of(WB1))


def test_the_time_of_the_solver_is_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvxpy.Problem.solver_stats", SimpleNamespace(solve_time=0.0025))  # in seconds
    relaxed = LpRouter().relax(view_of(WB1))
    assert relaxed is not None
    assert relaxed.solve_ms == pytest.approx(2.5)


def test_more_than_32_tasks() -> None:
    view = replace(random_view(4, models=6, tasks=100), vram_budget_gb=48.0)
    plan = route(LpRouter(), view)
    assert len(plan.assignments) == 100
    assert all(problem.kind is ProblemKind.OVER_BUDGET for problem in check(plan, view))


def test_a_shape_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    formulate = lp.formulate
    monkeypatch.setattr(lp, "formulate", lambda *args: compiled.append(args) or formulate(*args))
    router = LpRouter()
    for budget_gb in (8.0, 24.0):
        route(router, view_of(WB1, budget_gb=budget_gb))
        route(router, view_of(WB1, budget_gb=budget_gb, resident=("gemma2:2b",)))
    assert len(compiled) == 1
    route(router, view_of(WB1, depth=0))
    assert len(compiled) == 2


def test_what_a_first_program_prepares_is_prepared_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = RouterSetup(fleet=HEAVY)
    LpRouter.from_setup(setup)
    monkeypatch.setattr(lp, "formulate", lambda *_: pytest.fail("a program was compiled again"))
    LpRouter.from_setup(setup)


def test_few_programs_stay_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []

    def formulate(allowed: Matrix, keep: Matrix) -> lp.Relaxation:
        compiled.append(allowed.shape[1])
        return original(allowed, keep)

    original = lp.formulate
    monkeypatch.setattr(lp, "_COMPILED", 2)
    monkeypatch.setattr(lp, "formulate", formulate)
    router = LpRouter()
    for tasks in (1, 2, 1, 3, 1, 2):  # 3 takes the place of 2, which was used longest ago
        view = random_view(1, models=2, tasks=tasks)
        assert len(route(router, replace(view, vram_budget_gb=48.0)).assignments) == tasks
    assert compiled == [1, 2, 3, 2]


@pytest.mark.thorough
def test_the_gap_is_what_rounding_lost() -> None:
    lost = 0
    for seed in range(tries(120)):
        view = random_view(seed, models=4, tasks=6)
        plan = route(LpRouter(), view)
        if plan.status is PlanStatus.INFEASIBLE:
            continue
        value = evaluate(plan, view).value
        assert plan.bound == plan.objective
        assert plan.gap == pytest.approx(max(0.0, (plan.bound - value) / max(1.0, abs(value))), abs=1e-9)
        assert bool(plan.fractional_residency) == plan.fractional
        lost += plan.gap > 1e-6
    assert lost > 0


def test_a_whole_relaxation_is_not_called_fractional() -> None:
    plan = route(LpRouter(), view_of(WB1))
    assert (plan.fractional, dict(plan.fractional_residency)) == (False, {})
    assert route(LpRouter(), MATH_ALONE).fractional


def test_new_figures_need_no_new_compilation() -> None:
    assert lp.formulate(np.ones((2, 3)), np.zeros(2)).problem.is_dpp()


@pytest.mark.parametrize(
    ("tasks", "off", "taken"),
    [(1, 0.0, True), (1, 9e-7, True), (1, 1.1e-6, False), (1, -1.1e-6, False), (3, 2.9e-6, True), (3, 3.1e-6, False)],
)
def test_an_optimum_of_the_rule_is_taken_only_where_it_has_the_value_of_the_solver(
    tasks: int,
    off: float,
    taken: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = np.array([[0.0] * tasks, [1.0] * tasks])
    monkeypatch.setattr(lp, "lp_optimum", lambda _: LpOptimum(other, 0.9 * tasks + off))
    relaxed = LpRouter().relax(matrix_view([[0.9] * tasks, [0.5] * tasks], vram_gb=[4, 2], budget_gb=8))
    assert relaxed is not None
    assert (relaxed.shares.tolist() == other.tolist()) is taken
