"""The receding-horizon loop, on the simulator."""

from __future__ import annotations

import asyncio
import gc
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Custom, Number
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.imported_call import CallKey, ImportedCall
from pytest_swarm.domain.prompt import PARENTS_HEADING, task_messages
from pytest_swarm.domain.record import JobRecord, JobStatus, TaskStatus
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.errors import OptionError
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.bench import Bench, Carryover
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.running_job import RunningJob
from pytest_swarm.execution.simulated_client import SimulatedClient
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.simulator.models.imported_answers import ImportedAnswers
from pytest_swarm.telemetry.sink import ListSink
from tests.execution.lab import A40, HEAVY, PLANNER, backend, bench, case, graph, rebuilt, run, task
from tests.execution.stand_in import StandIn, reply
from tests.faults.session_faults import few_open_files
from tests.instances import mode_for, mode_names

DIAMOND = graph(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), name="diamond")
MODES = tuple(mode_for(name, HEAVY) for name in mode_names(needs=("planner", "realised")))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_runs_a_job_to_its_end(mode: str) -> None:
    record = run(case(DIAMOND, mode, horizon=2))
    assert record.status is JobStatus.COMPLETED, record.error
    assert {each.task for each in record.outcomes} == {"a", "b", "c", "d"}
    assert {each.status for each in record.outcomes} == {TaskStatus.OK}
    assert [step.ready_tasks for step in record.steps] == [("a",), ("b", "c"), ("d",)]


def test_a_case_does_not_begin_where_its_calls_could_open_no_connection() -> None:
    with few_open_files(10), pytest.raises(OptionError, match="cannot open 16 more files"):
        run(case(DIAMOND, "greedy"))


def test_calls_that_others_measured_need_no_answers_of_parents() -> None:
    calls = {CallKey("diamond", each, tag): ImportedCall(score=0.5) for each in "abcd" for tag in HEAVY.tags}
    profile = replace(A40, measured=ImportedAnswers(source="answers.jsonl", calls=calls))
    with Bench(backend=backend(profile=profile), fleet=HEAVY) as a_bench:
        record = a_bench.run(case(DIAMOND, "greedy"))
    assert [(each.task, each.score) for each in record.outcomes] == [(each, 0.5) for each in "abcd"]


def test_a_job_that_has_ended_leaves_nothing_to_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        with bench() as a_bench:
            a_bench.run(case(graph(("a", "b")), "milp"))
            assert not [each for each in gc.get_objects() if isinstance(each, RunningJob)]
    finally:
        gc.enable()


@pytest.mark.parametrize("answers", [{"a": "42"}, {"a": 'says "x"\n\\ é \ud800', "ü": ""}])
def test_parents_outputs_are_json_in_lines_before_the_prompt(answers: dict[str, str]) -> None:
    handed_on, asked = task_messages(task("z"), answers)
    assert handed_on["content"] == PARENTS_HEADING + json.dumps(answers, ensure_ascii=False, indent=1)
    assert asked == {"role": "user", "content": task("z").prompt}
    assert task_messages(task("z"), {}) == (asked,)


def test_a_step_unloads_what_does_not_fit_before_it_loads() -> None:
    record = run(case(DIAMOND, "random", vram_budget_gb=8.0))
    resident: set[str] = set()
    for switch in record.switches:
        if switch.action == "load":
            resident.add(switch.model)
            assert sum(HEAVY[tag].vram_gb for tag in resident) <= 8.0 + 1e-6
        else:
            resident.remove(switch.model)


def test_models_that_still_fit_are_retained() -> None:
    record = run(case(graph(("a", "b"), name="two"), "random", horizon=0, vram_budget_gb=48.0))
    assert all(switch.action == "load" for switch in record.switches)
    assert record.samples[-1].resident


def test_ready_tasks_run_at_the_same_time_up_to_the_limit() -> None:
    wide = TaskGraph(name="wide", tasks=tuple(task(f"t{n}") for n in range(4)))
    with bench(settings=BenchSettings(concurrency=1)) as a_bench:
        one = a_bench.run(case(wide, "single:gemma2:2b"))
    starts = sorted(each.started_s or 0 for each in one.outcomes)
    ends = sorted(each.finished_s or 0 for each in one.outcomes)
    assert all(start >= end for start, end in zip(starts[1:], ends[:-1], strict=True))
    with bench(settings=BenchSettings(concurrency=4)) as a_bench:
        four = a_bench.run(case(wide, "single:gemma2:2b"))
    assert len({each.started_s for each in four.outcomes}) == 1


def test_a_failed_task_is_a_value_and_its_descendants_are_skipped_and_named() -> None:
    record = run(case(DIAMOND, "single:gemma2:2b"), "missing:model=gemma2:2b,after=2,times=1")
    assert record.status is JobStatus.COMPLETED
    assert record.outcome("b").status is TaskStatus.FAILED
    assert record.outcome("b").error_kind == "model_missing"
    assert record.outcome("d").status is TaskStatus.SKIPPED
    assert record.outcome("d").error == "not run, because task 'b' failed"
    assert record.outcome("c").status is TaskStatus.OK
    metrics = job_metrics(record)
    assert metrics.score is not None
    assert metrics.score <= 0.5  # two of four tasks count 0
    assert [each.task for each in metrics.not_run] == ["b", "d"]


@pytest.mark.parametrize(("after", "latency_s"), [(0, None), (1, 5.0)], ids=["its load", "its call"])
def test_a_task_whose_model_did_not_load_in_time_was_never_called(after: int, latency_s: float | None) -> None:
    with bench(f"hang:model=gemma2:2b,after={after}", timeout_s=5.0) as a_bench:
        record = a_bench.run(case(graph(("a", "b"), name="two"), "single:gemma2:2b"))
    metrics = job_metrics(record)
    assert (record.outcome("a").latency_s, metrics.total_latency_s) == (latency_s, latency_s)
    assert metrics.makespan_s is not None
    assert metrics.makespan_s >= 5.0


def test_a_failed_task_teaches_nothing() -> None:
    chain = graph(("a", "b"), name="two")
    with bench("hang:model=gemma2:2b,after=1", timeout_s=5.0) as a_bench:
        record = a_bench.run(case(chain, "single:gemma2:2b"), carryover="group")
        again = a_bench.run(case(chain, "single:gemma2:2b"), carryover="group")
    assert record.outcome("a").error_kind == "timeout"
    before, after = record.steps[0].estimates, again.steps[0].estimates
    assert before == after[: len(before)]


@pytest.mark.parametrize(
    ("counts", "used"),
    [
        ({}, 33),  # 30 of the prompt and 3 of the answer
        ({"prompt_eval_count": None}, None),
        ({"eval_count": None}, None),
    ],
)
def test_the_tokens_of_prompt_and_answer_together_are_learned(
    counts: dict[str, None], used: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[int | None] = []
    monkeypatch.setattr(Estimator, "learn", lambda *_, used_tokens, **__: learned.append(used_tokens))
    server = StandIn(lambda _: {name: value for name, value in reply(**counts).items() if value is not None})
    with Bench(backend=server.backend(), fleet=HEAVY) as a_bench:
        assert a_bench.run(case(graph(ids="a"), "greedy")).status is JobStatus.COMPLETED
    assert learned == [used]


@pytest.mark.parametrize(("carryover", "loads"), [("case", [1, 1]), ("group", [1, 0])])
def test_a_case_starts_without_models_but_for_those_that_its_group_has_loaded(
    carryover: Carryover, loads: list[int]
) -> None:
    with Bench(backend=StandIn().backend(), fleet=HEAVY) as a_bench:
        records = [a_bench.run(case(graph(ids="a"), "greedy"), carryover=carryover) for _ in range(2)]
    assert [sum(switch.action == "load" for switch in record.switches) for record in records] == loads


def test_the_first_case_of_a_group_unloads_what_another_run_has_left() -> None:
    server = StandIn()
    server.put("gemma2:2b")
    with Bench(backend=server.backend(), fleet=HEAVY) as a_bench:
        record = a_bench.run(case(graph(ids="a"), "single:gemma2:2b"), carryover="group")
    assert sum(switch.action == "load" for switch in record.switches) == 1


def test_a_model_that_the_server_cannot_load_ends_the_job_without_a_score() -> None:
    record = run(case(graph(("a", "b"), name="two"), "single:phi4:14b", vram_budget_gb=24), "load-error:model=phi4:14b")
    assert record.status is JobStatus.ERROR
    assert [each.status for each in record.outcomes] == [TaskStatus.FAILED]
    assert (record.outcome("a").error_kind, record.outcome("a").server_fault) == ("server_error", True)
    assert job_metrics(record).score is None


class Stuck(dict[str, int]):
    """Resident models, of which none can be unloaded."""

    def pop(self, *_: object) -> int:
        """Keep the model."""
        return 0


def test_a_model_that_does_not_go_in_time_is_the_fault_of_the_server() -> None:
    server = StandIn()
    server.resident = Stuck()
    server.put("gemma2:2b")
    with Bench(backend=server.backend(), fleet=HEAVY) as a_bench:
        record = a_bench.run(case(graph(ids="a"), "single:phi4:14b", vram_budget_gb=24))
    assert (record.status, record.server_fault) == (JobStatus.ERROR, True)
    assert "the model is still resident" in (record.error or "")


def test_a_dead_server_is_an_error_and_no_score_and_what_was_measured_is_kept() -> None:
    sink = ListSink()
    record = run(case(DIAMOND, "single:gemma2:2b"), "refuse:after=6", sink=sink)
    assert record.status is JobStatus.ERROR
    assert "refuses the connection" in (record.error or "")
    assert job_metrics(record).score is None
    assert record.steps
    assert any(event["event"] == "plan_step" for event in sink.events)


def test_an_infeasible_budget_is_a_status_that_names_budget_model_and_task() -> None:
    record = run(case(DIAMOND, "milp", vram_budget_gb=1.0))
    assert record.status is JobStatus.INFEASIBLE
    for word in ("1GB", "gemma2:2b"):
        assert word in (record.error or "")


def test_the_planner_takes_vram_under_the_same_budget() -> None:
    record = run(case(DIAMOND, "llm", vram_budget_gb=8.0))
    loads = [switch.model for switch in record.switches if switch.action == "load"]
    assert PLANNER in loads
    for sample in record.samples:
        assert sum(HEAVY[row.tag].vram_gb for row in sample.resident) <= 8.0 + 1e-6


def test_the_same_seed_repeats_to_the_bit_and_a_repeat_does_not() -> None:
    def told(record: JobRecord) -> object:
        return [(each.task, each.model, each.answer, each.started_s, each.finished_s) for each in record.outcomes]

    first = run(case(DIAMOND, "llm"))
    assert told(run(case(DIAMOND, "llm"))) == told(first)
    assert told(run(case(DIAMOND, "llm", repeat=2))) != told(first)


def test_a_repeat_draws_anew() -> None:
    dag = graph(ids="a b c d e f g h", name="wide")

    def drawn(repeat: int) -> list[str]:
        record = run(case(dag, "random", horizon="flat", vram_budget_gb=48.0, repeat=repeat))
        return [each.model for each in record.steps[0].assignments]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_makespan_starts_at_the_first_dispatch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(client: SimulatedClient) -> tuple[ResidentModel, ...]:
        await asyncio.sleep(2.0)
        return await resident(client)

    resident = SimulatedClient.resident
    monkeypatch.setattr(SimulatedClient, "resident", slow)
    record = run(case(graph(("a", "b")), "greedy"))
    assert record.steps[0].started_s >= 2.0
    last_s = max(each.finished_s or 0.0 for each in record.outcomes)
    assert record.makespan_s == pytest.approx(last_s - record.steps[0].started_s, abs=1e-9)


@st.composite
def small_graphs(draw: st.DrawFn) -> TaskGraph:
    count = draw(st.integers(1, 7))
    names = [f"t{n}" for n in range(count)]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=10)) if pairs else []
    return TaskGraph(name="any", tasks=tuple(map(task, names)), edges=tuple(edges))


@settings(max_examples=25, deadline=None)
@given(
    dag=small_graphs(),
    mode=st.sampled_from(["lp", "milp", "staged", "greedy", "random", "llm"]),
    horizon=st.sampled_from([0, 1, 2, "flat"]),
    budget=st.sampled_from([6.5, 8.0, 16.0]),
)
def test_invariants_of_any_job(dag: TaskGraph, mode: str, horizon: int, budget: float) -> None:
    sink = ListSink()
    record = run(case(dag, mode, horizon=horizon, vram_budget_gb=budget), sink=sink)
    assert record.status is JobStatus.COMPLETED, record.error
    finished: set[str] = set()
    for step in record.steps:
        assert not finished.intersection(step.horizon_tasks)
        assert set(step.ready_tasks) <= set(step.horizon_tasks)
        assert step.violation == (step.planned_vram_gb > budget + 1e-6)
        if mode not in ("lp",):
            assert not step.violation
        finished.update(each.task for each in step.executed)
    assert finished == {each.id for each in dag.tasks}
    assert record.makespan_s is not None
    assert record.makespan_s >= critical_path_s(record, flat=horizon == "flat") - 1e-9


def critical_path_s(record: JobRecord, *, flat: bool) -> float:
    """The longest chain of calls, by what each really took."""
    dag = record.case.graph.flattened() if flat else record.case.graph
    took = {each.task: each.latency_s or 0.0 for each in record.outcomes}
    longest: dict[str, float] = {}
    for task_id in dag.order:
        longest[task_id] = took[task_id] + max((longest[each] for each in dag.parents(task_id)), default=0.0)
    return max(longest.values())


def test_events_rebuild_an_equal_record(tmp_path: Path) -> None:
    for mode in ("lp", "llm", "staged"):
        sink = ListSink()
        record = run(case(DIAMOND, mode), "hang:model=qwen2.5-coder:7b,after=3", sink=sink, timeout_s=20)
        assert rebuilt(record, sink, tmp_path / mode / "events.jsonl") == (record,)


def test_a_task_that_computes_with_a_wrong_input_is_wrong_but_not_locally() -> None:
    """Where the parent was wrong, the child is wrong by the reference, and sometimes locally right."""
    first = task("a", difficulty=3.0)
    second = replace(task("b", difficulty=1.0), derive="a", expected=Number(value=42))
    dag = TaskGraph(name="derived", tasks=(first, second), edges=(("a", "b"),))
    seen = set()
    with bench() as a_bench:
        for repeat in range(1, 30):
            record = a_bench.run(case(dag, "single:gemma2:2b", repeat=repeat))
            child = record.outcome("b")
            seen.add((record.outcome("a").score, child.score, child.local_score))
    assert (0.0, 0.0, 1.0) in seen
    assert (1.0, 1.0, 1.0) in seen
    assert all(score == 0.0 for parent, score, _ in seen if parent == 0.0)


def test_a_scorer_that_fails_ends_the_job_with_one_sentence() -> None:
    def broken(_: str) -> float:
        raise ZeroDivisionError("division by zero")

    dag = TaskGraph(name="own", tasks=(replace(task("a"), expected=Custom(name="broken", function=broken)),))
    record = run(case(dag, "single:gemma2:2b"))
    assert record.status is JobStatus.ERROR
    assert "broken" in (record.error or "")
