"""Tasks of one prompt in one job are samples of their own: each draws by itself, and alike under every mode."""

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


def job(repeat: int, mode: str = f"single:{MODEL}") -> JobRecord:
    return run(case(SAMPLES, mode, vram_budget_gb=2.0, repeat=repeat))


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
    seeds = task_seeds(SAMPLES.tasks, 5)
    assert {name: question.seed for (name, _), question in questions.items()} == seeds
    assert len(set(seeds.values())) == 3
