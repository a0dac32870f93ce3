"""Tasks of one prompt in one job each draw by themselves, and alike under every mode: samples, and steps of a chain."""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.domain.seeding import request_seed, task_seeds
from pytest_swarm.execution.reference_matrix import ReferenceMatrix
from pytest_swarm.execution.server_answers import ServerAnswers
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import ModelIdentity
from tests.execution.lab import HEAVY, backend, case, run, task

MODEL = "gemma2:2b"
SAMPLES = TaskGraph(
    name="vote",
    tasks=tuple(replace(task(name, difficulty=3), prompt="How much is 20 + 22?") for name in ("a", "b", "c")),
    edges=(),
)
REPEATS = range(1, 7)


def job(repeat: int, mode: str = f"single:{MODEL}", *, graph: TaskGraph = SAMPLES) -> JobRecord:
    return run(case(graph, mode, vram_budget_gb=2.0, repeat=repeat))


def answers(record: JobRecord) -> dict[str, str | None]:
    return {each.task: each.answer for each in record.outcomes}


def test_samples_of_one_prompt_differ_and_are_those_of_every_mode() -> None:
    found = [answers(job(repeat)) for repeat in REPEATS]
    assert any(len(set(each.values())) > 1 for each in found)
    assert found == [answers(job(repeat, "greedy")) for repeat in REPEATS]


def test_the_first_is_what_a_job_without_copies_gets() -> None:
    alone = replace(SAMPLES, tasks=SAMPLES.tasks[:1])
    for repeat in REPEATS:
        (outcome,) = run(case(alone, f"single:{MODEL}", vram_budget_gb=2.0, repeat=repeat)).outcomes
        assert outcome.answer == answers(job(repeat))["a"]


def test_what_is_known_beforehand_is_what_each_sample_gets() -> None:
    connection = backend().connect()
    for repeat in REPEATS:
        seed = request_seed(0, repeat)
        realised, hindsight = connection.realised(SAMPLES, seed), connection.hindsight(SAMPLES, seed)
        assert realised is not None
        assert hindsight is not None
        for each in job(repeat).outcomes:
            assert hindsight.answer(each.task, MODEL, {}) == (each.answer, each.score)
            assert realised[each.task, MODEL] == each.score


def test_each_sample_is_a_question_of_its_own() -> None:
    models = {MODEL: ModelIdentity(tag=MODEL, digest="1" * 64, server="0.33.0")}
    with AnswerStore(None) as store:
        known = ServerAnswers(store=store, models=models, timeout_s=1.0)
        questions = dict(ReferenceMatrix(known=known, fleet=HEAVY).questions(SAMPLES, 5))
    seeds = task_seeds(SAMPLES, 5)
    assert {name: question.seed for (name, _), question in questions.items()} == seeds
    assert len(set(seeds.values())) == 3


STEPS = TaskGraph(name="chain", tasks=SAMPLES.tasks, edges=(("a", "b"), ("b", "c")))


def test_steps_of_a_chain_that_repeats_one_prompt_differ_and_are_those_of_every_mode() -> None:
    found = [answers(job(repeat, graph=STEPS)) for repeat in REPEATS]
    assert {len(set(each.values())) for each in found} == {3}
    assert found == [answers(job(repeat, "greedy", graph=STEPS)) for repeat in REPEATS]
    first = replace(STEPS, tasks=STEPS.tasks[:2], edges=STEPS.edges[:1])
    for repeat, each in zip(REPEATS, found, strict=True):
        assert answers(job(repeat, graph=first)) == {"a": each["a"], "b": each["b"]}


def test_what_is_known_beforehand_is_what_each_step_gets() -> None:
    hindsight = backend().connect().hindsight(STEPS, request_seed(0, 1))
    assert hindsight is not None
    given: dict[str, str] = {}
    for each in job(1, graph=STEPS).outcomes:
        assert hindsight.answer(each.task, MODEL, given) == (each.answer, each.score)
        given = {each.task: str(each.answer)}
