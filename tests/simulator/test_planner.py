"""The simulated planner: what it favors, how it fails, and what a schema forbids."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.prompt import Message
from pytest_swarm.planner_problem import (
    Offer,
    PlannerProblem,
    ProblemModel,
    ProblemTask,
    find_problem,
    problem_block,
)
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
from pytest_swarm.simulator.models.profile_types import Favour, PlannerProfile
from pytest_swarm.simulator.models.simulated_planner import plan_text
from pytest_swarm.simulator.server.token_stream import GenerationRequest
from tests.tries import tries

VRAM_GB = {"small": 2.0, "middle": 5.0, "large": 12.0}
OFFERS = {
    "small": Offer(quality=0.4, token_cost=0.2, utility=0.30),
    "middle": Offer(quality=0.6, token_cost=0.1, utility=0.55),
    "large": Offer(quality=0.9, token_cost=0.9, utility=0.45),
}


def problem(tasks: int = 3, budget_gb: float = 48.0, refused: str | None = None, **offers: Offer) -> PlannerProblem:
    return PlannerProblem(
        vram_budget_gb=budget_gb,
        lambda_token=0.5,
        lambda_switch=0.2,
        lambda_latency=0.0,
        models=tuple(
            ProblemModel(tag=tag, vram_gb=gb, resident=tag == "small", switch_cost=gb / 10, pinned=False)
            for tag, gb in VRAM_GB.items()
        ),
        tasks=tuple(
            ProblemTask(
                id=f"t{n}",
                type="math",
                difficulty=2.0,
                estimated_tokens=100,
                stage=n,
                after=(),
                offers=offers or OFFERS,
            )
            for n in range(tasks)
        ),
        refused=refused,
    )


def rows(text: str) -> list[tuple[str, str]]:
    return [(row["task"], row["model"]) for row in json.loads(text)["assignments"]]


def answer(asked: PlannerProblem, profile: PlannerProfile, seed: int = 0, *, constrained: bool = True) -> str:
    return plan_text(asked, profile, Random(seed), constrained=constrained)[0]


def used_gb(chosen: list[tuple[str, str]]) -> float:
    return sum(VRAM_GB[tag] for tag in {model for _, model in chosen})


@pytest.mark.parametrize(
    ("favours", "model"),
    [
        (Favour.CAPABILITY, "large"),
        (Favour.UTILITY, "middle"),
        (Favour.CHEAPEST, "middle"),
        (Favour.SMALLEST, "small"),
    ],
)
def test_a_planner_without_faults_takes_what_it_favours(favours: Favour, model: str) -> None:
    assert rows(answer(problem(), PlannerProfile(favours=favours))) == [(f"t{n}", model) for n in range(3)]


def test_it_keeps_the_budget_and_the_offers() -> None:
    assert {model for _, model in rows(answer(problem(budget_gb=8.0), PlannerProfile()))} == {"middle"}
    only_small = problem(small=OFFERS["small"])
    assert {model for _, model in rows(answer(only_small, PlannerProfile()))} == {"small"}


@pytest.mark.parametrize("budget_gb", [4.0, 8.0, 13.0, 18.0])
def test_over_budget_means_over_budget_wherever_the_fleet_is_large_enough(budget_gb: float) -> None:
    chosen = rows(answer(problem(budget_gb=budget_gb), PlannerProfile(over_budget=1.0)))
    assert used_gb(chosen) > budget_gb


def test_after_a_refusal_it_corrects_itself_or_repeats_itself() -> None:
    asked = problem(budget_gb=8.0, refused="too large")
    stubborn = PlannerProfile(over_budget=1.0, corrects=0.0)
    reasonable = PlannerProfile(over_budget=1.0, corrects=1.0)
    assert used_gb(rows(answer(asked, stubborn))) > 8.0
    assert used_gb(rows(answer(asked, reasonable))) <= 8.0


@pytest.mark.parametrize(
    ("fault", "constrained", "names", "length"),
    [
        ("missing_task", False, {"t0", "t1", "t2"}, 2),
        ("missing_task", True, {"t0", "t1", "t2"}, 3),
        ("duplicate_task", False, {"t0", "t1", "t2"}, 4),
        ("duplicate_task", True, {"t0", "t1", "t2"}, 3),
        ("unknown_task", False, {"t0", "t1", "t2", "t0_final", "t1_final", "t2_final"}, 3),
        ("unknown_model", False, {"t0", "t1", "t2"}, 3),
    ],
)
def test_each_fault_changes_the_rows(fault: str, constrained: bool, names: set[str], length: int) -> None:
    profile = replace(PlannerProfile(favours=Favour.UTILITY), **{fault: 1.0})
    for seed in range(10):
        chosen = rows(answer(problem(), profile, seed, constrained=constrained))
        assert len(chosen) == length
        assert {task for task, _ in chosen} <= names
        assert chosen != [(f"t{n}", "middle") for n in range(3)]


def test_prose_and_fences_need_a_planner_that_no_schema_binds() -> None:
    prose, fence = PlannerProfile(invalid_json=1.0), PlannerProfile(fenced=1.0)
    assert "{" not in answer(problem(), prose, constrained=False)
    assert "{" not in answer(problem(), replace(prose, ignores_schema=True))
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(answer(problem(), prose))
    assert answer(problem(), fence, constrained=False).startswith("```json\n")
    assert len(rows(answer(problem(), fence))) == 3
    assert len(rows(answer(problem(), replace(prose, invalid_json=0.0, unknown_model=1.0)))) == 3


def test_a_planner_that_runs_away_decodes_past_any_limit() -> None:
    _, tokens = plan_text(problem(), PlannerProfile(runaway=1.0), Random(0), constrained=True)
    assert tokens == 100_000


def test_faults_happen_as_often_as_the_profile_says() -> None:
    profile = PlannerProfile(over_budget=0.3, duplicate_task=0.1)
    asked = problem(budget_gb=8.0)
    over = sum(used_gb(rows(answer(asked, profile, seed))) > 8.0 for seed in range(2000))
    assert over / 2000 == pytest.approx(0.3, abs=0.04)


NUMBERS = st.floats(-100, 100).map(lambda x: round(x, 6))
NAMES = st.text(min_size=1, max_size=6)
OFFER = st.builds(Offer, quality=NUMBERS, token_cost=NUMBERS, utility=NUMBERS)
MODEL = st.builds(
    ProblemModel, tag=NAMES, vram_gb=NUMBERS, resident=st.booleans(), switch_cost=NUMBERS, pinned=st.booleans()
)
TASK = st.builds(
    ProblemTask, id=NAMES, type=NAMES, difficulty=NUMBERS, estimated_tokens=st.integers(1, 10**6),
    stage=st.integers(0, 9), after=st.lists(NAMES, max_size=2).map(tuple),
    offers=st.dictionaries(NAMES, OFFER, max_size=3),
)  # fmt: skip
PROBLEM = st.builds(
    PlannerProblem, vram_budget_gb=NUMBERS, lambda_token=NUMBERS, lambda_switch=NUMBERS, lambda_latency=NUMBERS,
    models=st.lists(MODEL, max_size=3).map(tuple), tasks=st.lists(TASK, max_size=3).map(tuple),
    refused=st.none() | NAMES,
)  # fmt: skip


@settings(max_examples=tries(60), deadline=None)
@given(PROBLEM, st.text(max_size=20))
def test_a_problem_is_read_back_out_of_its_prompt(asked: PlannerProblem, around: str) -> None:
    assert find_problem(f"{around}{problem_block(asked)}{around}") == asked


@pytest.mark.parametrize(
    "text",
    [
        "what is the capital of France?",
        "<routing_problem>\n{\n</routing_problem>",
        "<routing_problem>\n{}\n</routing_problem>",
        "<routing_problem>\n" + "[" * 100_000 + "\n</routing_problem>",
    ],
    ids=["none", "no-json", "wrong-shape", "nesting"],
)
def test_a_prompt_without_a_readable_problem_is_no_planner_prompt(text: str) -> None:
    assert find_problem(text) is None
    request = GenerationRequest(model="phi3:mini", messages=(Message(role="user", content=text),))
    assert "assignments" not in ProfileGenerator(load_profile("a40"), seed=1).generate(request).text


def test_planner_prompts_are_recognized_and_answered_alike_each_time() -> None:
    generator = ProfileGenerator(load_profile("a40"), seed=1)
    prompt = f"Please route.\n{problem_block(problem())}\n"
    request = GenerationRequest(
        model="llama3.1:8b", messages=(Message(role="user", content=prompt),), schema={"type": "object"}, seed=0
    )
    first = generator.generate(request)
    assert rows(first.text) == [(f"t{n}", "large") for n in range(3)]
    assert first == generator.generate(request)
    assert generator.prompt_tokens(request) > 100
