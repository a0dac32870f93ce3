"""A sample is compared with that of the same job, setting, graph and repeat, and with no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.record import TaskStatus
from pytest_swarm.gate.pairing import answers_digest, pair_cases, run_cases
from pytest_swarm.gate.verdicts import Verdict
from pytest_swarm.metrics.measured_jobs import measure
from tests.gate.runs import baseline, case, judge
from tests.report.factories import record


def test_another_graph_of_the_same_job_is_a_changed_case() -> None:
    then, now = case("a", [0.9], graph="old"), case("a", [0.1], graph="new")
    found = pair_cases(baseline(then), [now], covered=lambda _: True)
    assert (found.matches, [each.now for each in found.changed]) == ((), [now])
    assert judge([then], [now], "score:-2.5%", seed=0).verdict is Verdict.NOT_COMPARABLE


def test_the_same_answers_have_one_digest_in_whatever_order_they_came() -> None:
    plain = record()
    told = tuple(replace(each, answer=f"answer of {each.task}") for each in plain.outcomes)
    digest = answers_digest(replace(plain, outcomes=told))
    assert digest is not None
    assert answers_digest(replace(plain, outcomes=told[::-1])) == digest
    assert answers_digest(replace(plain, outcomes=(replace(told[0], answer="other"), *told[1:]))) != digest
    assert answers_digest(replace(plain, outcomes=(replace(told[0], answer=None), *told[1:]))) is None


def test_a_job_that_ran_into_a_time_limit_has_no_time_to_compare_and_so_is_no_improvement() -> None:
    plain = record()
    lost = replace(plain.outcomes[0], status=TaskStatus.FAILED, error_kind="timeout")
    (found,) = run_cases(measure([replace(plain, outcomes=(lost, *plain.outcomes[1:]))])).cases
    figures = found.samples[0].figures
    assert (figures["makespan_s"], figures["p95_latency_s"], figures["tasks_failed"]) == (None, None, 1)


def test_the_same_graph_under_another_mode_is_another_case() -> None:
    then, now = case("a", [0.9], mode="lp"), case("a", [0.1], mode="milp")
    found = pair_cases(baseline(then), [now], covered=lambda _: True)
    assert (found.matches, found.new, found.missing) == ((), (now,), (then,))


def test_repeats_are_paired_one_by_one() -> None:
    found = pair_cases(baseline(case("a", [0.1, 0.5, 0.9])), [case("a", [0.1, 0.5, 0.9])], covered=lambda _: True)
    (match,) = found.matches
    scores = [(then.figures["score"], now.figures["score"]) for then, now in match.pairs]
    assert scores == [(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)]


def test_repeats_that_changed_places_are_a_difference() -> None:
    before, now = [case("a", [0.2, 0.8])], [case("a", [0.8, 0.2])]
    (row,) = judge(before, now, "score:-2.5%").rows
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.change == pytest.approx(0.0)
    assert row.low is None or row.low < 0
