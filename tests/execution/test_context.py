"""Prompts and contexts: what does not fit is not sent, and what the server cut all the same is counted and named."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.record import JobRecord, JobStatus, TaskOutcome, TaskStatus
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.tasks import TaskCall, cut_sentence
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.telemetry.sink import ListSink
from tests.execution.lab import case
from tests.execution.stand_in import Body, StandIn, reply

SMALL = Model(tag="small", vram_gb=2.0, load_time_ms=1, cost_per_token=0.1, max_ctx=8192, num_ctx=512)
LARGE = replace(SMALL, tag="large", vram_gb=4.0, cost_per_token=50.0, num_ctx=2048)
WORDS_400 = "some plain words " * 133  # about 475 tokens by the estimate, with the template


def task(task_id: str, prompt: str) -> Task:
    return Task(
        id=task_id, type=TaskType.MATH, prompt=prompt, estimated_tokens=100, difficulty=1, expected=Number(value=42)
    )


def graph(*prompts: str, edges: tuple[tuple[str, str], ...] = ()) -> TaskGraph:
    return TaskGraph(name="job", tasks=tuple(task("abc"[n], prompt) for n, prompt in enumerate(prompts)), edges=edges)


def run(
    server: StandIn, dag: TaskGraph, *models: Model, mode: str = "greedy", sink: ListSink | None = None
) -> JobRecord:
    fleet = Fleet(name="f", models=models)
    with Bench(backend=server.backend(), fleet=fleet, settings=BenchSettings(planner="small")) as bench:
        return bench.run(case(dag, mode, horizon=0), sink=sink)


def test_a_prompt_that_does_not_fit_goes_to_a_model_that_takes_it() -> None:
    record = run(StandIn(), graph("short", WORDS_400 * 2), SMALL, LARGE)
    assert {each.task: each.model for each in record.outcomes} == {"a": "small", "b": "large"}


def test_the_answers_of_parents_count() -> None:
    server = StandIn(lambda _: reply(WORDS_400 * 2))
    record = run(server, graph("short", "short too", edges=(("a", "b"),)), SMALL, LARGE)
    assert {each.task: each.model for each in record.outcomes} == {"a": "small", "b": "large"}


def test_a_prompt_that_fits_nowhere_is_not_sent() -> None:
    server = StandIn()
    record = run(server, graph(WORDS_400 * 9), SMALL, LARGE)
    assert record.status is JobStatus.INFEASIBLE
    assert record.error is not None
    assert "task 'a': its prompt has about" in record.error
    assert "the largest num_ctx is 2048 (large); raise it" in record.error
    assert server.chats == []


@pytest.mark.parametrize(
    ("length", "changes", "advice"),
    [
        (10, {"max_ctx": 2048}, "raise that of small, or write num_ctx = "),
        (10, {"max_ctx": 8192, "auto_ctx": True, "vram_gb": 7.5}, "the VRAM budget has no room for more; raise the"),
        (30, {"max_ctx": 8192, "num_ctx": 8192}, "its max_ctx allows no more; shorten the prompt"),
        (30, {"max_ctx": 9000, "auto_ctx": True}, "its max_ctx allows no more; shorten the prompt"),
        (30, {"max_ctx": 9000}, "its max_ctx allows no more; shorten the prompt"),
    ],
)
def test_the_advice_is_one_that_helps(length: int, changes: dict[str, Any], advice: str) -> None:
    record = run(StandIn(), graph(WORDS_400 * length), SMALL, replace(LARGE, **changes))
    assert record.error is not None
    assert advice in record.error


def test_an_auto_context_is_raised_loaded_and_planned_with() -> None:
    server = StandIn()
    record = run(server, graph("short", WORDS_400 * 2, edges=(("a", "b"),)), replace(SMALL, auto_ctx=True))
    assert [body["options"]["num_ctx"] for path, body in server.requests if body.get("keep_alive") != 0] == [
        512,  # load and chat of the first task
        512,
        2048,  # the second one's
        2048,
    ]
    assert [step.planned_vram_gb for step in record.steps] == [2.0, 8.0]


def cut(body: Body) -> dict[str, Any]:
    """What a server says that cut the prompt to half of the context."""
    return reply(prompt_eval_count=body["options"]["num_ctx"] // 2 + 2)


def test_a_cut_prompt_is_counted_named_and_not_scored() -> None:
    sink = ListSink()
    record = run(StandIn(cut), graph(WORDS_400, "short"), SMALL, sink=sink)
    by_task = {each.task: each for each in record.outcomes}
    assert (by_task["a"].truncated, by_task["a"].score) == (True, None)
    assert (by_task["b"].truncated, by_task["b"].score) == (False, 1.0)
    metrics = job_metrics(record)
    assert (metrics.truncated_prompts, metrics.tasks_unscored, metrics.score) == (1, 1, 1.0)
    (note,) = [each["text"] for each in sink.events if each["event"] == "note"]
    assert note == (
        "the server cut the prompt of task 'a' to 258 tokens, because the context of small is 512; raise its num_ctx"
    )


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        (600, "because the context of small is 512; raise its num_ctx"),
        (400, "although num_ctx of small is 512: its own context is shorter; lower its max_ctx in the fleet file"),
    ],
)
def test_a_prompt_that_num_ctx_would_have_held_was_cut_for_another_reason(tokens: int, why: str) -> None:
    call = TaskCall(task=task("a", WORDS_400), model=SMALL, given=(), step=0, seed=0)
    outcome = TaskOutcome(task="a", status=TaskStatus.OK, prompt_tokens=258, whole_prompt_tokens=tokens)
    assert cut_sentence(call, outcome) == f"the server cut the prompt of task 'a' from {tokens} to 258 tokens, {why}"


def of_bytes(body: Body, *, refuses: bool) -> dict[str, Any]:
    """The reply of a model that lacks every script: a token for each byte. It cuts, or refuses to where it is asked."""
    tokens = 10 + sum(len(each["content"].encode()) for each in body["messages"])
    num_ctx = body["options"]["num_ctx"]
    if tokens < num_ctx:
        return reply(prompt_eval_count=tokens)
    if refuses and body.get("truncate") is False:
        told = {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": tokens, "n_ctx": num_ctx}
        return {"error": json.dumps({"error": told}, separators=(",", ":"))}
    return reply(prompt_eval_count=num_ctx // 2 + 2)


SCRIPTS = {
    "chinese": "天空为什么是蓝色的",
    "arabic": "لماذا السماء زرقاء؟ ",
    "hindi": "आसमान नीला क्यों है? ",
    "emoji": "😀🚀🌍🎉",
    "code": "def f(x): return [x] ",
    "base64": "TWFuIGlzIGRpc3Rpbmd1aXNoZWQs",
}


@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_cut_prompt_is_counted_in_every_script(script: str, refuses: bool) -> None:
    """In code and base64 the count alone cannot tell: so far beyond the estimate no tokenizer is."""
    text = SCRIPTS[script]
    server = StandIn(partial(of_bytes, refuses=refuses))
    record = run(server, graph(text * (1 + 560 // len(text.encode())), "short"), SMALL)
    by_task = {each.task: each for each in record.outcomes}
    assert by_task["b"].truncated is False
    assert by_task["a"].prompt_tokens == 258
    if refuses or script not in ("code", "base64"):
        assert (by_task["a"].truncated, by_task["a"].score) == (True, None)
    if refuses:
        whole = 10 + len(server.chats[0]["messages"][0]["content"].encode())
        assert f"cut the prompt of task 'a' from {whole} to 258 tokens" in str(by_task["a"].score_detail)
    assert [("truncate" in body) for body in server.chats].count(True) == 1


def test_a_planners_cut_question_is_counted_and_its_answer_not_used() -> None:
    planner = replace(SMALL, num_ctx=700)

    def answer(body: Body) -> dict[str, Any]:
        if "format" not in body:
            return reply()
        text = '{"assignments": [{"task": "a", "model": "large"}]}'
        return reply(text, prompt_eval_count=body["options"]["num_ctx"] // 2 + 2)

    record = run(StandIn(answer), graph("short"), planner, LARGE, mode="llm")
    (call,) = record.steps[0].planner_calls
    assert (call.truncated, call.answer) == (True, None)
    assert call.detail is not None
    assert call.detail.startswith("the server cut the question to small to 352 tokens")
    assert [each.origin.value for each in record.steps[0].assignments] == ["fill-in"]
    assert job_metrics(record).truncated_prompts == 1


def test_a_question_that_is_too_long_for_the_planner_is_not_sent() -> None:
    server = StandIn()
    record = run(server, graph("short"), replace(SMALL, num_ctx=256), LARGE, mode="llm")
    (call,) = record.steps[0].planner_calls
    assert call.detail is not None
    assert "more than its context of 256" in call.detail
    assert all("format" not in body for body in server.chats)
