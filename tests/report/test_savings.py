"""What the modes save against `fixed`: loads and time of a job, beside the score; and one reference everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.record import JobRecord, TaskStatus
from pytest_swarm.domain.switch import Switch
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.report.findings import answers, main_comparisons
from pytest_swarm.report.html import render_html
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.savings import Saving, saving
from pytest_swarm.report.scoreboard import boards
from pytest_swarm.report.terminal import terminal_summary
from tests.report.factories import GEMMA, WB1, key, record, run
from tests.report.played import small_report


def job(mode: str, score: float, *, loads: int, seconds: float | None, number: int = 0) -> JobRecord:
    graph = replace(WB1, name=f"g{number}")
    switches = tuple(Switch(step=0, model=GEMMA.tag, action="load", started_s=0, finished_s=1) for _ in range(loads))
    return record(dict.fromkeys(graph.order, score), graph=graph, case=key(mode), switches=switches, makespan_s=seconds)


def said(*jobs: JobRecord) -> list[str]:
    return [each.text for each in answers(build_report(run(*jobs))) if each.kind == "saving"]


def test_what_is_saved_at_the_same_score() -> None:
    jobs = [job("fixed", 0.5, loads=3, seconds=30.0), job("fixed", 1.0, loads=4, seconds=20.0, number=1)]
    jobs += [job("milp", 0.5, loads=1, seconds=18.0), job("milp", 1.0, loads=2, seconds=8.5, number=1)]
    assert said(*jobs) == ["MILP saves 2.0 loads and 12 s a job against fixed, at the same score."]


@pytest.mark.parametrize(
    ("loads", "seconds", "text"),
    [
        (1, 25.0, "MILP saves 2.0 loads and takes 5.0 s more a job against fixed"),
        (4, 31.0, "MILP takes 1.0 load and 11 s more a job against fixed"),
        (1100, 1245.0, "MILP takes 1,097.0 loads and 20 min 25 s more a job against fixed"),
        (2, None, "MILP saves 1.0 load a job against fixed"),
    ],
)
def test_what_is_saved_and_what_it_takes(loads: int, seconds: float | None, text: str) -> None:
    (found,) = said(job("fixed", 1.0, loads=3, seconds=20.0), job("milp", 0.5, loads=loads, seconds=seconds))
    assert found.startswith(text)
    assert found.endswith(", at a score 50.0 points lower, which may be chance.")


def test_every_mode_has_its_part_of_one_sentence_and_nothing_is_said_without_fixed() -> None:
    three = [job(mode, 1.0, loads=3 - n, seconds=20.0 - n) for n, mode in enumerate(("fixed", "lp", "milp"))]
    assert said(*three) == [
        "LP saves 1.0 load and 1.0 s a job against fixed, at the same score; "
        "MILP saves 2.0 loads and 2.0 s a job, at the same score."
    ]
    assert said(*three[1:]) == []


def test_only_pairs_with_a_score_under_both_count() -> None:
    jobs = [job("fixed", 1.0, loads=3, seconds=20.0), job("milp", 1.0, loads=1, seconds=10.0)]
    jobs += [job("milp", 1.0, loads=9, seconds=90.0, number=1)]
    assert saving(measure(jobs), "milp", "fixed") == Saving(loads=2.0, seconds=10.0, measured=1, pairs=1)
    assert saving(measure(jobs), "lp", "fixed") == Saving(loads=None, seconds=None, measured=0, pairs=0)


def test_a_saving_over_some_of_the_pairs_says_so_and_stands_beside_no_score_of_all() -> None:
    jobs = [job(mode, score, loads=1, seconds=20.0) for mode, score in (("fixed", 1.0), ("milp", 0.5))]
    jobs += [job("milp", 1.0, loads=1, seconds=10.0, number=1), job("fixed", 0.0, loads=1, seconds=60.0, number=1)]
    failed = replace(jobs[-1].outcomes[-1], status=TaskStatus.FAILED, error_kind="timeout")
    jobs[-1] = replace(jobs[-1], outcomes=(*jobs[-1].outcomes[:-1], failed))
    assert said(*jobs) == ["MILP saves neither loads nor time against fixed, over 1 of 2 pairs."]


@pytest.mark.parametrize(
    ("modes", "reference"), [(("lp", "milp", "llm", "fixed"), "fixed"), (("lp", "milp", "llm"), "llm")]
)
def test_terminal_scoreboard_and_page_name_one_reference(modes: tuple[str, ...], reference: str) -> None:
    report = small_report(modes=modes, horizons=(3,), budgets_gb=(8.0,))
    assert report.reference == reference
    assert {each.reference for each in main_comparisons(report)} == {reference}
    name = {"fixed": "fixed", "llm": "LLM"}[reference]
    lines = " ".join(terminal_summary(report, width=100, verbose=0))
    assert f"Difference in score to {name} in points" in lines
    assert boards(report)[0].against
    assert f'<option value="{reference}" selected>' in render_html(report)
