"""milp and staged against brute force and against the CVXPY boolean program, on random steps.

SWARM_THOROUGH=1 makes it a few hundred, and SWARM_EXHAUSTIVE=1 thousands, some minutes of work.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from pytest_swarm.routing.branch_and_bound import branch_and_bound
from pytest_swarm.routing.exact import ExactRouter
from pytest_swarm.routing.milp import MilpRouter
from pytest_swarm.routing.program import RoutingProgram, program_of
from pytest_swarm.routing.reference_program import specified_optimum
from pytest_swarm.routing.staged import StagedRouter
from tests.instances import random_view
from tests.routing.brute_force import brute_force
from tests.tries import tries

EXHAUSTIVE = "SWARM_EXHAUSTIVE" in os.environ
BRUTE_FORCE = 3000 if EXHAUSTIVE else tries(150)
SPECIFIED = 2000 if EXHAUSTIVE else tries(96)
pytestmark = pytest.mark.thorough


def optimum(router: ExactRouter, program: RoutingProgram) -> float:
    solution = router.solve(program)
    return -np.inf if solution is None else solution.value


@pytest.mark.parametrize(("router", "most_models"), [(MilpRouter(), 10), (StagedRouter(), 5)], ids=["milp", "staged"])
def test_the_optimum_is_that_of_brute_force(router: ExactRouter, most_models: int) -> None:
    for seed in range(BRUTE_FORCE):
        view = random_view(seed, models=2 + seed % (most_models - 1))
        best = brute_force(view, staged=router.staged)
        assert optimum(router, program_of(view)) == pytest.approx(best, abs=1e-9), seed


def test_branch_and_bound_is_brute_force() -> None:
    for seed in range(BRUTE_FORCE):
        view = random_view(seed, models=2 + seed % 9)
        found = branch_and_bound(program_of(view), limit_s=None)
        value = -np.inf if found is None else found.value
        assert value == pytest.approx(brute_force(view, staged=False), abs=1e-9), seed


@pytest.mark.parametrize("staged", [False, True])
def test_the_readable_program_has_the_same_optimum(staged: bool) -> None:
    router = StagedRouter() if staged else MilpRouter()
    for seed in range(SPECIFIED):
        view = random_view(seed, tasks=1 + seed % 12)
        specified = specified_optimum(view, staged=staged)
        value = -np.inf if specified is None else specified
        assert optimum(router, program_of(view)) == pytest.approx(value, abs=1e-6), seed
