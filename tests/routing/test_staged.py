"""staged: a residency per stage, exact by a dynamic program, by HiGHS where the sets are too many."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.routing import model_sets, staged
from pytest_swarm.routing.base import PlanningView, Weights
from pytest_swarm.routing.feasibility import check
from pytest_swarm.routing.milp import MilpRouter
from pytest_swarm.routing.model_sets import sets_within, worth_by_stage
from pytest_swarm.routing.objective import evaluate
from pytest_swarm.routing.staged import StagedRouter
from tests.instances import matrix_view, random_view, tied


def route(view: PlanningView) -> Plan:
    return asyncio.run(StagedRouter().route(view))


def test_with_one_stage_it_is_milp() -> None:
    for seed in range(40):
        view = random_view(seed, models=5)
        view = replace(view, stages=(0,) * len(view.tasks))
        mine, theirs = route(view), asyncio.run(MilpRouter().route(view))
        assert (mine.assignments, mine.residency, mine.objective) == (
            theirs.assignments,
            theirs.residency,
            pytest.approx(theirs.objective, abs=1e-9) if theirs.objective is not None else None,
        )


def test_it_is_never_worse_than_milp_when_both_are_replayed() -> None:
    better = 0
    for seed in range(60):
        view = random_view(seed, models=6)
        mine, theirs = route(view), asyncio.run(MilpRouter().route(view))
        if theirs.status is PlanStatus.INFEASIBLE:
            continue
        assert check(mine, view) == ()
        gain = evaluate(mine, view).value - evaluate(theirs, view).value
        assert gain >= -1e-9
        better += gain > 1e-6
    assert better > 0


@pytest.mark.parametrize("steps", [1, 10, 10**9], ids=["many-ties", "ties", "no-ties"])
def test_few_sets_go_the_same_way_as_many(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    views = [tied(random_view(seed, models=1 + seed % 5, tasks=1 + seed % 9), steps=steps) for seed in range(60)]
    few = [route(view) for view in views]
    monkeypatch.setattr(staged, "_FEW_SETS", 0)
    assert [replace(plan, solve_ms=None) for plan in few] == [replace(route(view), solve_ms=None) for view in views]


def test_it_swaps_only_where_the_gain_pays_the_load() -> None:
    def models(load: float) -> list[str]:
        view = matrix_view([[1, 0.5], [0, 1]], vram_gb=[5, 5], budget_gb=5, load=[0.1, load], stages=[0, 1])
        return [model for _, model in sorted(route(view).model_of.items())]

    assert models(0.4) == ["m0", "m1"]
    assert models(0.6) == ["m0", "m0"]


def test_a_model_needed_again_is_kept_where_there_is_room() -> None:
    quality = [[1, 0, 1], [0, 1, 0]]
    room = matrix_view(quality, vram_gb=[5, 5], budget_gb=10, load=[0.1, 0.1], stages=[0, 1, 2])
    tight = replace(room, vram_budget_gb=5.0)
    assert [sorted(each) for each in route(room).residency] == [["m0"], ["m0", "m1"], ["m0"]]
    assert [sorted(each) for each in route(tight).residency] == [["m0"], ["m1"], ["m0"]]
    assert evaluate(route(tight), tight).value == pytest.approx(3 - 0.3)


def test_free_loads_are_still_not_made_without_need() -> None:
    view = matrix_view([[1, 1], [1, 1]], vram_gb=[3, 3], budget_gb=8, load=[0.5, 0.5], stages=[0, 1], resident=[1])
    free = replace(view, weights=Weights(token=0.0, switch=0.0))
    assert evaluate(route(free), free).loads == ()


def test_too_many_sets_go_to_highs_with_a_true_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        view = replace(random_view(seed, models=6, tasks=12), vram_budget_gb=20.0)
        exact = route(view)
        with monkeypatch.context() as patch:
            patch.setattr(StagedRouter, "max_sets", 1)
            other = route(view)
        assert other.solver == "HIGHS"
        assert other.solve_ms
        assert exact.solve_ms
        assert check(other, view) == ()
        assert other.gap is not None
        assert other.gap <= staged._LARGE_GAP
        assert other.objective == pytest.approx(exact.objective, rel=staged._LARGE_GAP)
        assert other.bound >= exact.objective - 1e-6


def test_where_highs_has_no_time_the_best_single_residency_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    view = replace(random_view(0, models=12, tasks=20), vram_budget_gb=30.0)
    exact, single = route(view), asyncio.run(MilpRouter().route(view))
    monkeypatch.setattr(StagedRouter, "max_sets", 1)
    stopped = asyncio.run(StagedRouter(solve_limit_s=0.0).route(view))
    assert (stopped.status, check(stopped, view)) == (PlanStatus.FEASIBLE, ())
    assert stopped.objective == pytest.approx(single.objective)
    assert stopped.bound >= exact.objective


def test_worth_by_stage_is_the_same_however_tasks_are_named_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    worth = np.random.default_rng(3).random((4, 7))
    family = sets_within(np.ones(4), 2.0, np.zeros(4, dtype=bool), at_most=100)
    assert family is not None
    slices = [slice(0, 3), slice(3, 4), slice(4, 7)]
    masks = [np.isin(np.arange(7), np.arange(7)[each]) for each in slices]
    best = np.array([[max(column[member], default=-np.inf) for column in worth.T] for member in family.member])
    expected = np.array([best[:, each].sum(axis=1) for each in slices])
    for block in (1_000_000, len(family), 2 * len(family)):
        monkeypatch.setattr(model_sets, "_BLOCK", block)
        assert worth_by_stage(family, worth, slices) == pytest.approx(expected)
        assert worth_by_stage(family, worth, masks) == pytest.approx(expected)
