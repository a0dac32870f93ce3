"""The relaxation of `lp` without a solver: the value and shares of HiGHS, and only where no others are as good."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.lp_simplex import LpStep, UniqueOptimum, unique_optimum
from pytest_swarm.routing.objective import load_price, resident_mask, utility
from tests.instances import matrix_view, random_view

MODE = LpRouter()
THREE_PAIRS = matrix_view(  # each task is good on two of three models: half of each model serves all of them
    [[0.99, 0.98, 0], [0.97, 0, 0.99], [0, 0.97, 0.98]], vram_gb=[3, 3, 3], budget_gb=9, load=[0.9, 0.9, 0.9]
)


def found(view: PlanningView) -> UniqueOptimum | None:
    step = LpStep(
        worth=utility(view),
        allowed=view.estimates.allowed,
        price=np.where(resident_mask(view), 0.0, load_price(view)),
        keep=np.array([model.keep for model in view.fleet]),
        vram_gb=tuple(model.vram_gb for model in view.fleet),
        budget_gb=view.vram_budget_gb,
    )
    return unique_optimum(step)


def check(view: PlanningView) -> bool:
    """Whether the optimum was found; where it was, it is that of the mode."""
    own = found(view)
    if own is not None:
        relaxed = MODE.relax(view)
        assert relaxed is not None
        assert own.value == pytest.approx(relaxed.optimum, abs=1e-9)
        assert own.shares == pytest.approx(relaxed.shares, abs=1e-7)
    return own is not None


def test_random_steps_have_the_value_and_the_shares_of_the_mode() -> None:
    views = [random_view(seed, models=1 + seed % 6, tasks=1 + seed % 5) for seed in range(90)]
    solved = [view for view in views if check(view)]
    assert len(solved) > 60
    assert {len(view.fleet) for view in solved} == {1, 2, 3, 4, 5, 6}
    assert any(any(model.keep for model in view.fleet) for view in solved)
    assert any(not view.estimates.allowed.all() for view in solved)


def test_resident_models_that_do_not_fit_beside_the_others_give_way() -> None:
    view = matrix_view([[0.9, 0.2], [0.5, 0.6]], vram_gb=[6, 4], budget_gb=8, load=[0.1, 0.1], resident=[1])
    own = found(view)
    assert own is not None
    assert own.shares[0, 0] > 0
    assert check(view)


def test_a_pinned_model_counts_whole_though_no_task_uses_it() -> None:
    # m0 holds 4 of 7 GB, so m1 and m3 share 3: at most .6 + .3 y1 + (.3 - .1) y3 with 4 y1 + y3 = 3 and y1 + y3 = 1
    view = matrix_view(
        [[0.6], [0.9], [0.3], [0.9]], vram_gb=[4, 4, 2, 1], budget_gb=7, load=[0.1] * 4, resident=[0, 1, 2], keep=[0]
    )
    assert found(view) is None
    relaxed = MODE.relax(view)
    assert relaxed is not None
    assert relaxed.optimum == pytest.approx(0.6 + 0.3 * 2 / 3 + 0.2 / 3)


def test_a_model_that_cannot_take_a_task_has_no_share_of_it() -> None:
    own = found(matrix_view([[0.9, 0.9], [0.5, 0.5]], vram_gb=[2, 2], budget_gb=8, forbidden=[(0, 1)]))
    assert own is not None
    assert own.shares.tolist() == [[1, 0], [0, 1]]


def test_fractional_shares_that_no_two_sets_of_models_mix_to_are_found() -> None:
    own = found(THREE_PAIRS)
    assert own is not None
    assert own.shares == pytest.approx(np.array([[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]))
    assert check(THREE_PAIRS)


@pytest.mark.parametrize("gap", [0.0, 1e-7, 9e-5], ids=str)
def test_where_other_shares_are_as_good_or_nearly_nothing_is_found(gap: float) -> None:
    within_a_task = matrix_view([[0.5], [0.5 - gap]], vram_gb=[4, 2], budget_gb=8)
    between_sets = matrix_view([[0.9], [0.5]], vram_gb=[4, 2], budget_gb=8, load=[0.4 + gap, 0.0])
    both_held = matrix_view([[0.9, 0.1, 0.5], [0.1, 0.9, 0.5 - gap]], vram_gb=[4, 2], budget_gb=8)
    assert found(within_a_task) is None
    assert found(both_held) is None, "the third task may go to either"
    assert found(between_sets) is None
    assert found(matrix_view([[0.9], [0.5]], vram_gb=[4, 2], budget_gb=8, load=[0.3998, 0.0])) is not None


def test_a_residency_that_may_be_larger_for_nothing_leaves_the_shares_unique() -> None:
    own = found(matrix_view([[0.9, 0.9], [0.5, 0.5]], vram_gb=[2, 2], budget_gb=8, resident=[0, 1]))
    assert own is not None
    assert own.shares.tolist() == [[1, 1], [0, 0]]


def test_models_that_are_equal_where_neither_gets_a_share_do_not_matter() -> None:
    assert found(matrix_view([[0.9], [0.5], [0.5]], vram_gb=[2, 2, 2], budget_gb=8)) is not None


@pytest.mark.parametrize("below", [4e-7, 5e-7, 1e-6, 0.1234565], ids=str)
def test_a_share_that_a_solver_may_round_either_way_is_left_to_it(below: float) -> None:
    view = matrix_view([[0.9], [0.5]], vram_gb=[8, 2], budget_gb=8 - 6 * below)
    assert found(view) is None
    assert found(replace(view, vram_budget_gb=8 - 6 * 0.1234562)) is not None


def test_where_nothing_is_within_the_budget_nothing_is_found() -> None:
    assert found(matrix_view([[0.9], [0.5]], vram_gb=[4, 5], budget_gb=3)) is None
    assert found(matrix_view([[0.9], [0.5]], vram_gb=[4, 5], budget_gb=8, keep=[0, 1])) is None


def test_figures_too_large_for_the_margin_are_left_to_the_solver() -> None:
    assert found(matrix_view([[1001.0], [0.5]], vram_gb=[4, 2], budget_gb=8)) is None
