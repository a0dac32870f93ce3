"""What recordings amount to: load times, speeds, and which answers count."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_swarm.calibration.accuracy import AccuracyCount
from pytest_swarm.calibration.calibrate import measured_fleet
from pytest_swarm.calibration.measured_models import (
    MIN_ANSWERS,
    ModelMeasurement,
    load_note,
    measure_models,
    missing_measurement,
    stall_notes,
)
from pytest_swarm.calibration.recorded_chats import collect_recordings
from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.prompt import task_messages
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import FleetError
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette.takes import Chunk, Exchange, ExchangeEnd, Take, TakeOrigin
from pytest_swarm.workloads.fleet import load_fleet

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


def measured(*exchanges: Exchange, runs: int = 1) -> ModelMeasurement:
    case = Case(graph=GRAPH, key=CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0))
    takes = [Take(case=case, origin=replace(ORIGIN, run=str(n)), exchanges=exchanges) for n in range(runs)]
    (model,) = measure_models(takes)
    return model


def test_an_answer_to_wrong_inputs_does_not_count() -> None:
    model = measured(
        chat("a", "2"), chat("b", "5", {"a": "2"}), chat("a", "1", seed=1), chat("b", "1", {"a": "1"}, seed=1)
    )
    assert model.answers.accuracy[TaskType.MATH] == AccuracyCount(
        right=2, scored=3, mean_difficulty=2, tasks=2, effective=2.0
    )


def test_a_failed_or_senseless_answer_does_not_count() -> None:
    good = chat("a", "1")
    bad = (
        replace(good, status=500),
        replace(good, ending=ExchangeEnd.FAILED),
        replace(good, chunks=(Chunk(offset_s=0, data=b"<html>"),)),
        replace(good, chunks=(Chunk(offset_s=0, data=b"[]"),)),
        chat("a", "1", eval_count=-5),
    )
    assert measured(load(1.0), *bad).call_count == 0
    assert measured(load(1.0), *bad, good).call_count == 1


def test_first_loads_count_apart_where_they_took_longer() -> None:
    model = measured(load(10.0), load(2.0), load(2.5), load(2.25), runs=2)
    assert (model.warm_load_s, model.first_load_s, model.load_count) == (2.25, 10.0, 8)
    assert measured(load(2.2), load(2.0), load(2.5)).first_load_s is None
    assert measured(load(3.0), load(2.0), load(2.0)).first_load_s is None
    assert measured(load(3.1), load(2.0), load(2.0)).first_load_s == 3.1
    assert measured(chat("a", "1")).warm_load_s is None


def test_loads_that_stalled_are_noted() -> None:
    model = measured(load(1.0), load(1.0), load(1.0), load(4.1))
    note = load_note(model)
    assert note is not None
    assert "1 of 4 loads took over 4 times the median of 1.00 s" in note
    assert "mean of 1.77 s" in note or "mean of 1.78 s" in note
    assert load_note(measured(load(1.0), load(1.0), load(1.0), load(4.0))) is None
    assert stall_notes(replace(model, weights="m:latest")) == stall_notes(model) == [note]
    assert stall_notes(replace(model, weights="other:latest")) == [], "the same loads, told of the model in front"


def test_speed_is_steps_over_the_servers_seconds() -> None:
    figures: dict[str, Json] = {
        "prompt_eval_count": 100,
        "prompt_eval_duration": 500_000_000,
        "total_duration": 3_600_000_000,
    }
    slow = chat("a", "1", eval_count=51, eval_duration=2_000_000_000, load_duration=1_000_000_000, **figures)
    model = measured(slow, replace(chat("a", "1", seed=1), sent_s=100.0))
    assert (model.decode_tokens_per_s, model.prefill_tokens_per_s, model.overhead_s) == (25, 200, pytest.approx(0.1))
    assert (model.num_ctx, model.completion_tokens[TaskType.MATH]) == (2048, (51,))


def test_nothing_measured_is_none() -> None:
    model = measured(chat("a", "1"))
    assert (model.decode_tokens_per_s, model.prefill_tokens_per_s, model.overhead_s, model.size_bytes) == (None,) * 4


def test_a_model_needs_speed_size_and_a_load_to_be_simulated() -> None:
    complete = ModelMeasurement(
        tag="m", decode_tokens_per_s=1.0, prefill_tokens_per_s=1.0, size_bytes=1, warm_load_s=1.0
    )
    assert missing_measurement(complete) is None
    assert "speed" in (missing_measurement(replace(complete, decode_tokens_per_s=None)) or "")
    assert "speed" in (missing_measurement(replace(complete, prefill_tokens_per_s=None)) or "")
    assert "size" in (missing_measurement(replace(complete, size_bytes=None)) or "")
    assert "no load" in (missing_measurement(replace(complete, warm_load_s=None)) or "")


def test_a_rate_of_few_answers_is_not_reliable() -> None:
    answers = [chat("a", "1", seed=seed) for seed in range(MIN_ANSWERS)]
    assert measured(*answers[1:]).reliable_accuracy == {}
    assert measured(*answers).reliable_accuracy[TaskType.MATH].right == MIN_ANSWERS


def test_the_size_is_the_largest_that_was_listed() -> None:
    def listed(size: int) -> Exchange:
        row: Json = {"name": "m:latest", "model": "m:latest", "size": size, "size_vram": size}
        return exchange("/api/ps", None, {"models": [row]})

    assert measured(load(1.0), listed(5), listed(9), listed(7)).size_bytes == 9
    assert measured(load(1.0), listed(0)).size_bytes is None, "a runner that reports an offload to no GPU"
    assert measured(load(1.0), replace(listed(5), chunks=(Chunk(offset_s=0, data=b"[1]"),))).size_bytes is None


def test_the_digest_is_that_of_the_latest_chat_and_without_one_that_of_the_first_call() -> None:
    def digests(*exchanges: Exchange) -> list[str | None]:
        case = Case(graph=GRAPH, key=CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0))
        return [each.digest for each in collect_recordings([Take(case=case, origin=ORIGIN, exchanges=exchanges)])]

    loaded = replace(load(1.0), model_digest="old")
    chats = [replace(chat("a", "1", seed=n), model_digest=each) for n, each in enumerate(("old", "new", None))]
    assert (digests(loaded), digests(loaded, *chats)) == (["old"], ["new"])


def test_a_fleet_that_lacks_recorded_models_says_which_to_give() -> None:
    found = [ModelMeasurement(tag=tag) for tag in ("gemma2:2b", "hf.co/team/m:q4", "localhost:5000/ns/m")]
    with pytest.raises(FleetError, match=r"'heavy' lacks hf.co/team/m:q4, localhost:5000/ns/m, .* with --fleet"):
        measured_fleet(found, load_fleet("heavy"))
