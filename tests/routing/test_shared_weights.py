"""Models of the same weights: residency is by weights, the choice for a task by model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.domain.weight_groups import sharing_weights
from pytest_swarm.routing import feasibility, objective
from pytest_swarm.routing.base import PlanningView, Router
from pytest_swarm.routing.greedy import greedy_rows
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.lp_direct import DirectLpRouter
from pytest_swarm.routing.milp import MilpRouter, cheap_optimum
from pytest_swarm.routing.objective import utility
from pytest_swarm.routing.reference_program import specified_optimum
from pytest_swarm.routing.shared_weights import grouped
from pytest_swarm.routing.staged import StagedRouter
from tests.instances import random_view, route
from tests.routing.brute_force import brute_force
from tests.tries import THOROUGH

SEEDS = range(60 if THOROUGH else 20)
pytestmark = pytest.mark.thorough
RULES = ("lp", "milp", "staged", "greedy", "random", "best-single", "fixed", "collate")


def shared_view(seed: int, *, models: int = 5, tasks: int = 4) -> PlanningView:
    """A random step in which some models share their weights, and one of each such group may be resident."""
    view = random_view(seed, models=models, tasks=tasks)
    draw = Random(f"groups {seed}")
    tags = list(view.fleet.tags)
    draw.shuffle(tags)
    size = draw.choice((2, 2, 3))
    models_of = tuple(replace(model, num_ctx=model.max_ctx, auto_ctx=False) for model in view.fleet)
    context = max(model.context_tokens for model in models_of)
    models_of = tuple(replace(model, max_ctx=context, num_ctx=context) for model in models_of)
    groups = [tuple(tags[:size]), tuple(tags[size : size + 2])]
    fleet = sharing_weights(replace(view.fleet, models=models_of), groups)
    load_cost = np.array([model.load_time_ms / 1500 for model in fleet])
    return replace(
        view,
        fleet=fleet,
        resident=fleet.usable(view.resident),
        estimates=replace(view.estimates, load_cost=load_cost),
        whole_graph=None,
    )


def routed(router: Router, view: PlanningView) -> Plan:
    return asyncio.run(router.route(view))


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_plans_are_the_best_over_a_model_for_each_task_and_a_set_of_weights(seed: int) -> None:
    view = shared_view(seed)
    found, expected = routed(MilpRouter(), view), brute_force(view, staged=False)
    if found.status is PlanStatus.INFEASIBLE:
        assert expected == -np.inf
        assert cheap_optimum(view) is None
        return
    assert found.objective == pytest.approx(expected, abs=1e-9)
    assert objective.evaluate(found, view).value == pytest.approx(expected, abs=1e-9)
    assert cheap_optimum(view) == pytest.approx(expected, abs=1e-9)
    staged = routed(StagedRouter(), view)
    assert objective.evaluate(staged, view).value == pytest.approx(brute_force(view, staged=True), abs=1e-9)


@pytest.mark.parametrize("staged", [False, True])
def test_the_readable_program_holds_weights_once(staged: bool) -> None:
    for seed in SEEDS[::6]:
        view = shared_view(seed)
        found = specified_optimum(view, staged=staged)
        assert (-np.inf if found is None else found) == pytest.approx(brute_force(view, staged=staged), abs=1e-6), seed


@pytest.mark.parametrize("mode", RULES)
def test_every_router_counts_weights_once(mode: str) -> None:
    planned = 0
    for seed in SEEDS:
        view = shared_view(seed)
        plan = route(mode, view)
        if plan.status is PlanStatus.INFEASIBLE:
            continue
        planned += 1
        assert not feasibility.structural_problems(plan, view), seed
        told = objective.evaluate(plan, view)
        size = {model.tag: model.vram_gb for model in view.fleet.holders}
        (first, *_), resident = plan.residency, view.fleet.held(view.resident)
        assert all(tag in size for tag in first), seed
        assert told.vram_gb[0] == pytest.approx(sum(size[tag] for tag in first)), seed
        loaded = [tag for stage, tag in told.loads if stage == 0]
        assert sorted(loaded) == sorted(first - resident), seed
        if mode != "lp":
            assert not told.violations, seed
    assert planned > len(SEEDS) / 3


def test_a_plan_may_use_all_models_of_one_copy() -> None:
    """The budget holds the copy once: each task goes to its best model, with one load."""
    used = set()
    for seed in SEEDS:
        view = shared_view(seed, models=3, tasks=6)
        groups = {view.fleet.holder(tag) for tag in view.fleet.tags}
        for mode in ("milp", "greedy", "lp"):
            plan = route(mode, view)
            models = {each.model for each in plan.assignments}
            if len(groups) == 1 and len(models) > 1:
                used.add(mode)
                assert len(plan.target_residency) == 1
                assert len(objective.evaluate(plan, view).loads) <= 1
    assert used == {"milp", "greedy", "lp"}


def test_both_solvers_of_lp_plan_the_same() -> None:
    for seed in SEEDS:
        view = shared_view(seed)
        by_cvxpy, direct = routed(LpRouter(), view), routed(DirectLpRouter(), view)
        assert by_cvxpy.assignments == direct.assignments, seed
        assert by_cvxpy.residency == direct.residency, seed


def test_greedy_is_the_greedy_of_one_model_for_each_copy() -> None:
    for seed in SEEDS:
        view = shared_view(seed)
        alone = grouped(view)
        rows, expected = greedy_rows(view, {}), greedy_rows(alone.view, {})
        assert (rows is None) == (expected is None), seed
        if rows is not None and expected is not None:
            worth = utility(view)
            chosen = [worth[i, m] for m, i in enumerate(rows)]
            best = [utility(alone.view)[i, m] for m, i in enumerate(expected)]
            assert chosen == pytest.approx(best), seed


def test_a_fleet_without_shared_weights_passes_through() -> None:
    for seed in SEEDS:
        view = random_view(seed)
        assert grouped(view).view is view
        plan = routed(MilpRouter(), view)
        assert grouped(view).in_own_names(plan) is plan
