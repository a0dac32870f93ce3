"""Bad input is a named error or the status infeasible with a reason, from every router; never a silent plan."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pytest_swarm.domain.plan import PlanStatus
from pytest_swarm.errors import EstimateError, OptionError
from pytest_swarm.routing.base import PlanningView, Weights
from pytest_swarm.routing.objective import evaluate
from tests.instances import WB1, matrix_view, mode_names, route, scores_of, view_of

MODES = mode_names(needs=("realised",))
PINNED_AWAY = matrix_view([[1.0]] * 2, vram_gb=[5, 4], budget_gb=8, keep=[0], forbidden=[(0, 0)])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "view",
    [
        pytest.param(view_of(WB1, finished=("s0", "s1", "s2")), id="empty horizon"),
        pytest.param(replace(view_of(WB1), vram_budget_gb=0.0), id="zero budget"),
        pytest.param(replace(view_of(WB1), vram_budget_gb=-1.0), id="negative budget"),
        pytest.param(view_of(WB1, budget_gb=1.9), id="every model bigger than the budget"),
        pytest.param(matrix_view([[1.0]], vram_gb=[1], budget_gb=8, forbidden=[(0, 0)]), id="no model is allowed"),
        pytest.param(matrix_view([[1.0]] * 2, vram_gb=[5, 4], budget_gb=8, keep=[0, 1]), id="pins over budget"),
        pytest.param(PINNED_AWAY, id="pin leaves no room"),
    ],
)
def test_no_plan_is_a_status_with_a_sentence(mode: str, view: PlanningView) -> None:
    plan = route(mode, view, realised=scores_of(view))
    assert plan.status is PlanStatus.INFEASIBLE
    assert plan.assignments == ()
    assert plan.reason
    assert "\n" not in plan.reason


@pytest.mark.parametrize("mode", MODES)
def test_half_a_surrogate_pair_in_a_name_is_no_reason_to_fail(mode: str) -> None:
    first, *others = WB1.tasks
    view = view_of(replace(WB1, name="\ud800", tasks=(replace(first, id="\udc00"), *others), edges=()))
    assert set(route(mode, view, realised=scores_of(view)).model_of) == {"\udc00", "s1", "s2"}


@pytest.mark.parametrize("figure", [math.nan, math.inf, -0.1])
@pytest.mark.parametrize("name", ["token", "switch", "latency"])
def test_a_weight_that_is_no_weight_is_refused(name: str, figure: float) -> None:
    with pytest.raises(OptionError, match=f"lambda_{name}"):
        Weights(**{name: figure})


def test_a_budget_that_is_no_number_is_refused() -> None:
    with pytest.raises(OptionError, match="VRAM budget"):
        replace(view_of(WB1), vram_budget_gb=math.nan)


def test_estimates_of_other_tasks_are_refused() -> None:
    with pytest.raises(EstimateError, match="wb1"):
        replace(view_of(WB1), estimates=view_of(WB1, depth=0).estimates)


@pytest.mark.parametrize("mode", MODES)
def test_figures_too_large_to_be_added_up_are_refused(mode: str) -> None:
    view = matrix_view([[1.0] * 3] * 2, vram_gb=[1, 1], budget_gb=8)
    huge = replace(view, estimates=replace(view.estimates, load_cost=np.array([0.0, 1e300])))
    with pytest.raises(EstimateError, match="load price of model 'm1'"):
        evaluate(route(mode, huge, realised=scores_of(huge)), huge)


def test_the_oracle_names_the_score_that_it_lacks() -> None:
    with pytest.raises(EstimateError, match=r"'s0'.*gemma2:2b"):
        route("oracle", view_of(WB1), realised={})
