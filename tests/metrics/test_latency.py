"""Latency of calls: quantiles over all calls of a mode, and the time before the first token."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.record import JobRecord, TaskStatus
from pytest_swarm.metrics.aggregate import aggregate_modes
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.metrics.metric_table import MetricTable
from pytest_swarm.metrics.summaries import quantile
from tests.report.factories import WB1, record


def job(*latencies_s: float, name: str = "wb1", decode_s: float | None = 0.25) -> JobRecord:
    found = record(graph=replace(WB1, name=name))
    outcomes = (
        replace(each, started_s=1.0, finished_s=1.0 + latency_s, decode_s=decode_s)
        for each, latency_s in zip(found.outcomes, latencies_s, strict=True)
    )
    return replace(found, outcomes=tuple(outcomes))


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(values: list[float], share: float) -> None:
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-9)


def test_a_quantile_of_nothing_is_none() -> None:
    assert quantile([], 0.5) is None


def test_latencies_of_a_job() -> None:
    found = job_metrics(job(1.0, 2.0, 4.0))
    assert found.latency_s_per_task == pytest.approx((1.0, 2.0, 4.0))
    assert found.p50_latency_s == pytest.approx(2.0)
    assert found.p95_latency_s == pytest.approx(2.0 + 0.9 * 2.0)
    assert found.ttft_s == pytest.approx((0.75 + 1.75 + 3.75) / 3)


@pytest.mark.parametrize(
    ("kind", "answered", "called", "times"),
    [
        ("model_missing", 0, True, (None, None)),
        ("model_missing", 2, True, (125.0, 5.0)),
        ("timeout", 0, True, (125.0, 125.0)),
        ("timeout", 2, True, (125.0, 125.0)),
        ("timeout", 2, False, (125.0, 5.0)),  # the load ran into the limit
    ],
)
def test_a_job_that_a_refused_call_cut_short_was_not_fast_and_one_that_ran_out_of_time_was_slow(
    kind: str, answered: int, called: bool, times: tuple[float | None, float | None]
) -> None:
    whole = job(1.0, 4.0, 120.0)
    outcomes = [
        each if n < answered else replace(each, status=TaskStatus.FAILED, error_kind=kind)
        for n, each in enumerate(whole.outcomes)
    ]
    outcomes[-1] = replace(outcomes[-1], started_s=outcomes[-1].started_s if called else None)
    found = job_metrics(replace(whole, outcomes=tuple(outcomes), makespan_s=125.0))
    assert (found.makespan_s, found.total_latency_s) == times
    (measured,) = measure([replace(whole, outcomes=tuple(outcomes), makespan_s=125.0)])
    bounds = (MetricTable.makespan_s, MetricTable.switches, MetricTable.token_cost, MetricTable.decision_ms)
    bounds += (MetricTable.score_per_token_cost,)
    assert {measured.comparable(each) for each in bounds} == {None}  # a lower bound is less than nobody's
    assert measured.comparable(MetricTable.score) == found.score
    loads = (found.switches, found.evictions, found.load_s, found.loads_unused)
    assert (set(loads) == {None}) == (answered == 0)


@pytest.mark.parametrize(("kind", "latencies_s"), [("model_missing", (1.0, 4.0)), ("timeout", (1.0, 4.0, 120.0))])
def test_a_refused_call_is_no_fast_model_and_one_that_ran_out_of_time_a_slow_one(
    kind: str, latencies_s: tuple[float, ...]
) -> None:
    one, two, last = job(1.0, 4.0, 120.0).outcomes
    lost = replace(last, status=TaskStatus.FAILED, error_kind=kind)
    assert job_metrics(replace(record(), outcomes=(one, two, lost))).latency_s_per_task == pytest.approx(latencies_s)


def test_a_mode_has_the_quantiles_of_all_its_calls_and_not_a_mean_of_quantiles() -> None:
    (mode,) = aggregate_modes(measure([job(1.0, 1.0, 1.0, name="a"), job(1.0, 5.0, 9.0, name="b")]))
    assert mode.p50_latency_s == pytest.approx(1.0)
    assert mode.p95_latency_s == pytest.approx(5.0 + 0.75 * 4.0)
    assert mode.ttft_s == pytest.approx(18 / 6 - 0.25)


def test_without_a_time_of_decoding_nobody_knows_when_the_first_token_came() -> None:
    assert job_metrics(job(1.0, 2.0, 3.0, decode_s=None)).ttft_s is None
