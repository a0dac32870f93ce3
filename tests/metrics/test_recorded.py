"""Wilson's interval, and recorded answers that count or do not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.calibration.recorded_answers import Tally, wilson
from pytest_swarm.calibration.recorded_models import RecordedModel, recorded_models
from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.prompt import task_messages
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette.takes import Chunk, Exchange, ExchangeEnd, Take, TakeOrigin


@pytest.mark.parametrize(
    ("right", "scored", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 5, 0.5655, 1.0), (8, 10, 0.4902, 0.9433), (50, 100, 0.4038, 0.5962)],
)
def test_wilson_interval(right: int, scored: int, low: float, high: float) -> None:
    assert wilson(right, scored) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_rate_and_stays_in_range(scored: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, scored))
    low, high = wilson(right, scored)
    rounding = 1e-12
    assert 0 <= low <= right / scored + rounding
    assert right / scored - rounding <= high <= 1
    assert low < high


GRAPH = TaskGraph(
    name="job",
    tasks=tuple(
        Task(
            id=task_id,
            type=TaskType.MATH,
            prompt=f"{task_id}?",
            estimated_tokens=10,
            difficulty=2,
            expected=Number(value=1),
        )
        for task_id in "ab"
    ),
    edges=(("a", "b"),),
)
ORIGIN = TakeOrigin(run="r", recorded_ts_ms=0.0, backend="ollama", detail="d", host="http://h:1", simulated=False)


def exchange(
    path: str, body: Json, answer: Json, *, sent_s: float = 0.0, end_s: float = 1.0, task: str | None = None
) -> Exchange:
    return Exchange(
        method="POST",
        path=path,
        body=body,
        sent_s=sent_s,
        end_s=end_s,
        status=200,
        head_s=end_s,
        chunks=(Chunk(offset_s=end_s, data=json.dumps(answer).encode()),),
        task=task,
    )


def chat(task: str, answer: str, given: dict[str, str] | None = None, *, seed: int = 0, **figures: Json) -> Exchange:
    messages: list[Json] = [dict(each) for each in task_messages(GRAPH.task(task), given or {})]
    body: Json = {"model": "m", "messages": messages, "options": {"seed": seed, "num_ctx": 2048}}
    reply: dict[str, Json] = {
        "model": "m",
        "message": {"role": "assistant", "content": answer},
        "done": True,
        **figures,
    }
    return exchange("/api/chat", body, reply, task=task)


def load(end_s: float) -> Exchange:
    return exchange("/api/generate", {"model": "m", "keep_alive": -1}, {"model": "m", "done": True}, end_s=end_s)


def measured(*exchanges: Exchange, runs: int = 1) -> RecordedModel:
    case = Case(graph=GRAPH, key=CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0))
    takes = [Take(case=case, origin=replace(ORIGIN, run=str(n)), exchanges=exchanges) for n in range(runs)]
    (model,) = recorded_models(takes)
    return model


def test_an_answer_to_wrong_inputs_does_not_count() -> None:
    model = measured(
        chat("a", "2"), chat("b", "5", {"a": "2"}), chat("a", "1", seed=1), chat("b", "1", {"a": "1"}, seed=1)
    )
    assert model.accuracy[TaskType.MATH] == Tally(right=2, scored=3, difficulty=2)


def test_a_failed_or_senseless_answer_does_not_count() -> None:
    good = chat("a", "1")
    bad = (
        replace(good, status=500),
        replace(good, ending=ExchangeEnd.FAILED),
        replace(good, chunks=(Chunk(offset_s=0, data=b"<html>"),)),
        replace(good, chunks=(Chunk(offset_s=0, data=b"[]"),)),
        chat("a", "1", eval_count=-5),
    )
    assert measured(load(1.0), *bad).calls == 0
    assert measured(load(1.0), *bad, good).calls == 1


def test_first_loads_count_apart_where_they_took_longer() -> None:
    model = measured(load(10.0), load(2.0), load(2.5), load(2.25), runs=2)
    assert (model.warm_load_s, model.first_load_s, model.loads) == (2.25, 10.0, 8)
    assert measured(load(2.2), load(2.0), load(2.5)).first_load_s is None
    assert measured(chat("a", "1")).warm_load_s is None


def test_speed_is_tokens_over_the_servers_seconds() -> None:
    figures: dict[str, Json] = {
        "prompt_eval_count": 100,
        "prompt_eval_duration": 500_000_000,
        "total_duration": 3_600_000_000,
    }
    slow = chat("a", "1", eval_count=50, eval_duration=2_000_000_000, load_duration=1_000_000_000, **figures)
    model = measured(slow, replace(chat("a", "1", seed=1), sent_s=100.0))
    assert (model.decode_tokens_per_s, model.prefill_tokens_per_s, model.overhead_s) == (25, 200, pytest.approx(0.1))
    assert (model.num_ctx, model.tokens[TaskType.MATH]) == (2048, (50,))


def test_nothing_measured_is_none() -> None:
    model = measured(chat("a", "1"))
    assert (model.decode_tokens_per_s, model.prefill_tokens_per_s, model.overhead_s, model.size_bytes) == (None,) * 4
