"""Means of a run that repeated its cases only while needed: each case weighs alike, however many repeats it had."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.report.report_model import Report, build_report
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


def report(repeat: str, *records: JobRecord) -> Report:
    plain = run(*records)
    return build_report(run(*records, options={**plain.info.options, "swarm_repeat": repeat}))


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
