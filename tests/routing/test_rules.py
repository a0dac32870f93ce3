"""The reference routers: greedy and its filling in, random, single, best-single, and the oracle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.plan import Origin, PlanStatus
from pytest_swarm.errors import InfeasibleError
from pytest_swarm.routing.feasibility import check, explain_infeasible
from pytest_swarm.routing.greedy import fill_in
from pytest_swarm.routing.objective import evaluate
from tests.instances import GEMMA, LLAMA, PHI, QWEN, WB1, matrix_view, random_view, route, view_of
from tests.tries import tries


def test_greedy_pays_a_load_once() -> None:
    view = matrix_view([[0.5, 0.5, 0.5], [0.9, 0.9, 0.9]], vram_gb=[2, 4], budget_gb=8, load=[0.0, 0.3])
    assert list(route("greedy", view).model_of.values()) == ["m1"] * 3


def test_greedy_prefers_what_is_chosen_then_less_vram_then_the_name() -> None:
    equal = [[0.5], [0.5], [0.5]]
    assert route("greedy", matrix_view(equal, vram_gb=[4, 2, 2], budget_gb=8)).model_of == {"t0": "m1"}
    resident = matrix_view(equal, vram_gb=[4, 2, 2], budget_gb=8, load=[0.1] * 3, resident=[0])
    assert route("greedy", resident).model_of == {"t0": "m0"}


def test_greedy_leaves_room_for_a_later_task() -> None:
    view = matrix_view([[0.9, 0.9], [0.3, 0.3]], vram_gb=[4, 5], budget_gb=8, forbidden=[(0, 1)])
    assert list(route("greedy", view).model_of.values()) == ["m1", "m1"]


@pytest.mark.thorough
@pytest.mark.parametrize("mode", ["greedy", "random"])
def test_a_rule_finds_a_plan_wherever_there_is_one(mode: str) -> None:
    for seed in range(tries(300)):
        view = random_view(seed)
        plan = route(mode, view)
        if explain_infeasible(view) is None:
            assert check(plan, view) == ()
        else:
            assert plan.status is PlanStatus.INFEASIBLE


def test_fill_in_adds_the_missing_tasks_beside_the_given_ones() -> None:
    view = view_of(WB1, budget_gb=8.5)
    filled = fill_in(view, {"s1": QWEN})
    assert {each.task: (each.model, each.origin) for each in filled} == {
        "s0": (QWEN, Origin.FILL_IN),
        "s2": (QWEN, Origin.FILL_IN),
    }


def test_fill_in_beside_an_over_budget_choice_uses_what_is_chosen() -> None:
    assert {each.model for each in fill_in(view_of(WB1), {"s0": PHI})} == {PHI}


def test_fill_in_says_why_it_cannot() -> None:
    with pytest.raises(InfeasibleError, match=GEMMA):
        fill_in(view_of(WB1, budget_gb=1.0), {})


def test_random_repeats_itself_for_a_seed_and_varies_with_it() -> None:
    view = view_of(WB1, budget_gb=24)
    plans = {seed: route("random", replace(view, seed=seed)).assignments for seed in range(8)}
    assert route("random", replace(view, seed=3)).assignments == plans[3]
    assert len(set(plans.values())) > 1


def test_random_draws_every_model_that_fits() -> None:
    drawn = {route("random", replace(view_of(WB1, depth=0), seed=seed)).model_of["s0"] for seed in range(60)}
    assert drawn == {GEMMA, QWEN, LLAMA}


def test_single_says_why_its_model_cannot() -> None:
    plan = route(f"single:{PHI}", view_of(WB1))
    assert plan.status is PlanStatus.INFEASIBLE
    for word in ("8GB", PHI, "12.5GB", "s0", GEMMA):
        assert word in plan.reason


@pytest.mark.parametrize(("keep", "beside"), [([], ""), ([0], " with the pinned models")])
def test_single_says_what_stays_beside_its_model(keep: list[int], beside: str) -> None:
    plan = route("single:m1", matrix_view([[0.5], [0.9]], vram_gb=[4, 9], budget_gb=8, keep=keep))
    assert f"model m1{beside} needs {13 if keep else 9}GB, more than the VRAM budget of 8GB" in str(plan.reason)


def test_best_single_is_the_best_of_the_singles() -> None:
    for seed in range(40):
        view = random_view(seed, models=4)
        singles = [route(f"single:{tag}", view) for tag in view.fleet.tags]
        values = [evaluate(plan, view).value for plan in singles if plan.status is not PlanStatus.INFEASIBLE]
        best = route("best-single", view)
        if not values:
            assert best.status is PlanStatus.INFEASIBLE
            assert best.reason
        else:
            assert evaluate(best, view).value == pytest.approx(max(values), abs=1e-9)


@pytest.mark.parametrize("resident", [(), (LLAMA,)])
def test_the_oracle_follows_what_was_realised(resident: tuple[str, ...]) -> None:
    view = view_of(WB1, resident=resident)
    realised = {(task.id, tag): float(tag == LLAMA) for task in view.tasks for tag in view.fleet.tags}
    plan = route("oracle", view, realised=realised)
    assert set(plan.model_of.values()) == {LLAMA}
    assert (plan.status, plan.objective, plan.bound, plan.gap) == (PlanStatus.OPTIMAL, 3.0, 3.0, 0.0)


def test_the_oracle_takes_the_cheapest_of_equal_scores_whatever_a_load_costs() -> None:
    view = view_of(WB1, budget_gb=24, resident=(PHI,))
    realised = {(task.id, tag): 1.0 for task in view.tasks for tag in view.fleet.tags}
    assert set(route("oracle", view, realised=realised).model_of.values()) == {GEMMA}
    realised |= {("s1", GEMMA): 0.9}
    assert route("oracle", view, realised=realised).model_of == {"s0": GEMMA, "s1": QWEN, "s2": GEMMA}


def test_the_oracle_gives_each_task_its_best_model_though_they_do_not_fit_together() -> None:
    view = matrix_view([[0, 0, 0], [0, 0, 0]], vram_gb=[5, 6], budget_gb=8, stages=[0, 0, 0])
    realised = {(f"t{m}", f"m{i}"): float(m % 2 == i) for m in range(3) for i in range(2)}
    plan = route("oracle", view, realised=realised)
    assert plan.model_of == {"t0": "m0", "t1": "m1", "t2": "m0"}
    assert check(plan, view) == ()
    assert plan.objective == 3.0
    assert len(plan.deferred) in (1, 2)


@pytest.mark.parametrize("depth", [0, 3])
def test_the_oracle_says_which_task_of_the_whole_graph_no_model_can_take(depth: int) -> None:
    graph = replace(WB1, tasks=(*WB1.tasks[:2], replace(WB1.tasks[2], estimated_tokens=40_000)))
    view = replace(view_of(graph, depth=depth), whole_graph=lambda: view_of(graph))
    realised = {(task.id, tag): 1.0 for task in graph.tasks for tag in view.fleet.tags}
    plan = route("oracle", view, realised=realised)
    assert plan.status is PlanStatus.INFEASIBLE
    assert str(plan.reason).startswith("no model of fleet 'heavy' can take task 's2' with its 40000 tokens")


def test_no_plan_has_a_higher_realized_score_than_the_oracles() -> None:
    for seed in range(30):
        view = random_view(seed, models=5, tasks=8)
        if explain_infeasible(view) is not None:
            continue
        realised = {(t.id, tag): float((i * 7 + m * 5 + seed) % 3 == 0)
                    for m, t in enumerate(view.tasks) for i, tag in enumerate(view.fleet.tags)}  # fmt: skip
        best = route("oracle", view, realised=realised).objective
        assert best is not None
        for mode in ("milp", "staged", "greedy", "random", "fixed", "collate"):
            assert sum(realised[each.task, each.model] for each in route(mode, view).assignments) <= best + 1e-9
