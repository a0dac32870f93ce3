"""ProfileGenerator: known tasks, drawn ones, wrong inputs, and the same answer whenever it is asked."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import JsonFields, Judge, Keywords, Number, YesNo
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.prompt import Message, task_messages
from pytest_swarm.domain.seeding import request_seed
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.models.difficulty import right_probability
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
from pytest_swarm.simulator.server.token_stream import GenerationRequest

PROFILE = load_profile("a40")
MODELS = PROFILE.tags
MEASURED = ("gemma2:2b", "qwen2.5-coder:7b", "llama3.1:8b")

WB3 = TaskGraph(
    name="wb3",
    tasks=(
        Task(id="s0", type=TaskType.EXTRACTION, prompt="date?", estimated_tokens=180, difficulty=1.5,
             expected=JsonFields(fields={"date": "2026-02-21"})),
        Task(id="s1", type=TaskType.REASONING, prompt="saturday?", estimated_tokens=120, difficulty=2.5,
             expected=YesNo(value=True)),
        Task(id="s2", type=TaskType.SUMMARIZE, prompt="sum up", estimated_tokens=120, difficulty=1.5,
             expected=Keywords(words=("saturday",))),
    ),
    edges=(("s0", "s1"), ("s1", "s2")),
)  # fmt: skip


def ask(generator: ProfileGenerator, task: Task, model: str, seed: int, **inputs: str) -> str:
    messages = task_messages(task, inputs)
    return generator.generate(GenerationRequest(model=model, messages=messages, seed=seed)).text


def score(generator: ProfileGenerator, task: Task, model: str, seed: int, **inputs: str) -> float:
    value = score_text(task.expected, ask(generator, task, model, seed, **inputs)).value
    assert value is not None
    return value


def unknown(difficulty: float = 3.0, kind: str = "math", prompt: str = "how many?") -> TaskGraph:
    task = Task(
        id="t",
        type=TaskType(kind),
        prompt=prompt,
        estimated_tokens=100,
        difficulty=difficulty,
        expected=Number(value=5),
    )
    return TaskGraph(name="other", tasks=(task,))


@pytest.mark.parametrize("model", MEASURED)
def test_what_was_measured_without_inputs_is_what_happens_without_inputs(model: str) -> None:
    graph = WB3.with_context("none")
    generator = ProfileGenerator(PROFILE, seed=1, graphs=[graph])
    outcomes = [[score(generator, task, model, seed) for task in graph.tasks] for seed in range(10)]
    assert outcomes == [[1.0, 0.0, 0.0]] * 10


def test_with_right_inputs_the_published_failures_no_longer_hold() -> None:
    generator = ProfileGenerator(PROFILE, seed=1, graphs=[WB3])
    task = WB3.task("s1")
    scores = [score(generator, task, "phi4:14b", seed, s0='{"date": "2026-02-21"}') for seed in range(60)]
    assert mean(scores) > 0.7


def test_a_wrong_input_mostly_makes_the_answer_wrong_and_a_right_one_never_does() -> None:
    generator = ProfileGenerator(PROFILE, seed=1, graphs=[WB3])
    task, right, wrong = WB3.task("s1"), '{"date": "2026-02-21"}', '{"date": "1999-01-01"}'
    pairs = [
        (
            score(generator, task, "phi4:14b", seed, s0=right),
            score(generator, task, "phi4:14b", seed, s0=wrong),
        )
        for seed in range(200)
    ]
    assert all(misled <= led for led, misled in pairs)
    share = mean(misled for led, misled in pairs if led == 1.0)
    assert share == pytest.approx(1 - PROFILE.behaviour.error_carryover, abs=0.1)


def test_a_task_that_was_measured_without_inputs_is_seldom_misled_by_a_wrong_one() -> None:
    two = TaskGraph(
        name="wb1",
        tasks=(replace(unknown().tasks[0], id="s0"), replace(unknown().tasks[0], id="s1", prompt="3^2 + 4^2?")),
        edges=(("s0", "s1"),),
    )
    generator = ProfileGenerator(PROFILE, seed=1, graphs=[two])
    scores = [score(generator, two.task("s1"), "llama3.1:8b", seed, s0="no idea") for seed in range(400)]
    assert mean(scores) == pytest.approx(1 - PROFILE.behaviour.self_contained_carryover, abs=0.06)


def test_scores_that_vary_are_drawn_from_what_was_measured() -> None:
    fib = Task(
        id="s1", type=TaskType.MATH, prompt="fib(10)?", estimated_tokens=120, difficulty=2, expected=Number(value=55)
    )
    graph = TaskGraph(name="wb2", tasks=(fib,))
    generator = ProfileGenerator(PROFILE, seed=3, graphs=[graph])
    rate = {m: mean(score(generator, fib, m, seed) for seed in range(300)) for m in (*MEASURED, "phi4:14b")}
    assert rate["qwen2.5-coder:7b"] == rate["phi4:14b"] == 1.0
    assert rate["gemma2:2b"] == pytest.approx(1 / 2, abs=0.08)
    assert rate["llama3.1:8b"] == pytest.approx(2 / 3, abs=0.08)


def test_unmeasured_tasks_are_right_as_often_as_the_accuracy_says() -> None:
    graph = unknown()
    generator = ProfileGenerator(PROFILE, seed=3, graphs=[graph])
    rate = mean(score(generator, graph.tasks[0], "llama3.1:8b", seed) for seed in range(1000))
    assert rate == pytest.approx(0.845, abs=0.03)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", TaskType)
def test_accuracy_falls_with_difficulty_and_is_the_published_one_in_the_middle(model: str, kind: TaskType) -> None:
    chances = [right_probability(PROFILE, model, unknown(d, kind).tasks[0]) for d in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert chances == sorted(chances, reverse=True)
    assert chances[2] == pytest.approx(PROFILE.accuracy(model, kind))


CALLS = [(task, model, seed) for task in WB3.tasks for model in MODELS for seed in (1, 2)]


@settings(max_examples=20, deadline=None)
@given(st.permutations(CALLS))
def test_the_same_call_gets_the_same_answer_in_any_order(calls: list[tuple[Task, str, int]]) -> None:
    generator, again = ProfileGenerator(PROFILE, seed=9, graphs=[WB3]), ProfileGenerator(PROFILE, seed=9)
    again.register_graph(unknown())
    again.register_graph(WB3)
    again.register_graph(WB3)
    first = {(task.id, model, seed): ask(generator, task, model, seed) for task, model, seed in CALLS}
    assert {(task.id, model, seed): ask(again, task, model, seed) for task, model, seed in calls} == first


def test_another_seed_or_repeat_gives_other_answers() -> None:
    graph = unknown(prompt="seven times nine?")

    def texts(seed: int, repeat: int) -> list[str]:
        generator = ProfileGenerator(PROFILE, seed=seed, graphs=[graph])
        return [ask(generator, graph.tasks[0], model, request_seed(seed, repeat)) for model in MODELS]

    assert texts(1, 1) == texts(1, 1)
    assert texts(1, 1) != texts(2, 1)
    assert texts(1, 1) != texts(1, 2)


@pytest.mark.parametrize("model", MODELS)
def test_the_oracle_knows_what_the_model_will_score(model: str) -> None:
    graph = WB3.with_context("none")
    generator = ProfileGenerator(PROFILE, seed=4, graphs=[graph])
    for seed in range(5):
        for task in graph.tasks:
            assert generator.task_score(graph, model, task, seed) == score(generator, task, model, seed)


def test_the_oracle_knows_the_score_given_right_inputs() -> None:
    generator = ProfileGenerator(PROFILE, seed=4, graphs=[WB3])
    for seed in range(20):
        told = generator.task_score(WB3, "phi4:14b", WB3.task("s1"), seed)
        assert told == score(generator, WB3.task("s1"), "phi4:14b", seed, s0='{"date": "2026-02-21"}')


def test_no_model_is_better_at_a_task_that_nothing_scores() -> None:
    task = Task(id="t", type=TaskType.CREATIVE, prompt="a poem", estimated_tokens=200, expected=Judge(rubric="moving"))
    graph = TaskGraph(name="poems", tasks=(task,))
    generator = ProfileGenerator(PROFILE, seed=4, graphs=[graph])
    assert {generator.task_score(graph, model, task, 1) for model in MODELS} == {0.0}


def test_tokens_are_the_measured_ones_or_the_types_middle() -> None:
    generator = ProfileGenerator(PROFILE, seed=1, graphs=[WB3, unknown()])

    def tokens(task: Task, model: str) -> set[int]:
        requests = [GenerationRequest(model=model, messages=task_messages(task, {}), seed=seed) for seed in range(40)]
        return {generator.generate(request).completion_tokens for request in requests}

    assert tokens(WB3.task("s0"), "gemma2:2b") == {21, 23}
    drawn = tokens(unknown().tasks[0], "phi3:mini")
    assert min(drawn) >= round(154 * 0.8)
    assert max(drawn) <= round(154 * 1.2)
    assert len(drawn) > 10


def test_the_same_prompt_in_two_graphs_is_the_task_whose_inputs_were_handed_on() -> None:
    alone = TaskGraph(name="alone", tasks=(replace(WB3.task("s1"), expected=YesNo(value=False)),))
    generator = ProfileGenerator(PROFILE, seed=1, graphs=[WB3, alone])
    handed = [score(generator, WB3.task("s1"), "phi4:14b", seed, s0='{"date": "2026-02-21"}') for seed in range(60)]
    bare = [score(generator, alone.tasks[0], "phi4:14b", seed) for seed in range(60)]
    assert mean(handed) > 0.7
    assert mean(bare) > 0.7


def test_anything_else_gets_text_and_json_where_json_was_asked_for() -> None:
    generator = ProfileGenerator(PROFILE, seed=1, graphs=[WB3])
    hello = (Message(role="user", content="hello"),)
    request = GenerationRequest(model="gemma2:2b", messages=hello)
    plain = generator.generate(request)
    assert plain.text
    assert generator.prompt_tokens(request) == 2
    schema = {"type": "object", "properties": {"score": {"type": "number", "minimum": 0, "maximum": 1}}}
    assert (
        generator.generate(GenerationRequest(model="gemma2:2b", messages=hello, schema=schema)).text == '{"score": 0.5}'
    )
    assert generator.generate(GenerationRequest(model="gemma2:2b", messages=hello, json_mode=True)).text == "{}"
    assert generator.generate(GenerationRequest(model="gemma2:2b", messages=())).completion_tokens >= 1
