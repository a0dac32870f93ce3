"""The section *Decision* of the page: where it is shown, and that its sentences follow from the figures."""

from __future__ import annotations

import re

import pytest

from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
from pytest_swarm.report.charts.gain_plot import gain_plot
from pytest_swarm.report.decision_text import decision_sentence
from pytest_swarm.report.decision_view import decision_views, flip_sentences
from pytest_swarm.report.html import render_html
from pytest_swarm.report.report_model import build_report
from tests.decision.runs import many


def test_the_page_begins_with_the_decision_of_a_run_with_several_policies() -> None:
    run = many({"fixed": 0.4, "milp": 0.8}, budgets_gb=(16.0, 24.0))
    page = render_html(build_report(run))
    assert page.index('id="decision"') < page.index('id="answer"')
    decisions = decide_runs([run], DecisionQuestion())
    for decision in decisions:
        assert decision_sentence(decision) in page
    assert page.count("What would change it") == 2
    assert "At 24GB the same policy is in force." in page


@pytest.mark.parametrize(
    "modes", [{"milp": 0.5}, {"milp": 0.5, "lp": 0.5}, {"single:gemma2:2b": 0.5, "single:phi4:14b": 0.5}]
)
def test_without_a_present_policy_there_is_no_decision(modes: dict[str, float]) -> None:
    run = many(modes)
    assert decision_views(run) == ()
    assert 'id="decision"' not in render_html(build_report(run))


def test_types_and_models_are_those_of_the_policy_in_force() -> None:
    (view,) = decision_views(many({"fixed": 0.4, "milp": 0.8}))
    assert (view.label, view.policy) == ("use", "MILP")
    assert {row.type: row.tasks for row in view.types} == {"extraction": 30, "math": 30, "code": 30}
    column = view.models.index("qwen2.5-coder:7b")
    assert {row.shares[column] for row in view.types} == {"100 %"}
    assert view.resident == (("qwen2.5-coder:7b", "100 %"),)


def test_the_drawing_holds_each_interval_and_the_honest_gain() -> None:
    (decision,) = decide_runs([many({"fixed": 0.4, "milp": 0.8, "greedy": 0.6})], DecisionQuestion())
    plot = gain_plot(decision)
    assert plot is not None
    assert [mark.mode for mark in plot.marks] == ["milp", "greedy"]
    for mark in plot.marks:
        assert plot.frame.left <= mark.low <= mark.middle <= mark.high <= plot.frame.right
    best = next(mark for mark in plot.marks if mark.best)
    assert best.mode == "milp"
    assert best.low <= plot.honest <= best.high
    assert plot.honest_y == best.y


def test_a_better_score_is_worth_its_tokens_up_to_a_weight() -> None:
    (decision,) = decide_runs([many({"fixed": 0.4, "milp": 0.8})], DecisionQuestion())
    (sentence,) = [each for each in flip_sentences(decision, ()) if "lambda_token" in each]
    gain = decision.mean("score", decision.best) - decision.mean("score", decision.present)
    cost = decision.mean("token_cost", decision.best) - decision.mean("token_cost", decision.present)
    told = float(re.search(r"below ([\d.,]+)\.$", sentence)[1].replace(",", ""))
    assert told == pytest.approx(3 * gain * 1000 / cost, rel=0.05)


def test_seven_jobs_show_the_sentence_and_nothing_else() -> None:
    (view,) = decision_views(many({"fixed": 0.4, "milp": 0.8}, jobs=7))
    assert view.sentence.startswith("7 jobs decide nothing")
    assert (view.plot, view.flips) == (None, ())
