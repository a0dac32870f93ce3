"""The curves of a run that swept the weight of token cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.record import JobRecord, JobStatus
from pytest_swarm.metrics.lambda_curves import CurveFigure, LambdaCurves, lambda_curves
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.report.charts.cost_chart import cost_charts, figure_rows, figure_text
from tests.report.factories import WB1, key, record

SHARE = {0.0: 1.0, 0.5: 0.5, 2.0: 0.0}  # weight -> share of the strong model's cost and score


def job(n: int, mode: str, weight: float | None, *, cost: float | None, score: float) -> JobRecord:
    graph = replace(WB1, name=f"job{n}")
    found = record(graph=graph, case=replace(key(mode), lambda_token=weight))
    outcomes = tuple(replace(each, score=score, token_cost=cost) for each in found.outcomes)
    return replace(found, outcomes=outcomes)


def swept(*, jobs: int = 6, cost: bool = True, singles: bool = True) -> list[JobRecord]:
    found = []
    for n in range(jobs):
        for weight, share in SHARE.items():
            modes = {"milp": share, "single:weak": 0.0, "single:strong": 1.0}
            for mode, own in modes.items():
                if singles or mode == "milp":
                    price = 1 + 3 * own if cost else None
                    found.append(job(n, mode, weight, cost=price, score=min(1.0, 0.2 + 0.1 * (n % 3) + 0.4 * own)))
    return found


def half_counted(found: JobRecord) -> JobRecord:
    """The same job without the tokens of its first task."""
    first, *rest = found.outcomes
    return replace(found, outcomes=(replace(first, token_cost=None), *rest))


MIXED = {"milp": 0, "single:weak": 1, "single:strong": 2}


def lacking(found: JobRecord) -> JobRecord:
    """The same job without a plan."""
    return replace(found, status=JobStatus.INFEASIBLE, outcomes=(), error="no model fits")


def curves_of(records: list[JobRecord]) -> LambdaCurves:
    (found,) = lambda_curves(measure(records))
    return found


def test_a_run_of_one_weight_has_no_curve() -> None:
    assert lambda_curves(measure([job(1, "milp", None, cost=1.0, score=0.5)])) == ()


def test_a_mode_that_mixes_at_random_is_worth_half() -> None:
    found = curves_of(swept())
    (curve,) = found.modes
    assert (found.weak, found.strong, found.jobs, found.note) == ("weak", "strong", 6, None)
    tasks = len(WB1.tasks)
    assert [(at.lambda_token, at.cost) for at in curve.points] == [
        (weight, pytest.approx(tasks * (1 + 3 * share))) for weight, share in SHARE.items()
    ]
    assert curve.apgr.value == pytest.approx(0.5)
    assert curve.cpt50.value == pytest.approx(0.5)
    assert curve.aiq.value == pytest.approx(found.hull_aiq.value)
    assert curve.aiq.low is not None
    assert curve.aiq.high is not None
    assert curve.aiq.low < 0.5 < curve.aiq.high


def test_few_workflows_have_no_interval() -> None:
    (curve,) = curves_of(swept(jobs=3)).modes
    assert curve.apgr.value == pytest.approx(0.5)
    assert curve.apgr.low is curve.apgr.high is curve.aiq.low is None


def test_a_job_that_lacks_a_score_somewhere_counts_nowhere() -> None:
    records = [*swept(), job(9, "milp", 0.0, cost=100.0, score=0.0)]
    assert curves_of(records).jobs == 6
    assert curves_of(records).modes == curves_of(swept()).modes


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (swept(cost=False), "milp is left out: 18 of 18 of its jobs lack token counts; single:strong is left out"),
        ([half_counted(each) for each in swept()], "milp is left out: 18 of 18 of its jobs lack token counts"),
        (swept(singles=False), "aiq, apgr and cpt50 need two single models of different cost; add single:MODEL"),
        (
            [lacking(each) if each.case.key.mode == "single:strong" else each for each in swept()],
            "single:strong is left out: 18 of 18 of its jobs found no plan; aiq, apgr and cpt50 need two single models "
            "of different cost; with figures there is weak",
        ),
        (
            [replace(each, outcomes=tuple(replace(one, token_cost=0.0) for one in each.outcomes)) for each in swept()],
            "strong, weak all cost 0 a job; write cost_per_token in the fleet file",
        ),
        (
            [
                lacking(each) if MIXED[each.case.key.mode] == int(each.case.graph.name[-1]) % 3 else each
                for each in swept()
            ],
            "no workflow has a score and a token cost everywhere: milp (6 of 18 of its jobs found no plan), single:",
        ),
    ],
)
def test_where_figures_are_missing_a_note_says_why(records: list[JobRecord], sentence: str) -> None:
    found = curves_of(records)
    assert found.note is not None
    assert sentence in found.note
    assert all(mode.aiq.value is mode.apgr.value is mode.cpt50.value is None for mode in found.modes)


def test_a_single_model_that_does_not_fit_leaves_the_curve_of_the_others() -> None:
    third = [lacking(job(n, "single:huge", weight, cost=9.0, score=1.0)) for n in range(6) for weight in SHARE]
    found = curves_of([*swept(), *third])
    assert found.note == "single:huge is left out: 18 of 18 of its jobs found no plan"
    assert replace(found, note=None) == curves_of(swept())


def test_a_weight_without_figures_leaves_the_other_points_and_a_workflow_without_them_is_counted() -> None:
    def lacks(each: JobRecord) -> bool:
        key, name = each.case.key, each.case.graph.name
        return key.mode == "milp" and (key.lambda_token == 0.5 or name == "job0")

    found = curves_of([lacking(each) if lacks(each) else each for each in swept()])
    assert [at.lambda_token for at in found.modes[0].points] == [0.0, 2.0]
    assert found.jobs == 5
    assert found.note == (
        "milp has no point at weight 0.5: 6 of 6 of its jobs found no plan; only 5 of 6 workflows have a score and a "
        "token cost everywhere: milp (2 of 12 of its jobs found no plan)"
    )


def test_a_figure_is_written_with_its_interval_where_it_has_one() -> None:
    whole = CurveFigure(value=0.667, low=0.58, high=0.75)
    texts = [figure_text(each) for each in (whole, replace(whole, low=None, high=None), replace(whole, value=None))]
    assert texts == ["0.67 (0.58 to 0.75)", "0.67", "-"]


def test_the_page_draws_each_mode_and_the_hull() -> None:
    found = curves_of(swept())
    (chart,) = cost_charts((found,))
    assert [line.mode for line in chart.lines] == ["milp"]
    assert len(chart.lines[0].dots) == 3
    for dot, row in zip(chart.lines[0].dots, sorted(chart.rows, key=lambda row: float(row[3])), strict=True):
        assert dot.title == "{}, weight {}: score {}, token cost {}".format(*row)
    assert chart.hull.startswith("M")
    assert len(chart.corners) == 2
    assert [row[0] for row in figure_rows(found)] == ["MILP", "mixtures of single models"]
    assert cost_charts((curves_of(swept(cost=False)),)) == ()


def test_the_interval_of_a_curve_draws_whole_families() -> None:
    records = swept(jobs=18)
    declared = [
        replace(each, case=replace(each.case, graph=replace(each.case.graph, family=f"t{int(each.case.job[3:]) % 6}")))
        for each in records
    ]
    half = [each if each.case.key.mode == "milp" else old for each, old in zip(declared, records, strict=True)]
    assert half not in (declared, records)
    found, apart = curves_of(declared), curves_of(records)
    assert curves_of(half) == found
    assert found.jobs == apart.jobs == 18
    (curve,), (narrow,) = found.modes, apart.modes
    for point, same in zip(curve.points, narrow.points, strict=True):
        assert (point.cost, point.score) == pytest.approx((same.cost, same.score))
    assert curve.aiq.value == pytest.approx(narrow.aiq.value)
    assert curve.aiq.high - curve.aiq.low > 1.3 * (narrow.aiq.high - narrow.aiq.low)
    few = [
        replace(each, case=replace(each.case, graph=replace(each.case.graph, family=each.case.job[-1])))
        for each in swept(jobs=4)
    ]
    assert curves_of(few).modes[0].aiq.low is None
