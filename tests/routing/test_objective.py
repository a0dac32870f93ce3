"""evaluate replays a plan stage by stage and charges loads as they happen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_swarm.domain.plan import Origin, Plan, PlanStatus
from pytest_swarm.errors import FleetError, GraphError
from pytest_swarm.routing.base import Weights
from pytest_swarm.routing.lp_rounding import value_of_rows
from pytest_swarm.routing.objective import evaluate, load_price, switch_cost, utility
from pytest_swarm.routing.plan_builders import assign, held_throughout
from pytest_swarm.routing.program import program_of
from tests.instances import GEMMA, PHI, QWEN, WB1, matrix_view, plan_with, random_view, view_of

# two stages; worth 1 on the right model, 0 on the other; a load costs 0.1 and 0.2
VIEW = matrix_view([[1, 0], [0, 1]], vram_gb=[5, 4], budget_gb=8, load=[0.1, 0.2], stages=[0, 1])


def plan(models: tuple[str, str], *residency: set[str]) -> Plan:
    return plan_with({f"t{m}": tag for m, tag in enumerate(models)}, *residency)


def test_one_residency_is_held_throughout_and_loaded_once() -> None:
    found = evaluate(plan(("m0", "m0"), {"m0"}), VIEW)
    assert found.value == pytest.approx(1 - 0.1)
    assert found.loads == ((0, "m0"),)
    assert (found.vram_gb, found.violations) == ((5.0, 5.0), ())


def test_a_swap_between_stages_is_charged_where_it_happens() -> None:
    found = evaluate(plan(("m0", "m1"), {"m0"}, {"m1"}), VIEW)
    assert found.value == pytest.approx(2 - 0.1 - 0.2)
    assert found.loads == ((0, "m0"), (1, "m1"))


def test_a_model_that_comes_back_is_charged_again_and_a_resident_one_is_not() -> None:
    back = replace(VIEW, resident=frozenset({"m0"}))
    assert evaluate(plan(("m1", "m0"), {"m1"}, {"m0"}), back).loads == ((0, "m1"), (1, "m0"))
    assert evaluate(plan(("m0", "m0"), {"m0"}), back).value == pytest.approx(1)


def test_an_assigned_model_that_is_not_listed_counts_as_loaded_on_demand() -> None:
    found = evaluate(plan(("m0", "m1"), {"m0"}), VIEW)
    assert found.loads == ((0, "m0"), (1, "m1"))
    assert found.vram_gb == (5.0, 9.0)
    assert found.violations == (1,)


def test_unknown_names_are_named() -> None:
    with pytest.raises(FleetError, match="m7"):
        evaluate(plan(("m0", "m7"), {"m0"}), VIEW)
    with pytest.raises(GraphError, match="t9"):
        evaluate(plan_with({"t9": "m0"}, {"m0"}), VIEW)


def test_the_published_figures_of_the_first_step() -> None:
    view = view_of(WB1, resident=(GEMMA,))
    rows = {tag: i for i, tag in enumerate(view.fleet.tags)}
    assert utility(view)[rows[QWEN]].tolist() == pytest.approx([0.45, 0.5, 0.58])
    assert switch_cost(view).tolist() == pytest.approx([0.0, 0.8, 1600 / 1500, 1.6])
    assert load_price(view)[rows[PHI]] == pytest.approx(0.2 * 1.6)


def test_latency_counts_calls_and_loads_when_it_is_asked_for() -> None:
    seconds = np.array([[3.0, 0.0], [0.0, 0.0]])
    view = replace(
        VIEW,
        estimates=replace(VIEW.estimates, latency=lambda: seconds),
        weights=Weights(token=0.0, switch=1.0, latency=0.05),
    )
    assert utility(view)[0, 0] == pytest.approx(1 - 0.05 * 3)
    assert load_price(view).tolist() == pytest.approx([0.1 + 0.05 * 0.15, 0.2 + 0.05 * 0.3])
    assert utility(VIEW)[0, 0] == 1


@pytest.mark.parametrize("kind", [int, np.float32, ">f8"])
def test_a_load_costs_the_same_as_a_number_of_any_type(kind) -> None:
    view = view_of(WB1)
    costs = replace(view.estimates, load_cost=np.array([1, 2, 3, 4], dtype=kind))
    assert load_price(replace(view, estimates=costs)).tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])


@pytest.mark.parametrize("figures", [utility, load_price])
def test_figures_that_all_who_plan_a_view_share_cannot_be_changed(figures) -> None:
    own = figures(VIEW)
    assert figures(VIEW) is own
    with pytest.raises(ValueError, match="read-only"):
        own += 1
    other = replace(VIEW, weights=Weights(token=0.0, switch=3.0, latency=0.1))
    assert figures(other) is not own


def test_deferred_tasks_come_after_the_last_stage_model_by_model() -> None:
    chosen = replace(plan(("m0", "m1"), {"m0"}), deferred=frozenset({"t1"}))
    found = evaluate(chosen, VIEW)
    assert found.value == pytest.approx(2 - 0.1 - 0.2)
    assert found.loads == ((0, "m0"), (2, "m1"))
    assert max(found.vram_gb) == 5.0  # without it, m1 would count beside m0 in its stage
    assert evaluate(replace(chosen, deferred=frozenset()), VIEW).violations == (1,)


def test_a_model_of_several_deferred_tasks_is_loaded_once() -> None:
    view = matrix_view([[1, 0, 0], [0, 1, 1]], vram_gb=[5, 4], budget_gb=8, load=[0.1, 0.2], resident=[0])
    models = {"t0": "m0", "t1": "m1", "t2": "m1"}
    chosen = plan_with(models, {"m0"}, deferred={"t1", "t2"})
    assert evaluate(chosen, view).value == pytest.approx(3 - 0.2)


def test_an_unknown_task_is_an_error_though_it_is_deferred() -> None:
    chosen = plan_with({"t0": "m0", "t1": "m1", "t9": "m0"}, {"m0"}, deferred={"t9"})
    with pytest.raises(GraphError, match="'t9'"):
        evaluate(chosen, VIEW)


def test_the_value_of_a_step_that_is_rounded_is_that_of_the_replay_to_the_last_digit() -> None:
    for seed in range(20):
        view = random_view(seed, models=5, tasks=6)
        view = replace(view, estimates=replace(view.estimates, allowed=np.ones((5, 6), dtype=bool)))
        rows = np.random.default_rng(seed).integers(0, 5, 6).tolist()
        residency = held_throughout(view, (view.fleet.tags[row] for row in rows))
        chosen = Plan(assignments=assign(view, rows, Origin.RULE), residency=residency, status=PlanStatus.HEURISTIC)
        assert value_of_rows(program_of(view), rows) == evaluate(chosen, view).value


def test_a_plan_with_a_row_too_few_is_refused() -> None:
    view = random_view(1, models=2, tasks=3)
    with pytest.raises(ValueError, match="a plan for 3 tasks got 2 rows; give each the row of its model"):
        assign(view, [0, 1], Origin.RULE)
