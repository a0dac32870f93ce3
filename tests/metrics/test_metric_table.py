"""The table of metrics: what every row must have, and the contract's names and order."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pytest_swarm.domain.record import JobStatus
from pytest_swarm.domain.switch import Switch
from pytest_swarm.metrics.aggregate import aggregate_modes
from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.metrics.job_metrics import JobMetrics, job_metrics
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.metrics.metric_table import GATE_METRICS, METRICS, AnyMetric, MetricTable, shown_in
from pytest_swarm.metrics.quality_metrics import QualityMetrics
from pytest_swarm.metrics.spec import Kind, MetricGroup, MetricSpec, Show, Worse
from pytest_swarm.metrics.summaries import mean
from pytest_swarm.report.csv_report import write_csv
from pytest_swarm.report.report_model import build_report
from tests.report.factories import GEMMA, WB2, record, run
from tests.report.played import small_run

CSV_COLUMNS = [
    "score",
    "local_score",
    "utility",
    "regret",
    "violations",
    "measured_violations",
    "planned_vram_gb",
    "peak_vram_gb",
    "distinct_vram_gb",
    "measured_peak_vram_gb",
    "spilled_gb",
    "gpu_peak_gb",
    "server_gpu_peak_gb",
    "unplanned_loads",
    "residency_mismatches",
    "switches",
    "evictions",
    "load_s",
    "makespan_s",
    "total_latency_s",
    "prompt_tokens",
    "completion_tokens",
    "token_cost",
    "score_per_token_cost",
    "steps",
    "fractional_steps",
    "decision_ms",
    "solve_ms",
    "tasks_ok",
    "tasks_failed",
    "tasks_skipped",
    "tasks_unscored",
    "planner_failures",
]
GATED = [
    "score",
    "score_per_token_cost",
    "utility",
    "violations",
    "measured_violations",
    "regret",
    "planned_vram_gb",
    "peak_vram_gb",
    "distinct_vram_gb",
    "measured_peak_vram_gb",
    "spilled_gb",
    "switches",
    "evictions",
    "prompt_tokens",
    "completion_tokens",
    "token_cost",
    "tasks_failed",
    "tasks_skipped",
    "tasks_unscored",
    "fractional_steps",
    "makespan_s",
    "total_latency_s",
    "load_s",
    "decision_ms",
    "solve_ms",
]


def test_columns_of_csv_keep_their_names_and_their_order(tmp_path: Path) -> None:
    jobs, _ = write_csv(build_report(run(record({"s0": 1.0}))), tmp_path)
    with jobs.open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    place = ["job", "mode", "horizon_depth", "vram_budget_gb", "repeat", "status"]
    known = [*place, *CSV_COLUMNS, "simulated", "error", "test", "digest", "lambda_token"]
    assert header[: len(known)] == known
    later = [row.name for row in shown_in(Show.CSV) if row.name not in known]
    assert header[len(known) :] == [*later, "agreement", "family"]


def test_metrics_of_the_gate_keep_their_names_and_their_bad_direction() -> None:
    assert set(GATE_METRICS) >= set(GATED)
    falling = {name for name, row in GATE_METRICS.items() if row.worse < 0}
    assert falling & set(GATED) == {"score", "score_per_token_cost", "utility"}
    counts = {name for name, row in GATE_METRICS.items() if row.kind is Kind.COUNT}
    assert counts & set(GATED) == {"violations", "measured_violations"}
    times = {name for name, row in GATE_METRICS.items() if row.kind is Kind.TIME}
    assert times & set(GATED) == {"makespan_s", "total_latency_s", "load_s", "decision_ms", "solve_ms"}
    assert {name for name in times & set(GATED) if GATE_METRICS[name].on_wall_clock} == {"decision_ms", "solve_ms"}


def test_score_and_violations_are_columns_of_the_tables_of_modes() -> None:
    expected = ["score", "jobs_over_budget", "peak_vram_gb", "switches", "makespan_s", "token_cost", "decision_ms"]
    for place in (Show.TERMINAL, Show.MARKDOWN):
        assert [row.name for row in shown_in(place) if row.name in expected] == expected


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_every_row_can_be_shown_where_it_says(metric: AnyMetric) -> None:
    assert metric.label
    assert metric.definition
    assert not metric.definition.endswith(".")
    if metric.show & (Show.MODE | Show.CURVE | Show.SCOREBOARD | Show.CHART | Show.TERMINAL | Show.MARKDOWN):
        assert metric.mode_type is not type(None), "a metric of modes needs a way to sum it up"
    if Show.GATE in metric.show:
        assert metric.kind is not Kind.SHARE
        assert metric.worse_when is not Worse.NEITHER
        assert metric.job_type in (int, float, int | None, float | None)


def test_every_metric_is_within_its_bounds() -> None:
    jobs = measure(small_run().jobs)
    for row in METRICS.values():
        for value in [row.of_job(each.metrics) for each in jobs] + [
            row.of_mode(each) for each in aggregate_modes(jobs)
        ]:
            if isinstance(value, int | float):
                assert row.low is None or value >= row.low, row.name
                assert row.high is None or value <= row.high, row.name


def test_an_attribute_is_the_row_on_the_class_and_the_value_on_figures() -> None:
    metrics = job_metrics(record({"s0": 1.0, "s1": 0.0}))
    (mode,) = aggregate_modes(measure([record({"s0": 1.0, "s1": 0.0})]))
    assert JobMetrics.score is MetricTable.score is METRICS["score"]
    assert metrics.score == MetricTable.score.of_job(metrics) == 0.5
    assert mode.score is not None
    assert mode.score.mean == 0.5
    assert mode.local_score is None


def test_values_cannot_be_set() -> None:
    metrics = job_metrics(record({"s0": 1.0}))
    with pytest.raises((AttributeError, TypeError)):  # before Python 3.12, slots turn the one into the other
        metrics.score = 0.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        metrics.values["score"] = 0.0  # type: ignore[index]


def test_a_row_takes_its_name_from_the_attribute_and_its_group_from_the_class() -> None:
    def _tasks(job: JobFacts) -> int:
        return len(job.record.outcomes)

    class Own(MetricGroup):
        """A group."""

        GROUP = "Own"
        tasks = MetricSpec(
            label="Tasks", definition="Tasks. Also skipped ones", of=_tasks, over=mean, show=Show.MODE, digits=1
        )

    assert (Own.tasks.name, Own.tasks.group, Own.tasks.hint, Own.tasks.heading) == ("tasks", "Own", "Tasks", "tasks")
    assert (Own.tasks.job_type, Own.tasks.summary) == (int, "mean over jobs")
    assert QualityMetrics.score.has_interval
    assert not Own.tasks.has_interval


def test_a_job_without_a_plan_has_no_loads() -> None:
    load = Switch(step=0, model=GEMMA.tag, action="load", started_s=0.0, finished_s=2.0)
    planned, unplanned = record({"s0": 1.0}, graph=WB2, switches=(load,)), record({}, status=JobStatus.INFEASIBLE)
    (mode,) = aggregate_modes(measure([planned, unplanned]))
    assert (mode.jobs, mode.switches, mode.load_s) == (2, 1.0, 2.0)
    (bare,) = aggregate_modes(measure([unplanned]))
    assert (bare.switches, bare.load_s, bare.violations, bare.violation_rate) == (None, None, 0, None)
