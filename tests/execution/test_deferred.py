"""Deferred tasks wait for a later plan: the loop runs the rest, and the record and events say which and since when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.domain.record import JobRecord, JobStatus
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.plan_builders import held_throughout, rule_plan
from pytest_swarm.telemetry.sink import ListSink
from tests.execution.lab import bench, case, graph, rebuilt

GEMMA, QWEN = "gemma2:2b", "qwen2.5-coder:7b"
FAN = graph(("a", "z"), ("b", "z"), ("c", "z"))


class OneByOne:
    """Runs the ready task that has waited longest, and defers the rest. Task b has a model of its own."""

    name = "one-by-one"

    def __init__(self, *, defer: str = "") -> None:
        self._defer = defer
        self.seen: list[PlanningView] = []

    async def route(self, view: PlanningView) -> Plan:
        self.seen.append(view)
        places = {"a": 0, "b": 1, "c": 0, "z": 0}
        whole = rule_plan(view, [places[task.id] for task in view.tasks])
        first = min(view.ready, key=lambda each: view.ready_since[each])
        others = {task.id for task in view.tasks if task.id != first} | set(self._defer.split())
        return Plan(
            assignments=whole.assignments,
            residency=held_throughout(view, (whole.model_of[first],)),
            status=PlanStatus.HEURISTIC,
            deferred=frozenset(others),
        )


def run_one_by_one(sink: ListSink | None = None, **options: Any) -> tuple[JobRecord, OneByOne]:
    made: list[OneByOne] = []

    def factory(_: RouterSetup) -> OneByOne:
        made.append(OneByOne(**options))
        return made[0]

    with bench(settings=BenchSettings(routers={"one-by-one": factory})) as a_bench:
        return a_bench.run(case(FAN, "one-by-one", horizon=1), sink=sink), made[0]


def test_deferred_tasks_run_in_later_steps() -> None:
    record, _ = run_one_by_one()
    assert record.status is JobStatus.COMPLETED, record.error
    assert [[each.task for each in step.executed] for step in record.steps] == [["a"], ["b"], ["c"], ["z"]]
    assert [step.deferred for step in record.steps] == [("b", "c", "z"), ("c", "z"), ("z",), ()]
    assert all(len(step.target_residency) == 1 for step in record.steps)
    assert not any(step.violation for step in record.steps)


def test_a_router_sees_since_when_tasks_are_ready_and_when_models_were_used() -> None:
    record, router = run_one_by_one()
    assert [dict(view.ready_since) for view in router.seen] == [
        {"a": 0, "b": 0, "c": 0},
        {"b": 0, "c": 0},
        {"c": 0},
        {"z": 3},
    ]
    assert [step.executed[0].model for step in record.steps] == [GEMMA, QWEN, GEMMA, GEMMA]
    expected = [{}, {GEMMA: 0}, {GEMMA: 0, QWEN: 1}, {GEMMA: 2, QWEN: 1}]
    assert [dict(view.last_used) for view in router.seen] == expected
    assert [dict(step.last_used) for step in record.steps] == [dict(view.last_used) for view in router.seen]


def test_events_tell_deferred_tasks_and_rebuild_an_equal_record(tmp_path: Path) -> None:
    sink = ListSink()
    record, _ = run_one_by_one(sink)
    steps = [event for event in sink.events if event["event"] == "plan_step"]
    assert [event["deferred"] for event in steps] == [("b", "c", "z"), ("c", "z"), ("z",), ()]
    assert rebuilt(record, sink, tmp_path / "events.jsonl") == (record,)


@pytest.mark.parametrize(
    ("defer", "sentence"),
    [
        ("a b c", "every ready task is deferred (a, b, c), so that nothing runs; leave one out"),
        ("ghost", "task 'ghost' is deferred, but not in the horizon"),
    ],
)
def test_a_plan_that_runs_nothing_or_defers_a_stranger_is_refused(defer: str, sentence: str) -> None:
    record, _ = run_one_by_one(defer=defer)
    assert record.status is JobStatus.ERROR
    assert record.error is not None
    assert record.error.endswith(sentence)
    assert "'one-by-one'" in record.error
