"""The relaxation of `lp` without a solver: HiGHS's value, and one rule for which of several optima is taken."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from pytest_swarm.routing import lp_simplex
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.lp_simplex import LpOptimum, lp_optimum
from pytest_swarm.routing.program import program_of
from tests.instances import matrix_view, random_view, tied
from tests.tries import THOROUGH

MODE = LpRouter()


def found(view: PlanningView) -> LpOptimum | None:
    return lp_optimum(program_of(view))


def shares_of(view: PlanningView) -> list[list[float]]:
    own = found(view)
    assert own is not None
    return own.shares.tolist()


def price_of_ties(view: PlanningView, shares: np.ndarray) -> float:
    """What the rule minimizes: loads, then VRAM, then places in the fleet."""
    held = [1.0 if model.keep else float(most) for model, most in zip(view.fleet, shares.max(axis=1), strict=True)]
    prices = [
        (model.tag not in view.resident) + model.vram_gb / 1e3 + place / 1e6
        for place, model in enumerate(view.fleet, start=1)
    ]
    return float(np.dot(held, prices))


def least_price_of_ties(view: PlanningView, optimum: float) -> float:
    """The least that any solution costs whose value is the optimum, by CVXPY."""
    step = program_of(view)
    models, tasks = step.worth.shape
    x, y = cp.Variable((models, tasks), nonneg=True), cp.Variable(models)
    prices = [
        (not resident) + gb / 1e3 + place / 1e6
        for place, (resident, gb) in enumerate(zip(step.resident, step.vram_gb, strict=True), start=1)
    ]
    rows = [
        cp.sum(x, axis=0) == 1,
        x <= step.allowed.astype(float),
        x <= cp.reshape(y, (models, 1), order="C") @ np.ones((1, tasks)),
        y >= step.pinned,
        y <= 1,
        step.vram_gb @ y <= step.budget_gb,
        cp.sum(cp.multiply(np.where(step.allowed, step.worth, 0.0), x)) - step.entry_price @ y >= optimum - 1e-9,
    ]
    return float(cp.Problem(cp.Minimize(np.array(prices) @ y), rows).solve(solver="HIGHS"))


@pytest.mark.thorough
@pytest.mark.parametrize("alike", [False, True], ids=["as drawn", "with ties"])
def test_random_steps_have_the_value_of_the_mode_and_the_optimum_of_the_rule(alike: bool) -> None:
    views = [random_view(seed, models=1 + seed % 7, tasks=1 + seed % 5) for seed in range(56 if THOROUGH else 21)]
    solved = {"keep": 0, "forbidden": 0, "fractional": 0}
    for view in [tied(view, steps=2) for view in views] if alike else views:
        own, relaxed = found(view), MODE.relax(view)
        assert (own is None) == (relaxed is None)
        if own is None or relaxed is None:
            continue
        step = program_of(view)
        assert own.value == pytest.approx(relaxed.optimum, abs=1e-9)
        assert own.shares.sum(axis=0) == pytest.approx(1.0)
        assert not own.shares[~step.allowed].any()
        held = np.maximum(own.shares.max(axis=1), step.pinned)
        assert held @ step.vram_gb <= step.budget_gb + 1e-6
        assert (own.shares * np.where(step.allowed, step.worth, 0.0)).sum() - step.entry_price @ held == pytest.approx(
            own.value
        )
        assert price_of_ties(view, own.shares) == pytest.approx(least_price_of_ties(view, own.value), abs=2e-5)
        solved["keep"] += step.pinned.any()
        solved["forbidden"] += not step.allowed.all()
        solved["fractional"] += own.shares.max(axis=0).min() < 0.99
    assert min(solved.values()) >= len(views) // 16


def test_the_rule_of_a_tie_prefers_what_is_resident_then_less_vram_then_the_first_of_the_fleet() -> None:
    view = matrix_view([[0.5]] * 4, vram_gb=[4, 2, 2, 3], budget_gb=16)
    assert shares_of(view) == [[0], [1], [0], [0]]
    assert shares_of(replace(view, resident=frozenset({"m0", "m3"}))) == [[0], [0], [0], [1]]
    assert shares_of(replace(view, resident=frozenset({"m0"}))) == [[1], [0], [0], [0]]


def test_of_models_whose_loads_cost_what_they_gain_the_rule_takes_one_though_rounding_tells_them_apart() -> None:
    first = matrix_view([[1.0], [0.9], [0.5]], vram_gb=[1, 1, 3], budget_gb=5, load=[0.2, 0.1, 0.0])
    assert shares_of(first) == [[1], [0], [0]]
    assert 0.6 - 0.2 < 0.5 - 0.1
    smaller = matrix_view([[0.5], [0.6]], vram_gb=[3, 2], budget_gb=5, load=[0.1, 0.2])
    assert shares_of(smaller) == [[0], [1]]


def test_one_load_less_counts_more_than_vram() -> None:
    view = matrix_view([[0.9, 0.1], [0.1, 0.9], [0.9, 0.9]], vram_gb=[1, 1, 12], budget_gb=16)
    assert shares_of(view) == [[0, 0], [0, 0], [1, 1]]


def test_of_equal_models_that_are_both_held_a_task_takes_the_first() -> None:
    view = matrix_view([[0.9, 0.1, 0.5], [0.1, 0.9, 0.5]], vram_gb=[4, 2], budget_gb=8)
    assert shares_of(view) == [[1, 0, 1], [0, 1, 0]]


def test_a_gain_that_a_load_costs_is_not_taken() -> None:
    view = matrix_view([[0.9], [0.5]], vram_gb=[4, 2], budget_gb=8, load=[0.4, 0.0], resident=[1])
    assert shares_of(view) == [[0], [1]]
    assert shares_of(matrix_view([[0.9], [0.5]], vram_gb=[4, 2], budget_gb=8, load=[0.3999, 0.0], resident=[1])) == [
        [1],
        [0],
    ]


def test_resident_models_that_do_not_fit_beside_the_others_give_way() -> None:
    view = matrix_view([[0.9, 0.2], [0.5, 0.6]], vram_gb=[6, 4], budget_gb=8, load=[0.1, 0.1], resident=[1])
    own, relaxed = found(view), MODE.relax(view)
    assert own is not None
    assert relaxed is not None
    assert own.shares[0, 0] > 0
    assert own.value == pytest.approx(relaxed.optimum)


def test_a_pinned_model_counts_whole_though_no_task_uses_it() -> None:
    # m0 holds 4 of 7 GB, so m1 and m3 share 3: at most .6 + .3 y1 + (.3 - .1) y3 with 4 y1 + y3 = 3 and y1 + y3 = 1
    view = matrix_view(
        [[0.6], [0.9], [0.3], [0.9]], vram_gb=[4, 4, 2, 1], budget_gb=7, load=[0.1] * 4, resident=[0, 1, 2], keep=[0]
    )
    own = found(view)
    assert own is not None
    assert own.value == pytest.approx(0.6 + 0.3 * 2 / 3 + 0.2 / 3)


def test_a_model_that_cannot_take_a_task_has_no_share_of_it() -> None:
    view = matrix_view([[0.9, 0.9], [0.5, 0.5]], vram_gb=[2, 2], budget_gb=8, forbidden=[(0, 1)])
    assert shares_of(view) == [[1, 0], [0, 1]]


def test_fractional_shares_that_no_two_sets_of_models_mix_to_are_found() -> None:
    three_pairs = matrix_view(  # each task is good on two of three models: half of each model serves all of them
        [[0.99, 0.98, 0], [0.97, 0, 0.99], [0, 0.97, 0.98]], vram_gb=[3, 3, 3], budget_gb=9, load=[0.9, 0.9, 0.9]
    )
    assert shares_of(three_pairs) == pytest.approx(np.array([[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]))


def test_where_nothing_is_within_the_budget_nothing_is_found() -> None:
    assert found(matrix_view([[0.9], [0.5]], vram_gb=[4, 5], budget_gb=3)) is None
    assert found(matrix_view([[0.9], [0.5]], vram_gb=[4, 5], budget_gb=8, keep=[0, 1])) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_figures_beside_which_a_forbidden_model_is_not_far_are_left_to_the_solver(sign: int) -> None:
    assert found(matrix_view([[1001.0 * sign], [0.5]], vram_gb=[4, 2], budget_gb=8)) is None
    assert found(matrix_view([[999.0 * sign], [0.5]], vram_gb=[4, 2], budget_gb=8)) is not None
    assert found(matrix_view([[0.9], [0.5]], vram_gb=[4, 2], budget_gb=8, load=[1001, 0])) is None


def test_steps_that_a_solver_is_faster_with_are_left_to_it() -> None:
    largest, larger = (random_view(2, models=8, tasks=tasks) for tasks in (44, 45))
    assert found(replace(largest, vram_budget_gb=64.0)) is not None
    assert found(replace(larger, vram_budget_gb=64.0)) is None


def test_a_residency_that_no_share_needs_is_no_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    view = matrix_view([[0.9], [0.5]], vram_gb=[4, 2], budget_gb=8, load=[0.1, 0.5])
    monkeypatch.setattr(lp_simplex, "_residency", lambda *_: (np.array([1.0, 0.0]), 0.8))
    assert found(view) is not None
    monkeypatch.setattr(lp_simplex, "_residency", lambda *_: (np.array([1.0, 0.4]), 0.6))
    assert found(view) is None, "rounding left the load of a model unpaid for"
