"""How a planner answers: its faults, what it favors, and whether it corrects itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from pytest_swarm.calibration.planner_behaviour import PlannerBehaviour, planner_behaviour
from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.planner_problem import Offer, PlannerProblem, ProblemModel, ProblemTask, problem_block
from pytest_swarm.simulator.models.profile_types import Favour
from tests.calibration.test_cost_fit import chat

SMALL = Offer(quality=0.5, token_cost=0.1, utility=0.45)
LARGE = Offer(quality=0.9, token_cost=0.8, utility=0.5)
PROBLEM = PlannerProblem(
    vram_budget_gb=10.0,
    lambda_token=0.5,
    lambda_switch=0.2,
    lambda_latency=0.0,
    models=tuple(
        ProblemModel(tag=tag, vram_gb=vram_gb, resident=False, switch_cost=0.1, pinned=False)
        for tag, vram_gb in (("small", 4.0), ("large", 8.0))
    ),
    tasks=tuple(
        ProblemTask(
            id=task,
            type="math",
            difficulty=2.0,
            estimated_tokens=100,
            stage=0,
            after=(),
            offers={"small": SMALL, "large": LARGE},
        )
        for task in ("t0", "t1")
    ),
)


def answered(text: str, problem: PlannerProblem = PROBLEM) -> RecordedChat:
    """A planner's call with this answer."""
    found = chat(1, 1, text=text)
    body = {"model": "m", "messages": [{"role": "user", "content": problem_block(problem)}]}
    return replace(found, exchange=replace(found.exchange, body=body), reply=replace(found.reply, done_reason="stop"))


def plan(*rows: tuple[str, str]) -> str:
    return json.dumps({"assignments": [{"task": task, "model": model} for task, model in rows]})


def behaviour(*chats: RecordedChat) -> PlannerBehaviour:
    found = planner_behaviour(chats)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"assignments": [', "invalid_json"),
        (plan(("t0", "small")), "missing_task"),
        (plan(("t0", "small"), ("t0", "small")), "duplicate_task"),
        (plan(("t0", "small"), ("t9", "small")), "unknown_task"),
        (plan(("t0", "small"), ("t1", "huge")), "unknown_model"),
        (plan(("t0", "small"), ("t1", "large")), "over_budget"),
    ],
)
def test_each_fault_is_counted(text: str, fault: str) -> None:
    sound = answered(plan(("t0", "small"), ("t1", "small")))
    faults = behaviour(answered(text), sound).faults
    assert {name for name, share in faults.items() if share} == {fault}
    assert faults[fault] == 0.5


def test_a_fenced_answer_is_read() -> None:
    text = plan(("t0", "small"), ("t1", "small"))
    assert not any(behaviour(answered(f"```json\n{text}\n```")).faults.values())


@pytest.mark.parametrize(("model", "favours"), [("large", Favour.CAPABILITY), ("small", Favour.CHEAPEST)])
def test_the_rule_that_agrees_with_most_choices_is_what_it_favors(model: str, favours: Favour) -> None:
    assert behaviour(answered(plan(("t0", model), ("t1", model)))).favours is favours


def test_second_answers_tell_whether_it_corrects_itself() -> None:
    refused = structs.replace(PROBLEM, refused="over budget")
    sound = plan(("t0", "small"), ("t1", "small"))
    assert behaviour(answered(sound)).corrects is None
    assert behaviour(answered(sound, refused), answered("no", refused)).corrects == 0.5


def test_calls_without_a_routing_problem_say_nothing() -> None:
    assert planner_behaviour([chat(10, 3)]) is None


def test_a_planner_that_takes_the_models_in_turn_ignores_the_budget() -> None:
    found = behaviour(*[answered(plan(("t0", "small"), ("t1", "large"))) for _ in range(3)])
    assert (found.favours, found.ignores_budget) == (Favour.IN_TURN, True)
    assert not any(found.faults.values()), "the faults follow from the rule"


def test_answers_that_the_limit_cut_are_no_fault_but_a_length() -> None:
    one = structs.replace(PROBLEM, tasks=PROBLEM.tasks[:1])
    three = structs.replace(PROBLEM, tasks=(*PROBLEM.tasks, structs.replace(PROBLEM.tasks[0], id="t2")))
    cut = answered('{"assignments": [', three)
    found = behaviour(
        replaced(answered(plan(("t0", "small")), one), completion_tokens=20, done_reason="stop"),
        replaced(cut, completion_tokens=80, done_reason="length"),
    )
    assert not any(found.faults.values())
    assert found.answer_tokens == (20, 50, 81)  # the middle one lies between


def replaced(call: RecordedChat, **values: Any) -> RecordedChat:
    return replace(call, reply=replace(call.reply, **values))
