"""The scoreboard: boards, the best of a row, differences against the reference."""

from __future__ import annotations

import pytest

from pytest_swarm.metrics.spec import Difference
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.scoreboard import Board, boards, delta, reference_mode
from tests.report.factories import PHI, WB1, WB2, key, record, run
from tests.report.played import small_run


def row(board: Board, label: str) -> list[str]:
    (found,) = [each for each in board.rows if each.metric.label == label]
    return [cell.text for cell in found.cells]


def test_one_setting_has_one_board_and_several_have_marginal_ones() -> None:
    one = build_report(small_run(horizons=(3,), budgets_gb=(8.0,)))
    assert [(board.horizon, board.budget_gb) for board in boards(one)] == [(3, 8.0)]
    many = build_report(small_run(horizons=(0, "flat"), budgets_gb=(8.0, 24.0)))
    axes = [(board.horizon, board.budget_gb) for board in boards(many)]
    assert axes == [(h, b) for h in (None, 0, "flat") for b in (None, 8.0, 24.0)]


def test_a_marginal_board_is_over_all_its_jobs() -> None:
    jobs = [record({"s0": score}, case=key(horizon=h)) for h, score in ((0, 1.0), (1, 0.0))]
    overall, first, second = boards(build_report(run(*jobs)))
    assert [row(board, "Score")[0] for board in (overall, first, second)] == ["50.0 %", "100.0 %", "0.0 %"]


def test_the_best_is_marked_only_where_better_has_a_meaning_and_modes_differ() -> None:
    jobs = [record({"s0": 1.0}, case=key("lp"), model=PHI.tag), record({"s0": 0.0}, case=key("llm"))]
    (board,) = boards(build_report(run(*jobs)))
    best = {each.metric.label: [cell.best for cell in each.cells] for each in board.rows}
    assert best["Score"] == [True, False]
    assert best["Steps over budget, planned"] == [False, True]
    assert best["Peak VRAM, planned"] == [False, False]
    assert best["Makespan"] == [False, False]


def test_fixed_is_the_reference_where_it_ran_then_llm() -> None:
    assert reference_mode(build_report(small_run(modes=("lp", "llm", "fixed")))) == "fixed"
    assert reference_mode(build_report(small_run(modes=("lp", "milp", "llm")))) == "llm"
    assert reference_mode(build_report(small_run(modes=("milp", "greedy")))) == "milp"
    assert reference_mode(build_report(small_run(modes=("lp",)))) is None


def test_wins_are_counted_against_each_mode_of_few() -> None:
    jobs = [
        record({"s0": score}, graph=graph, case=key(mode))
        for graph in (WB1, WB2)
        for mode, score in (("lp", 1.0), ("llm", 0.0))
    ]
    (board,) = boards(build_report(run(*jobs)))
    won = {each.reference: [c and (c.jobs_won, c.jobs_lost) for c in each.comparisons] for each in board.against}
    assert won == {"lp": [None, (0, 2)], "llm": [(2, 0), None]}


def test_a_figure_that_nobody_measured_has_no_row() -> None:
    (board,) = boards(build_report(run(record({"s0": 1.0}))))
    labels = [each.metric.label for each in board.rows]
    assert "Regret" not in labels
    assert "Peak VRAM, measured" not in labels


@pytest.mark.parametrize(
    ("kind", "value", "base", "text"),
    [
        ("points", 0.741, 0.63, "+11.1 pts"),
        ("percent", 16.8, 9.9, "+70 %"),
        ("percent", 9.9, 16.8, "-41 %"),
        ("percent", 6.5, 2.0, "3.2 x"),
        ("percent", 1.0, 500.0, "1/500"),
        ("percent", 1.001, 1.0, ""),
        ("percent", 0.0, 1.0, "-100 %"),
        ("percent", 1.0, 0.0, ""),
        ("plain", 3.0, 1.0, "+2"),
        ("plain", 1.0, 1.0, ""),
        ("percent", None, 1.0, ""),
    ],
)
def test_differences_are_written_as_they_are_read(
    kind: str, value: float | None, base: float | None, text: str
) -> None:
    assert delta(Difference(kind), value, base) == text
