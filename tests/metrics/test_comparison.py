"""Two modes against each other, over complete pairs only."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from pytest_swarm.domain.record import JobRecord, JobStatus
from pytest_swarm.metrics.aggregate import aggregate_modes
from pytest_swarm.metrics.comparison import Comparison, compare, compare_modes
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.statistics.intervals import Interval
from tests.report.factories import GEMMA, QWEN, WB1, WB2, WB3, failed, key, ok, record, skipped
from tests.report.played import small_run


def job(mode: str, scores: tuple[float, ...], **more: object) -> JobRecord:
    graph = more.pop("graph", WB1)
    model = QWEN.tag if mode == "lp" else GEMMA.tag
    names = ("s0", "s1", "s2")
    repeat = more.pop("repeat", 1)
    return record(
        dict(zip(names, scores, strict=True)),
        graph=graph,
        model=model,
        case=key(mode, more.pop("horizon", 3), 8.0, repeat),
        **more,
    )


def showcase() -> list[JobRecord]:
    """The published showcase: LP 100, 89, 33 %, LLM 100, 56, 33 %, every task on another model."""
    return [
        job("lp", (1, 1, 1), graph=WB1),
        job("llm", (1, 1, 1), graph=WB1),
        job("lp", (1, 1, 2 / 3), graph=WB2),
        job("llm", (1, 0, 2 / 3), graph=WB2),
        job("lp", (1, 0, 0), graph=WB3),
        job("llm", (1, 0, 0), graph=WB3),
    ]


def lp_against_llm(records: list[JobRecord]) -> Comparison:
    return compare(measure(records), mode="lp", reference="llm")


def test_intervals_of_scores_end_at_what_scores_can_be() -> None:
    graphs = [replace(WB1, name=f"job-{n}") for n in range(8)]
    right, wrong = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    records = [job(mode, scores, graph=graph) for graph in graphs for mode, scores in (("lp", right), ("llm", wrong))]
    for found, mean in ((lp_against_llm(records), 1.0), (compare(measure(records), mode="llm", reference="lp"), -1.0)):
        assert found.difference is not None
        assert found.difference.low is not None
        assert found.difference.high is not None
        assert found.difference.mean == mean
        assert -1.0 <= found.difference.low < found.difference.high <= 1.0
        assert found.difference.excludes_zero
    for each, mean in zip(aggregate_modes(measure(records)), (1.0, 0.0), strict=True):
        assert each.score is not None
        assert each.score.low is not None
        assert each.score.high is not None
        assert each.score.mean == mean
        assert 0.0 <= each.score.low < each.score.high <= 1.0


def test_published_showcase() -> None:
    found = lp_against_llm(showcase())
    assert (found.score_mode, found.score_reference) == (
        pytest.approx(0.7407, abs=1e-4),
        pytest.approx(0.6296, abs=1e-4),
    )
    assert (found.jobs_won, found.jobs_lost, found.jobs_tied) == (1, 0, 2)
    assert found.routing_divergence_pct == 100.0
    assert (found.when_differed_better, found.when_differed_worse, found.when_differed_tie) == (1, 0, 8)
    assert found.tasks_compared == 9
    assert found.difference is not None
    assert found.difference.mean == pytest.approx(1 / 9)
    assert found.difference.excludes_zero is False


def test_only_complete_pairs_count() -> None:
    records = showcase()
    records[3] = replace(records[3], status=JobStatus.ERROR)
    found = lp_against_llm(records[:-1])
    assert (found.pairs, found.incomplete) == (1, 2)
    assert found.score_mode == 1.0


def test_the_same_job_at_another_horizon_or_repeat_is_no_pair() -> None:
    found = lp_against_llm([job("lp", (1, 1, 1)), job("llm", (1, 1, 1), horizon=1), job("llm", (1, 1, 1), repeat=2)])
    assert (found.pairs, found.incomplete) == (0, 3)
    assert found.difference is None
    assert found.routing_divergence_pct is None


def test_a_task_that_one_side_never_ran_is_not_compared() -> None:
    broken = replace(job("llm", (1, 1, 1)), outcomes=(ok("s0", 1.0), failed("s1"), skipped("s2")))
    found = lp_against_llm([job("lp", (1, 1, 1)), broken])
    assert found.tasks_compared == 2
    assert (found.when_differed_better, found.when_differed_tie) == (1, 1)


def test_unscored_tasks_that_differ_are_counted_apart() -> None:
    left = replace(job("lp", (1, 1, 1)), outcomes=(ok("s0", 1.0), ok("s1", None, model=QWEN.tag)))
    right = replace(job("llm", (1, 1, 1)), outcomes=(ok("s0", 1.0), ok("s1", None)))
    found = lp_against_llm([left, right])
    assert (found.tasks_diverged, found.when_differed_unscored, found.when_differed_tie) == (1, 1, 0)


def test_two_tests_with_the_same_graph_stay_two_pairs() -> None:
    twice = [*showcase()[:2], *showcase()[:2]]
    found = lp_against_llm(twice)
    assert found.pairs == 2
    assert found.difference is not None
    assert found.difference.clusters == 1


def test_a_job_that_ended_early_and_was_resumed_counts_once() -> None:
    left, right = showcase()[2:4]
    dead = replace(left, status=JobStatus.ERROR)
    found = lp_against_llm([dead, right, left])
    assert (found.pairs, found.incomplete, found.score_mode) == (1, 0, pytest.approx(8 / 9))
    assert len(measure([left, dead])) == 2  # an error that nothing completed afterwards stays
    assert len(measure([dead, dead])) == 1  # the server was still down when it ran again
    assert len(measure([dead, replace(dead, case=replace(dead.case, test="other"))])) == 2


def test_every_pair_of_modes_overall_and_per_setting() -> None:
    run = small_run(modes=("lp", "milp", "llm"), horizons=(0, 1), budgets_gb=(8.0,))
    found = compare_modes(measure(run.jobs))
    overall = [(each.mode, each.reference) for each in found if each.horizon_depth is None]
    assert overall == [("lp", "milp"), ("lp", "llm"), ("milp", "llm")]
    assert len(found) == 9
    parts = [each for each in found if each.mode == "lp" and each.reference == "llm" and each.horizon_depth is not None]
    assert sum(each.pairs for each in parts) == 6


def test_one_setting_is_not_listed_twice() -> None:
    found = compare_modes(measure(showcase()))
    assert len(found) == 1


def test_order_of_the_records_changes_nothing() -> None:
    records = list(small_run().jobs)
    expected = compare_modes(measure(records))
    Random(3).shuffle(records)
    assert compare_modes(measure(records)) == expected


def test_regret_is_never_below_0_and_leaves_out_what_broke_the_budget() -> None:
    over = job("lp", (1, 1, 1))
    broken = replace(over, steps=tuple(replace(each, violation=True) for each in over.steps))
    records = [job("oracle", (1, 0, 0)), job("milp", (1, 1, 0)), job("greedy", (0, 0, 0)), broken]
    regret = {each.key.mode: each.metrics.regret for each in measure(records)}
    assert regret == {
        "oracle": pytest.approx(1 / 3),  # its answers met other inputs than milp's
        "milp": 0.0,
        "greedy": pytest.approx(2 / 3),
        "lp": None,
    }


def test_regret_is_the_oracles_score_minus_the_jobs() -> None:
    records = [job("lp", (1, 0, 0)), job("oracle", (1, 1, 1)), job("lp", (1, 1, 1), graph=WB2)]
    regret = {(each.job, each.key.mode): each.metrics.regret for each in measure(records)}
    assert regret["wb1", "lp"] == pytest.approx(2 / 3)
    assert regret["wb1", "oracle"] == 0.0
    assert regret["wb2", "lp"] is None


def test_a_reversed_comparison_is_the_one_with_the_modes_exchanged() -> None:
    jobs = measure(small_run(modes=("lp", "llm"), repeats=2).jobs)
    there, back = compare(jobs, mode="lp", reference="llm"), compare(jobs, mode="llm", reference="lp")
    assert there.jobs_won != there.jobs_lost
    assert there.difference is not None
    assert replace(there.reversed, difference=None) == replace(back, difference=None)
    assert there.reversed.difference == replace(there.difference, mean=-there.difference.mean)
    assert there.reversed.reversed == there


def test_a_negated_interval_has_its_ends_exchanged() -> None:
    found = Interval(mean=0.1, low=-0.2, high=0.5, samples=9, clusters=9)
    assert (found.negated.mean, found.negated.low, found.negated.high) == (-0.1, -0.5, 0.2)
    assert (found.reach, found.negated.reach) == (0.5, 0.5)
    assert replace(found, low=None, high=None).reach is None


def test_the_interval_takes_a_family_as_one_workflow() -> None:
    """Twelve templates of four variants each, which gain alike: the interval is that of twelve workflows."""
    gains = [n % 4 / 3 for n in range(12)]

    def found(variants: int, *, declared: bool) -> Interval:
        jobs = [
            job(mode, scores, graph=replace(WB1, name=f"t{n}-{k}", family=f"t{n}" if declared else None))
            for n, gain in enumerate(gains)
            for k in range(variants)
            for mode, scores in (("lp", (gain, gain, gain)), ("greedy", (0.0, 0.0, 0.0)))
        ]
        interval = compare(measure(jobs), mode="lp", reference="greedy").difference
        assert interval is not None
        return interval

    single, declared, apart = found(1, declared=False), found(4, declared=True), found(4, declared=False)
    assert declared.mean == pytest.approx(apart.mean)
    assert (declared.low, declared.high) == pytest.approx((single.low, single.high))
    assert (declared.clusters, declared.samples, declared.unit) == (12, 48, "family")
    assert (apart.clusters, apart.unit) == (48, "workflow")
    assert declared.high - declared.low > 1.6 * (apart.high - apart.low)


@pytest.mark.parametrize("declaring", ["lp", "greedy"])
def test_a_family_that_one_of_two_modes_declares_counts(declaring: str) -> None:
    """Two tests with the same graphs, one for each mode, of which only one has the marker."""
    jobs = [
        job(mode, (1.0,) * 3, graph=replace(WB1, name=f"j{n}", family=f"t{n % 3}" if mode == declaring else None))
        for n in range(12)
        for mode in ("lp", "greedy")
    ]
    found = compare(measure(jobs), mode="lp", reference="greedy").difference
    assert found is not None
    assert found.note == "3 families; an interval needs 6"


def test_a_family_weighs_by_its_jobs_and_the_note_counts_families() -> None:
    jobs = [
        job(mode, scores, graph=replace(WB1, name=f"j{n}", family="large" if n < 9 else None))
        for n in range(10)
        for mode, scores in (("lp", (float(n == 9),) * 3), ("greedy", (0.0,) * 3))
    ]
    measured = measure(jobs)
    found = compare(measured, mode="lp", reference="greedy").difference
    assert found is not None
    assert found.mean == pytest.approx(0.1)
    assert found.note == "2 families; an interval needs 6"
    (overall,) = (each for each in aggregate_modes(measured) if each.mode == "lp")
    score = overall.values["score"]
    assert isinstance(score, Interval)
    assert score.note == found.note
