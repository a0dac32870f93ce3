"""Branch and bound: exact where sets are too many to enumerate, honest where time runs out, deterministic in ties."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from pytest_swarm.domain.plan import PlanStatus
from pytest_swarm.routing import branch_and_bound as branch
from pytest_swarm.routing.base import RoutingError
from pytest_swarm.routing.benders import Master
from pytest_swarm.routing.branch_and_bound import branch_and_bound
from pytest_swarm.routing.exact import ExactRouter
from pytest_swarm.routing.highs import arrays_of, load_model, solve_mip
from pytest_swarm.routing.local_search import fill, improve
from pytest_swarm.routing.milp import MilpRouter
from pytest_swarm.routing.model_sets import best_set, sets_within
from pytest_swarm.routing.program import RoutingProgram, program_of, value_of
from pytest_swarm.routing.staged import StagedRouter
from tests.instances import matrix_view, random_view
from tests.tries import THOROUGH


def large(seed: int, *, models: int = 40, tasks: int = 60, budget_gb: float = 30.0) -> RoutingProgram:
    """A program with some 10^5 sets and more: forty models of 1-16 GB."""
    view = random_view(seed, models=models, tasks=tasks)
    return program_of(replace(view, vram_budget_gb=budget_gb))


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(6 if THOROUGH else 1))
def test_it_finds_what_highs_finds(seed: int) -> None:
    program = large(seed)
    found, known = branch_and_bound(program, limit_s=None), solve_mip(program, stages=1, limit_s=None)
    assert found is not None
    assert known is not None
    assert found.value == pytest.approx(known.value, abs=1e-6)
    assert found.bound == found.value
    assert found.value == pytest.approx(value_of(program, found.held), abs=1e-9)
    assert program.vram_gb[found.held[0]].sum() <= program.limit_gb


@pytest.mark.parametrize("seed", range(20))
def test_branching_alone_finds_what_enumeration_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branch, "_WORK", 1)
    program = program_of(random_view(seed, models=9))
    family = sets_within(program.vram_gb, program.limit_gb, program.pinned, at_most=10_000)
    known = None if family is None else best_set(program, family)
    found = branch_and_bound(program, limit_s=None)
    assert (found is None) == (known is None)
    if found is not None and known is not None:
        assert found.held[0].tolist() == known[0].tolist()


@pytest.mark.parametrize("seed", range(8))
def test_the_relaxation_over_residencies_is_that_of_the_whole_program(seed: int) -> None:
    program = large(seed, models=12, tasks=30, budget_gb=20.0)
    highs = load_model(arrays_of(program, stages=1), integer=False)
    highs.run()
    whole = -highs.getInfo().objective_function_value
    relaxed = Master(program).relax(program.pinned, program.vram_gb <= program.limit_gb, -np.inf)
    assert relaxed is not None
    assert relaxed.bound == pytest.approx(whole, rel=1e-6)
    assert relaxed.bound >= whole - 1e-9


def test_after_the_limit_the_plan_is_feasible_with_its_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branch, "_WORK", 1)
    program = large(3, models=60, tasks=80, budget_gb=40.0)
    best = branch_and_bound(program, limit_s=None)
    stopped = branch_and_bound(program, limit_s=0.0)
    assert best is not None
    assert stopped is not None
    assert stopped.value <= best.value + 1e-9
    assert stopped.bound > stopped.value
    assert stopped.bound >= best.value - 1e-9


@pytest.mark.parametrize("router", [MilpRouter, StagedRouter])
def test_no_plan_within_the_limit_does_not_mean_that_there_is_none(
    router: type[ExactRouter], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [(3 * corner + a, 3 * corner + b) for corner in range(3) for a, b in ((0, 1), (1, 2), (0, 2))]
    others = [(i, m) for i in range(9) for m, pair in enumerate(pairs) if i not in pair]
    view = matrix_view([[0.5] * 9] * 9, vram_gb=[1.0] * 9, budget_gb=6.0, forbidden=others)
    assert asyncio.run(router(solve_limit_s=0.0).route(view)).status is PlanStatus.OPTIMAL
    monkeypatch.setattr(router, "max_sets", 1)
    monkeypatch.setattr(branch, "_WORK", 1)
    with pytest.raises(RoutingError, match="no plan within its time limit; raise --swarm-solve-limit"):
        asyncio.run(router(solve_limit_s=0.0).route(view))


def test_the_router_reports_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branch, "_WORK", 1)
    view = replace(random_view(3, models=60, tasks=80), vram_budget_gb=40.0)
    stopped = asyncio.run(MilpRouter(solve_limit_s=0.0).route(view))
    assert stopped.status is PlanStatus.FEASIBLE
    assert stopped.gap is not None
    assert stopped.objective is not None
    assert stopped.bound is not None
    assert stopped.gap == pytest.approx((stopped.bound - stopped.objective) / max(1, abs(stopped.objective)))
    assert stopped.gap > 0
    proven = asyncio.run(MilpRouter().route(view))
    assert (proven.status, proven.gap, proven.bound) == (PlanStatus.OPTIMAL, 0.0, proven.objective)
    assert proven.solver == "branch-and-bound"


def test_of_models_that_are_alike_the_first_by_name_is_taken() -> None:
    generator = np.random.default_rng(0)
    kinds = generator.random((13, 30))
    twins = np.repeat(kinds, 3, axis=0)[generator.permutation(39)]
    vram_gb = [6.0] * 39
    view = matrix_view(twins.tolist(), vram_gb=vram_gb, budget_gb=24.0)
    found = branch_and_bound(program_of(view), limit_s=None)
    assert found is not None
    held = found.held[0].nonzero()[0].tolist()
    for i in held:
        alike = [j for j in range(39) if (twins[j] == twins[i]).all()]
        assert view.fleet.tags[i] == min(view.fleet.tags[j] for j in alike)


def test_a_resident_model_that_no_task_needs_is_not_held() -> None:
    view = matrix_view(
        np.vstack([np.full((1, 5), 0.9), np.full((30, 5), 0.1)]).tolist(),
        vram_gb=[2.0] * 31,
        budget_gb=40.0,
        resident=range(1, 31),
    )
    found = branch_and_bound(program_of(view), limit_s=None)
    assert found is not None
    assert found.held[0].nonzero()[0].tolist() == [0]


@pytest.mark.parametrize("seed", range(12))
def test_no_single_addition_removal_or_swap_helps_after_the_local_search(seed: int) -> None:
    program = program_of(random_view(seed, models=8, tasks=10))
    allowed = program.vram_gb <= program.limit_gb
    if program.vram_gb[program.pinned].sum() > program.limit_gb:
        return
    held = improve(program, fill(program, np.ones(8), allowed), allowed)
    best = value_of(program, held[None])
    outs = [None, *(held & ~program.pinned).nonzero()[0]]
    for out, into in product(outs, [None, *(allowed & ~held).nonzero()[0]]):
        other = held.copy()
        if out is not None:
            other[out] = False
        if into is not None:
            other[into] = True
        if program.vram_gb[other].sum() <= program.limit_gb:
            assert value_of(program, other[None]) <= best + 1e-9


def test_without_any_plan_there_is_none() -> None:
    view = matrix_view([[1.0, 1.0]] * 2, vram_gb=[5, 4], budget_gb=8, forbidden=[(0, 0), (1, 1)])
    assert branch_and_bound(program_of(view), limit_s=None) is None
    assert solve_mip(program_of(view), stages=1, limit_s=None) is None
