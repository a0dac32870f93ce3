"""The answer of more than two modes: every mode once, in its group, against one reference, on one axis."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.report.mode_forest import ForestRow, ModeForest, mode_forest
from pytest_swarm.report.report_model import build_report
from tests.report.factories import GEMMA, QWEN, WB1, key, record, run, workflows
from tests.report.played import small_page, small_report


def jobs(scores: dict[str, float], *, count: int = 20, model: str = GEMMA.tag) -> list[JobRecord]:
    return [
        record(dict.fromkeys(graph.order, score), graph=graph, case=key(mode), model=model)
        for mode, score in scores.items()
        for graph in workflows(count)
    ]


def built(*records: JobRecord) -> ModeForest:
    found = mode_forest(build_report(run(*records)))
    assert found is not None
    return found


def rows(found: ModeForest) -> dict[str, ForestRow]:
    return {row.mode: row for group in found.groups for row in group.rows}


def test_two_modes_have_a_sentence_and_no_forest() -> None:
    assert mode_forest(small_report()) is None
    assert 'class="card forest"' not in small_page()


def test_modes_stand_in_their_groups_in_the_order_of_the_table() -> None:
    found = built(*jobs({"mine": 0.5, "greedy": 0.5, "random": 0.5, "milp": 0.5, "lp": 0.5, "llm": 0.5, "oracle": 0.5}))
    assert [(group.heading, [row.mode for row in group.rows]) for group in found.groups] == [
        ("Published pair", ["lp", "llm"]),
        ("Exact programs", ["milp"]),
        ("Rules", ["greedy", "mine"]),
        ("References", ["random"]),
        ("Hindsight", ["oracle"]),
    ]


def test_differences_are_seen_from_the_mode_whichever_side_it_stands_in_the_comparison() -> None:
    """lp comes before llm in the table of modes, greedy after it; both differ from llm with their own sign."""
    found = rows(built(*jobs({"lp": 0.9, "llm": 0.5, "greedy": 0.2})))
    assert (found["lp"].difference, found["lp"].tone) == ("+40.0", "good")
    assert found["lp"].sentence.startswith("better by 40.0 points, +")
    assert (found["greedy"].difference, found["greedy"].tone) == ("-30.0", "bad")
    assert found["greedy"].sentence.startswith("worse by 30.0 points, -")
    assert (found["llm"].mark, found["llm"].sentence) == (None, "the reference")
    left, right = found["greedy"].mark, found["lp"].mark
    assert left is not None
    assert right is not None
    assert left.middle < built(*jobs({"lp": 0.9, "llm": 0.5, "greedy": 0.2})).drawing.zero < right.middle


def test_an_interval_within_one_point_is_the_same() -> None:
    close = jobs({"lp": 0.5, "llm": 0.5, "greedy": 0.5}, count=450)
    first = next(n for n, each in enumerate(close) if each.case.key.mode == "lp")
    close[first] = record(dict.fromkeys(WB1.order, 0.6), graph=replace(WB1, name="g0"), case=key("lp"), model=QWEN.tag)
    row = rows(built(*close))["lp"]
    assert row.tone == "plain"
    assert row.sentence.startswith("the same within 0.")


def test_the_same_score_in_every_pair_needs_no_interval() -> None:
    row = rows(built(*jobs({"lp": 0.5, "llm": 0.5, "greedy": 0.1}, count=3)))["lp"]
    assert row.sentence == "the same score in every pair; no task routed differently"


def test_few_workflows_decide_nothing() -> None:
    row = rows(built(*jobs({"lp": 0.9, "llm": 0.5, "greedy": 0.1}, count=3)))["lp"]
    assert (row.tone, row.sentence) == (
        "open",
        "not decided, 3 workflows; an interval needs 6; no task routed differently",
    )


def test_a_mode_without_a_common_pair_is_named_as_not_compared() -> None:
    other = record({"s0": 1.0}, graph=replace(WB1, name="elsewhere"), case=key("greedy"))
    row = rows(built(*jobs({"lp": 0.9, "llm": 0.5}), other))["greedy"]
    assert row.mark is None
    assert row.sentence == "not compared: no pair of jobs has a score under both"


@pytest.mark.parametrize("modes", [("lp", "milp", "llm"), ("lp", "milp", "llm", "greedy", "random", "best-single")])
def test_the_page_has_one_forest_and_no_card_per_pair(modes: tuple[str, ...]) -> None:
    page = small_page(modes=modes, horizons=(3,), budgets_gb=(8.0,))
    assert page.count('class="card forest"') == 1
    assert 'class="card verdict"' not in page


def test_a_long_name_without_a_place_to_break_may_break_after_24_characters() -> None:
    page = small_page(modes=("lp", "llm", "single:" + "x" * 60), horizons=(3,), budgets_gb=(8.0,))
    assert f"single:<wbr>{'x' * 24}<wbr>{'x' * 24}<wbr>{'x' * 12}</span>" in page


def heading(*records: JobRecord) -> str:
    return built(*records).headline


def test_the_headline_names_up_to_three_modes_and_counts_more() -> None:
    assert heading(*jobs({"fixed": 0.5, "lp": 0.9, "greedy": 0.2})) == (
        "By score LP is better than fixed and greedy is worse than fixed."
    )
    better = dict.fromkeys(("lp", "milp", "staged", "llm"), 0.9)
    assert heading(*jobs({"fixed": 0.5, **better})) == "By score 4 modes are better than fixed."
    assert heading(*jobs({"fixed": 0.5, **better}, count=3)) == (
        "The jobs do not tell whether the scores of the 4 modes differ from fixed."
    )
    assert heading(*jobs({"fixed": 0.5, "lp": 0.9, "milp": 0.5}, count=3)) == (
        "MILP has the same score as fixed in every pair; "
        "the jobs do not tell whether the score of LP differs from fixed."
    )
    elsewhere = record({"s0": 1.0}, graph=replace(WB1, name="elsewhere"), case=key("greedy"))
    assert heading(*jobs({"fixed": 0.5, "lp": 0.9}), elsewhere) == (
        "By score LP is better than fixed; greedy has no pair of jobs with fixed."
    )
    assert "oracle" not in heading(*jobs({"fixed": 0.5, "lp": 0.9, "oracle": 1.0}))


def test_the_same_score_in_every_pair_is_said_with_the_interval_that_is_drawn() -> None:
    row = rows(built(*jobs({"lp": 0.5, "llm": 0.5, "greedy": 0.1}, count=12)))["lp"]
    assert row.mark is not None
    assert row.mark.low is not None
    told = re.search(r"other workflows may differ by up to ([\d.]+) points", row.sentence)
    assert told is not None
    assert f"-{told[1]} to +{told[1]}" in row.mark.title


def test_the_drawing_of_no_difference_says_the_same() -> None:
    found = built(*jobs({"fixed": 0.5, "lp": 0.5, "llm": 0.6}))
    assert found.drawing is not None
    titles = [mark.title.partition(",")[0] for mark in found.drawing.marks if mark is not None]
    assert titles == ["LP the same as fixed", "LLM 10.0 points better than fixed"]


def test_a_caption_speaks_of_intervals_where_there_are_any() -> None:
    scores = {"lp": 0.9, "llm": 0.5, "greedy": 0.2}
    assert built(*jobs(scores)).caption.endswith("with 95 % intervals that speak of other workflows like these.")
    assert built(*jobs(scores, count=3)).caption.endswith("over 3 pairs from 3 workflows.")
