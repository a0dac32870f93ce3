"""Dispatch without a barrier: what holds of any job, loads beside work, and what a failing server leaves."""

from __future__ import annotations

import asyncio
import math
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Judge
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlanStatus
from pytest_swarm.domain.record import JobRecord, JobStatus, TaskOutcome, TaskStatus
from pytest_swarm.domain.switch import SwitchPurpose
from pytest_swarm.execution import dispatcher
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.tasks import TaskCall
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.telemetry.sink import ListSink
from tests.execution.lab import HEAVY, PLANNER, backend, case, graph, rebuilt, task
from tests.execution.test_case import critical_path_s, small_graphs
from tests.tries import tries

GEMMA, QWEN, LLAMA, PHI = "gemma2:2b", "qwen2.5-coder:7b", "llama3.1:8b", "phi4:14b"
EXAMPLES = int(os.environ.get("SWARM_DISPATCH_EXAMPLES", str(tries(60))))
"""Random jobs of the invariants; 2,000 were run by hand."""


def run(
    dag: TaskGraph, mode: str, *faults: str, fleet: Fleet = HEAVY, sink: ListSink | None = None, **more: Any
) -> Any:
    """Run one case without a barrier; `more` are fields of the settings, and `horizon` and `vram_budget_gb`."""
    place = {name: more.pop(name) for name in ("horizon", "vram_budget_gb") if name in more}
    timeout_s = more.pop("timeout_s", 120.0)
    options = BenchSettings(**{"dispatch": "tasks", "planner": PLANNER, **more})
    with Bench(backend=backend(*faults, fleet=fleet, timeout_s=timeout_s), fleet=fleet, settings=options) as bench:
        return bench.run(case(dag, mode, **place), sink=sink)


def held_over_time(record: JobRecord) -> list[tuple[float, frozenset[str]]]:
    """The models that are resident or being loaded, from each moment on at which they change."""
    moments = [(each.started_s, each.action == "load", each.model) for each in record.switches if each.action == "load"]
    moments += [(each.finished_s, False, each.model) for each in record.switches if each.action == "unload"]
    held: set[str] = set()
    found: list[tuple[float, frozenset[str]]] = []
    for at_s, comes, tag in sorted(moments, key=lambda each: (each[0], each[1])):
        held = held | {tag} if comes else held - {tag}
        found.append((at_s, frozenset(held)))
    return found


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """The most intervals that overlap; one that begins where another ends does not."""
    moments = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    dag=small_graphs(),
    mode=st.sampled_from(["lp", "milp", "staged", "greedy", "random", "fixed", "collate", "best-single", "llm"]),
    horizon=st.sampled_from([0, 1, 3, "flat"]),
    budget=st.sampled_from([8.0, 10.0, 16.0, 24.0]),
    slots=st.integers(1, 4),
)
def test_invariants_of_any_job(dag: TaskGraph, mode: str, horizon: int, budget: float, slots: int) -> None:
    record = run(dag, mode, horizon=horizon, vram_budget_gb=budget, concurrency=slots, replan_after=2)
    assert record.status is JobStatus.COMPLETED, record.error
    by_task = {each.task: each for each in record.outcomes}
    assert sorted(by_task) == sorted(dag.order)
    assert len(record.outcomes) == len(dag)
    if horizon != "flat":
        for parent, child in dag.edges:
            assert by_task[child].started_s >= by_task[parent].finished_s
    spans = [(each.started_s, each.finished_s) for each in record.outcomes]
    assert most_at_once(spans) <= slots
    assert record.makespan_s >= critical_path_s(record, flat=horizon == "flat") - 1e-6
    assert record.makespan_s >= sum(end - start for start, end in spans) / slots - 1e-6
    for each in record.switches:
        if each.action == "unload":
            used = [o for o in record.outcomes if o.model == each.model]
            assert not any(o.started_s < each.finished_s and each.started_s < o.finished_s for o in used)
    if mode != "lp":
        assert not any(step.violation for step in record.steps)
        for _, held in held_over_time(record):
            assert sum(HEAVY[tag].vram_gb for tag in held) <= budget + 1e-6
    held_gb = [sum(HEAVY[tag].vram_gb for tag in held) for _, held in held_over_time(record)]
    metrics = job_metrics(record)
    assert metrics.peak_vram_gb == pytest.approx(max(*held_gb, *(step.planned_vram_gb for step in record.steps)))
    assert (metrics.violations > 0) is (metrics.peak_vram_gb > budget + 1e-6)
    assert [step.step for step in record.steps] == list(range(len(record.steps)))
    assert all(one.started_s <= other.started_s for one, other in pairwise(record.steps))
    for step in record.steps:
        running = {each.task for each in step.running}
        assert not running & set(step.horizon_tasks)
        assert step.reason in {"start", "task_end", "load_end"}


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(dag=small_graphs(), slots=st.integers(1, 4), horizon=st.sampled_from([0, 2]))
def test_without_a_barrier_one_model_is_never_slower(dag: TaskGraph, slots: int, horizon: int) -> None:
    alone = replace(HEAVY, models=(HEAVY[GEMMA],))
    made = [
        run(dag, "fixed", fleet=alone, horizon=horizon, concurrency=slots, dispatch=dispatch, planner=None).makespan_s
        for dispatch in ("layers", "tasks")
    ]
    assert made[1] <= made[0] + 1e-9


def test_a_chain_on_one_model_takes_the_same_time_with_and_without_a_barrier() -> None:
    dag = graph(("a", "b"), ("b", "c"), ("c", "d"), ids="a b c d")
    layers, tasks = (run(dag, "fixed", dispatch=dispatch, planner=None).makespan_s for dispatch in ("layers", "tasks"))
    assert layers == tasks


class Rule:
    """Gives each task the model that `models` names, all of its models resident for the whole horizon."""

    name = "rule"

    def __init__(self, models: dict[str, str], *, defer: frozenset[str] = frozenset()) -> None:
        self.models = models
        self.defer = defer
        self.seen: list[PlanningView] = []

    async def route(self, view: PlanningView) -> Plan:
        self.seen.append(view)
        rows = tuple(Assignment(task=each.id, model=self.models[each.id], origin=Origin.RULE) for each in view.tasks)
        stages = [
            frozenset(row.model for row, stage in zip(rows, view.stages, strict=True) if stage == at)
            for at in range(max(view.stages) + 1)
        ]
        deferred = self.defer & {each.id for each in view.tasks}
        deferred = frozenset() if deferred.issuperset(view.ready) else deferred
        return Plan(assignments=rows, residency=tuple(stages), status=PlanStatus.HEURISTIC, deferred=deferred)


def run_rule(dag: TaskGraph, rule: Rule, *faults: str, **more: Any) -> JobRecord:
    def factory(_: RouterSetup) -> Rule:
        return rule

    return run(dag, "rule", *faults, routers={"rule": factory}, **more)


def span(record: JobRecord, task_id: str) -> tuple[float, float]:
    outcome = record.outcome(task_id)
    assert outcome.started_s is not None
    assert outcome.finished_s is not None
    return outcome.started_s, outcome.finished_s


def loads(record: JobRecord) -> list[tuple[str, SwitchPurpose]]:
    return [(each.model, each.purpose) for each in record.switches if each.action == "load"]


def test_a_successor_starts_while_its_uncles_still_run() -> None:
    """b is long, and c needs a alone: with a barrier c would wait for b."""
    dag = replace(graph(("a", "c"), ids="a b c"), tasks=(task("a", tokens=40), task("b", tokens=3000), task("c")))
    rule = Rule(dict.fromkeys("abc", GEMMA))
    record = run_rule(dag, rule, horizon=0)
    assert span(record, "c")[0] < span(record, "b")[1]
    assert [step.reason for step in record.steps] == ["start", "task_end"]
    (running,) = rule.seen[1].running
    assert (running.task, running.model) == ("b", GEMMA)
    assert [each.id for each in rule.seen[1].tasks] == ["c"]


def test_a_model_is_loaded_while_others_run() -> None:
    """Both models fit: the task of the first starts before the second is loaded."""
    record = run_rule(graph(ids="a b"), Rule({"a": GEMMA, "b": QWEN}), vram_budget_gb=16.0)
    (second,) = [each for each in record.switches if each.model == QWEN]
    assert span(record, "a")[0] < second.finished_s
    assert loads(record) == [(GEMMA, SwitchPurpose.TASK), (QWEN, SwitchPurpose.TASK)]


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_the_model_with_the_most_work_is_loaded_first(order: str) -> None:
    tasks = {"a": task("a", tokens=60), "b": task("b", tokens=900)}
    dag = replace(graph(ids=" ".join(order)), tasks=tuple(tasks[each] for each in order))
    record = run_rule(dag, Rule({"a": GEMMA, "b": QWEN}), vram_budget_gb=16.0)
    assert [tag for tag, _ in loads(record)] == [QWEN, GEMMA]


def test_a_model_that_is_idle_gets_the_next_slot() -> None:
    """Eight tasks on gemma take both slots; the one on qwen is the last of the plan, and begins when one is free."""
    ids = "a b c d e f g h i"
    models = dict.fromkeys(ids.split(), GEMMA) | {"i": QWEN}
    record = run_rule(graph(ids=ids), Rule(models), concurrency=2, vram_budget_gb=16.0)
    loaded_s = next(each.finished_s for each in record.switches if each.model == QWEN)
    later = [each for each in "abcdefgh" if loaded_s < span(record, each)[0] < span(record, "i")[0]]
    assert later == []
    assert span(record, "i")[1] < max(span(record, each)[1] for each in "abcdefgh")


def test_the_next_stage_is_loaded_before_its_tasks_are_ready() -> None:
    record = run_rule(graph(("a", "b")), Rule({"a": GEMMA, "b": QWEN}), horizon=1, vram_budget_gb=16.0)
    assert loads(record) == [(GEMMA, SwitchPurpose.TASK), (QWEN, SwitchPurpose.PREFETCH)]
    (ahead,) = [each for each in record.switches if each.model == QWEN]
    assert ahead.started_s < span(record, "a")[1]
    assert job_metrics(record).loads_unused == 0


def test_nothing_is_loaded_ahead_where_there_is_no_room_beside_what_runs() -> None:
    record = run_rule(graph(("a", "b")), Rule({"a": GEMMA, "b": QWEN}), horizon=1, vram_budget_gb=8.0)
    assert loads(record) == [(GEMMA, SwitchPurpose.TASK), (QWEN, SwitchPurpose.TASK)]
    (later,) = [each for each in record.switches if (each.action, each.model) == ("load", QWEN)]
    assert later.started_s >= span(record, "a")[1]


def test_nothing_is_loaded_ahead_of_models_that_take_turns() -> None:
    """phi and qwen exceed the budget together: qwen has room beside gemma, but phi, which comes first, has not then."""
    rule = Rule({"a": GEMMA, "b": PHI, "c": QWEN}, defer=frozenset("c"))
    record = run_rule(graph(("a", "b"), ("a", "c")), rule, horizon=1, vram_budget_gb=16.0)
    assert loads(record)[:2] == [(GEMMA, SwitchPurpose.TASK), (PHI, SwitchPurpose.TASK)]
    assert job_metrics(record).switches == 3


def test_a_load_that_nothing_used_is_counted() -> None:
    """The plan has b on qwen, which is loaded ahead; when b is ready it goes to gemma."""

    class Fickle(Rule):
        async def route(self, view: PlanningView) -> Plan:
            self.models = {"a": GEMMA, "b": QWEN if len(view.tasks) == 2 else GEMMA}
            return await super().route(view)

    record = run_rule(graph(("a", "b")), Fickle({}), horizon=1, vram_budget_gb=16.0)
    assert loads(record)[1] == (QWEN, SwitchPurpose.PREFETCH)
    found = job_metrics(record)
    assert (found.loads_unused, found.switches) == (1, 2)


def test_ends_at_the_same_moment_are_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    async def one_second(call: TaskCall, _: OllamaClient, clock: JobClock) -> TaskOutcome:
        started_s = clock.now_s()
        await asyncio.sleep(1.0)
        return TaskOutcome(
            task=call.task.id,
            status=TaskStatus.OK,
            model=call.model.tag,
            answer="42",
            started_s=started_s,
            finished_s=clock.now_s(),
        )

    monkeypatch.setattr(dispatcher, "run_task", one_second)
    record = run_rule(graph(("a", "c"), ("b", "c"), ids="a b c"), Rule(dict.fromkeys("abc", GEMMA)), horizon=0)
    assert [step.ready_tasks for step in record.steps] == [("a", "b"), ("c",)]


@pytest.mark.parametrize("dispatch", ["layers", "tasks"])
def test_a_model_takes_no_more_calls_than_its_slots(dispatch: str) -> None:
    models = tuple(replace(each, parallel=2) if each.tag == GEMMA else each for each in HEAVY)
    dag, rule = graph(ids="a b c d"), Rule(dict.fromkeys("abcd", GEMMA))
    record = run_rule(dag, rule, fleet=replace(HEAVY, models=models), concurrency=4, dispatch=dispatch)
    assert most_at_once([span(record, each) for each in "abcd"]) == 2


def test_deferred_tasks_are_asked_for_again_and_their_model_is_loaded_ahead() -> None:
    record = run_rule(graph(ids="a b"), Rule({"a": GEMMA, "b": QWEN}, defer=frozenset("b")), vram_budget_gb=16.0)
    assert record.steps[0].deferred == ("b",)
    assert loads(record)[1] == (QWEN, SwitchPurpose.PREFETCH)
    assert record.status is JobStatus.COMPLETED


def test_the_same_seed_repeats_to_the_bit() -> None:
    dag = graph(("a", "c"), ("b", "c"), ("c", "d"), ids="a b c d e")
    first, second = (run(dag, "milp", horizon=1, vram_budget_gb=16.0) for _ in range(2))
    timeless = [
        replace(each, steps=tuple(replace(s, decision_ms=0.0, solve_ms=0.0) for s in each.steps))
        for each in (first, second)
    ]
    assert timeless[0] == timeless[1]


def test_a_planner_is_asked_less_often_where_replan_says_so() -> None:
    """Three chains of two: each first task that ends makes one more ready, of which no plan of horizon 0 speaks."""
    dag = graph(("a", "d"), ("b", "e"), ("c", "f"), ids="a b c d e f")
    asked = {
        (mode, after): len(run(dag, mode, horizon=0, vram_budget_gb=24.0, replan_after=after).steps)
        for mode in ("llm", "milp")
        for after in (1, 2, math.inf)
    }
    assert asked["llm", 1] > asked["llm", math.inf] == 2
    assert asked["llm", 1] >= asked["llm", 2] >= asked["llm", math.inf]
    assert asked["milp", 1] == asked["milp", math.inf] > 2


def test_tasks_that_the_plan_has_decided_on_raise_no_question() -> None:
    """Six tasks are ready and two run at a time: the first plan says what each of them does."""
    assert len(run(graph(ids="a b c d e f"), "milp", vram_budget_gb=24.0, concurrency=2).steps) == 1


def test_a_judge_waits_until_nothing_runs() -> None:
    """A judge takes the VRAM for itself: it must not come while b still runs, and c must not wait for it."""
    judged = replace(task("a", tokens=40), expected=Judge(rubric="good"))
    dag = replace(graph(("a", "c"), ids="a b c"), tasks=(judged, task("b", tokens=3000), task("c")))
    record = run_rule(dag, Rule(dict.fromkeys("abc", GEMMA)), judge=LLAMA, horizon=0, vram_budget_gb=8.0)
    assert record.status is JobStatus.COMPLETED, record.error
    (load,) = [each for each in record.switches if (each.action, each.model) == ("load", LLAMA)]
    assert load.purpose is SwitchPurpose.AUXILIARY
    assert load.started_s >= span(record, "b")[1]
    assert span(record, "c")[0] < span(record, "b")[1]
    assert record.outcome("a").judge_reply is not None


def test_a_load_that_the_server_refuses_ends_the_job_and_keeps_what_was_measured() -> None:
    sink = ListSink()
    record = run_rule(
        graph(ids="a b"),
        Rule({"a": GEMMA, "b": QWEN}),
        f"load-error:model={QWEN}",
        vram_budget_gb=16.0,
        sink=sink,
    )
    assert record.status is JobStatus.ERROR
    assert record.outcome("b").server_fault
    assert any(event["event"] == "plan_step" for event in sink.events)


def test_a_load_ahead_that_the_server_refuses_is_not_asked_for_again_before_its_task_is_ready() -> None:
    """It fails at once: asking again whenever it ends would never let time pass."""
    sink = ListSink()
    record = run_rule(
        graph(("a", "b")),
        Rule({"a": GEMMA, "b": QWEN}),
        f"load-error:model={QWEN}",
        horizon=1,
        vram_budget_gb=16.0,
        sink=sink,
    )
    assert record.outcome("a").status is TaskStatus.OK
    assert record.outcome("b").server_fault
    ends = [event for event in sink.events if event["event"] == "vram_sample" and event["phase"] == "ready"]
    assert len(ends) == 3  # gemma's load, qwen's ahead, and qwen's for its task


@pytest.mark.parametrize("fault", ["refuse:after=9", f"hang:model={QWEN}", f"crash:model={GEMMA}"])
def test_a_server_that_fails_in_the_middle_ends_like_with_a_barrier(fault: str) -> None:
    dag = graph(("a", "c"), ("b", "d"), ids="a b c d")
    models = {"a": GEMMA, "b": QWEN, "c": GEMMA, "d": QWEN}
    found = [
        run_rule(dag, Rule(models), fault, vram_budget_gb=16.0, dispatch=dispatch, timeout_s=20.0)
        for dispatch in ("layers", "tasks")
    ]
    assert found[0].status == found[1].status
    assert {each.task for each in found[0].outcomes if each.status is TaskStatus.SKIPPED} == {
        each.task for each in found[1].outcomes if each.status is TaskStatus.SKIPPED
    }


def test_events_rebuild_an_equal_record(tmp_path: Path) -> None:
    sink = ListSink()
    record = run(graph(("a", "c"), ("b", "c"), ids="a b c"), "staged", sink=sink, vram_budget_gb=16.0)
    assert rebuilt(record, sink, tmp_path / "events.jsonl") == (record,)


def test_utility_counts_each_task_once_and_each_load_that_was_made() -> None:
    record = run_rule(graph(("a", "b")), Rule({"a": GEMMA, "b": QWEN}), horizon=1, vram_budget_gb=16.0)
    rows = {(row.task, row.model): row.utility for step in record.steps for row in step.estimates}
    loads_cost = 0.2 * (HEAVY[GEMMA].load_time_ms + HEAVY[QWEN].load_time_ms) / 1500
    assert job_metrics(record).utility == pytest.approx(rows["a", GEMMA] + rows["b", QWEN] - loads_cost)


def test_a_load_waits_for_a_model_that_is_still_in_use() -> None:
    """c needs qwen, which does not fit beside gemma, on which b still runs when a, the parent of c, has ended."""
    dag = replace(graph(("a", "c"), ids="a b c"), tasks=(task("a", tokens=40), task("b", tokens=3000), task("c")))
    record = run_rule(dag, Rule({"a": GEMMA, "b": GEMMA, "c": QWEN}), horizon=0, vram_budget_gb=8.0)
    (unload,) = [each for each in record.switches if each.action == "unload"]
    assert span(record, "a")[1] < span(record, "b")[1] <= unload.started_s
    assert record.status is JobStatus.COMPLETED


def test_a_load_for_later_does_not_come_before_one_that_is_needed_now() -> None:
    """llama waits for gemma to be free; qwen, for the task after it, would fit beside gemma at once."""
    tasks = (task("a", tokens=40), task("b", tokens=3000), task("c"), task("d"))
    dag = replace(graph(("a", "c"), ("c", "d"), ids="a b c d"), tasks=tasks)
    rule = Rule({"a": GEMMA, "b": GEMMA, "c": LLAMA, "d": QWEN})
    record = run_rule(dag, rule, horizon=1, vram_budget_gb=9.0)
    assert [tag for tag, _ in loads(record)] == [GEMMA, LLAMA, QWEN]
