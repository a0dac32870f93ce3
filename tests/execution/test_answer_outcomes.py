"""What an outcome says of an answer: its state, what was read of it, and what is handed on to children."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pytest_swarm.domain.answer_state import AnswerState
from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.domain.record import TaskOutcome, TaskStatus
from pytest_swarm.execution import running_job
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.tasks import TaskCall, run_task, scored
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.ollama.messages import ChatReply, ChatRequest
from pytest_swarm.scoring.scorers import Scorers
from pytest_swarm.telemetry import events
from tests.execution.lab import HEAVY, bench, case, graph, run, task

MODEL = HEAVY["gemma2:2b"]


class Client:
    """Answers every chat with one reply."""

    def __init__(self, reply: ChatReply) -> None:
        self.reply = reply

    async def chat(self, _: ChatRequest) -> ChatReply:
        return self.reply


class Clock:
    """A clock that stands still."""

    def now_s(self) -> float:
        return 0.0


def outcome(text: str, *, done_reason: str = "stop", thinking_chars: int | None = None) -> TaskOutcome:
    reply = ChatReply(
        text=text,
        prompt_tokens=1,
        completion_tokens=1,
        total_s=1.0,
        load_s=0.0,
        prefill_s=0.1,
        decode_s=0.1,
        done_reason=done_reason,
        thinking_chars=thinking_chars,
    )
    call = TaskCall(task=task("a"), model=MODEL, given=(), step=0, seed=1)
    client: Any = Client(reply)
    clock: Any = Clock()

    async def both() -> TaskOutcome:
        return await scored(await run_task(call, client.chat, clock), call, Scorers())

    return asyncio.run(both())


@pytest.mark.parametrize(
    ("text", "more", "state"),
    [
        ("It is 42.", {}, None),
        ("It is 42", {"done_reason": "length"}, AnswerState.CUT),
        ("", {}, AnswerState.EMPTY),
        ("", {"thinking_chars": 90}, AnswerState.THINKING),
        ("<think>42</think>", {}, AnswerState.THINKING),
        ("<think>it may be 42", {"done_reason": "length"}, AnswerState.THINKING),
    ],
)
def test_an_outcome_says_what_is_the_matter_with_its_answer(text: str, more: Any, state: AnswerState | None) -> None:
    found = outcome(text, **more)
    assert found.status is TaskStatus.OK
    assert found.answer_state is state
    assert found.done_reason == more.get("done_reason", "stop")
    assert found.thinking_chars == more.get("thinking_chars")
    assert found.score == (1.0 if state in (None, AnswerState.CUT) else 0.0)


def test_an_outcome_says_what_was_read_and_its_event_holds_it() -> None:
    found = outcome("First 7. The answer is **42**, not 7.")
    assert (found.score, found.read, found.read_where) == (1.0, "42", "after 'answer'")
    a_case = case(graph(ids="a"), "lp")
    event = events.encode_task_result(a_case, found, 1.0)
    assert event["read"] == "42"
    assert "judge_reply" not in event
    assert "sandbox_layers" not in event


def test_the_layers_that_confined_code_are_in_the_outcome() -> None:
    code = replace(task("a"), expected=PythonCode(entry_point="f", cases=(CodeCase(args=(1,), returns=1),)))
    dag = replace(graph(ids="a"), tasks=(code,))
    with bench(settings=BenchSettings(code_eval=True)) as a_bench:
        (found,) = a_bench.run(case(dag, "greedy")).outcomes
    assert found.sandbox_layers[:1] == ("rlimits",)


@pytest.mark.parametrize(
    ("context", "handed_on"),
    [("parents", ["42"]), ("full", ["<think>7?</think>42"]), ("none", [])],
)
def test_children_get_the_answer_without_the_thinking(
    context: Any, handed_on: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, list[str]] = {}

    async def answered(calls: tuple[TaskCall, ...], *_: object, **__: object) -> tuple[TaskOutcome, ...]:
        given.update({call.task.id: [text for _, text in call.given] for call in calls})
        return tuple(
            TaskOutcome(
                task=call.task.id,
                status=TaskStatus.OK,
                step=call.step,
                model=call.model.tag,
                answer="<think>7?</think>42",
                started_s=0.0,
                finished_s=1.0,
            )
            for call in calls
        )

    monkeypatch.setattr(running_job, "run_tasks", answered)
    record = run(case(graph(("a", "b")).with_context(context), "greedy"))
    assert [each.score for each in record.outcomes] == [1.0, 1.0]
    assert given["b"] == handed_on


def test_cut_and_empty_answers_are_counted() -> None:
    record = run(case(graph(ids="a b c"), "greedy"))
    whole, cut, thought = record.outcomes
    changed = (
        replace(whole, done_reason="stop"),
        replace(cut, done_reason="length", answer_state=AnswerState.CUT),
        replace(thought, answer="<think>hm", done_reason="stop", answer_state=AnswerState.THINKING),
    )
    metrics = job_metrics(replace(record, outcomes=changed))
    assert (metrics.cut_answers, metrics.empty_answers) == (1, 1)
    silent = tuple(replace(each, done_reason=None) for each in record.outcomes)
    assert job_metrics(replace(record, outcomes=silent)).cut_answers is None
