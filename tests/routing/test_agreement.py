"""milp and staged against brute force and against the CVXPY boolean program, on random steps.

A few hundred here; SWARM_EXHAUSTIVE=1 makes it thousands, some minutes of work.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import numpy as np
import pytest

from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.branch_and_bound import branch_and_bound
from pytest_swarm.routing.exact import ExactRouter
from pytest_swarm.routing.milp import MilpRouter
from pytest_swarm.routing.objective import load_price, utility
from pytest_swarm.routing.program import RoutingProgram, program_of
from pytest_swarm.routing.reference_program import specified_optimum
from pytest_swarm.routing.staged import StagedRouter
from tests.instances import random_view

EXHAUSTIVE = "SWARM_EXHAUSTIVE" in os.environ
BRUTE_FORCE = 3000 if EXHAUSTIVE else 150
SPECIFIED = 2000 if EXHAUSTIVE else 40


def residencies(view: PlanningView) -> list[tuple[int, ...]]:
    """Every set of rows within the budget that holds the pinned models."""
    models = view.fleet.models
    return [
        rows
        for size in range(len(models) + 1)
        for rows in itertools.combinations(range(len(models)), size)
        if sum(models[i].vram_gb for i in rows) <= view.vram_budget_gb + 1e-6
        and all(i in rows for i, model in enumerate(models) if model.keep)
    ]


def gain(view: PlanningView, rows: tuple[int, ...], columns: list[int]) -> float:
    """Worth of the tasks `columns`, each on its best model of the set."""
    if not rows:
        return -np.inf if columns else 0.0
    worth = np.where(view.estimates.allowed, utility(view), -np.inf)
    return float(worth[np.ix_(rows, columns)].max(axis=0).sum())


def brute_force_milp(view: PlanningView) -> float:
    resident = {i for i, tag in enumerate(view.fleet.tags) if tag in view.resident}
    price = load_price(view)
    columns = list(range(len(view.tasks)))
    sets = residencies(view)
    return max((gain(view, s, columns) - sum(price[i] for i in s if i not in resident) for s in sets), default=-np.inf)


def brute_force_staged(view: PlanningView) -> float:
    """Every sequence of sets, by recursion over the stages."""
    sets, price = residencies(view), load_price(view)
    stages = max(view.stages) + 1
    gains = [
        [gain(view, s, [m for m, at in enumerate(view.stages) if at == stage]) for s in sets] for stage in range(stages)
    ]
    best = {frozenset(i for i, tag in enumerate(view.fleet.tags) if tag in view.resident): 0.0}
    for stage in range(stages):
        best = {
            frozenset(s): gains[stage][n]
            + max(value - sum(price[i] for i in s if i not in before) for before, value in best.items())
            for n, s in enumerate(sets)
        }
    return max(best.values(), default=-np.inf)


def optimum(router: ExactRouter, program: RoutingProgram) -> float:
    solution = router.solve(program)
    return -np.inf if solution is None else solution.value


@pytest.mark.parametrize(
    ("router", "most_models", "brute_force"),
    [(MilpRouter(), 10, brute_force_milp), (StagedRouter(), 5, brute_force_staged)],
    ids=["milp", "staged"],
)
def test_the_optimum_is_that_of_brute_force(
    router: ExactRouter, most_models: int, brute_force: Callable[[PlanningView], float]
) -> None:
    for seed in range(BRUTE_FORCE):
        view = random_view(seed, models=2 + seed % (most_models - 1))
        assert optimum(router, program_of(view)) == pytest.approx(brute_force(view), abs=1e-9), seed


def test_branch_and_bound_is_brute_force() -> None:
    for seed in range(BRUTE_FORCE):
        view = random_view(seed, models=2 + seed % 9)
        found = branch_and_bound(program_of(view), limit_s=None)
        value = -np.inf if found is None else found.value
        assert value == pytest.approx(brute_force_milp(view), abs=1e-9), seed


def test_staged_is_never_worse_than_milp() -> None:
    for seed in range(BRUTE_FORCE):
        program = program_of(random_view(seed, models=2 + seed % 9))
        assert optimum(StagedRouter(), program) >= optimum(MilpRouter(), program) - 1e-9, seed


@pytest.mark.parametrize("staged", [False, True])
def test_the_readable_program_has_the_same_optimum(staged: bool) -> None:
    router = StagedRouter() if staged else MilpRouter()
    for seed in range(SPECIFIED):
        view = random_view(seed, tasks=1 + seed % 12)
        specified = specified_optimum(view, staged=staged)
        value = -np.inf if specified is None else specified
        assert optimum(router, program_of(view)) == pytest.approx(value, abs=1e-6), seed
