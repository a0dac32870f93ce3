"""The llm router against planners that answer well, badly, late or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.plan import Origin, Plan, PlanStatus
from pytest_swarm.domain.weight_groups import sharing_weights
from pytest_swarm.errors import BackendError, ServerDownError
from pytest_swarm.fields import Json
from pytest_swarm.planner_problem import find_problem
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.feasibility import check
from pytest_swarm.routing.llm import LlmRouter
from pytest_swarm.routing.objective import evaluate, switch_cost, utility
from pytest_swarm.routing.planner_prompt import MAX_COUNTED_ROWS, build_problem, planner_prompt, planner_schema
from tests import instances
from tests.instances import GEMMA, INSTANCES, LLAMA, PHI, QWEN, WB1, WB2, Instance, matrix_view, random_view, view_of
from tests.tries import tries


def text(rows: Mapping[str, str]) -> str:
    return json.dumps({"assignments": [{"task": task, "model": model} for task, model in rows.items()]})


ALL_GEMMA = text({"s0": GEMMA, "s1": GEMMA, "s2": GEMMA})
TOO_LARGE = text({"s0": GEMMA, "s1": QWEN, "s2": QWEN})  # 8.5 GB of 8


@dataclass
class Script:
    """A planner that gives the prepared answers in turn; an exception among them is raised."""

    answers: list[str | BackendError]
    asked: list[str] = field(default_factory=list)

    async def ask(self, prompt: str, *, schema: Mapping[str, Json]) -> str:
        assert schema["type"] == "object"
        self.asked.append(prompt)
        answer = self.answers[len(self.asked) - 1]
        if isinstance(answer, BackendError):
            raise answer
        return answer


def route(view: PlanningView, *answers: str | BackendError) -> tuple[Plan, Script]:
    script = Script(list(answers))
    return asyncio.run(LlmRouter(planner=script).route(view)), script


def origins(plan: Plan) -> list[str]:
    return [each.origin.value for each in plan.assignments]


def test_a_valid_answer_is_the_plan() -> None:
    plan, script = route(view_of(WB1), ALL_GEMMA)
    assert plan.model_of == {"s0": GEMMA, "s1": GEMMA, "s2": GEMMA}
    assert origins(plan) == ["planner"] * 3
    assert (plan.status, plan.target_residency) == (PlanStatus.HEURISTIC, {GEMMA})
    assert plan.planner_failures == {}
    assert [call.answer for call in plan.planner_calls] == [ALL_GEMMA]
    assert [call.prompt for call in plan.planner_calls] == script.asked


def test_over_budget_is_asked_again_with_the_reason_and_the_second_answer_is_the_plan() -> None:
    plan, script = route(view_of(WB1), TOO_LARGE, text({"s0": QWEN, "s1": QWEN, "s2": QWEN}))
    assert plan.model_of == {"s0": QWEN, "s1": QWEN, "s2": QWEN}
    assert origins(plan) == ["replanner"] * 3
    assert plan.planner_failures == {"over_budget": 1}
    reason = "gemma2:2b 2GB + qwen2.5-coder:7b 6.5GB = 8.5GB, over the budget of 8GB"
    problem = find_problem(script.asked[1])
    assert problem is not None
    assert problem.refused == plan.planner_calls[0].detail == reason
    assert reason in script.asked[1].split("</routing_problem>")[1]


def test_what_the_second_answer_leaves_out_is_filled_in() -> None:
    plan, _ = route(view_of(WB1), TOO_LARGE, text({"s0": QWEN, "s1": QWEN}))
    assert origins(plan) == ["replanner", "replanner", "fill-in"]
    assert plan.planner_failures == {"over_budget": 1, "missing_task": 1}


def test_a_second_answer_over_budget_is_dropped_as_a_whole() -> None:
    plan, script = route(view_of(WB1), TOO_LARGE, TOO_LARGE)
    assert origins(plan) == ["fill-in"] * 3
    assert plan.planner_failures == {"over_budget": 2}
    assert len(script.asked) == 2
    assert check(plan, view_of(WB1)) == ()


def test_a_second_answer_that_is_no_json_does_not_bring_the_first_one_back() -> None:
    plan, _ = route(view_of(WB1), TOO_LARGE, "as before")
    assert origins(plan) == ["fill-in"] * 3
    assert plan.planner_failures == {"over_budget": 1, "invalid_json": 1}


def test_a_server_that_is_down_ends_the_job() -> None:
    with pytest.raises(ServerDownError):
        route(view_of(WB1), ServerDownError("nothing answers at http://localhost:11434"))


def test_choices_that_leave_no_room_for_the_rest_are_dropped_and_the_call_says_so() -> None:
    # m0 alone fills the budget, but only m1 can take t1
    view = matrix_view([[0.9, 0.9], [0.3, 0.3]], vram_gb=[8, 5], budget_gb=8, forbidden=[(0, 1)])
    plan, _ = route(view, text({"t0": "m0"}))
    assert plan.model_of == {"t0": "m1", "t1": "m1"}
    assert origins(plan) == ["fill-in"] * 2
    assert plan.planner_failures == {"missing_task": 1}
    assert plan.planner_calls[0].detail is not None
    assert "dropped" in plan.planner_calls[0].detail


def test_pinned_models_count_against_the_budget_and_stay() -> None:
    view = matrix_view([[0.0], [1.0], [0.4]], vram_gb=[6, 4, 2], budget_gb=8, keep=[0])
    plan, _ = route(view, text({"t0": "m1"}), text({"t0": "m2"}))
    assert plan.planner_failures == {"over_budget": 1}
    assert plan.target_residency == {"m0", "m2"}


def test_where_no_plan_exists_nobody_is_asked() -> None:
    plan, script = route(view_of(WB1, budget_gb=1.0))
    assert plan.status is PlanStatus.INFEASIBLE
    assert plan.reason is not None
    assert "gemma2:2b" in plan.reason
    assert script.asked == []


@pytest.mark.parametrize("instance", INSTANCES, ids=str)
def test_the_prompt_tells_exactly_the_figures_of_the_view(instance: Instance) -> None:
    view = instance.view
    problem = find_problem(planner_prompt(build_problem(view)))
    assert problem is not None
    assert problem.vram_budget_gb == view.vram_budget_gb
    assert (problem.lambda_token, problem.lambda_switch) == (view.weights.token, view.weights.switch)
    assert [model.tag for model in problem.models] == list(view.fleet.tags)
    assert [model.switch_cost for model in problem.models] == pytest.approx(switch_cost(view).tolist(), abs=1e-6)
    assert {model.tag for model in problem.models if model.resident} == set(view.resident)
    assert [task.id for task in problem.tasks] == [task.id for task in view.tasks]
    assert tuple(task.stage for task in problem.tasks) == view.stages
    for m, task in enumerate(problem.tasks):
        able = [i for i in range(len(view.fleet)) if view.estimates.allowed[i, m]]
        assert list(task.offers) == [view.fleet.tags[i] for i in able]
        for i in able:
            offer = task.offers[view.fleet.tags[i]]
            assert offer.quality == pytest.approx(view.estimates.quality[i, m], abs=1e-6)
            assert offer.token_cost == pytest.approx(view.estimates.token_cost[i, m], abs=1e-6)
            assert offer.utility == pytest.approx(utility(view)[i, m], abs=1e-6)


@pytest.mark.parametrize("latency", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(12))
def test_the_planner_can_work_out_the_value_that_the_solvers_maximize(seed: int, latency: float) -> None:
    view = random_view(seed, tasks=6)
    seconds = np.random.default_rng(seed).uniform(0, 20, view.estimates.quality.shape)
    view = replace(
        view,
        weights=replace(view.weights, latency=latency),
        estimates=replace(view.estimates, latency=lambda: seconds),
    )
    plan = instances.route("milp", view)
    if plan.status is PlanStatus.INFEASIBLE:
        return
    prompt = planner_prompt(build_problem(view))
    problem = find_problem(prompt)
    assert problem is not None
    worth = sum(task.offers[plan.model_of[task.id]].utility for task in problem.tasks)
    loaded = [model for model in problem.models if model.tag in plan.target_residency and not model.resident]
    prices = [
        problem.lambda_switch * each.switch_cost if each.load_price is None else each.load_price for each in loaded
    ]
    assert worth - sum(prices) == pytest.approx(evaluate(plan, view).value, abs=1e-4)
    assert ("the load_price\nof each different model" in prompt) == (latency > 0)
    assert ("lambda_switch\ntimes the switch_cost" in prompt) == (latency == 0)


def test_the_prompt_holds_edges_but_no_task_prompt() -> None:
    view = view_of(WB2)
    problem = build_problem(view)
    assert [task.after for task in problem.tasks] == [(), ("s0",), ("s0",)]
    assert '"prompt"' not in planner_prompt(problem)


def test_the_schema_knows_every_name_and_counts_the_rows_of_small_horizons_only() -> None:
    row = {
        "type": "object",
        "properties": {
            "task": {"type": "string", "enum": ["s0", "s1", "s2"]},
            "model": {"type": "string", "enum": [GEMMA, QWEN, LLAMA, PHI]},
        },
        "required": ["task", "model"],
        "additionalProperties": False,
    }
    assert planner_schema(view_of(WB1)) == {
        "type": "object",
        "properties": {"assignments": {"type": "array", "items": row, "minItems": 3, "maxItems": 3}},
        "required": ["assignments"],
        "additionalProperties": False,
    }
    many = planner_schema(matrix_view([[0.5] * (MAX_COUNTED_ROWS + 1)], vram_gb=[1], budget_gb=8))
    assert "maxItems" not in json.dumps(many)


ROWS = st.lists(st.tuples(st.sampled_from(["s0", "s1", "s2", "s3"]), st.sampled_from([GEMMA, QWEN, LLAMA, PHI, "x"])))
ANSWERS = st.one_of(
    st.text(max_size=20),
    ROWS.map(lambda rows: json.dumps({"assignments": [{"task": task, "model": model} for task, model in rows]})),
)


@settings(max_examples=tries(100), deadline=None)
@given(st.lists(ANSWERS, min_size=2, max_size=2), st.sampled_from([2.0, 8.0, 14.5, 48.0]))
def test_no_answer_leads_to_a_violation_and_no_choice_is_changed_silently(answers: list[str], budget: float) -> None:
    view = view_of(WB1, budget_gb=budget)
    plan, script = route(view, *answers)
    assert check(plan, view) == ()
    assert len(plan.planner_calls) == len(script.asked) <= 2
    last = answers[len(script.asked) - 1]
    for each in plan.assignments:
        if each.origin is not Origin.FILL_IN:
            assert {"task": each.task, "model": each.model} in json.loads(last)["assignments"]
    assert all(o != "fill-in" for o in origins(plan)) or plan.planner_failures


def test_models_of_the_same_weights_are_counted_once_and_the_prompt_says_so() -> None:
    view = matrix_view([[0.1, 0.1], [1.0, 0.1], [0.1, 1.0]], vram_gb=[6, 4, 4], budget_gb=5)
    shared = replace(view, fleet=sharing_weights(view.fleet, [("m1", "m2")]))
    answer = text({"t0": "m1", "t1": "m2"})
    plan, script = route(shared, answer)
    assert plan.planner_failures == {}
    assert plan.target_residency == {"m1"}
    assert plan.model_of == {"t0": "m1", "t1": "m2"}
    assert 'A model with "shares_with" uses the copy' in script.asked[0]
    problem = find_problem(script.asked[0])
    assert problem is not None
    assert [model.shares_with for model in problem.models] == [None, None, "m1"]
    apart, script = route(view, answer, answer)
    assert apart.planner_failures == {"over_budget": 2}
    assert "shares_with" not in script.asked[0]
