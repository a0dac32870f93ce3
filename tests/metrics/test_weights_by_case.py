"""Means of a run that repeated its cases only while needed: each case weighs alike, however many repeats it had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import JobRecord, Run
from pytest_swarm.domain.switch import Switch
from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.lambda_curves import lambda_curves
from pytest_swarm.metrics.measured_jobs import measure, measure_run
from pytest_swarm.metrics.summaries import quantile
from pytest_swarm.report.report_model import Report, build_report
from pytest_swarm.report.savings import saving
from tests.report.factories import GEMMA, PHI, WB1, WB2, key, record, run

FIRST, SECOND = [1.0, 0.0, 0.0, 0.0], [1.0]


def jobs(mode: str, lead: float = 0.0) -> list[JobRecord]:
    """The first case needed four repeats, the second one."""
    model = GEMMA.tag if mode == "lp" else PHI.tag
    first = [
        record({"s0": score + lead * (score == 0)}, case=key(mode, repeat=n), model=model, graph=WB1)
        for n, score in enumerate(FIRST, start=1)
    ]
    return first + [record({"s0": score}, case=key(mode), model=model, graph=WB2) for score in SECOND]


def repeated(repeat: str, *records: JobRecord) -> Run:
    plain = run(*records)
    return run(*records, options={**plain.info.options, "swarm_repeat": repeat})


def report(repeat: str, *records: JobRecord) -> Report:
    return build_report(repeated(repeat, *records))


@pytest.mark.parametrize(("repeat", "mean"), [("auto:4", (0.25 + 1.0) / 2), ("4", 2.0 / 5)])
def test_a_case_with_more_repeats_weighs_no_more_under_auto(repeat: str, mean: float) -> None:
    (found,) = report(repeat, *jobs("lp")).modes
    assert found.score is not None
    assert found.score.mean == pytest.approx(mean)


def test_every_mean_of_a_mode_weighs_alike() -> None:
    """Cost differs between the cases, so its mean and the score per cost show which weights were taken."""
    records = jobs("lp")
    costs = [each.outcomes[0] for each in records]
    (found,), (plain,) = report("auto:4", *records).modes, report("4", *records).modes
    assert len(costs) == 5
    assert found.token_cost is not None
    assert found.score is not None
    assert found.score_per_token_cost == pytest.approx(found.score.mean / found.token_cost)
    assert plain.score is not None
    assert plain.token_cost is not None
    assert plain.score_per_token_cost == pytest.approx(plain.score.mean / plain.token_cost)


@pytest.mark.parametrize(("repeat", "mean"), [("auto:4", 0.5 * 0.75 / 2), ("4", 0.5 * 3 / 5)])
def test_a_comparison_of_modes_weighs_by_case_as_well(repeat: str, mean: float) -> None:
    (found,) = report(repeat, *jobs("lp", lead=0.5), *jobs("llm")).comparisons
    assert found.difference is not None
    assert found.difference.mean == pytest.approx(mean if found.mode == "lp" else -mean)
    assert found.score_mode is not None
    assert found.score_reference is not None
    assert found.score_mode - found.score_reference == pytest.approx(found.difference.mean)


def loaded(mode: str, repeat: int, *, loads: int, seconds: float, over: bool, graph: TaskGraph) -> JobRecord:
    """A job of one task with its loads of a second, and a call of so many seconds of which a tenth is decoding."""
    made = record({"s0": 1.0}, case=key(mode, repeat=repeat), graph=graph, makespan_s=seconds)
    switch = Switch(step=0, model=GEMMA.tag, action="load", started_s=0, finished_s=1)
    (outcome,) = (each for each in made.outcomes if each.task == "s0")
    (step, *_) = made.steps
    return replace(
        made,
        switches=(switch,) * loads,
        outcomes=(replace(outcome, started_s=0.0, finished_s=seconds, decode_s=seconds / 2),),
        steps=(replace(step, planned_vram_gb=9.0 if over else 2.0, decision_ms=seconds),),
    )


def unequal(mode: str = "lp", fewer: int = 0) -> list[JobRecord]:
    """Four repeats of a case with 6 loads, 2 s and a broken budget each, and one of another with 2 loads and 12 s."""
    first = [loaded(mode, n, loads=6 - fewer, seconds=2.0, over=True, graph=WB1) for n in range(1, 5)]
    return [*first, loaded(mode, 1, loads=2, seconds=12.0, over=False, graph=WB2)]


@pytest.mark.parametrize(
    ("name", "figure", "by_case", "by_job"),
    [
        ("loads", lambda mode: mode.switches, (6 + 2) / 2, (4 * 6 + 2) / 5),
        ("load time", lambda mode: mode.load_s, (6 + 2) / 2, (4 * 6 + 2) / 5),
        ("jobs over budget", lambda mode: mode.violation_rate, 1 / 2, 4 / 5),
        ("time to first token", lambda mode: mode.ttft_s, (1 + 6) / 2, (4 * 1 + 6) / 5),
        ("decision", lambda mode: mode.decision_ms_per_step, (2 + 12) / 2, (4 * 2 + 12) / 5),
        # half of the weights is 2 s, the other half 12 s: n = 4 / (4 / 16 + 1) = 3.2, between 0.25 and 0.75 of it
        ("median latency", lambda mode: mode.p50_latency_s, 7.0, 2.0),
    ],
)
def test_every_kind_of_mean_of_unequal_repeats_is_the_one_computed_by_hand(
    name: str, figure: Callable[[Aggregate], float], by_case: float, by_job: float
) -> None:
    for repeat, expected in (("auto:4", by_case), ("4", by_job)):
        (found,) = report(repeat, *unequal()).modes
        assert figure(found) == pytest.approx(expected), f"{name} of --swarm-repeat={repeat}"


def test_sums_count_every_repeat() -> None:
    (found,) = report("auto:4", *unequal()).modes
    assert (found.violations, found.jobs) == (4, 5)


def test_what_a_mode_saves_weighs_by_case_as_well() -> None:
    records = [*unequal("lp", fewer=3), *unequal("fixed")]
    assert saving(measure(records), "lp", "fixed").loads == pytest.approx(4 * 3 / 5)
    assert saving(measure_run(repeated("auto:4", *records)), "lp", "fixed").loads == pytest.approx(3 / 2)


def test_a_point_of_a_curve_weighs_by_case_as_well() -> None:
    records = [
        replace(each, case=replace(each.case, key=replace(each.case.key, lambda_token=0.5))) for each in jobs("lp")
    ]
    (plain,), (by_case,) = lambda_curves(measure(records)), lambda_curves(measure_run(repeated("auto:4", *records)))
    assert [point.score for curve in plain.modes for point in curve.points] == [pytest.approx(2 / 5)]
    assert [point.score for curve in by_case.modes for point in curve.points] == [pytest.approx(1.25 / 2)]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9), st.floats(0, 1), st.sampled_from([0.1, 1.0, 7.0]))
def test_a_quantile_of_equal_weights_is_the_plain_one(values: list[float], share: float, weight: float) -> None:
    plain, weighted = quantile(values, share), quantile(values, share, [weight] * len(values))
    assert plain is not None
    assert weighted is not None
    assert isclose(plain, weighted, abs_tol=1e-6)
