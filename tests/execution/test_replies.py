"""What becomes of unusual replies: of texts that the server stopped, and of thinking."""

from __future__ import annotations

from typing import Any

from pytest_swarm.domain.record import JobRecord, TaskStatus
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.telemetry.sink import ListSink
from tests.execution.lab import HEAVY, PLANNER, case, graph
from tests.execution.stand_in import Body, StandIn, reply

REPEATED = {"done": False, "done_reason": None, "prompt_eval_count": None, "eval_count": None}


def run(server: StandIn, mode: str = "greedy", *, sink: ListSink | None = None) -> JobRecord:
    with Bench(backend=server.backend(), fleet=HEAVY, settings=BenchSettings(planner=PLANNER)) as bench:
        return bench.run(case(graph(ids="a"), mode), sink=sink)


def test_a_stopped_text_is_an_answer_and_is_scored() -> None:
    (outcome,) = run(StandIn(lambda _: reply("42" + "\n" * 31, **REPEATED))).outcomes
    assert (outcome.status, outcome.score, outcome.done_reason) == (TaskStatus.OK, 1.0, "repeat")
    assert outcome.completion_tokens is None
    assert outcome.token_cost is None


def test_a_reply_that_was_cut_otherwise_is_a_failure() -> None:
    (outcome,) = run(StandIn(lambda _: reply("42", **REPEATED))).outcomes
    assert (outcome.status, outcome.error_kind, outcome.answer) == (TaskStatus.FAILED, "bad_reply", None)


def test_reason_and_thinking_are_in_outcome_and_event() -> None:
    message = {"role": "assistant", "content": "42", "thinking": "20 + 22 is 42"}
    sink = ListSink()
    (outcome,) = run(StandIn(lambda _: reply(message=message, done_reason="length")), sink=sink).outcomes
    assert (outcome.answer, outcome.done_reason, outcome.thinking) == ("42", "length", "20 + 22 is 42")
    (event,) = [each for each in sink.events if each["event"] == "task_result"]
    assert (event["done_reason"], event["thinking"], event["thinking_chars"]) == ("length", "20 + 22 is 42", 13)


def test_a_planners_stopped_text_is_tried() -> None:
    def answer(body: Body) -> dict[str, Any]:
        if "format" not in body:
            return reply()
        return reply('{"assignments": [{"task": "a", "model": "gemma2:2b"}]}' + "\n" * 31, **REPEATED)

    (step,) = run(StandIn(answer), "llm").steps
    assert [(each.model, each.origin.value) for each in step.assignments] == [("gemma2:2b", "planner")]
    assert step.planner_failures == {}
