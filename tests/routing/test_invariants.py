"""What holds on every step, whatever its figures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.routing.base import PlanningView, Router, RouterSetup
from pytest_swarm.routing.branch_and_bound import branch_and_bound
from pytest_swarm.routing.feasibility import check, explain_infeasible, structural_problems
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.milp import MilpRouter
from pytest_swarm.routing.mode_table import ModeTable
from pytest_swarm.routing.objective import evaluate
from pytest_swarm.routing.program import choose_rows, needed, program_of, value_of
from tests.instances import mode_for, mode_names, random_view, scores_of, tied, with_speeds
from tests.tries import tries

VIEWS = st.integers(0, 10**6).map(lambda seed: random_view(seed, tasks=1 + seed % 8))
SEEN = settings(max_examples=tries(60), deadline=None)
KEEP_THE_BUDGET = mode_names(keeps_budget=True, needs=("realised", "speeds"))
STEPS = tries(1_000)  # benchmarks/performance/random_steps.py takes ten thousand
_LP = LpRouter()  # compiled programs are worth keeping between examples


def router_of(mode: str, view: PlanningView) -> Router:
    setup = RouterSetup(fleet=view.fleet, realised=scores_of(view), concurrency=2)
    return ModeTable({}).make(mode_for(mode, view.fleet), setup)


def route(mode: str, view: PlanningView) -> Plan:
    view = with_speeds(view)
    return asyncio.run(router_of(mode, view).route(view))


@SEEN
@given(VIEWS)
def test_relaxation_milp_and_greedy_stand_in_that_order(view: PlanningView) -> None:
    relaxed, exact, greedy = asyncio.run(_LP.route(view)), route("milp", view), route("greedy", view)
    if exact.status is PlanStatus.INFEASIBLE:
        assert greedy.status is PlanStatus.INFEASIBLE
        return
    best = evaluate(exact, view).value
    assert relaxed.bound is not None
    assert relaxed.bound >= best - 1e-6
    assert evaluate(greedy, view).value <= best + 1e-9


@pytest.mark.parametrize("mode", KEEP_THE_BUDGET)
def test_no_mode_but_lp_plans_a_violation_in_many_random_steps(mode: str) -> None:
    async def violations() -> list[int]:
        return [seed for seed in range(STEPS) if not await fine(random_view(seed, tasks=1 + seed % 8))]

    async def fine(view: PlanningView) -> bool:
        view = with_speeds(view)
        plan = await router_of(mode, view).route(view)
        if plan.status is PlanStatus.INFEASIBLE:
            return bool(plan.reason)
        return check(plan, view) == () and not evaluate(plan, view).violations

    assert asyncio.run(violations()) == []


@SEEN
@given(VIEWS)
def test_lp_leaks_in_the_budget_and_nowhere_else(view: PlanningView) -> None:
    plan = asyncio.run(_LP.route(view))
    if plan.status is not PlanStatus.INFEASIBLE:
        assert structural_problems(plan, view) == ()
        assert plan.fractional or check(plan, view) == ()


@SEEN
@given(VIEWS)
def test_a_reason_is_given_exactly_where_no_plan_exists(view: PlanningView) -> None:
    for mode, staged in (("milp", False), ("staged", True)):
        infeasible = route(mode, view).status is PlanStatus.INFEASIBLE
        assert infeasible == (explain_infeasible(view, staged=staged) is not None)


@SEEN
@given(VIEWS)
def test_what_the_solver_reports_is_what_the_plan_is_worth(view: PlanningView) -> None:
    for mode in ("milp", "staged"):
        plan = route(mode, view)
        if plan.status is PlanStatus.OPTIMAL:
            assert plan.objective is not None
            assert abs(evaluate(plan, view).value - plan.objective) <= 1e-9
            assert plan.gap == 0.0


@SEEN
@given(VIEWS)
def test_equal_views_get_equal_plans(view: PlanningView) -> None:
    for mode in KEEP_THE_BUDGET:
        first, again = route(mode, view), route(mode, view)
        assert (first.assignments, first.residency) == (again.assignments, again.residency)


@SEEN
@given(VIEWS)
def test_a_warm_router_decides_as_a_fresh_one(view: PlanningView) -> None:
    warm = MilpRouter()
    asyncio.run(warm.route(random_view(1)))
    asyncio.run(warm.route(view))
    assert asyncio.run(warm.route(view)).assignments == route("milp", view).assignments


@SEEN
@given(VIEWS)
def test_leaving_out_what_no_task_needs_costs_nothing(view: PlanningView) -> None:
    program = program_of(view)
    found = branch_and_bound(program, limit_s=None)
    if found is None:
        return
    more = found.held | program.resident
    less = needed(program, more)
    assert value_of(program, less) >= value_of(program, more) - 1e-9
    used = np.unique(choose_rows(program, less))
    assert set(less[0].nonzero()[0]) == set(used) | set(program.pinned.nonzero()[0])


def listed(view: PlanningView, order: Sequence[int]) -> PlanningView:
    """The view with its tasks in another order."""
    table, tasks = view.estimates, tuple(view.tasks[m] for m in order)
    figures = {name: getattr(table, name)[:, order] for name in ("quality", "token_cost", "allowed")}
    figures["latency"] = lambda: table.latency_s[:, order]
    return replace(
        view,
        tasks=tasks,
        ready=tuple(task.id for task in tasks if task.id in view.ready),
        stages=tuple(view.stages[m] for m in order),
        estimates=replace(table, tasks=tuple(task.id for task in tasks), **figures),
    )


@pytest.mark.parametrize("flat", [False, True], ids=["stages", "flat"])
@pytest.mark.parametrize("mode", ["lp", "milp", "staged", "best-single"])
@example(random_view(1277, tasks=6), 3, 1)
@example(random_view(1277, tasks=6), 3, 2)
@SEEN
@given(VIEWS, st.integers(0, 3), st.integers(0, 10**6))
def test_the_order_in_which_tasks_are_listed_does_not_matter(mode, flat, view, steps, seed) -> None:
    view = tied(view, steps=steps) if steps else view
    if flat:
        view = replace(view, stages=(0,) * len(view.tasks), ready=tuple(t.id for t in view.tasks), edges=())
    order = Random(seed).sample(range(len(view.tasks)), len(view.tasks))
    first, other = (asyncio.run(router_of(mode, each).route(each)) for each in (view, listed(view, order)))
    assert other.model_of == first.model_of
    assert other.residency == first.residency


@pytest.mark.parametrize("mode", ["milp", "staged"])
@pytest.mark.parametrize("seed", range(2))
def test_footprints_in_whole_numbers_keep_the_budget(mode: str, seed: int) -> None:
    view = random_view(seed)
    models = tuple(replace(model, vram_gb=round(model.vram_gb)) for model in view.fleet)
    whole = replace(view, fleet=replace(view.fleet, name=f"whole {mode}", models=models))  # no other test's arrays
    plan = asyncio.run(router_of(mode, whole).route(whole))
    assert not check(plan, whole)
    assert not evaluate(plan, whole).violations
