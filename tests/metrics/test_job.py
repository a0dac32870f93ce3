"""The figures of one job are those of docs/metrics.md; not measured is None."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Judge
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.plan import Assignment, Origin
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.domain.switch import Switch
from pytest_swarm.domain.vram_sample import GpuReading, ResidentModel, VramSample
from pytest_swarm.metrics.job_metrics import encode_metrics, job_metrics
from tests.report.factories import GEMMA, PHI, QWEN, failed, key, ok, record, skipped, step, task


def test_score_is_the_mean_over_scored_tasks() -> None:
    assert job_metrics(record({"s0": 1.0, "s1": 0.5, "s2": 0.0})).score == pytest.approx(0.5)


def test_failed_and_skipped_tasks_count_zero_and_are_listed() -> None:
    job = replace(record({}), outcomes=(ok("s0", 1.0), failed("s1"), skipped("s2")))
    metrics = job_metrics(job)
    assert metrics.score == pytest.approx(1 / 3)
    assert [(each.task, each.status) for each in metrics.not_run] == [("s1", "failed"), ("s2", "skipped")]
    assert (metrics.tasks_ok, metrics.tasks_failed, metrics.tasks_skipped) == (1, 1, 1)


def test_unscored_tasks_are_left_out() -> None:
    metrics = job_metrics(record({"s0": 1.0, "s1": None, "s2": 0.0}))
    assert metrics.score == pytest.approx(0.5)
    assert metrics.tasks_unscored == 1


def test_a_failed_task_without_expectation_does_not_count() -> None:
    graph = TaskGraph(name="g", tasks=(task("a"), task("b", scored=False)))
    job = replace(record({"a": 1.0}, graph=graph), outcomes=(ok("a", 1.0), failed("b")))
    assert job_metrics(job).score == 1.0


@pytest.mark.parametrize(("judged", "score"), [(None, 1.0), (0.5, 0.5)])
def test_a_failed_judged_task_counts_zero_only_where_there_was_a_judge(judged: float | None, score: float) -> None:
    judge = Judge(rubric="is it kind?")
    tasks = (task("a"), replace(task("b"), expected=judge), replace(task("c"), expected=judge))
    graph = TaskGraph(name="g", tasks=tasks)
    job = replace(record({}, graph=graph), outcomes=(ok("a", 1.0), ok("b", judged), failed("c")))
    assert job_metrics(job).score == pytest.approx(score)


@pytest.mark.parametrize("status", [JobStatus.ERROR, JobStatus.INFEASIBLE])
def test_an_error_is_not_a_low_score(status: JobStatus) -> None:
    assert job_metrics(record({"s0": 0.0}, status=status)).score is None


def test_nothing_scored_is_no_score() -> None:
    metrics = job_metrics(record({"s0": None, "s1": None, "s2": None}))
    assert metrics.score is None
    assert metrics.score_per_token_cost is None


def test_vram_is_per_step_peak_and_sum_of_distinct_models() -> None:
    """Published run 152505, job wb1: 2, 12.5 and 6.5 GB, peak 12.5, sum of distinct 21, one step over 8 GB."""
    steps = tuple(step(n, {f"s{n}": tag}) for n, tag in enumerate((GEMMA.tag, PHI.tag, QWEN.tag)))
    metrics = job_metrics(replace(record(), steps=steps))
    assert metrics.planned_vram_gb_per_step == (2.0, 12.5, 6.5)
    assert (metrics.peak_vram_gb, metrics.distinct_vram_gb, metrics.violations) == (12.5, 21.0, 1)
    assert metrics.planned_vram_gb == pytest.approx(7.0)


@pytest.mark.parametrize(("over_gb", "violations"), [(0.0, 0), (1e-6, 0), (1e-5, 1)])
def test_a_rounding_error_over_budget_is_no_violation(over_gb: float, violations: int) -> None:
    job = replace(record(), steps=(step(0, {"s0": GEMMA.tag}, budget_gb=8.0, planned_vram_gb=8.0 + over_gb),))
    assert job_metrics(job).violations == violations


def test_measured_vram_is_none_without_samples() -> None:
    metrics = job_metrics(record(samples=()))
    measured = (metrics.measured_peak_vram_gb, metrics.measured_violations, metrics.spilled_gb, metrics.gpu_peak_gb)
    assert measured == (None, None, None, None)


def test_nothing_of_vram_is_measured_on_a_server_without_a_gpu() -> None:
    row = ResidentModel(tag=GEMMA, size_bytes=2_000_000_000, size_vram_bytes=0)
    job = replace(record({"s0": 1.0}), samples=(VramSample(step=0, at_s=0.0, resident=(row,)),))
    metrics = job_metrics(job)
    assert (metrics.measured_peak_vram_gb, metrics.measured_violations, metrics.spilled_gb) == (None, None, None)
    half = replace(row, size_vram_bytes=1_000_000_000)
    metrics = job_metrics(replace(job, samples=(VramSample(step=0, at_s=0.0, resident=(row, half)),)))
    assert (metrics.measured_peak_vram_gb, metrics.spilled_gb) == (1.0, 3.0)


def test_measured_violations_count_steps_not_samples() -> None:
    big = ResidentModel(tag="phi4:14b", size_bytes=13_000_000_000, size_vram_bytes=12_000_000_000)
    small = ResidentModel(tag="gemma2:2b", size_bytes=2_000_000_000, size_vram_bytes=2_000_000_000)
    samples = (
        VramSample(step=0, at_s=0.0, resident=(small,)),
        VramSample(step=1, at_s=1.0, resident=(big,)),
        VramSample(step=1, at_s=1.5, resident=(big, small), gpu=GpuReading(used_bytes=(15_000_000_000,))),
    )
    metrics = job_metrics(record(samples=samples))
    assert metrics.measured_violations == 1
    assert metrics.measured_peak_vram_gb == pytest.approx(14.0)
    assert metrics.spilled_gb == pytest.approx(1.0)
    assert metrics.gpu_peak_gb == pytest.approx(15.0)


def test_switches_are_loads_and_load_seconds_are_theirs() -> None:
    switches = (
        Switch(step=0, model=GEMMA.tag, action="load", started_s=0.0, finished_s=2.0),
        Switch(step=1, model=GEMMA.tag, action="unload", started_s=3.0, finished_s=3.5),
        Switch(step=1, model=QWEN.tag, action="load", started_s=3.5, finished_s=8.0),
    )
    metrics = job_metrics(record(switches=switches))
    assert (metrics.switches, metrics.evictions, metrics.load_s) == (2, 1, pytest.approx(6.5))


def test_costs_and_times_are_sums_over_calls_and_none_where_not_measured() -> None:
    metrics = job_metrics(record({"s0": 1.0, "s1": 1.0, "s2": 1.0}))
    assert metrics.prompt_tokens == 300
    assert metrics.token_cost == pytest.approx(3 * 150 * 0.4)
    assert metrics.score_per_token_cost == pytest.approx(1 / 180)
    assert metrics.total_latency_s == pytest.approx(3.0)
    bare = replace(record({}), outcomes=(ok("s0", 1.0, token_cost=None, prompt_tokens=None, started_s=None),))
    unknown = job_metrics(bare)
    assert (unknown.token_cost, unknown.prompt_tokens, unknown.total_latency_s) == (None, None, None)


def test_utility_counts_each_executed_task_once_and_charges_loads() -> None:
    """A task that stood in three horizons counts once; a model that was resident costs nothing."""
    first = step(0, {"s0": GEMMA.tag}, horizon=("s0", "s1"))
    second = step(1, {"s1": GEMMA.tag}, horizon=("s1",), resident=(GEMMA.tag,))
    rows = {(row.task, row.model): row.utility for row in first.estimates}
    expected = rows["s0", GEMMA.tag] + rows["s1", GEMMA.tag] - 0.2 * (600 / 1500)
    assert job_metrics(replace(record(), steps=(first, second))).utility == pytest.approx(expected)


def test_decision_time_is_given_per_step_and_per_job() -> None:
    steps = (
        step(0, {"s0": GEMMA.tag}, decision_ms=2.0, solve_ms=1.0),
        step(1, {"s1": GEMMA.tag}, decision_ms=3.0, solve_ms=None),
    )
    metrics = job_metrics(replace(record(), steps=steps))
    assert metrics.decision_ms_per_step == (2.0, 3.0)
    assert metrics.decision_ms == pytest.approx(5.0)
    assert metrics.solve_ms == pytest.approx(1.0)
    assert metrics.solve_ms_per_step == (1.0, None)


def test_planner_failures_and_origins_are_tallied() -> None:
    filled = (Assignment(task="s0", model=GEMMA.tag, origin=Origin.FILL_IN),)
    steps = (
        step(0, {"s0": GEMMA.tag}, planner_failures={"invalid_json": 2}, executed=filled),
        step(1, {"s1": GEMMA.tag}, planner_failures={"invalid_json": 1, "timeout": 1}),
    )
    metrics = job_metrics(replace(record(), steps=steps))
    assert metrics.planner_failures == {"invalid_json": 3, "timeout": 1}
    assert metrics.origins == {"fill-in": 1, "solver": 1}


def test_a_job_that_never_planned_has_no_figures_but_encodes() -> None:
    empty = record({}, status=JobStatus.ERROR, makespan_s=None)
    encoded = encode_metrics(job_metrics(empty))
    assert encoded["utility"] is None
    assert encoded["decision_ms"] is None
    assert encoded["peak_vram_gb"] is None
    assert json.loads(json.dumps(encoded, allow_nan=False)) == encoded


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=3, max_size=3))
def test_score_lies_between_the_worst_and_the_best_task(scores: list[float | None]) -> None:
    metrics = job_metrics(record(dict(zip(("s0", "s1", "s2"), scores, strict=True)), case=key()))
    known = [score for score in scores if score is not None]
    if known:
        assert metrics.score is not None
        assert min(known) - 1e-12 <= metrics.score <= max(known) + 1e-12
    else:
        assert metrics.score is None


def test_local_score_tells_inherited_errors_from_own_ones() -> None:
    outcomes = (replace(ok("s0", 0.0), local_score=0.0), replace(ok("s1", 0.0), local_score=1.0), failed("s2"))
    metrics = job_metrics(replace(record(), outcomes=outcomes))
    assert metrics.score == 0.0
    assert metrics.local_score == pytest.approx(1 / 3)


def test_a_run_is_not_to_blame_for_the_models_of_others() -> None:
    own = ResidentModel(tag="gemma2:2b", size_bytes=7_000_000_000, size_vram_bytes=7_000_000_000)
    foreign = ResidentModel(tag="x:1b", size_bytes=5_000_000_000, size_vram_bytes=5_000_000_000, foreign=True)
    metrics = job_metrics(record(samples=(VramSample(step=0, at_s=0.0, resident=(own, foreign)),)))
    assert metrics.measured_violations == 0
    assert metrics.measured_peak_vram_gb == pytest.approx(12.0)


def test_without_a_barrier_what_is_held_at_once_counts_as_well() -> None:
    """Step 0 wants Gemma, step 1 Qwen alone; Gemma is unloaded only after Qwen's load began."""
    steps = tuple(
        replace(step(n, {f"s{n}": model.tag}, budget_gb=8.0), running=()) for n, model in enumerate((GEMMA, QWEN))
    )
    switches = tuple(
        Switch(step=n, model=model.tag, action=action, started_s=start, finished_s=end)
        for n, model, action, start, end in (
            (0, GEMMA, "load", 0.0, 0.5),
            (1, GEMMA, "unload", 1.2, 1.3),
            (1, QWEN, "load", 1.1, 2.0),
        )
    )
    overlapping = replace(record({"s0": 1.0, "s1": 1.0}), steps=steps, switches=switches)
    both_gb = GEMMA.vram_gb + QWEN.vram_gb
    assert both_gb > 8.0
    metrics = job_metrics(overlapping)
    assert (metrics.peak_vram_gb, metrics.violations) == (both_gb, 1)
    assert metrics.planned_vram_gb == pytest.approx(both_gb / 2)
    one_by_one = replace(overlapping, switches=(switches[0], replace(switches[1], finished_s=1.1), switches[2]))
    assert (job_metrics(one_by_one).peak_vram_gb, job_metrics(one_by_one).violations) == (QWEN.vram_gb, 0)
    barrier = replace(overlapping, steps=tuple(replace(each, running=None) for each in steps))
    assert (job_metrics(barrier).peak_vram_gb, job_metrics(barrier).violations) == (QWEN.vram_gb, 0)


@pytest.mark.parametrize(
    ("answer", "thinking_chars", "cost"), [("42", None, None), ("", 9, None), ("", None, 60.0), (None, None, 60.0)]
)
def test_a_text_without_a_count_of_tokens_costs_not_nothing(
    answer: str | None, thinking_chars: int | None, cost: float | None
) -> None:
    uncounted = {"token_cost": None, "prompt_tokens": None, "completion_tokens": None}
    without = ok("s1", 1.0, answer=answer, thinking_chars=thinking_chars, **uncounted)
    found = job_metrics(replace(record({}), outcomes=(ok("s0", 1.0), without)))
    known = cost is not None
    assert found.token_cost == (pytest.approx(cost) if known else None)
    assert (found.tokens is not None, found.prompt_tokens is not None, found.completion_tokens is not None) == (
        known,
        known,
        known,
    )
